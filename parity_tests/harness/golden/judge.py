"""Hold somebody's tensors against a golden set: verdicts in execution order, first divergence."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from parity_tests.harness.compare import Comparison, compare
from parity_tests.harness.golden.causes import Evidence, explain
from parity_tests.harness.golden.manifest import GIVEN, Bound, Set, Tensor
from parity_tests.harness.verdict import FAILING, Verdict

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Row:
    """The verdict on one tensor.

    Attributes:
        tensor: what it is.
        found: the comparison; None if the tensor was not given.
        bound: which it had to meet; None if it is not compared.
        pattern: where it differs, in words.
        causes: what would explain it, in words; each was tried and fits.
    """

    tensor: Tensor
    found: Comparison | None
    bound: Bound | None
    pattern: str = ""
    causes: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """PASS, FAIL, MISTRUSTED, "not given" or "not compared"."""
        if self.bound is None:
            return "not compared"
        return "not given" if self.found is None else str(self.found.verdict)

    @property
    def failing(self) -> bool:
        """Whether the tensor is outside its bound, or the comparison says nothing."""
        return self.found is not None and self.found.verdict in FAILING


@dataclass(frozen=True)
class Report:
    """The verdicts on one set.

    Attributes:
        set: its name.
        dtype: precision whose bounds were applied.
        rows: in execution order.
        unknown: names that the set does not have, each with the nearest that it has, or "".
    """

    set: str
    dtype: str
    rows: tuple[Row, ...]
    unknown: Mapping[str, str] = field(default_factory=dict)

    @property
    def given(self) -> tuple[Row, ...]:
        """The rows that were compared."""
        return tuple(row for row in self.rows if row.found is not None)

    @property
    def first(self) -> Row | None:
        """The first row that fails, None if all pass."""
        return next((row for row in self.rows if row.failing), None)


def precision(mine: Mapping[str, Array]) -> str:
    """Return the precision in which somebody computes: "float32" if any of it is no wider."""
    narrow = [a for a in mine.values() if a.dtype.kind == "f" and a.dtype.itemsize <= 4]
    return "float32" if narrow else "float64"


def judge(
    one: Set,
    want: Mapping[str, Array],
    mine: Mapping[str, Array],
    dtype: str = "",
    forced: bool = False,
) -> Report:
    """Compare what is there.

    Args:
        one: describes the golden set.
        want: its arrays by name.
        mine: anybody's arrays by the same names; a part is enough.
        dtype: precision of the computation; found from the arrays if empty. Against files in
            float32 it is float32.
        forced: each layer was given the reference's own inputs, so its own bound applies.
    """
    dtype = dtype or precision(mine)
    if not any(dtype in tensor.bounds for tensor in one.tensors):
        dtype = "float32"
    evidence = Evidence(one, want)
    rows = tuple(_row(evidence, tensor, mine, dtype, forced) for tensor in one.tensors)
    names = [tensor.name for tensor in one.tensors]
    unknown = {
        name: next(iter(difflib.get_close_matches(name, names, 1, 0.5)), "")
        for name in mine
        if name not in names
    }
    return Report(one.name, dtype, rows, unknown)


def _row(
    evidence: Evidence, tensor: Tensor, mine: Mapping[str, Array], dtype: str, forced: bool
) -> Row:
    bound = (tensor.own.get(dtype) if forced else None) or tensor.bounds.get(dtype)
    if bound is None or tensor.name not in mine:
        return Row(tensor, None, bound)
    want, got = evidence.arrays[tensor.name], np.asarray(mine[tensor.name])
    # What a tensor of zeros can prove was settled when the set was made.
    reach = 0 if tensor.null or tensor.phase == GIVEN else tensor.nonzero or None
    kind = None if got.dtype.kind in "iuf" else want.dtype
    found = compare(got, want, bound.absolute, dtype=kind, reach=reach)
    if found.verdict is not Verdict.FAIL:
        return Row(tensor, found, bound)
    causes = explain(evidence, tensor, got, bound.absolute)
    return Row(tensor, found, bound, pattern(got, want, bound.absolute), causes)


def pattern(got: Array, want: Array, bound: float) -> str:
    """Say where two arrays differ.

    >>> pattern(np.array([[1.0, 5.0], [1.0, 6.0]]), np.ones((2, 2)), 0.0)
    '2 of 4 differ; only where index 1 is 1'
    """
    if got.shape != want.shape or not want.ndim:
        return ""
    with np.errstate(invalid="ignore"):
        wrong = ~(np.abs(got - want) <= bound) & ~(got == want) & ~(np.isnan(got) & np.isnan(want))
    text = f"{int(wrong.sum())} of {wrong.size} differ"
    for axis in range(wrong.ndim):
        others = tuple(i for i in range(wrong.ndim) if i != axis)
        touched = np.flatnonzero(wrong.any(others))
        length = wrong.shape[axis]
        if length < 2 or len(touched) in (0, length):
            continue
        if len(touched) == 1:
            text += f"; only where index {axis} is {touched[0]}"
        elif length > 2 and list(touched) in ([0, length - 1], [0], [length - 1]):
            text += f"; only at the border of axis {axis}"
        else:
            right = np.setdiff1d(np.arange(length), touched)
            if len(right) <= 3:
                text += f"; not where index {axis} is {', '.join(map(str, right))}"
    return text
