"""Generic mutants: which edits there are, how one is put in, what is kept of it."""

from __future__ import annotations

import ast
import importlib
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest

from parity_tests.harness.mutation import allowed, fork, reach, score, session, source
from parity_tests.harness.mutation.session import Record, Results
from parity_tests.harness.mutation.transplant import (
    ImportFailsError,
    NotTransplantableError,
    transplant,
)
from scratch import nn
from scratch.nn.functions import Affine
from scratch.ops import conv_tiles
from scratch.spec import UserError

FILE = "scratch/ops/linear.py"


def _changes(text: str) -> set[str]:
    return {mutant.new for mutant in source.mutants_of("made/up.py", text)}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a <= b", {"a < b", "a >= b"}),
        ("a is None", {"a is not None"}),
        ("a + b", {"a - b"}),
        ("a @ b", set()),
        ("x[1:n]", {"x[:n]", "x[1:]", "x[2:n]", "x[0:n]"}),
        ("f(x, axis=0)", {"f(x)", "f(x, axis=1)", "f(x, axis=-1)", "pass"}),
        ("total += x", {"total -= x", "total = x", "pass"}),
        ("x.grad = y", {"pass"}),
        ("x, y = y, x", set()),
        ("a and not b", {"a or not b", "a and b"}),
        ("-x", {"x"}),
        ("0.25", {"0.125", "-0.25"}),
        ("True", {"False"}),
        ("y if t else z", {"y if not t else z"}),
        ("def f() -> tuple[int, 3]:\n    return x, y", {"return (y, x)", "return None"}),
        ("def f(x=1):\n    'A docstring with 1.'", {"def f(x=2):", "def f(x=0):"}),
        ("if t:\n    raise E", {"if not t:", "pass"}),
        ("for x in y:\n    break", {"continue"}),
        ("if TYPE_CHECKING:\n    x = 1", set()),
        ("raise E(f'{n + 1} words')", {"pass"}),
        ("zip(x, y, strict=True)", {"pass"}),
        ("x.reshape(-1, 2)", {f"x.reshape({a})" for a in ("1, 2", "-1, 3", "-1, 1")} | {"pass"}),
    ],
)
def test_edits(text: str, expected: set[str]) -> None:
    if isinstance(ast.parse(text).body[0], ast.Expr) and "(" not in text:
        text, expected = f"v = {text}", {f"v = {new}" for new in expected}
    assert _changes(text) == expected


def test_keys_are_unique_and_stay_when_lines_move() -> None:
    text = "def f(x):\n    return x + 1\n\ndef g(x):\n    y = x + 1\n    y = x + 1\n    return y\n"
    mutants = source.mutants_of(FILE, text)
    keys = [mutant.key for mutant in mutants]
    assert len(set(keys)) == len(keys)
    assert {mutant.function for mutant in mutants} == {"f", "g"}
    moved = source.mutants_of(FILE, f"# a line\n\nimport os\n\n{text}")
    assert [mutant.key for mutant in moved if mutant.function] == keys


def test_every_file_is_mutated_and_every_allowed_mutant_is_there() -> None:
    mutants = [mutant for file in source.files() for mutant in source.mutants_of(file)]
    assert {mutant.file for mutant in mutants} > {"scratch/ops/conv.py", "scratch/optim/adam.py"}
    keys = {mutant.key for mutant in mutants}
    assert len(keys) == len(mutants) > 4000
    assert set(allowed.load()) <= keys, "the code has changed: take these entries out"


def test_a_mutant_reaches_those_who_imported_the_function() -> None:
    x = np.ones((2, 3), np.float32)
    mutant = next(
        m for m in source.mutants_of(FILE) if m.function == "linear" and m.operator == "return"
    )

    def ask() -> str:
        transplant(mutant.module, source.mutated(mutant))
        try:
            nn.Linear(3, 1)(x)
        except Exception as error:
            return f"{type(error).__name__} {str(error).splitlines()[0]}"
        return "answered"

    assert fork.ask(ask, 60)[0] == "TypeError cannot unpack non-iterable NoneType object"
    assert nn.Linear(3, 1)(x).shape == (2, 1)  # the parent is as it was


def test_a_method_without_its_super_is_put_in() -> None:
    mutant = next(
        m
        for m in source.mutants_of("scratch/nn/functions.py")
        if m.function == "Affine.__init__" and m.old == "super().__init__()"
    )

    def ask() -> str:
        transplant(mutant.module, source.mutated(mutant))
        try:
            Affine(2.0, 1.0)
        except Exception as error:
            return type(error).__name__
        return "made"

    assert fork.ask(ask, 60)[0] != "made"


def test_what_a_decorator_made_at_import_follows() -> None:
    mutants = [m for m in source.mutants_of("scratch/nn/guard.py") if m.function == "guarded"]
    inside = next(m for m in mutants if m.old == "return result")
    at_import = next(m for m in mutants if m.old.startswith("is_backward = "))

    def ask() -> str:
        transplant(inside.module, source.mutated(inside))
        return str(nn.Linear(3, 1)(np.ones((2, 3), np.float32)))

    def ask_too() -> str:
        try:
            transplant(at_import.module, source.mutated(at_import))
        except NotTransplantableError:
            return "has run already"
        return "put in"

    assert fork.ask(ask, 60)[0] == "None"
    assert fork.ask(ask_too, 60)[0] == "has run already"


def test_a_module_that_cannot_be_imported_says_so() -> None:
    mutant = next(m for m in source.mutants_of("scratch/ops/checks.py") if " & " in m.new)
    with pytest.raises(ImportFailsError, match="TypeError"):
        transplant(mutant.module, source.mutated(mutant), mutant.assigned)
    assert nn.Linear(3, 1)(np.ones((2, 3), np.float32)).shape == (2, 1)


def test_a_constant_is_replaced_where_it_was_imported() -> None:
    mutant = next(
        m
        for m in source.mutants_of("scratch/ops/conv_tiles.py")
        if m.old.startswith("MANY_IMAGES = ") and m.operator == "constant"
    )

    def ask() -> str:
        transplant(mutant.module, source.mutated(mutant), mutant.assigned)
        return str(conv_tiles.MANY_IMAGES)

    assert fork.ask(ask, 60)[0] == mutant.new.removeprefix("MANY_IMAGES = ")


def test_unchanged_code_is_no_mutant() -> None:
    for file in source.files()[::5]:
        text = (source.ROOT / file).read_text(encoding="utf-8")
        code = compile(text, str(source.ROOT / file), "exec", dont_inherit=True)
        name = file.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
        importlib.import_module(name)
        with pytest.raises(NotTransplantableError):
            transplant(name, code)


def test_a_fork_may_hang_crash_or_eat_memory() -> None:
    assert fork.ask(lambda: "answer", 60)[0] == "answer"
    began = time.perf_counter()
    assert fork.ask(lambda: time.sleep(60) or "", 0.2)[0] == "timeout"
    assert time.perf_counter() - began < 30
    assert fork.ask(lambda: str(os.kill(os.getpid(), signal.SIGKILL)), 60)[0] == "crash"
    assert fork.ask(lambda: str(np.ones(1 << 28).size), 60, memory=1 << 28)[0] == "crash"


def test_records_survive_a_cut_and_are_run_again_when_sources_change(tmp_path: Path) -> None:
    mutants = source.mutants_of(FILE)[:3]
    path = tmp_path / "new" / "generic.jsonl"
    results = Results(path)
    results.add(Record(mutants[0].key, "one", session.KILLED, "a test", 0.1))
    results.add(Record(mutants[1].key, "one", session.SURVIVED, "9 tests", 0.1))
    with path.open("a") as file:
        file.write('{"key": "cut o')
    again = Results(path)
    assert again.open(mutants, "one", keep_kills=False) == mutants[2:]
    assert again.open(mutants, "two", keep_kills=False) == mutants
    assert again.open(mutants, "two", keep_kills=True) == mutants[1:]
    again.add(Record(mutants[2].key, "one", session.KILLED, "a test", 0.1))
    assert set(Results(path).records) == {mutant.key for mutant in mutants}


def test_the_score_leaves_out_what_is_allowed_and_lists_what_lives() -> None:
    mutants = source.mutants_of(FILE)[:5]
    states = (session.KILLED, session.SURVIVED, session.SURVIVED, session.UNTRIED)
    records = {
        mutant.key: Record(mutant.key, "", status, "", 0.0)
        for mutant, status in zip(mutants, states, strict=False)
    }
    reasons = {mutants[2].key: ("", "", "speed alone")}
    found = score.summary(mutants, records, 99, 7, reasons)
    assert (found["killed"], found["survived"], found["equivalent"], found["untried"]) == (
        1,
        1,
        1,
        1,
    )
    assert found["score"] == 0.5
    assert [one["reason"] for one in found["survivors"]] == ["", "speed alone"]
    lines = score.text(found).splitlines()
    headed = [line for line in lines if not line.startswith("  ")]
    assert headed[:2] == ["1 edits change no result:", "1 edits SURVIVE: a test is missing:"]
    reasoned, missing = (lines[at : at + 4] for at in (0, lines.index(headed[1])))
    assert mutants[2].key in reasoned[1]
    assert reasoned[3].strip() == "speed alone"
    assert mutants[1].key in missing[1]
    assert f"{source.PLACES[0]}: 1 of 2 killed" in headed
    assert headed[-1].startswith("generic mutants: 50.0 % killed: 1 of 2 that change a result; 1 ")
    assert score.summary([], {}, 0, None, {})["score"] is None


def test_a_larger_sample_holds_the_smaller() -> None:
    mutants = source.mutants_of(FILE)
    assert score.sample(mutants, 9, 3)[:5] == score.sample(mutants, 5, 3)
    rest = [m for m in score.sample(mutants, 9, 3) if m != mutants[0]]
    assert score.sample(mutants[1:], len(rest), 3) == rest  # the code changed elsewhere
    assert score.sample(mutants, 9, 3) != score.sample(mutants, 9, 4)
    assert sorted(m.key for m in score.sample(mutants, None, 3)) == sorted(m.key for m in mutants)


@pytest.mark.parametrize(
    "line", ["a\tb\tc", "a\tb\tc\t ", "a\tb\tc\td\na\tb\tc\td"], ids=["three", "blank", "twice"]
)
def test_an_allow_list_without_reasons_is_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "allowed.tsv"
    path.write_text(f"# key\n{line}\n")
    with pytest.raises(ValueError, match=r"allowed\.tsv, line"):
        allowed.load(path)


def test_a_file_that_is_not_mutated_is_refused() -> None:
    with pytest.raises(UserError, match=r"scratch/build\.py is not among"):
        source.chosen(["scratch/build.py"])


def test_every_file_of_tests_gets_the_same_seconds() -> None:
    (mutant, *_) = (m for m in source.mutants_of(FILE) if m.function == "linear")
    seconds = {"a::1": 0.1, "a::2": 0.2, "a::3": 0.3, "b::1": 2.0, "c::1": 0.01, "a::0": 9.0}
    functions = {test: [f"{FILE}::linear"] for test in seconds} | {"c::1": [f"{FILE}::other"]}
    found = reach.Reach(functions, seconds)
    assert found.tests(mutant, 99) == ["a::1", "a::2", "a::3", "b::1", "a::0"]
    assert found.tests(mutant, 2.35) == ["a::1", "a::2", "a::3"]
    assert found.tests(mutant, 0.01) == ["a::1"]  # one at least
    assert reach.Reach(functions, seconds, ["a::1"]).tests(mutant, 0.01) == ["a::2"]
