"""Every fault of the catalogue is killed, the right place is blamed, and nothing is left behind."""

from __future__ import annotations

import contextlib

import pytest

import scratch
from parity_tests.harness import cases, mutants, runner
from parity_tests.harness.mutants import optimizer
from parity_tests.harness.mutants.fault import Fault, _place
from parity_tests.harness.verdict import Check, Verdict, worst
from parity_tests.sizes import IDS

NOTHING = Fault("nothing", (), (), "")
SUBJECTS = tuple(dict.fromkeys(subject for fault in mutants.FAULTS for subject in fault.subjects))


def _id(fault: Fault) -> str:
    return f"{fault.name} [{fault.subjects[0]}]"


@pytest.mark.parametrize("fault", mutants.FAULTS, ids=_id)
def test_a_fault_is_killed_and_blamed(fault: Fault) -> None:
    found = mutants.outcome(fault, every_level=False)
    assert found.killed
    assert found.blames_the_right_place, found.found[0].divergence()


@pytest.mark.parametrize("subject", SUBJECTS)
def test_without_a_fault_the_same_runs_pass(subject: str) -> None:
    checks: list[Check] = []
    for level in mutants.LEVELS:
        for run in mutants.runs([subject], level):
            checks += runner.redrawn(run, 0)
    assert worst(checks) is Verdict.PASS


@pytest.mark.parametrize("fault", mutants.FAULTS, ids=_id)
def test_a_fault_is_taken_out_again(fault: Fault) -> None:
    def places() -> list[object]:
        return [vars(owner)[name] for owner, name in (_place(p, "") for p, _ in fault.plants)]

    before = places()
    with contextlib.suppress(ZeroDivisionError), fault.planted():
        assert all(new is not old for new, old in zip(places(), before, strict=True))
        raise ZeroDivisionError
    assert all(new is old for new, old in zip(places(), before, strict=True))


def test_a_place_that_is_gone_is_reported() -> None:
    gone = Fault("a", (("ops.conv.no_such_function", lambda original: original),), (), "")
    with (
        pytest.raises(LookupError, match=r"scratch\.ops\.conv\.no_such_function is gone"),
        gone.planted(),
    ):
        pass


def test_names_are_unique() -> None:
    names = [_id(fault) for fault in mutants.FAULTS]
    assert len(set(names)) == len(names)


def test_every_layer_and_every_optimizer_has_faults_of_its_own() -> None:
    planted = {subject for fault in mutants.FAULTS for subject in fault.subjects}
    assert set(cases.layers()) - planted == {"Identity"}  # returns what it is given
    kinds = {name.split()[0] for fault in optimizer.FAULTS for name in fault.subjects}
    assert {"SGD", "Adam", "AdamW", "StepLR", "CosineAnnealingLR"} <= kinds


@pytest.mark.long
@pytest.mark.parametrize("id", IDS)
def test_a_faulty_layer_is_the_one_blamed_in_a_network(id: str) -> None:
    layers = set(cases.layers())
    present = {type(module).__name__ for _, module in scratch.build(id, "tiny").named_modules()}
    for fault in mutants.FAULTS:
        # A fault of the engine is every layer's; it has its subject's name only where that one is.
        engine = any(path.startswith(("nn.module.", "nn.parameter.")) for path, _ in fault.plants)
        if set(fault.subjects) <= layers and not (engine and present.isdisjoint(fault.subjects)):
            assert set(mutants.blamed_layers(fault, id)) <= set(fault.subjects), fault.name


def test_the_table_names_level_and_place() -> None:
    fault = mutants.named("ReLU mask >=")
    lines = mutants.table([mutants.outcome(fault, ("L0", "L1"))], ("L0", "L1")).splitlines()
    assert lines[0].split() == ["fault", "in", "L0", "L1", "blamed"]
    assert lines[2].split() == ["ReLU", "mask", ">=", "ReLU", "killed", "passed", "backward", "dx"]
