"""Step 1 of the book: the scalar tape and NumPy against torch's autograd and torch's functions."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from parity_tests.harness import bounds
from parity_tests.harness.compare import compare
from parity_tests.harness.verdict import Verdict
from ref_torch import basics as theirs
from ref_torch import descent as reference
from scratch import basics as ours
from scratch import descent, tape
from scratch.data.points import line_points
from scratch.spec import descent as spec

RUNS = [(example, run) for example in spec.EXAMPLES for run in example.runs]


def agree(got: object, want: object) -> None:
    """Hold two float64 results to the bound of a chain of operations; zeros must be equal."""
    a, b = (np.atleast_1d(np.asarray(value, dtype=np.float64)) for value in (got, want))
    found = compare(a, b, bounds.whole(b), dtype="float64", reach=0)
    assert found.verdict is Verdict.PASS, (a, b)


def table(points: list) -> np.ndarray:
    return np.array([[*p.inputs.values(), p.value, *p.slopes.values()] for p in points])


@pytest.mark.parametrize(("example", "run"), RUNS, ids=lambda v: getattr(v, "id", None) or v.title)
def test_both_make_the_same_steps(example: spec.Example, run: spec.Run) -> None:
    a, b = (table(module.follow(example.function, run)) for module in (descent, reference))
    assert a.shape == b.shape
    for column in range(a.shape[1]):
        agree(a[:, column], b[:, column])


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("example", spec.EXAMPLES, ids=lambda example: example.id)
def test_both_have_the_same_derivatives_anywhere(example: spec.Example, seed: int) -> None:
    rng = np.random.default_rng(seed)
    signs, sizes = rng.choice([-1, 1], 2), rng.uniform(1.1, 4.0, 2)  # the root is real there
    values = (signs * sizes).tolist()
    inputs = dict(zip(example.runs[0].start, values, strict=False))
    a, b = (module.evaluate(example.function, inputs) for module in (descent, reference))
    agree(a.value, b.value)
    for name in inputs:
        agree(a.slopes[name], b.slopes[name])


def test_torch_derives_as_the_complex_step_does() -> None:
    """A third opinion that shares nothing: f(x + ih) / h, without a tape and without torch."""
    h = 1e-30
    formulas = {
        "product_of_sums": lambda w, b: (2 * w + 3 * b) * (2 * b + 1),
        "sqrt_log_square": lambda x: np.sqrt(np.log(x * x)),
        "parabola": lambda x: x * x,
        "parabola_sine": lambda x, y: x * x + np.sin(y) ** 2,
        "loss_surface": lambda w, b: np.mean((w * X + b - Y) ** 2) / 2,
    }
    X, Y = line_points()
    assert set(formulas) == set(descent.FUNCTIONS) == set(reference.FUNCTIONS)
    for example in spec.EXAMPLES:
        start = dict(example.runs[0].start)
        for module in (descent, reference):
            point = module.evaluate(example.function, start)
            for name in start:
                moved = {n: complex(v, h * (n == name)) for n, v in start.items()}
                agree(point.slopes[name], formulas[example.function](**moved).imag / h)


@pytest.mark.parametrize("seed", range(5))
def test_the_losses_and_the_neuron_are_torchs(seed: int) -> None:
    rng = np.random.default_rng(seed)
    colours = rng.uniform(0, 1, (11, 3))
    z = ours.warmth(colours)
    agree(z, theirs.warmth(torch.from_numpy(colours)))
    agree(ours.step(z), theirs.step(torch.from_numpy(z)))
    agree(ours.sigmoid(z, 8.0), theirs.sigmoid(torch.from_numpy(z), 8.0))
    p, q = (v / v.sum() for v in rng.uniform(0.05, 1, (2, 3)))
    tp, tq = torch.from_numpy(p), torch.from_numpy(q)
    agree(ours.information(p), theirs.information(tp))
    agree(ours.entropy(p), theirs.entropy(tp))
    agree(ours.cross_entropy(p, q), theirs.cross_entropy(tp, tq))
    agree(ours.divergence(p, q), theirs.divergence(tp, tq))
    x, y = line_points(seed)
    w, b = rng.uniform(1, 4, 2).tolist()
    tx, ty = torch.from_numpy(x), torch.from_numpy(y)
    agree(ours.half_mse(w, b, x, y), theirs.half_mse(w, b, tx, ty))


def test_a_step_at_zero_is_zero_in_both() -> None:
    zero = np.array([-0.0, 0.0])
    assert ours.step(zero).tolist() == theirs.step(torch.from_numpy(zero)).tolist() == [0, 0]


def _assigned(self: tape.Value) -> None:
    order = self.graph()
    for node in order:
        node.grad = 0.0
    self.grad = 1.0
    for node in reversed(order):
        for operand, slope in node.slopes:
            operand.grad = slope * node.grad


def _own_slopes(self: tape.Value, other: tape.Value | float) -> tape.Value:
    b = other if isinstance(other, tape.Value) else tape.Value(other)
    return tape.Value(self.data * b.data, "", "{} * {}", ((self, self.data), (b, b.data)))


FAULTS = {
    "gradient assigned instead of accumulated": (tape.Value, "backward", _assigned),
    "a factor's slope is itself": (tape.Value, "__mul__", _own_slopes),
    "a power keeps its exponent": (
        tape.Value,
        "__pow__",
        lambda a, n: tape.Value(a.data**n, "", "{}", ((a, n * a.data**n),)),
    ),
    "a root's slope lacks the half": (
        descent,
        "sqrt",
        lambda x: tape.Value(x.data**0.5, "", "{}", ((x, x.data**-0.5),)),
    ),
    "a logarithm to base 10": (
        descent,
        "log",
        lambda x: tape.Value(np.log10(x.data), "", "{}", ((x, 1 / x.data),)),
    ),
    "a sine's slope is the negative cosine": (
        descent,
        "sin",
        lambda x: tape.Value(np.sin(x.data), "", "{}", ((x, -np.cos(x.data)),)),
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_seen(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    owner, name, faulty = FAULTS[fault]
    monkeypatch.setattr(owner, name, faulty)
    seen = False
    for example in spec.EXAMPLES:
        start = dict(example.runs[0].start)
        a, b = (module.evaluate(example.function, start) for module in (descent, reference))
        got, want = ([p.value, *p.slopes.values()] for p in (a, b))
        pairs = zip(map(np.array, got), map(np.array, want), strict=True)
        seen |= any(abs(x - y) > bounds.whole(y) for x, y in pairs)
    assert seen
