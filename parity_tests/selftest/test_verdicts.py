"""Which verdict a run amounts to: a kink, a shorter format, too little power, or wrong logic."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.harness import attribution, cases, planting, runner, small_faults
from parity_tests.harness.case_pair import of_case
from parity_tests.harness.inputs import moved, signed
from parity_tests.harness.kinks import crossing
from parity_tests.harness.levels import exact, judge
from parity_tests.harness.localise import first_divergences
from parity_tests.harness.mutants import conv as conv_faults
from parity_tests.harness.mutants.fault import Fault
from parity_tests.harness.pair import Pair, load, of_chapter
from parity_tests.harness.precision import KEPT_BITS, round_to
from parity_tests.harness.verdict import Check, Verdict, worst
from parity_tests.harness.visits import reference_trace
from scratch import nn

Array = np.ndarray[Any, np.dtype[Any]]


# ---- kinks


TINY = 2.0**-23


def _near_a_kink() -> Pair:
    """Return an XOR network with a pre-activation of 2^-23, which float32 knows exactly."""
    pair = of_chapter("mlp_xor", exact=True)
    first = np.array([[1.0, TINY], [0.75, -0.5]])
    state = {**pair.scratch.state_dict(), "layers.fc1.weight": first}
    load(pair.scratch, pair.torch, {**state, "layers.fc1.bias": np.array([-1.0, 0.25])})
    pair.inputs = (np.array([[1.0, 1.0], [2.0, 0.5], [-1.5, 2.0], [0.25, -3.0], [3.0, 1.5]]),)
    pair.d_output = signed(np.random.default_rng(0), (5, 1), np.float32)
    return pair


def _lower(by: float) -> Fault:
    """Lower the first layer's output; by two units in the last place of 1 it is mere rounding."""

    def spoil(original: Any, *, x: Array, weight: Array, **more: Any) -> Any:
        y, cache = original(x=x, weight=weight, **more)
        return y - y.dtype.type(by if len(weight) == 2 else 0.0), cache

    return Fault("lowered", (("ops.linear.linear", spoil),), (), "")


def test_a_unit_beyond_its_kink_in_float32_is_no_failure() -> None:
    with _lower(2 * TINY).planted():
        checks = judge.run(_near_a_kink(), "float32")
    assert worst(checks) is Verdict.KINK
    (audit,) = [check for check in checks if check.tensor == "mask"]
    assert (audit.module, audit.verdict) == ("layers.act1", Verdict.KINK)
    assert audit.note == "1 unit(s) lie on different sides of a kink"
    kinked = {check.module for check in checks if check.verdict is Verdict.KINK}
    assert kinked == {"", "layers", "layers.act1"}  # what each leaf makes of its input is judged


def test_in_float64_the_same_is_a_failure() -> None:
    with _lower(2 * TINY).planted():
        assert worst(judge.run(_near_a_kink(), "float64")) is Verdict.FAIL


def test_a_wrong_layer_beside_a_kink_still_fails() -> None:
    fault = _wrong("ops.activation.relu_backward", lambda dx: dx * 1.001)
    with _lower(2 * TINY).planted(), fault.planted():
        checks = judge.run(_near_a_kink(), "float32")
    failing = {(c.module, c.tensor) for c in checks if c.verdict is Verdict.FAIL}
    assert failing == {("layers.act1", "dx")}


def test_a_unit_that_crosses_from_afar_is_a_failure() -> None:
    with _lower(1.0).planted():
        checks = judge.run(_near_a_kink(), "float32")
    failing = {c.module for c in checks if c.verdict is Verdict.FAIL}
    assert failing == {"", "layers", "layers.act1", "layers.fc1"}
    (audit,) = [check for check in checks if check.tensor == "mask"]
    assert audit.note.endswith("further from it than rounding explains")


@pytest.mark.parametrize("method", ["forward", "backward"])
def test_wrong_wiring_of_a_network_with_kinks_fails_in_float32(method: str) -> None:
    pair = attribution.make_pair("mlp_mnist", "piecewise linear")
    plant = planting.inside(method, {"act1": small_faults.other_sample})
    plant(dict(pair.scratch.named_modules())["layers"])
    found = first_divergences(judge.run(pair, "float32"))
    tensor = "output" if method == "forward" else "dx"
    assert [(c.module, c.direction, c.tensor) for c in found] == [("layers", method, tensor)]


def test_the_winner_of_a_pool_may_change_only_among_equals() -> None:
    x = np.array([[[[1.0, 1.0 + TINY], [0.25, -2.0]], [[3.0, -1.0], [2.0, 0.5]]]])
    pair = of_case(cases.of_layer("MaxPool2d")[0])
    pair.inputs, pair.d_output = (x,), np.ones((1, 2, 1, 1))
    reference = reference_trace(pair)
    for place, explained in (((0, 0, 0, 0), True), ((0, 0, 1, 0), False)):
        candidate = copy.deepcopy(reference)
        candidate.visits[0].inputs[0][place] = 9.0
        found = crossing(pair, reference, candidate, "float32")
        assert (found.count, found.explained) == (1, explained)
    assert crossing(pair, reference, reference, "float32").count == 0


def test_a_kinked_batch_is_drawn_anew() -> None:
    drawn = []

    def run(seed: int) -> list[Check]:
        drawn.append(seed)
        verdict = Verdict.KINK if len(drawn) < 3 else Verdict.PASS
        return [Check("L3", "net", "", "forward", "output", "scratch float32", verdict)]

    (check,) = runner.redrawn(run, 7)
    assert drawn == [7, 7 + runner.FAR, 7 + 2 * runner.FAR]
    assert (check.verdict, check.seed) == (Verdict.PASS, drawn[-1])


def test_integers_that_open_a_whole_rectifier_are_drawn_anew_before_the_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    make, run, judged = of_chapter, exact.run, []

    def opened(id: str, size: str, seed: int, **options: Any) -> Pair:
        pair = make(id, size, seed, **options)
        if seed == 7:
            state = {**pair.scratch.state_dict(), "layers.fc1.bias": np.full(16, 1e3)}
            load(pair.scratch, pair.torch, state)
        return pair

    def counted(pair: Pair) -> list[Check]:
        judged.append(pair)
        return run(pair)

    monkeypatch.setattr(runner, "of_chapter", opened)
    monkeypatch.setattr(exact, "run", counted)
    checks = runner.check_chapter("mlp_mnist", "tiny", "float64", 7, ["L0"], seeds=1)
    assert worst(checks) is Verdict.PASS
    assert 7 not in {check.seed for check in checks}
    assert all(not exact.one_armed(pair) for pair in judged)


# ---- shorter formats


def _wrong(path: str, spoil: Any) -> Fault:
    return Fault("spoilt", ((path, lambda original, **given: spoil(original(**given))),), (), "")


@contextlib.contextmanager
def _rounded(op: str, bits: int) -> Iterator[None]:
    """Round the operands of a product to a shorter format, in both directions."""

    def short(value: Array) -> Array:
        return round_to(value, bits).astype(value.dtype)

    def forward(original: Any, *, x: Array, weight: Array, **more: Any) -> Any:
        return original(x=short(x), weight=short(weight), **more)

    def backward(original: Any, *, dy: Array, cache: Any) -> Any:
        return original(short(dy), cache)

    plants = ((op, forward), (f"{op}_backward", backward))
    with Fault("rounded", plants, (), "").planted():
        yield


def _float32(layer: str) -> list[Check]:
    return [
        check
        for case in cases.of_layer(layer)[:3]
        for check in judge.run(of_case(case, 0, "float32"), "float32")
    ]


@pytest.mark.parametrize("format", KEPT_BITS)
@pytest.mark.parametrize(
    ("layer", "op"), [("Linear", "ops.linear.linear"), ("Conv2d", "ops.conv.conv2d")]
)
def test_operands_in_a_shorter_format_are_named_and_not_failed(
    layer: str, op: str, format: str
) -> None:
    with _rounded(op, KEPT_BITS[format]):
        checks = _float32(layer)
    assert worst(checks) is Verdict.PRECISION_PATH
    short = [check for check in checks if check.verdict is Verdict.PRECISION_PATH]
    assert {check.engine for check in short} == {"scratch float32"}
    assert {check.note for check in short} == {f"the operands were rounded to {format}"}
    assert {"output", "dx", "weight"} <= {check.tensor for check in short}


def test_wrong_logic_in_a_shorter_format_is_wrong_logic() -> None:
    flipped = next(fault for fault in conv_faults.FAULTS if fault.name == "kernel flipped")
    with _rounded("ops.conv.conv2d", KEPT_BITS["TF32"]), flipped.planted():
        checks = _float32("Conv2d")
    assert worst(checks) is Verdict.FAIL


def test_a_shorter_format_is_no_excuse_in_exact_arithmetic() -> None:
    pair = of_case(cases.of_layer("Linear")[0], exact=True)
    spoilt = _wrong("ops.linear.linear", lambda found: (found[0] + 0.5, found[1]))
    assert worst(exact.run(pair)) is Verdict.PASS
    with spoilt.planted():
        assert worst(exact.run(pair)) is Verdict.FAIL


# ---- too little power


def _silent(pair: Pair) -> Pair:
    pair.d_output = np.zeros_like(pair.d_output)
    return pair


@pytest.mark.parametrize("id", ["linear_regression", "mlp_mnist", "lenet5"])
def test_a_cotangent_of_zeros_proves_nothing(id: str) -> None:
    for dtype in ("float64", "float32"):
        assert worst(judge.run(_silent(of_chapter(id, dtype=dtype)), dtype)) is Verdict.MISTRUSTED


def test_a_mask_with_one_arm_proves_nothing() -> None:
    pair = of_chapter("mlp_mnist", exact=True)
    pair.scratch.load_state_dict({**pair.scratch.state_dict(), "layers.fc1.bias": np.full(16, 1e3)})
    load(pair.scratch, pair.torch, pair.scratch.state_dict())
    notes = {check.note for check in exact.run(pair) if check.verdict is Verdict.MISTRUSTED}
    assert "every unit is open" in notes


def test_integers_too_large_to_be_exact_prove_nothing() -> None:
    pair = of_case(cases.of_layer("Linear")[0], exact=True)
    pair.inputs = (pair.inputs[0] * 2.0**20 + 1,)
    found = [check for check in exact.run(pair) if check.engine == "torch float64"]
    assert worst(found) is Verdict.MISTRUSTED
    assert all("2^24 are exact" in check.note for check in found)


@pytest.mark.parametrize(
    ("share", "verdict"), [(0.25, Verdict.PASS), (0.05, Verdict.MISTRUSTED)], ids=str
)
def test_a_weight_sees_what_both_its_factors_leave_and_each_must_leave_enough(
    share: float, verdict: Verdict
) -> None:
    """A sixteenth of a weight's gradient is judged, in its layer and in the block around it."""
    rng, features = np.random.default_rng(0), 40
    ours = nn.Sequential(nn.Linear(features, features))
    theirs = torch.nn.Sequential(torch.nn.Linear(features, features))
    load(ours, theirs, moved(ours.state_dict(), rng))
    on = np.arange(features) < share * features
    x, d_output = (signed(rng, (2, features)) * on for _ in range(2))
    checks = judge.run(Pair("thin", ours, theirs, (x,), d_output), "float64")
    found = {check.verdict for check in checks if check.tensor.endswith("weight")}
    assert found == {verdict}


def test_factors_that_never_meet_in_a_sample_prove_nothing() -> None:
    pair = of_case(cases.of_layer("Linear")[0])
    pair.inputs[0][::2] = 0
    pair.d_output[1::2] = 0
    assert any(pair.inputs[0].flat)
    assert any(pair.d_output.flat)
    found = [check for check in judge.run(pair, "float64") if check.tensor == "weight"]
    assert worst(found) is Verdict.MISTRUSTED


@pytest.mark.parametrize("id", ["lenet5", "resnet18", "alexnet"])
def test_a_judged_pair_is_as_it_was(id: str) -> None:
    """Its own modules are run, not copies: buffers move, gradients add up, modes change inside."""
    pair = of_chapter(id)
    before = pair.scratch.state_dict()
    modes = [module.training for _, module in pair.scratch.named_modules()]
    assert worst(judge.run(pair, "float64")) is not Verdict.FAIL
    theirs = {name: value.numpy() for name, value in pair.torch.state_dict().items()}
    for after in (pair.scratch.state_dict(), theirs):
        assert all(np.array_equal(after[name], value) for name, value in before.items())
    assert [module.training for _, module in pair.scratch.named_modules()] == modes
    assert not any(parameter.grad.any() for _, parameter in pair.scratch.named_parameters())
    assert not any(module.pending() for _, module in pair.scratch.named_modules())
