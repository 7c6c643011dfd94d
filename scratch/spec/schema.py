"""What a chapter says about itself: the numbers that both twins, the loops and the proof share.

Everything here is frozen data from the standard library. No number that stands in a chapter is
typed again anywhere else, and because a shared number can be wrong in both twins at once, each
chapter carries `Facts` taken from a paper or a book, which the tests hold against both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from scratch.spec.errors import UserError, unknown

NORMALISATIONS = ("none", "min-max", "mean", "log", "arctan", "z-score", "centre", "ratio")


@dataclass(frozen=True)
class Source:
    """Where a network or a number was published."""

    title: str
    where: str = ""
    link: str = ""


@dataclass(frozen=True)
class Data:
    """The data set of a chapter and how a sample enters the network.

    Attributes:
        name: key of `scratch.data` for the default, embedded set.
        shape: one sample as the network takes it, without the batch.
        task: "regression", "binary" (one yes-or-no answer, or several) or "multiclass".
        classes: names of the classes, in label order.
        features: names of the inputs of a tabular set, with units; of a sequence, step after step.
        target: name of the predicted quantity, with its unit.
        alternatives: bundled real sets of the same shape.
        value_range: images only: what an empty and a fully inked pixel become.
        normalise: one of NORMALISATIONS for the features; fitted on the training split only.
        normalise_target: the same for a regression's target.
        options: arguments of the generator; further ones are told in `scratch.data.loading`.

    Raises:
        UserError: an unknown normalisation.
    """

    name: str
    shape: tuple[int, ...]
    task: str
    classes: tuple[str, ...] = ()
    features: tuple[str, ...] = ()
    target: str = ""
    alternatives: tuple[str, ...] = ()
    value_range: tuple[float, float] | None = None
    normalise: str = "none"
    normalise_target: str = "none"
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for kind in (self.normalise, self.normalise_target):
            if kind not in NORMALISATIONS:
                raise unknown("normalisation", kind, NORMALISATIONS)


@dataclass(frozen=True)
class Stop:
    """When a run ends before its last epoch; rules that are None do not apply.

    Attributes:
        loss: end when the validation loss is at most this.
        difference: end when the validation loss has changed by less than this four checks in a row.
        patience: end when the validation loss has not fallen below its lowest for this many checks
            in a row. The network then has the weights of the lowest, also if the epochs run out.
        check_every: epochs from one check to the next.

    Raises:
        ValueError: a patience or an interval below 1.
    """

    loss: float | None = None
    difference: float | None = None
    patience: int | None = None
    check_every: int = 1

    def __post_init__(self) -> None:
        for name in ("patience", "check_every"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"{name} is at least 1; got {value}")


@dataclass(frozen=True)
class Train:
    """Loss, optimiser and every hyper-parameter of a chapter's default run.

    Attributes:
        loss: class name, the same in `scratch.nn` and in torch (or `ref_torch.nn`).
        optimizer: class name, the same in `scratch.optim` and `torch.optim` (the book's variants:
            `ref_torch.book_optim`).
        lr: initial learning rate.
        batch_size: samples per step.
        epochs: passes over the training split.
        optimizer_args: further constructor arguments.
        schedule: "" or a class name of `scratch.schedule`, stepped once per epoch.
        schedule_args: its constructor arguments; the `schedulers` of a SequentialLR are (name,
            arguments) pairs.
        init: scheme of `scratch.init`.
        initial: values of named parameters that are given instead of drawn.
        l1: adds l1 sum|w| / m to the loss of a step, m its samples; weights only, no biases.
        l2: adds l2 sum w^2 / (2 m).
        stop: when the run ends early, None for never.
        loss_weights: of a network that returns several outputs in training: the loss is the sum of
            each field's own, times its weight.
    """

    loss: str
    optimizer: str
    lr: float
    batch_size: int
    epochs: int
    optimizer_args: Mapping[str, Any] = field(default_factory=dict)
    schedule: str = ""
    schedule_args: Mapping[str, Any] = field(default_factory=dict)
    init: str = "torch"
    initial: Mapping[str, float] = field(default_factory=dict)
    l1: float = 0.0
    l2: float = 0.0
    stop: Stop | None = None
    loss_weights: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Expected:
    """The band in which the default run ends on the test split.

    Attributes:
        metric: "accuracy", "r2" or "loss".
        low: smallest acceptable value; None for a network that no run here trains to its end.
        high: largest acceptable value, None for no limit.
        note: how the band was obtained.
    """

    metric: str
    low: float | None
    high: float | None = None
    note: str = ""


@dataclass(frozen=True)
class Domain:
    """Where a network is defined that has no real value everywhere; proofs stay inside.

    Attributes:
        inputs: least and largest size of a feature, of either sign.
        weights: the same of a weight.
        targets: least and largest target, positive.
    """

    inputs: tuple[float, float]
    weights: tuple[float, float]
    targets: tuple[float, float]


@dataclass(frozen=True)
class Facts:
    """Published numbers that neither twin computes, at full size.

    Attributes:
        parameters: count of trainable numbers.
        shapes: output shape of a named module, without the batch.
        source: where the numbers stand.
        multiply_adds: of convolutions and linear layers for one input, in thousand millions to
            three decimals; None where nobody published them.
    """

    parameters: int
    shapes: Mapping[str, tuple[int, ...]]
    source: Source
    multiply_adds: float | None = None


@dataclass(frozen=True)
class Onnx:
    """Names in the exported file and the axes that stay free."""

    input: str = "input"
    output: str = "output"
    dynamic: tuple[str, ...] = ("batch",)


@dataclass(frozen=True)
class Tiny:
    """What the small size changes; every structural feature of the network stays.

    Attributes:
        arguments: constructor arguments that differ.
        shape: shape of one sample, None where it stays.
    """

    arguments: Mapping[str, Any] = field(default_factory=dict)
    shape: tuple[int, ...] | None = None


@dataclass(frozen=True)
class Chapter:
    """One model of the book.

    Attributes:
        id: name on the command line.
        title: English title.
        title_zh: Chinese title.
        step: step of the book, 1 to 9.
        book: chapter of the book.
        sources: papers and book sections.
        file: module in `scratch/models` and in `ref_torch/models`.
        model: class in that module.
        arguments: its constructor arguments.
        tiny: what the small size changes.
        exact: arguments that turn it into its exact-arithmetic form: piecewise linear, and
            averaging over powers of two only. None for a network that has no such form.
        data: data set.
        train: hyper-parameters.
        expected: where the default run ends.
        facts: published numbers.
        domain: where it is defined, None for everywhere.
        null_directions: parameters whose true gradient is zero in training, such as the bias of a
            linear layer before batch normalisation; proofs hold them to rounding alone.
        deviations: sentences that say how the network differs from the publication.
        onnx: names and free axes of the export.
        presets: fields of `train` that differ, by the name of the preset ("book": the book's own
            run, in full); "data" among them holds options of the data that differ.
        size: "full" or "tiny".
    """

    id: str
    title: str
    title_zh: str
    step: int
    book: str
    sources: tuple[Source, ...]
    file: str
    model: str
    arguments: Mapping[str, Any]
    data: Data
    train: Train
    expected: Expected
    facts: Facts
    tiny: Tiny = field(default_factory=Tiny)
    exact: Mapping[str, Any] | None = field(default_factory=dict)
    domain: Domain | None = None
    null_directions: tuple[str, ...] = ()
    deviations: tuple[str, ...] = ()
    onnx: Onnx = field(default_factory=Onnx)
    presets: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    size: str = "full"

    def at(self, size: str) -> Chapter:
        """Return the chapter at `size`, with that size's arguments and sample shape."""
        if size == "full":
            return self
        shape = self.tiny.shape or self.data.shape
        names = self.data.classes[: self.tiny.arguments.get("classes")]
        return replace(
            self,
            size=size,
            arguments={**self.arguments, **self.tiny.arguments},
            data=replace(self.data, shape=shape, classes=names),
        )

    def with_preset(self, name: str) -> Chapter:
        """Return the chapter with the hyper-parameters of a preset.

        Raises:
            UserError: no such preset.
        """
        if not self.presets:
            raise UserError(f'{self.id} has no preset "{name}", nor any other')
        if name not in self.presets:
            raise unknown(f"preset of {self.id}", name, self.presets)
        changes = dict(self.presets[name])
        data = self.data
        if "data" in changes:
            data = replace(data, options={**data.options, **changes.pop("data")})
        return replace(self, data=data, train=replace(self.train, **changes))
