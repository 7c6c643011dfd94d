"""`--html`: one page with the whole truth, which asks nothing of the network."""

from __future__ import annotations

from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from parity_tests import cli
from parity_tests.harness import document, mutants, power
from parity_tests.harness.document import Document
from parity_tests.harness.page import content, faults, render, shares
from parity_tests.harness.verdict import Check, Curve, Verdict

Capture = pytest.CaptureFixture[str]
FIRST, SECOND = "logic_and", "mlp_xor"
REMOTE = {"src", "srcset", "action", "data", "poster", "xlink:href"}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Return the JSON and the page of two chapters, a layer and an optimizer."""
    folder = tmp_path_factory.mktemp("report")
    json_file, page = folder / "found.json", folder / "page.html"
    argv = [SECOND, FIRST, "--layer", "ReLU", "--optimizer", "SGD", "--dtype", "both"]
    assert cli.main([*argv, "--steps", "10", "--json", str(json_file), "--html", str(page)]) == 0
    return json_file, page


class _Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def test_what_is_written_is_read_back_and_written_the_same(found: tuple[Path, Path]) -> None:
    read = document.read(found[0])
    assert document.text(read) == found[0].read_text()
    assert not read.partial
    kinds = [(s.subject, s.kind, s.dtype) for s in read.subjects]
    both = ("float64", "float32")
    assert kinds == [
        *((id, "chapter", dtype) for id in (SECOND, FIRST) for dtype in both),
        *(("ReLU", "layer", dtype) for dtype in both),
        *(("SGD", "optimizer", dtype) for dtype in both),
    ]
    levels = [{check.level for check in s.checks} for s in read.subjects[:2]]
    assert levels == [{"L0", "L1", "L2", "L5"}, {"L3", "L5", "L6"}]  # L0 once


def _subject(*checks: Check) -> document.Subject:
    command = "python -m parity_tests x --size tiny --dtype float64 --seed 0 --levels L0"
    return document.Subject(
        "x", "chapter", "tiny", "float64", 1.0, Verdict.FAIL, (), command, checks
    )


def test_the_page_asks_nothing_of_the_network_and_every_link_leads_somewhere(
    found: tuple[Path, Path],
) -> None:
    page = _Page(found[1].read_text())
    names = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(names) == len(set(names))
    assert "script" not in [tag for tag, _ in page.tags]
    for tag, attrs in page.tags:
        assert not REMOTE & set(attrs), (tag, attrs)
        link = attrs.get("href")
        assert link is None or link == "data:," or link[1:] in names, link
    assert "url(" not in found[1].read_text()
    assert "@import" not in found[1].read_text()


def test_the_page_shows_every_subject_and_its_verdict(found: tuple[Path, Path]) -> None:
    read, page = document.read(found[0]), _Page(found[1].read_text())
    count = sum(len(subject.checks) for subject in read.subjects)
    assert f"PASS {count:,} of {count:,} comparisons pass." in page.text
    assert "2 chapters, 1 layers, 1 optimizers" in page.text
    gathered = content.gather([read])
    assert [entry.name for entry in gathered.entries[:2]] == [FIRST, SECOND]  # the book's order
    for engine, _, _ in content.ENGINES:
        assert engine in page.text
    assert "What is wrong" not in page.text
    assert "Partial" not in page.text
    trained = [tag for tag, attrs in page.tags if attrs.get("role") == "img"]
    assert len(trained) == 2 * 2 * 2  # two chapters, two optimizers, in full and with the chapter
    for package, version in read.environment.packages.items():
        assert f"{package} {version}" in page.text


def test_the_page_of_files_is_the_page_of_the_run(
    found: tuple[Path, Path], tmp_path: Path, capsys: Capture
) -> None:
    page = tmp_path / "again.html"
    assert cli.main(["--from", str(found[0]), "--html", str(page)]) == 0
    assert page.read_text() == found[1].read_text()
    assert cli.main(["--from", str(found[0])]) == 2
    assert cli.main(["--from", str(found[0]), "--html", str(page), "mlp_xor"]) == 2
    assert cli.main(["--from", str(tmp_path / "none"), "--html", str(page)]) == 2
    assert "none: cannot be read" in capsys.readouterr().err


def test_a_failure_comes_first_with_its_place_its_values_and_its_command(tmp_path: Path) -> None:
    fault = mutants.named("bias added twice", "Linear")
    page, json_file = tmp_path / "page.html", tmp_path / "found.json"
    argv = [SECOND, "--levels", "L0,L2", "--html", str(page), "--json", str(json_file)]
    argv += ["--golden-on-failure", str(tmp_path)]
    with fault.planted():
        assert cli.main(argv) == 1
    text = _Page(page.read_text()).text
    assert text.index("What is wrong") < text.index("What was compared, and")
    (subject,) = document.read(json_file).subjects
    assert subject.divergence
    assert all(line in text for line in subject.divergence)
    assert subject.reproduce in text
    failing = [check for check in subject.checks if check.failing]
    assert f"{len(failing):,} of {len(subject.checks):,} comparisons fail" in text
    for check in failing:
        assert (
            f"{check.level} {check.where} {check.direction} {check.tensor} {check.engine}" in text
        )
    (failure,) = content.gather([document.read(json_file)]).failures()
    assert sum(place.count for place in failure.places) == failure.count == len(failing)
    worst = failure.places[0].check
    assert f"[{', '.join(map(str, worst.index))}] {worst.got:.9g} {worst.want:.9g}" in text
    assert failure.places[0].command.endswith(f"--seed {worst.seed} --levels {worst.level}")
    assert "✗" in text


def test_many_failures_are_counted_not_hidden() -> None:
    failing = Check("L2", "x", "", "forward", "t", "scratch", Verdict.FAIL, 2.0, (0,), 1.0, 2.0)
    checks = [replace(failing, module=f"m{number}") for number in range(content.SHOWN + 7)]
    text = _Page(render.page([document.make([_subject(*checks)], "", 0.0, False)])).text
    assert f"FAIL 0 of {len(checks)} comparisons pass." in text
    assert "7 more places fail" in text


def test_names_are_text_and_not_markup() -> None:
    odd = Check("L2", "x", "<b>m</b>", "forward", "<i>", "e", Verdict.FAIL, note="<script>alert(1)")
    planted = faults.Faults((faults.Fault("<u>fault", "&amp;", "", {"<s>": True}),), ())
    page = _Page(render.page([document.make([_subject(odd)], "<q>", 0.0, False)], planted))
    assert not {"script", "u", "s", "q"} & {tag for tag, _ in page.tags}
    for word in ("<b>m</b>", "<script>alert(1)", "<u>fault", "&amp;", "<s>", "<q>"):
        assert word in page.text


def test_a_cell_says_in_words_what_its_colour_says() -> None:
    fine = Check("L2", "x", "", "forward", "t", "e", Verdict.PASS, 0.3)
    assert shares.cell([]) == shares.Cell("", "")
    assert shares.cell([fine, replace(fine, used=0.0)]) == shares.Cell(".30", "s5")
    silent = replace(fine, verdict=Verdict.MISTRUSTED, used=0.0)
    assert shares.cell([fine, silent]) == shares.Cell(".30 ✗", "bad")


def test_what_is_not_finite_survives(tmp_path: Path) -> None:
    curve = Curve((1, 2), (0.0, float("nan")), 2, 1e-3)
    odd = Check("L5", "x", "", "step", "loss", "scratch", Verdict.FAIL, float("inf"), curve=curve)
    made = document.make([_subject(odd)], "", 0.0, False)
    path = tmp_path / "odd.json"
    path.write_text(document.text(made))
    again = document.read(path).subjects[0].checks[0]
    assert again.used == float("inf")
    assert repr(again.curve) == repr(curve)
    page = render.page([made])
    assert "does not part" not in page  # NaN at step 2 is a horizon
    assert "#engines" not in page  # no implementation was judged: no empty table


# ---- planted faults

ROWS = [
    {"fault": "a", "place": "Conv2d", "killed_by": "L0", "policies": {"usual": True}},
    {"fault": "b", "place": "Linear", "killed_by": None, "policies": {"usual": False}, "x": 1},
]
GENERIC = {"score": 0.96, "killed": 48, "survived": 2}


def test_the_table_of_planted_faults(found: tuple[Path, Path], tmp_path: Path) -> None:
    table, page = tmp_path / "mutants.json", tmp_path / "page.html"
    power.save(table, {"catalogue": {"rows": ROWS}, "generic": GENERIC})
    argv = ["--from", str(found[0]), "--html", str(page), "--mutants", str(table)]
    assert cli.main(argv) == 0
    text = _Page(page.read_text()).text
    assert "2 faults that people make were planted, one at a time: 1 were noticed" in text
    assert ", 1 were not . Below" in text
    assert "Of 50 small edits of the source of scratch the tests noticed 96.0 %." in text
    assert "this proof 1 usual 1" in text
    assert "a L0 yes Conv2d b nobody ✗ no Linear" in text


NOTHING = '{"schema": 1, "catalogue": null, "attribution": null, "generic": null}'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a file of scripts/mutants.py"),
        ("[]", "not a file of scripts/mutants.py"),
        ('{"schema": 2}', "schema 2, this version reads 1"),
        (NOTHING, "without the catalogue"),
        (NOTHING.replace("null", '{"rows": [7]}', 1), "not a table of mutants"),
    ],
)
def test_another_table_is_refused(tmp_path: Path, capsys: Capture, text: str, message: str) -> None:
    table = tmp_path / "mutants.json"
    table.write_text(text)
    argv = [FIRST, "--html", str(tmp_path / "page.html"), "--mutants", str(table)]
    assert cli.main(argv) == 2
    printed = capsys.readouterr()
    assert message in printed.err
    assert not printed.out  # nothing was checked


def test_a_page_of_no_run_is_mistrusted() -> None:
    empty: Document = document.make([], "", 0.0, True)
    assert "MISTRUSTED 0 of 0" in _Page(render.page([empty])).text
