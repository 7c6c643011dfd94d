"""The arrays of a data set as Lightning wants them, in the order that both twins read.

The order of an epoch is a pure function of seed and epoch (`scratch.data.order`), so a run can be
taken up in the middle of an epoch: all it must remember is how many batches it has seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import lightning
import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset, Sampler

from scratch.data import Dataset as ArrayDataset
from scratch.data import Split
from scratch.data.order import batches, evaluation_batch
from scratch.spec.schema import Chapter

Pair = tuple[torch.Tensor, torch.Tensor]


class SplitTensors(Dataset[Pair]):
    """One split as two tensors; a whole batch is taken by one indexing.

    Args:
        split: the arrays.
        dtype: what floating arrays become; class numbers stay int64.
        order: says which epoch of which run it is, where pictures vary; None: they do not.
    """

    def __init__(
        self, split: Split, dtype: torch.dtype, order: OrderedBatches | None = None
    ) -> None:
        self.crops, self.order = split.crops, order
        self.x, self.y = (
            torch.tensor(a, dtype=dtype if a.dtype.kind == "f" else None)
            for a in (split.x, split.y)
        )

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> Pair:
        return self.x[index], self.y[index]

    def __getitems__(self, indices: list[int]) -> Pair:
        """Return the batch at `indices`: x (B, *shape) and y."""
        x = self.x[indices]
        if self.crops is not None and self.order is not None:
            varied = (len(self), self.order.seed, self.order.epoch)
            x = torch.from_numpy(self.crops(x.numpy(), np.array(indices), *varied))
        return x, self.y[indices]


class OrderedBatches(Sampler[list[int]]):
    """The batches of an epoch, from the one that comes next.

    Lightning calls `set_epoch` on `loader.sampler` and `loader.batch_sampler.sampler` only, so
    this batch sampler shows itself under the name `sampler`; without that every epoch would
    silently repeat the first one.
    """

    def __init__(self, n: int, batch_size: int, seed: int) -> None:
        self.n, self.batch_size, self.seed = n, batch_size, seed
        self.epoch = 0
        self.start = 0
        self.sampler = self

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch whose order the next iteration follows."""
        self.epoch = epoch

    def __len__(self) -> int:
        return -(-self.n // self.batch_size)

    def __iter__(self) -> Iterator[list[int]]:
        plan = batches(self.n, self.batch_size, self.seed, self.epoch)
        start, self.start = self.start, 0
        return iter([batch.tolist() for batch in plan[start:]])


class ResumableLoader(DataLoader[Pair]):
    """A loader that can say how far it is in the epoch, and go on from there.

    It holds its own generator, so that iterating draws nothing from torch's global one.
    """

    def __init__(self, split: Split, dtype: torch.dtype, batch_size: int, seed: int) -> None:
        order = OrderedBatches(len(split), batch_size, seed)
        tensors = SplitTensors(split, dtype, order)
        super().__init__(
            tensors, batch_sampler=order, collate_fn=_as_is, generator=torch.Generator()
        )
        self.order = order
        self.seen = 0

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        # A generator: Lightning asks for the iterator before it sets the epoch, and the body runs
        # at the first batch only.
        self.seen = self.order.start
        for batch in super().__iter__():
            self.seen += 1
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Return how many batches of the epoch were handed out (0 after the last one)."""
        return {"seen": self.seen % len(self.order)}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Make the next iteration start after the batches that were seen."""
        self.order.start = state["seen"]


def _as_is(batch: Any) -> Any:
    return batch


class ChapterData(lightning.LightningDataModule):
    """Training, validation and test batches of a chapter.

    Args:
        chapter: gives the batch size.
        dataset: the arrays.
        seed: of the batch order.
        dtype: of the network.
    """

    def __init__(
        self,
        chapter: Chapter,
        dataset: ArrayDataset,
        seed: int = 0,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        super().__init__()
        self.chapter, self.dataset, self.seed, self.dtype = chapter, dataset, seed, dtype

    def train_dataloader(self) -> ResumableLoader:
        """Return the training batches in the order of (seed, epoch)."""
        size = self.chapter.train.batch_size
        return ResumableLoader(self.dataset.train, self.dtype, size, self.seed)

    def val_dataloader(self) -> DataLoader[Pair]:
        """Return the validation split in file order."""
        return self._in_order(self.dataset.val)

    def test_dataloader(self) -> DataLoader[Pair]:
        """Return the test split in file order."""
        return self._in_order(self.dataset.test)

    def _in_order(self, split: Split) -> DataLoader[Pair]:
        tensors = SplitTensors(split, self.dtype)
        size = evaluation_batch(split.x.shape[1:])
        return DataLoader(tensors, batch_size=size, collate_fn=_as_is, generator=torch.Generator())
