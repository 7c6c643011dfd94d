"""scripts/exercise.py and scripts/grade.py: files, exit codes, words, JSON."""

from __future__ import annotations

import json
import signal

import pytest

from parity_tests.torch_free.filled import fill
from scratch import spec


@pytest.fixture
def written(script, tmp_path):
    def write(chapter, *options):
        path = tmp_path / f"{chapter}.py"
        assert script("exercise", chapter, "--out", path, *options) == 0
        return path

    return write


def test_from_writing_to_all_right(script, written, tmp_path, capsys):
    path = written("mlp_mnist")
    assert "next: fill it in, then python scripts/grade.py" in capsys.readouterr().out
    assert script("grade", path, "--no-torch") == 1
    out = capsys.readouterr().out
    assert "  linear_backward: to do" in out
    assert "0 of 4 functions right" in out
    path.write_text(fill(path.read_text()))
    assert script("grade", path, "--no-torch", "--json", tmp_path / "grades.json") == 0
    out = capsys.readouterr().out
    assert "4 of 4 functions right\ncomplex step: agrees on all 8 tensors of the network" in out
    document = json.loads((tmp_path / "grades.json").read_text())
    assert (document["schema"], document["chapter"], document["right"]) == (1, "mlp_mnist", 4)
    assert document["functions"][1] == {
        "name": "linear_backward",
        "state": "right",
        "exact": "right",
        "bounded": "right",
        "network": "right",
        "finding": None,
        "remarks": [],
    }
    assert document["together"] == [{"judge": "complex step", "tensors": 8, "finding": None}]


def test_what_is_wrong_is_printed_and_in_the_json(script, written, tmp_path, capsys):
    path = written("mlp_mnist")
    path.write_text(fill(path.read_text(), tanh_backward="return dy * (1 - y)"))
    assert script("grade", path, "--no-torch", "--json", tmp_path / "grades.json") == 1
    out = capsys.readouterr().out
    assert "3 of 4 functions right\nfirst wrong: tanh_backward: called by layers.act2: dx[" in out
    assert "  it fits if the derivative is 1 - y, not 1 - y^2" in out
    document = json.loads((tmp_path / "grades.json").read_text())
    assert document["functions"][2]["finding"]["causes"] == ["the derivative is 1 - y, not 1 - y^2"]
    assert document["together"] == []


def test_a_file_that_exists_is_kept(script, written, capsys):
    path = written("logic_and")
    path.write_text("mine")
    assert script("exercise", "logic_and", "--out", path) == 2
    assert "exists; take another --out, or --force" in capsys.readouterr().err
    assert path.read_text() == "mine"
    written("logic_and", "--force")
    assert "linear_backward" in path.read_text()


@pytest.mark.parametrize(
    ("options", "names"),
    [
        (("--layer", "Linear", "CrossEntropyLoss"), ("cross_entropy_backward", "linear_backward")),
        (("--layer", "tanh_backward"), ("tanh_backward",)),
        (("--what", "model"), ("MLP.backward",)),
        (("--layer", "MLP"), ("MLP.backward",)),
    ],
)
def test_a_choice_of_what_to_fill_in(options, names, written):
    defined = {}
    exec(written("mlp_mnist", *options).read_text(), defined)
    assert defined["EXERCISE"] == names


def test_the_solution_is_right(script, written, capsys):
    path = written("logic_and", "--what", "all", "--solution")
    assert script("grade", path, "--no-torch") == 0
    assert "3 of 3 functions right" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("", "no exercise: it has no CHAPTER and EXERCISE"),
        ("CHAPTER = 'logic_and'\nEXERCISE = ()", "no exercise"),
        ("def f(:", "line 1: invalid syntax"),
        ("import nothing_of_that_name", "running it: ModuleNotFoundError: No module named"),
        ("x = 1\n1 / 0", r"ZeroDivisionError: division by zero (line 2: `1 / 0`)"),
        ("while True:\n    pass", "running it: took too long (line"),
        ("exit(0)", "running it: SystemExit"),
        ("CHAPTER, EXERCISE = 'lenet', ('linear_backward',)", 'did you mean "lenet5"?'),
        ("CHAPTER, EXERCISE = 'logic_and', ('relu_backward',)", "EXERCISE names relu_backward"),
        ("\0", "null bytes"),
    ],
)
def test_what_is_no_exercise_is_refused_in_one_line(source, words, script, tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(source)
    assert script("grade", path, "--limit", "0.3") == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


def test_bad_arguments_are_refused(script, tmp_path, capsys):
    assert script("grade", tmp_path / "none.py") == 2
    assert "none.py: No such file" in capsys.readouterr().err
    assert script("grade", tmp_path) == 2
    assert script("grade", tmp_path / "none.py", "--limit", "0") == 2
    assert script("exercise", "lenet", "--out", tmp_path / "x.py") == 2
    assert 'did you mean "lenet5"?' in capsys.readouterr().err
    assert script("exercise", "lenet5", "--layer", "Conv3d", "--out", tmp_path / "x.py") == 2
    assert 'unknown function "Conv3d"; known: cross_entropy_b' in capsys.readouterr().err
    assert script("exercise", "lenet5", "--out", tmp_path / "no" / "x.py") == 2


def test_a_function_that_is_gone_is_missed(script, written, capsys):
    path = written("logic_and")
    path.write_text(fill(path.read_text()).replace("def linear_backward", "def linear_back"))
    assert script("grade", path, "--no-torch") == 1
    assert "no longer in the file: linear_backward" in capsys.readouterr().out


def test_the_chapter_says_what_is_graded_not_the_list_in_the_file(script, written, capsys):
    path = written("logic_and")
    whole = path.read_text()
    shortened = whole.replace('    "linear_backward",\n', "")
    assert shortened != whole
    path.write_text(fill(shortened, linear_backward="raise NotImplementedError"))
    assert script("grade", path, "--no-torch") == 1
    out = capsys.readouterr().out
    assert "2 to fill in\n  its EXERCISE leaves out linear_backward; a part is graded by" in out
    assert "  linear_backward: to do" in out
    assert script("grade", path, "--no-torch", "--layer", "BCEWithLogitsLoss") == 0
    assert "1 of 1 function right" in capsys.readouterr().out
    assert script("grade", path, "--no-torch", "--what", "all") == 1
    assert "leaves out linear_backward, LogisticRegression.backward;" in capsys.readouterr().out
    assert script("grade", path, "--chapter", "lenet5") == 2
    assert "is for logic_and, not for lenet5" in capsys.readouterr().err


@pytest.mark.parametrize("options", ["--what model", "--layer Linear", "--what layers"])
def test_a_part_is_graded_by_the_command_that_is_printed_and_in_the_file(
    options, script, written, capsys
):
    path = written("logic_and", "--solution", *options.split())
    command = capsys.readouterr().out.split("python scripts/grade.py ")[1].strip()
    assert command == f"{path} {options}"
    assert f"scripts/grade.py {command}   what is right" in path.read_text()
    assert script("grade", *command.split(), "--no-torch") == 0


def test_other_arguments_are_named(script, written, capsys):
    path = written("logic_and")
    path.write_text(
        fill(path.read_text()).replace("linear_backward(dy: Array, ", "linear_backward(")
    )
    assert script("grade", path, "--no-torch") == 1
    assert "it takes (cache), expected (dy, cache)" in capsys.readouterr().out


def test_a_file_may_use_what_lies_beside_it_and_dataclasses(script, written, tmp_path):
    path = written("logic_and")
    (tmp_path / "helping.py").write_text("def total(dy):\n    return dy.sum(axis=0)\n")
    extra = "import dataclasses\nimport helping\n\n\n@dataclasses.dataclass\nclass A:\n    x: int\n"
    body = "return dy @ weight, dy.T @ x, helping.total(dy)"
    path.write_text(fill(path.read_text(), linear_backward=body) + extra)
    assert script("grade", path, "--no-torch") == 0


def test_ctrl_c_ends_it(script, written, capsys):
    path = written("logic_and")
    path.write_text(fill(path.read_text(), linear_backward="raise KeyboardInterrupt"))
    before = signal.getsignal(signal.SIGALRM)
    assert script("grade", path, "--no-torch") == 130
    assert signal.getsignal(signal.SIGALRM) is before
    assert signal.getitimer(signal.ITIMER_REAL)[0] == 0


def test_scratch_is_left_as_it_was(script, written):
    from scratch.models.mlp import MLP
    from scratch.ops import linear

    before = linear.linear_backward, MLP.backward
    path = written("mlp_mnist", "--what", "all")
    wrong = {
        "linear_backward": "return dy",
        "MLP__backward": "return self.layers.backward(d_output)",
    }
    path.write_text(fill(path.read_text(), **wrong))
    assert script("grade", path, "--no-torch") == 1
    assert (linear.linear_backward, MLP.backward) == before


def test_every_chapter_has_an_exercise(script, tmp_path):
    for id in spec.ids():
        assert script("exercise", id, "--what", "all", "--out", tmp_path / f"{id}.py") == 0
