"""The trainings of the lesson about normalisation, and the normal equation beside them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from scratch.data import Dataset
    from scratch.nn import Module
    from scratch.nn.parameter import Array
    from scratch.spec.schema import Chapter

CHAPTER = "house_price"
RAW = "none"  # what NORMALISATIONS calls raw values
QUERY = (15.0, 93.0)  # km, m2 (book, 5.2)
SHARE = 0.9  # of the R2 of least squares: converged


@dataclasses.dataclass(frozen=True)
class Run:
    """A training.

    Attributes:
        dataset: its record says how it is normalised.
        model: the network after training.
        rows: one per epoch as in metrics.csv; none if it diverged.
        diverged: the loop's message, "" if the loss stayed finite.
    """

    dataset: Dataset
    model: Module
    rows: Sequence[Mapping[str, Any]]
    diverged: str

    @property
    def r2(self) -> list[float]:
        """On the validation samples, after every epoch."""
        return [row["val_metric"] for row in self.rows]

    def normalised(self, query: Array) -> Array:
        """Return raw rows (N, 2) as the network takes them."""
        from scratch.data import preprocess

        return preprocess.apply(self.dataset.preprocessing, query)

    def price(self, x: Array) -> float:
        """Return the price, in 10,000 yuan, of a row x (1, 2) fed to the network as it is."""
        from scratch.data.preprocess import invert_target
        from scratch.train import predict

        output = predict(self.model, x.astype(self.dataset.train.x.dtype))
        return float(invert_target(self.dataset.preprocessing, output)[0, 0])

    def restored(self) -> tuple[Array, Array]:
        """Return weights (1, 2) and bias (1,) in raw units.

        Raises:
            UserError: the normalisation is not linear.
        """
        from scratch.data.denormalise import denormalise_linear

        state = self.model.state_dict()
        weights, bias = state["linear.weight"], state["linear.bias"]
        return denormalise_linear(weights, bias, self.dataset.preprocessing)


class Lesson:
    """The runs of the lesson, each trained once, and the least squares solution.

    Args:
        seed: of data, weights and batches.
        epochs: of every training; the chapter's number if None.

    Attributes:
        chapter: the flats, as the spec has them.
        query: (1, 2), km and m2.
        weights: (1, 2) of the normal equation, in 10,000 yuan per km and per m2.
        bias: (1,) of it, in 10,000 yuan.
        best: its R2 on the validation samples.
    """

    def __init__(self, seed: int = 0, epochs: int | None = None) -> None:
        import numpy as np

        from scratch import data, spec
        from scratch.run.metrics import score

        self.seed, self.epochs = seed, epochs
        self.chapter = spec.get(CHAPTER)
        self.query = np.array([QUERY])
        self._runs: dict[tuple[str, str, str], Run] = {}
        raw = data.load(self._plan(RAW, RAW, self.chapter.train.optimizer), seed=seed)
        x, y = (array.astype(np.float64) for array in (raw.train.x, raw.train.y))
        solution = np.linalg.lstsq(np.append(x, np.ones_like(y), axis=1), y, rcond=None)[0]
        self.weights, self.bias = solution[:-1].T, solution[-1]
        fitted = raw.val.x @ self.weights.T + self.bias
        self.best = score(self.chapter.data.task, fitted, raw.val.y)["r2"]

    @property
    def right(self) -> float:
        """Price of the query by the normal equation, in 10,000 yuan."""
        return float((self.query @ self.weights.T + self.bias)[0, 0])

    @property
    def enough(self) -> float:
        """R2 from which a run counts as converged."""
        return SHARE * self.best

    def run(self, features: str = "", label: str = RAW, optimizer: str = "") -> Run:
        """Return a training with normalised features and label.

        Args:
            features: one of NORMALISATIONS, "" for the chapter's own.
            label: one of NORMALISATIONS.
            optimizer: trains with the chapter's rate; "" for the chapter's own.
        """
        own = self.chapter
        key = (features or own.data.normalise, label, optimizer or own.train.optimizer)
        if key not in self._runs:
            self._runs[key] = self._train(self._plan(*key))
        return self._runs[key]

    def converged(self, run: Run) -> int | None:
        """Return the first epoch with an R2 of `enough`, None if there is none."""
        return next((n for n, r2 in enumerate(run.r2, start=1) if r2 >= self.enough), None)

    def _plan(self, features: str, label: str, optimizer: str) -> Chapter:
        own = self.chapter
        return dataclasses.replace(
            own,
            data=dataclasses.replace(own.data, normalise=features, normalise_target=label),
            train=dataclasses.replace(own.train, optimizer=optimizer),
        )

    def _train(self, plan: Chapter) -> Run:
        import scratch
        from scratch import data
        from scratch.spec.errors import DivergedError
        from scratch.train import fit

        dataset = data.load(plan, seed=self.seed)
        model = scratch.build(plan.id, seed=self.seed)
        try:
            history = fit(plan, model, dataset, epochs=self.epochs, seed=self.seed, progress=False)
        except DivergedError as error:
            return Run(dataset, model, (), str(error))
        return Run(dataset, model, history.rows, "")
