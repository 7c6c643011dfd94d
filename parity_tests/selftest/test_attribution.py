"""Small faults in every module of every chapter are attributed to that module and to no other."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from parity_tests.harness import attribution, planting, small_faults
from parity_tests.harness.levels import exact, judge
from parity_tests.harness.levels.known import Earlier
from parity_tests.harness.localise import first_divergences
from parity_tests.harness.pair import Pair
from parity_tests.harness.run import run_scratch
from parity_tests.harness.verdict import Check, Verdict
from parity_tests.harness.visits import reference_trace
from parity_tests.sizes import CONVOLUTIONAL_IDS, DEEP_IDS, SIBLING_IDS
from scratch import nn, spec

ZERO = "its true gradient is zero"
REASONS = {small_faults.NO_ROOM, small_faults.NOTHING, ZERO}


def _attempted() -> Iterator[Any]:
    for id in spec.ids():
        yield pytest.param(id, "real", marks=[pytest.mark.long] if id in DEEP_IDS else [])
        if spec.get(id).exact and id not in DEEP_IDS:
            slow = id in CONVOLUTIONAL_IDS
            yield pytest.param(id, "piecewise linear", marks=[pytest.mark.long] if slow else [])
            slow = slow and id != "lenet5"
            yield pytest.param(id, "exact", marks=[pytest.mark.long] if slow else [])


@pytest.mark.parametrize(("id", "form"), list(_attempted()))
def test_every_fault_is_attributed(id: str, form: str) -> None:
    attempts = attribution.run(id, form=form)
    wrong = [attempt for attempt in attempts if not attempt.skipped and not attempt.right]
    assert not wrong, f"{attribution.counts(attempts)}; first: {wrong[0]}"
    assert {attempt.skipped for attempt in attempts} <= {"", *REASONS}
    tried = {attempt.expected for attempt in attempts if attempt.skipped in ("", ZERO)}
    zero = sum(attempt.skipped == ZERO for attempt in attempts)
    assert zero == (len(spec.get(id).null_directions) if form == "real" else 0)
    assert _of_every_leaf(attribution.make_pair(id, form)) <= tried


@pytest.mark.parametrize("id", [id for id in DEEP_IDS if id not in SIBLING_IDS])
def test_some_faults_of_a_deep_network_are_attributed(id: str) -> None:
    """All of them take minutes; the long test plants them."""
    attempts = attribution.run(id, most=7)
    assert any(not attempt.skipped for attempt in attempts)
    assert all(attempt.right for attempt in attempts if not attempt.skipped), attempts


def _of_every_leaf(pair: Pair) -> set[str]:
    """Return the places in which every leaf of a network can go wrong."""
    found = set()
    visits = {visit.path: visit for visit in reference_trace(pair).visits}
    for path, module in pair.scratch.named_modules():
        if not module._modules and not small_faults.gives_zero(module):
            dx = small_faults.input_gradients(len(visits[path].inputs))
            found |= {f"backward {path} {name}" for name in (*dx, *module._parameters)}
            found.add(f"forward {path} output")
    return found


@pytest.mark.parametrize("id", ["resnet20", "alexnet"])
def test_what_is_said_to_change_nothing_changes_nothing(id: str) -> None:
    def numbers(plant: Callable[[nn.Module], None], path: str) -> dict[str, Any]:
        pair = attribution.make_pair(id, "real", seed=1)
        plant(dict(pair.scratch.named_modules())[path])
        found = run_scratch(pair.scratch, pair.inputs, pair.d_output)
        return {"output": found.output, "dx": found.dx, **found.gradients}

    pair = attribution.make_pair(id, "real", seed=1)
    faults = [*small_faults.leaf_faults(pair, 1.001), *small_faults.wiring_faults(pair)]
    silent = [fault for fault in faults if fault.skipped == small_faults.NOTHING]
    right = numbers(lambda _: None, "")
    assert silent
    for fault in silent:
        np.testing.assert_equal(numbers(fault.plant, fault.path), right, fault.name)


@pytest.mark.parametrize(("seen", "tried"), [(1, 1), (2, 2), (9, 1 + attribution.AGAIN)])
def test_a_fault_in_forward_that_backward_alone_sees_is_drawn_anew(
    seen: int, tried: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From draw number `seen` on it changes the output of its block."""
    wiring = small_faults.wiring_faults(attribution.make_pair("mlp_xor", "real"))
    late = next(f for f in wiring if f.path == "layers" and f.expected.startswith("forward"))
    draws: list[int] = []

    def blamed(self: Any, fault: small_faults.SmallFault) -> str:
        if fault.name == late.name:
            draws.append(self.seed)
            if len(draws) < seen:
                return "backward layers fc2.weight"
        return fault.expected

    monkeypatch.setattr(attribution._Draw, "blamed", blamed)
    attempts = attribution.run("mlp_xor")
    assert all(attempt.right for attempt in attempts if not attempt.skipped) == (seen < 9)
    assert len(draws) == len(set(draws)) == tried


def test_a_rectifier_that_no_window_of_a_pool_needs_is_no_proof() -> None:
    """Seed 0 of resnet50: without its first rectifier it would be the same network."""
    pair = attribution.make_pair("resnet50", "real", seed=0)
    (found,) = first_divergences(judge.run(pair, "float64"))
    assert (found.module, found.tensor, found.verdict) == ("maxpool", "mask", Verdict.MISTRUSTED)
    assert "the rectifier before it changes nothing" in found.note
    planting.inside("forward", {"relu": lambda own: lambda x: (own(x), x)[1]})(pair.scratch)
    assert not any(check.failing for check in judge.run(pair, "float64") if check.tensor != "mask")
    assert not first_divergences(
        judge.run(attribution.make_pair("resnet50", "real", seed=1), "float64")
    )


def _agrees_with_the_whole(id: str, form: str, step: int) -> None:
    make = functools.partial(attribution.make_pair, id, form, seed=1)
    level = exact.run if form == "exact" else functools.partial(judge.run, dtype="float64")
    clean, earlier = make(), Earlier()
    assert all(check.verdict is Verdict.PASS for check in level(clean, earlier=earlier))
    faults = [*small_faults.leaf_faults(clean, 1.001), *small_faults.wiring_faults(clean)]
    for fault in [fault for fault in faults if not fault.skipped][::step]:
        runs = []
        for known in (replace(earlier, changed=fault.path), None):
            pair = make()
            fault.plant(dict(pair.scratch.named_modules())[fault.path])
            runs.append([repr(check) for check in level(pair, earlier=known)])
        assert runs[0] == runs[1], fault.name


@pytest.mark.parametrize(
    ("id", "form", "step"),
    [
        ("mlp_coin", "real", 6),
        ("lenet5", "real", 40),
        ("lenet5", "exact", 60),
        ("densenet121", "real", 250),
    ],
)
def test_what_a_fault_cannot_touch_need_not_be_judged_again(id: str, form: str, step: int) -> None:
    """Every check of a run that takes the rest from an earlier one is that of a whole run."""
    _agrees_with_the_whole(id, form, step)


@pytest.mark.long
@pytest.mark.parametrize("id", [id for id in DEEP_IDS if id not in SIBLING_IDS])
def test_what_a_fault_of_a_deep_network_cannot_touch_need_not_be_judged_again(id: str) -> None:
    _agrees_with_the_whole(id, "real", 7)


def test_a_swapped_instance_copies_and_leaves_its_class_alone() -> None:
    layer, other = nn.Tanh(), nn.Tanh()
    planting.swap(layer, forward=lambda own, self, x: own(self, x) * 2)
    x = np.array([[0.5, -1.0]])
    assert type(layer).__name__ == "Tanh"
    for changed in (layer, copy.deepcopy(layer)):
        assert np.array_equal(changed(x), 2 * np.tanh(x))
    assert np.array_equal(other(x), np.tanh(x))


def test_a_wiring_fault_says_where_the_whole_run_first_differs() -> None:
    pair = attribution.make_pair("lenet5", "real")
    planting.inside("forward", {"c3_squash": small_faults.other_sample})(pair.scratch)
    (found,) = first_divergences(judge.run(pair, "float64"))
    assert (found.module, found.direction, found.tensor) == ("", "forward", "output")
    assert found.note.endswith("its wiring is wrong, seen first in the output of c3_squash")


def _check(module: str, direction: str = "forward", **more: object) -> Check:
    tensor = "output" if direction == "forward" else "dx"
    given = {"verdict": Verdict.FAIL, "engine": "scratch float64", "level": "L2", **more}
    return Check(subject="net", module=module, direction=direction, tensor=tensor, **given)  # type: ignore[arg-type]


def _passing(*modules: str) -> list[Check]:
    return [_check(module, verdict=Verdict.PASS) for module in modules]


@pytest.mark.parametrize(
    ("checks", "expected"),
    [
        ([], []),
        (_passing("a", "b", ""), []),
        ([_check("a.b"), _check("a"), _check("")], [("forward", "a.b")]),
        ([_check("a"), _check("b"), _check("")], [("forward", "a")]),
        ([_check("a", "backward"), _check("b", "backward")], [("backward", "b")]),
        ([_check("a"), _check("b", "backward")], [("forward", "a"), ("backward", "b")]),
        # a block's gradient is taken at values that are wrong already
        ([_check("b.c"), _check("b", "backward"), _check("", "backward")], [("forward", "b.c")]),
        # a level that judges module by module outranks one that does not
        ([_check("", level="L5"), _check("a", "backward")], [("backward", "a")]),
        # a wrong value outranks a comparison without power
        ([_check("a", verdict=Verdict.MISTRUSTED), _check("b")], [("forward", "b")]),
        ([_check("a", verdict=Verdict.MISTRUSTED)], [("forward", "a")]),
        # what a module does by itself outranks what it passes on
        ([_check("a", engine="scratch float64 in the whole run"), _check("b")], [("forward", "b")]),
    ],
)
def test_the_deepest_module_that_fails_by_itself_is_named(
    checks: list[Check], expected: list[tuple[str, str]]
) -> None:
    assert [(c.direction, c.module) for c in first_divergences(checks)] == expected
