"""What would explain a wrong tensor: mistakes that people make are tried, and those that fit named.

Each hypothesis predicts the whole tensor, from the golden tensors before it; it fits if every
element of the prediction is met within the tensor's own bound.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity_tests.harness.golden.manifest import GIVEN, STEP, Call, Set, Tensor

Array = np.ndarray[Any, np.dtype[Any]]
Guess = tuple[str, Array]
"""What would have happened, in words, and the tensor that comes of it."""

SLACK = 4.0  # of a bound: a prediction is made of several golden tensors, each with its rounding
MOST = 3  # causes per tensor
TINY = 1e-300


@dataclass(frozen=True)
class Evidence:
    """A golden set with its arrays."""

    set: Set
    arrays: Mapping[str, Array]

    def get(self, name: str) -> Array | None:
        """Return an array in float64, None if there is none."""
        value = self.arrays.get(name)
        return None if value is None else value.astype(np.float64)

    def maker(self, name: str) -> Call | None:
        """Return the call that returns an activation."""
        for call in self.set.calls:
            if name == call.output or name.startswith(f"{call.output}."):  # a part of several
                return call
        return None

    def readers(self, name: str) -> list[Call]:
        """Return the calls that read a tensor."""
        return [call for call in self.set.calls if name in call.reads]

    @property
    def batch(self) -> int:
        """N, the samples of the batch."""
        return len(self.arrays["input"])


def explain(evidence: Evidence, tensor: Tensor, got: Array, bound: float) -> tuple[str, ...]:
    """Return the hypotheses that fit, the most special ones first.

    Args:
        evidence: the golden set.
        tensor: which of it is wrong.
        got: somebody's values, of any shape.
        bound: of the tensor.
    """
    from parity_tests.harness.golden.causes_layer import layer_guesses

    want = evidence.arrays[tensor.name].astype(np.float64)
    if got.size != want.size:
        return _sizes(got, want)
    if not np.isfinite(got).all():
        return _not_finite(got)
    found: list[str] = []
    sources: tuple[Callable[[Evidence, Tensor, Array, Array], Iterator[Guess]], ...] = (
        lambda e, t, w, g: layer_guesses(e, t),
        _layouts,
        _factors,
        _other_tensors,
    )
    values = got.astype(np.float64).ravel()
    for source in sources:
        for text, predicted in source(evidence, tensor, want, values):
            if fits(values, predicted.ravel(), want.ravel(), bound) and text not in found:
                found.append(text)
                if len(found) == MOST:
                    return tuple(found)
    return tuple(found)


def fits(got: Array, predicted: Array, want: Array, bound: float) -> bool:
    """Whether a prediction is met, and says something else than the reference."""
    if got.shape != predicted.shape or np.array_equal(predicted, want):
        return False
    size = np.abs(predicted).max(initial=0.0) / max(np.abs(want).max(initial=0.0), TINY)
    return bool(np.abs(got - predicted).max(initial=0.0) <= SLACK * bound * max(1.0, size))


def _sizes(got: Array, want: Array) -> tuple[str, ...]:
    if want.size and got.size % want.size == 0 and got.size:
        return (f"it is {got.size // want.size} times as long: not summed over an axis",)
    return (f"it holds {got.size} numbers, {want.size} are expected",)


def _not_finite(got: Array) -> tuple[str, ...]:
    kinds = [("NaN", np.isnan(got)), ("infinite", np.isinf(got))]
    counts = [f"{int(mask.sum())} of {got.size} are {name}" for name, mask in kinds if mask.any()]
    return (", ".join(counts),)


def _layouts(evidence: Evidence, tensor: Tensor, want: Array, got: Array) -> Iterator[Guess]:
    """The right numbers in another order; an update may also step in another order."""
    start = evidence.get(tensor.name.replace("updated.", "parameter.", 1))
    if tensor.phase != STEP or start is None:
        yield from layouts(want, tensor.name)
        return
    for text, moved in layouts(want - start, tensor.name):
        yield f"the step is taken where {text}", start + moved.reshape(start.shape)


def layouts(value: Array, name: str) -> Iterator[Guess]:
    """Yield a tensor in the layouts that other libraries have."""
    if value.ndim == 2:
        yield (
            "it is transposed: (in, out) for (out, in)"
            if "weight" in name
            else ("it is transposed"),
            value.T,
        )
        yield "its rows are in reverse order", value[::-1]
        yield "its columns are in reverse order", value[:, ::-1]
    if value.ndim >= 3:
        kernels = "weight" in name
        flipped = "the kernel is flipped" if kernels else "the maps are turned by 180 degrees"
        yield flipped, value[..., ::-1, ::-1]
        yield "rows are in reverse order", value[..., ::-1, :]
        yield "columns are in reverse order", value[..., ::-1]
        yield "height and width are swapped", value.swapaxes(-1, -2)
    if value.ndim == 4:
        if "weight" in name:
            yield "it is in HWIO, not OIHW", value.transpose(2, 3, 1, 0)
            yield "it is in OHWI, not OIHW", value.transpose(0, 2, 3, 1)
            yield "its first two axes are swapped: (in, out) for (out, in)", value.swapaxes(0, 1)
        else:
            yield "it is in NHWC, not NCHW", value.transpose(0, 2, 3, 1)
    if value.ndim == 1 and value.size > 1:
        yield "it is in reverse order", value[::-1]


def _factors(evidence: Evidence, tensor: Tensor, want: Array, got: Array) -> Iterator[Guess]:
    """The right numbers times a constant; of an update, the right step."""
    start = np.zeros_like(want)
    step = tensor.phase == STEP
    if step:
        found = evidence.get(tensor.name.replace("updated.", "parameter.", 1))
        if found is None:
            return
        start = found
    moved = (want - start).ravel()
    size = float(moved @ moved)
    if size < TINY:
        return
    raw = float((got - start.ravel()) @ moved) / size
    what = "the step" if step else "it"
    named = [
        (factor, text)
        for factor, text in _names_of_factors(evidence, want, step)
        if math.isclose(raw, factor, rel_tol=1e-4, abs_tol=1e-9)
    ]
    for factor, text in named:
        yield f"{what} is {text}", start + factor * (want - start)
    if want.size > 2 and not named:
        yield f"{what} is {raw:.6g} times the reference", start + raw * (want - start)


def _names_of_factors(evidence: Evidence, want: Array, step: bool) -> Iterator[tuple[float, str]]:
    n = evidence.batch
    yield 0.0, "zero: not computed"
    yield -1.0, "of the wrong sign" + (": uphill" if step else "")
    yield 2.0, "doubled: added twice, or not set to zero before"
    yield 0.5, "halved"
    sums = "sum for mean, or mean for sum"
    yield float(n), f"N = {n} times too large: a sum over the batch where a mean belongs"
    yield 1 / n, f"N = {n} times too small: a mean over the batch where a sum belongs, or two means"
    yield -float(n), f"-N = -{n} times the reference: a sum for a mean, and the sign"
    if n > 1:
        yield n / (n - 1), "N / (N - 1) times too large: unbiased for biased variance"
        yield (n - 1) / n, "(N - 1) / N times too small: biased for unbiased variance"
    output = next(a for name, a in evidence.arrays.items() if name.partition(".")[0] == "output")
    for weight in {w for call in evidence.set.calls for w in _loss_weights(call) if w != 1}:
        yield 1 / weight, f"not multiplied by its output's weight in the loss, {weight:g}"
    width = output.size // n
    if width > 1:
        yield float(width), f"{width} times too large ({width} outputs): {sums} over the outputs"
        yield 1 / width, f"{width} times too small ({width} outputs): {sums} over the outputs"
        yield 1 / (n * width), f"{n * width} times too small: a mean over all outputs of the batch"
    yield 1 / math.log(2), "1 / ln 2 times too large: the logarithm to base 2"
    yield 1 / math.log(10), "1 / ln 10 times the reference: the logarithm to base 10"


def _loss_weights(call: Call) -> list[float]:
    return list(call.options.get("loss_weights", {}).values())


def _other_tensors(evidence: Evidence, tensor: Tensor, want: Array, got: Array) -> Iterator[Guess]:
    """Another golden tensor stands in its place."""
    for other in evidence.set.tensors:
        if other.name != tensor.name and math.prod(other.shape) == want.size and want.size > 1:
            value = evidence.arrays[other.name].astype(np.float64)
            yield _instead(evidence, tensor, other.name), value


def _instead(evidence: Evidence, tensor: Tensor, other: str) -> str:
    read = tensor.name.replace("cotangent.", "activation.", 1)
    for call in evidence.readers(read):
        if tensor.role == "cotangent" and other == call.cotangent:
            if call.kind == "Add":
                return f"only the branch through {call.path} arrives: it equals {other}"
            return f"the derivative of {call.path} is left out: it equals {other}"
    maker = evidence.maker(tensor.name)
    if maker is not None and other in maker.reads:
        return f"{maker.path} is left out: it equals {other}"
    if tensor.phase == STEP and other == tensor.name.replace("updated.", "parameter.", 1):
        return "the step is not made"
    phase = "" if evidence.set.tensor(other).phase != GIVEN else "given "
    return f"it is mixed up with the {phase}{other}"
