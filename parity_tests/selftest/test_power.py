"""The command that counts: who killed each fault, who would have let it live, what it writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from parity_tests.conftest import ROOT
from parity_tests.harness import mutants, power
from parity_tests.harness.mutants import scoreboard, usual
from parity_tests.harness.mutants.policies import POLICIES
from scratch.spec import UserError

Script = Callable[..., int]
NAMES = {policy.name for policy in POLICIES}


def _killed_by(name: str) -> set[str]:
    return {policy for policy, killed in usual.killed_by(mutants.named(name)).items() if killed}


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
def test_a_policy_is_what_its_numbers_say(policy: Any) -> None:
    want = np.array([1.0, -2.0], np.float32)
    reach = policy.atol + policy.rtol * 2
    for share, agrees in ((0.5, True), (2.0, False)):
        moved = np.array([1.0, -2.0 + share * reach], np.float32)
        assert policy.agrees("output", moved, want) is agrees
    assert policy.agrees("output", want.astype(np.float64), want) is not policy.dtype
    assert not policy.agrees("output", want[:1], want)
    odd = np.array([np.nan, np.inf], np.float32)
    assert policy.agrees("output", odd, odd) is policy.nan_equal
    assert not policy.agrees("output", odd, want)


def test_a_gross_fault_dies_everywhere_and_a_small_one_lives_where_tolerances_are_wide() -> None:
    assert _killed_by("kernel flipped") == NAMES
    assert _killed_by("ReLU mask >=") == NAMES
    assert _killed_by("ReLU in float32 inside") == set()  # 1e-7 is in nobody's sight
    assert _killed_by("LSTM gates permuted") == NAMES  # of a layer that returns several arrays


def test_a_cotangent_of_ones_hides_a_term_of_batch_normalisation() -> None:
    """Its sum with the normalised input is zero, and so is the term that is missing."""
    ones = {policy.name for policy in POLICIES if policy.ones}
    assert _killed_by("third BatchNorm term dropped") == NAMES - ones


def test_with_nothing_planted_no_policy_that_is_counted_fails() -> None:
    for subject in ("Conv2d", "BatchNorm2d", "lenet5", "Adam"):
        assert any(passing for _, _, passing in usual._trusted(subject)), subject
        nothing = mutants.Fault("nothing", (), (subject,), "")
        assert not any(usual.killed_by(nothing).values())


def _catalogue() -> dict[str, Any]:
    return scoreboard.run([fault for fault in mutants.FAULTS if fault.name.startswith("ReLU mask")])


def test_a_row_names_place_level_and_blame() -> None:
    found = _catalogue()
    (row,) = found["rows"]
    assert row["killed_by"] == "L0"
    assert row["blamed"] is True
    assert "scratch.ops.activation.relu" in row["place"]
    assert set(row["policies"]) == NAMES
    assert scoreboard.levels(found) == {"L0": 1}
    assert scoreboard.right(found) == 1
    assert "1 of 1 killed, 1 with the right place blamed; L0 1" in scoreboard.text(found)
    assert power.failures({"catalogue": found}, 0.95) == []


def test_what_falls_short_is_said() -> None:
    found = _catalogue()
    found["rows"] += [
        {**found["rows"][0], "fault": "alive", "killed_by": None, "blamed": False},
        {**found["rows"][0], "fault": "misplaced", "blamed": False, "blamed_place": "forward x"},
    ]
    wrong = {"chapter": "a", "wrong": [{"fault": "b"}]}
    parts = {"catalogue": found, "attribution": {"rows": [wrong]}, "generic": {"score": 0.9}}
    assert power.failures(parts, 0.95) == [
        "the fault 'alive' lives",
        "the fault 'misplaced' is blamed on forward x",
        "a: b is misplaced",
        "90.0 % of the generic mutants are killed, not 95.0 %",
    ]
    assert "LIVES" in scoreboard.text(found)
    assert "NO: forward x" in scoreboard.text(found)


def test_parts_are_kept_and_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mutants.json"
    power.save(path, {"catalogue": {"policies": [], "rows": []}})
    power.save(path, {"generic": {"score": 1.0}})
    assert power.load(path)["catalogue"] == {"policies": [], "rows": []}
    assert power.load(path)["attribution"] is None
    for text in ("", "[]", "{}", '{"schema": 2}'):
        path.write_text(text)
        with pytest.raises(UserError, match=r"mutants\.json"):
            power.load(path)


def test_the_script_counts_and_the_readme_tells(
    script: Script, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "mutants.json"
    assert script("mutants", "--catalogue", "--fault", "relu mask", "--json", path) == 0
    assert script("mutants", "--attribution", "--chapter", "logic_not", "--json", path) == 0
    said = capsys.readouterr().out
    assert "1 of 1 killed" in said
    held = json.loads(path.read_text())
    assert held["schema"] == 1
    assert held["attribution"]["rows"][0]["form"] == "real"
    right = sum(r[d][0] for r in held["attribution"]["rows"] for d in ("forward", "backward"))
    with pytest.raises(UserError, match=r"the catalogue of .* holds relu mask alone"):
        power.markdown(power.load(path))
    for part in ("catalogue", "attribution"):
        held[part]["only"] = []
    told = power.markdown(held)
    assert f"tiny networks: {right} of {right} blamed on the right module" in told
    held["attribution"]["rows"][0]["sampled"] = True
    assert "tiny networks (of 1 deep ones a few each): " in power.markdown(held)
    assert "| these bounds | numpy-ml |" in told


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("--catalogue", "--fault", "no such"), "no fault has"),
        (("--attribution", "--chapter", "lenet6"), "lenet6"),
        (("--generic", "--file", "scratch/train.py"), "not among the mutated files"),
        (("--generic", "--sample", "-1"), "not negative"),
        (("--catalogue", "--json", "/dev/null/mutants.json"), "/dev/null"),
    ],
)
def test_bad_input_is_refused_in_one_line(
    script: Script, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], reason: str
) -> None:
    assert script("mutants", *words) == 2
    said = capsys.readouterr().err
    assert reason in said
    assert said.count("\n") == 1


def test_generic_mutants_die_by_a_doctest_and_are_not_run_twice(tmp_path: Path) -> None:
    """In a process of its own, for it is a pytest session. Three mutants, one file of tests."""
    file = "scratch/ops/scale.py"
    command = [sys.executable, str(ROOT / "scripts/mutants.py"), "--generic", "--file", file]
    command += ["--tests", file, "--sample", "3", "--work", str(tmp_path / "work")]
    command += ["--json", str(tmp_path / "found.json")]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    runs = [
        subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path)
        for _ in range(2)
    ]
    assert "3 mutants, 3 to be run" in runs[0].stdout, runs[0].stderr
    assert "3 mutants, 0 to be run" in runs[1].stdout
    found = json.loads((tmp_path / "found.json").read_text())["generic"]
    assert found["tried"] == 3
    assert found["killed"] >= 1
    assert found["killed"] + found["survived"] + found["equivalent"] == 3
    lines = (tmp_path / "work" / "generic.jsonl").read_text().splitlines()
    by = [json.loads(line)["by"] for line in lines]
    assert any(name.startswith(f"{file}::scratch.ops.scale.") for name in by)
