"""Is a backward right? Three ways to ask the forward.

A module is reduced to the number L = sum(d_output * forward(x)), whose derivatives are what
backward returns for that d_output. Every way compares (analytic, numeric) pairs per tensor:

- `complex_step` moves one entry by i h. Since L(x + ih) = L(x) + i h L'(x) + O(h^2), the imaginary
  part divided by h is the derivative to the last bit: no difference of two nearby numbers is taken,
  so h may be 1e-30 (Squire and Trapp, "Using complex variables to estimate derivatives of real
  functions", SIAM Review 40, 1998).
- `directional` moves all entries of a tensor at once, each by its own amount: one forward checks a
  whole tensor.
- `finite_difference` moves one entry a little to both sides (the book, 12.2). It needs no complex
  arithmetic and is wrong from the eleventh digit on.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from scratch.nn import Dropout, Module, inference
from scratch.reused import Reused

Array = np.ndarray[Any, np.dtype[Any]]
Pairs = dict[str, tuple[Array, Array]]

STEP = 1e-30
DIFFERENCE_STEP = float(np.cbrt(np.finfo(np.float64).eps))
"""6e-6, where the error of the formula, h^2 L'''/6, and of rounding, eps |L| / h, are alike."""

MORE = 4
"""How often entries are drawn again of a tensor all of whose drawn entries have no derivative."""

KINK = 1e-3
"""Slopes to the left and to the right differ by h L'' (some 1e-5) where L is smooth."""

BANDS = ((1e-7, "right"), (1e-4, "acceptable"), (1e-2, "suspect"), (np.inf, "wrong"))
"""How the book (12.2) reads `norm_ratio` of a finite difference."""


def complex_step(
    module: Module,
    inputs: tuple[Array, ...],
    d_output: Any = None,
    entries: int | None = None,
    seed: int = 0,
    reuse: bool = False,
) -> Pairs:
    """Compare backward with the complex step.

    Args:
        module: in float64; neither it nor its gradients change.
        inputs: of its forward, float64 (or integers, which have no derivative). For a loss, the
            output of a network and the target.
        d_output: shape of the output, a NamedTuple for several; random and signed if None.
        entries: how many entries of each tensor, drawn at random; None for all. Where rectifiers
            shut all of them out, as many again are drawn, `MORE` times at most.
        seed: of what is drawn.
        reuse: take what a layer gave at first where the moved entry does not reach it. The numbers
            are the same; of a deep network it takes a third of the time. Supposes layers that
            write to none of their inputs and remember nothing but their buffers.

    Returns:
        Analytic and numeric derivatives by name: "dx" (or "dx0", "dx1", ... if backward returns
        several), then the parameters. Each is of the tensor's shape, or (entries,) where drawn,
        a multiple of it where that many were drawn again.
    """
    check = _Check(module, inputs, d_output, seed)
    if reuse:
        check.reuse()
    pairs: Pairs = {}
    for name, gradient, tensor in check.tensors():
        places = check.places(gradient, entries)
        numeric = check.derivatives(tensor, places)
        for _ in range(MORE):
            if entries is None or numeric.any() or len(places) == gradient.size:
                break
            more = check.places(gradient, entries, places)
            places = np.concatenate([places, more])
            numeric = np.concatenate([numeric, check.derivatives(tensor, more)])
        pairs[name] = _shaped(gradient, numeric, places)
    return pairs


def directional(
    module: Module,
    inputs: tuple[Array, ...],
    d_output: Any = None,
    count: int = 4,
    seed: int = 0,
) -> Pairs:
    """Compare backward with the complex step along random directions, all entries at once.

    Args:
        module: as for `complex_step`.
        inputs: likewise.
        d_output: likewise.
        count: directions per tensor.
        seed: of what is drawn.

    Returns:
        By name, (count,) derivatives along the directions: sum(gradient * direction) and numeric.
    """
    check = _Check(module, inputs, d_output, seed)
    pairs: Pairs = {}
    for name, gradient, tensor in check.tensors():
        values = tensor.copy()
        analytic, numeric = np.empty(count), np.empty(count)
        for number in range(count):
            direction = check.rng.standard_normal(tensor.shape)
            tensor[...] = values + 1j * STEP * direction
            numeric[number] = check.run().imag / STEP
            analytic[number] = (gradient * direction).sum()
        tensor[...] = values
        pairs[name] = analytic, numeric
    return pairs


def finite_difference(
    module: Module,
    inputs: tuple[Array, ...],
    d_output: Any = None,
    entries: int | None = None,
    seed: int = 0,
    step: float = DIFFERENCE_STEP,
) -> tuple[Pairs, dict[str, int]]:
    """Compare backward with (L(x + h) - L(x - h)) / 2h, h = step * max(1, |x|).

    A difference across a kink (ReLU at 0, two equal values under a maximum) is no derivative. Such
    entries show in slopes that differ from left to right; they are left out and counted. Expect a
    `norm_ratio` of 1e-11 to 1e-8 for a right backward.

    Args:
        module: as for `complex_step`.
        inputs: likewise.
        d_output: likewise.
        entries: likewise.
        seed: likewise.
        step: relative step.

    Returns:
        By name, the derivatives (n,) of the entries that were compared; and how many were left out
        because of a kink.
    """
    check = _Check(module, inputs, d_output, seed)
    pairs: Pairs = {}
    skipped: dict[str, int] = {}
    middle = check.run().real
    for name, gradient, tensor in check.tensors():
        places = check.places(gradient, entries)
        left, right = np.empty(len(places)), np.empty(len(places))
        for number, place in enumerate(places):
            index = np.unravel_index(place, tensor.shape)
            value = tensor[index]
            h = step * max(1.0, float(abs(value)))
            tensor[index] = value + h
            right[number] = (check.run().real - middle) / (tensor[index] - value).real
            tensor[index] = value - h
            left[number] = (middle - check.run().real) / (value - tensor[index]).real
            tensor[index] = value
        central = (left + right) / 2
        smooth = np.abs(right - left) <= KINK * np.abs(central).max(initial=0.0)
        pairs[name] = gradient.reshape(-1)[places][smooth], central[smooth]
        skipped[name] = int((~smooth).sum())
    return pairs, skipped


def deviation(pairs: Pairs) -> dict[str, float]:
    """Return the largest |analytic - numeric| of each tensor, relative to its largest numeric one.

    A tensor without gradient, analytic and numeric, deviates by 0.
    """
    return {
        name: float(np.abs(analytic - numeric).max(initial=0.0))
        / (float(np.abs(numeric).max(initial=0.0)) or 1.0)
        for name, (analytic, numeric) in pairs.items()
    }


def norm_ratio(analytic: Array, numeric: Array) -> float:
    """Return ||analytic - numeric|| / (||analytic|| + ||numeric||), the measure of the book (12.2).

    >>> norm_ratio(np.array([3.0, 4.0]), np.array([3.0, 4.0]))
    0.0
    """
    sizes = float(np.linalg.norm(analytic) + np.linalg.norm(numeric))
    return float(np.linalg.norm(analytic - numeric)) / (sizes or 1.0)


def reading(ratio: float) -> str:
    """Return how the book reads a `norm_ratio`: right, acceptable, suspect or wrong.

    >>> reading(3e-10), reading(0.5)
    ('right', 'wrong')
    """
    return next(word for limit, word in BANDS if ratio < limit or limit == np.inf)


class _Check:
    """A module's gradients by backward, and a complex copy of it to run anew."""

    def __init__(self, module: Module, inputs: tuple[Array, ...], d_output: Any, seed: int) -> None:
        self.rng = np.random.default_rng(seed)
        analytic = copy.deepcopy(module)
        analytic.zero_grad()
        output = analytic(*inputs)
        several = isinstance(output, tuple)
        outputs = output if several else (output,)
        given = [None] * len(outputs) if d_output is None else d_output if several else [d_output]
        self._d_outputs = [
            self.rng.standard_normal(np.shape(value)) if one is None else np.asarray(one)
            for value, one in zip(outputs, given, strict=True)
        ]
        kind: Any = type(output)
        first = self._d_outputs[0]
        whole = kind(*self._d_outputs) if several else first if first.ndim else first[()]
        dx = analytic.backward(whole)
        self._dx = dx if isinstance(dx, tuple) else (dx,)
        self._gradients = {name: p.grad for name, p in analytic.named_parameters()}
        self._frozen = copy.deepcopy(module).astype(np.complex128)
        self._parameters = {name: p.data for name, p in self._frozen.named_parameters()}
        parts = [part for _, part in self._frozen.named_modules()]
        self._buffers = [
            (part, name, value.copy()) for part in parts for name, value in part._buffers.items()
        ]
        self._generators = [
            (part.generator.bit_generator, part.generator.bit_generator.state)
            for part in parts
            if isinstance(part, Dropout)
        ]
        # Only what backward returns a gradient for is moved; a target stays real.
        self._inputs = tuple(
            x.astype(np.complex128) if i < len(self._dx) and x.dtype.kind == "f" else x
            for i, x in enumerate(inputs)
        )
        self._layers: list[Reused] = []

    def reuse(self) -> None:
        """Remember what every layer gives, and give it again where nothing before it has moved."""
        self._layers = [
            Reused(part)
            for _, part in self._frozen.named_modules()
            if not part._modules and part is not self._frozen and not isinstance(part, Dropout)
        ]
        self.run()

    def tensors(self) -> Iterator[tuple[str, Array, Array]]:
        """Yield name, gradient, and the complex array to move."""
        for number, gradient in enumerate(self._dx):
            name = "dx" if len(self._dx) == 1 else f"dx{number}"
            if self._inputs[number].dtype.kind == "c":
                yield name, gradient, self._inputs[number]
        for name, gradient in self._gradients.items():
            yield name, gradient, self._parameters[name]

    def places(self, gradient: Array, entries: int | None, without: Any = ()) -> Array:
        """Return the flat indices to check, none of those `without`."""
        left = np.setdiff1d(np.arange(gradient.size), without)
        if entries is None or entries >= len(left):
            return left
        return np.sort(self.rng.choice(left, entries, replace=False))

    def derivatives(self, tensor: Array, places: Array) -> Array:
        """Return dL by every entry of a tensor at `places`, by the complex step."""
        numeric = np.empty(len(places))
        for number, place in enumerate(places):
            index = np.unravel_index(place, tensor.shape)
            value = tensor[index]
            tensor[index] = value + 1j * STEP
            numeric[number] = self.run(tensor).imag / STEP
            tensor[index] = value
        return numeric

    def run(self, moved: Array | None = None) -> complex:
        """Return L, with whatever a forward changes (masks that are drawn, buffers) as at first.

        Args:
            moved: the tensor of which an entry is not what it was.
        """
        for layer in self._layers:
            layer.begin(moved)
        for module, name, value in self._buffers:
            setattr(module, name, value.copy())
        for generator, state in self._generators:
            generator.state = state
        with inference():
            output = self._frozen(*self._inputs)
        outputs = output if isinstance(output, tuple) else (output,)
        pairs = zip(self._d_outputs, outputs, strict=True)
        return complex(sum((one * value).sum() for one, value in pairs))


def _shaped(gradient: Array, numeric: Array, places: Array) -> tuple[Array, Array]:
    if len(places) == gradient.size:
        return gradient, numeric.reshape(gradient.shape)
    return gradient.reshape(-1)[places], numeric
