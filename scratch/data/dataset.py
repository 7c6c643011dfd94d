"""What every data set looks like once it is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from scratch.data.crops import Crops

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Split:
    """Samples and their targets.

    Attributes:
        x: (N, *shape) float32, as the network takes them.
        y: (N, outputs) float32 for regression and binary tasks, (N,) int64 for several classes.
        crops: how the pictures vary from epoch to epoch, None if they do not.
    """

    x: Array
    y: Array
    crops: Crops | None = None

    def __len__(self) -> int:
        return len(self.x)

    def batch(self, rows: Array, seed: int, epoch: int) -> tuple[Array, Array]:
        """Return the samples of some rows (B,) and their targets, as an epoch of a run shows them.

        Args:
            rows: which samples.
            seed: of the run.
            epoch: counted from 0.
        """
        x = self.x[rows]
        if self.crops is not None:
            x = self.crops(x, rows, len(self), seed, epoch)
        return x, self.y[rows]


@dataclass(frozen=True)
class Table:
    """A real data set before it is split and scaled.

    Attributes:
        x: (N, F) float64, or images (N, h, w) uint8.
        y: (N,) labels int64, or targets float64.
        features: names of the columns, with units.
        classes: names of the classes, empty for regression.
        source: credit and licence.
    """

    x: Array
    y: Array
    features: tuple[str, ...]
    classes: tuple[str, ...]
    source: str


@dataclass(frozen=True)
class Dataset:
    """Three splits that share no sample.

    Exceptions: truth tables, all differences of binary numbers, and the book's own files of
    chapters 4 to 7, which have no test part; there every split is the whole set.

    Attributes:
        name: key of the set.
        train: what training sees.
        val: what is measured after every epoch.
        test: what is measured once, at the end.
        classes: names of the classes in label order; empty for regression.
        preprocessing: how raw input becomes `x`, see `scratch.data.preprocess`; plain values.
        source: where the data comes from, its licence and whom to credit.
    """

    name: str
    train: Split
    val: Split
    test: Split
    classes: tuple[str, ...]
    preprocessing: Mapping[str, Any]
    source: str
