"""Files and folders that scripts are asked to write: refused before the work, alike everywhere."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
FILES = [
    ("bench", "--json", ()),
    ("bench", "--picture", ()),
    ("compare", "--json", ("golden", "mine")),
    ("demo", "--report", ()),
    ("exercise", "--out", ("logic_and",)),
    ("grade", "--json", ("mine.py",)),
    ("judges", "--json", ()),
    ("mutants", "--json", ()),
    ("sizes", "--json", ()),
    ("study", "--json", ("mlp_coin", "--lr", "0.1")),
]
FOLDERS = [
    ("activations", ()),
    ("descent", ()),
    ("kernels", ()),
    ("lr_range", ("mlp_xor",)),
    ("normalisation", ()),
    ("study", ("mlp_coin", "--lr", "0.1")),
]
WRITES = {"--json", "--html", "--picture", "--report", "--out"}

Run = Callable[..., int]


def _refused(code: int, path: Path, capsys: pytest.CaptureFixture[str]) -> str:
    printed = capsys.readouterr()
    assert code == 2, printed.err
    assert printed.out == "", "refused before anything is done"
    assert printed.err.startswith(f"error: {path}"), printed.err
    assert printed.err.count("\n") == 1
    return printed.err


@pytest.mark.parametrize(("name", "option", "arguments"), FILES)
def test_a_file_goes_into_a_folder_that_exists(
    name: str,
    option: str,
    arguments: tuple[str, ...],
    script: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "none" / "a.json"
    _refused(script(name, *arguments, option, path), path, capsys)
    assert not list(tmp_path.iterdir())
    in_the_way = tmp_path / "a"
    in_the_way.mkdir()
    if name != "exercise":  # which refuses to write over what exists, in its own words
        said = _refused(script(name, *arguments, option, in_the_way), in_the_way, capsys)
        assert "is a folder or a device; name a file" in said


@pytest.mark.parametrize(("name", "arguments"), FOLDERS)
def test_a_folder_is_made_unless_a_file_stands_there(
    name: str,
    arguments: tuple[str, ...],
    script: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    taken = tmp_path / "taken"
    taken.touch()
    _refused(script(name, *arguments, "--out", taken), taken, capsys)
    inside = taken / "below"
    _refused(script(name, *arguments, "--out", inside), inside, capsys)


def test_a_folder_that_cannot_be_written_to_is_refused_too(
    script: Run,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever the reason: here the name of the picture is too long for the file system."""
    import lr_range

    monkeypatch.setattr(lr_range, "PICTURE", "p" * 300)
    path = tmp_path / "new" / "folder"
    said = _refused(script("lr_range", "mlp_xor", "--out", path), path, capsys)
    assert "cannot be written" in said


def test_no_option_that_names_a_file_is_left_out() -> None:
    found = set()
    for path in sorted(SCRIPTS.glob("[!_]*.py")):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and ast.unparse(call.func) == "parser.add_argument":
                words = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
                option = ast.literal_eval(call.args[0])
                if option in WRITES and words.get("metavar") == "'FILE'":
                    found.add((path.stem, option))
    assert found == {(name, option) for name, option, _ in FILES}
