"""The property tests find faults that are planted, shrink them, and leave what runs them again."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from parity_tests.harness import drawn as draws
from parity_tests.harness import failures, mutants
from parity_tests.harness.case import Case
from parity_tests.harness.drawn import LAYOUTS, NAIVE, Drawn
from parity_tests.properties import __main__ as again
from parity_tests.properties.hold import CI, PropertyError, hold
from parity_tests.properties.strategies import CASES, drawn
from scratch.ops import conv, conv_naive, linear

pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same':UserWarning")
LINES = re.compile(
    r"first divergence: (?P<direction>\w+) \((?P<layer>\w+)\) (?P<tensor>\w+).*\n"
    r"drawn: .*\nreproduce: python -m parity_tests.properties (?P<file>\S+)\n"
    r"golden: (?P<folder>\S+); read it with: python scripts/compare.py \S+ (?P<mine>\S+) --forced"
)


@pytest.mark.parametrize(
    ("name", "fault", "layer", "where", "most"),
    [
        ("conv2d", "col2im assigning instead of adding", "Conv2d", "backward dx", 60),
        ("conv2d", "stride ignored in dx", "Conv2d", "backward dx", 60),
        ("max_pool2d", "ceil-mode extra window", "MaxPool2d", "forward output", 8),
        ("max_pool2d", "max-pool gradient to the last tie", "MaxPool2d", "backward dx", 8),
        ("avg_pool2d", "average pool counting padding", "AvgPool2d", "forward output", 8),
        ("response_norm", "LRN window of an even size mirrored", "LocalResponseNorm", "", 16),
        ("loss", "cross-entropy gradient sum for mean", "CrossEntropyLoss", "backward dx", 6),
        ("loss", "weighted mean divided by the batch", "CrossEntropyLoss", "forward output", 6),
        ("batch_norm", "eps outside the root", "BatchNorm1d", "forward output", 6),
        ("activation", "ELU slope y instead of y + alpha", "ELU", "backward dx", 2),
    ],
)
def test_a_planted_fault_is_found_shrunk_and_written(
    name: str,
    fault: str,
    layer: str,
    where: str,
    most: int,
    tmp_path: Path,
    script: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
) -> None:
    planted = mutants.named(fault, layer)
    with planted.planted():
        with pytest.raises(PropertyError) as raised:
            hold(drawn(CASES[name]), CI, tmp_path)
        found = LINES.fullmatch(str(raised.value))
        assert found is not None, str(raised.value)
        assert found["layer"] == layer
        assert f"{found['direction']} {found['tensor']}".startswith(where)
        note = Path(found["file"])
        case = draws.parse(json.loads(note.read_text())["draw"])
        assert np.prod(case.case.shape) <= most, case  # it was shrunk
        assert case.layout == "plain"
        assert again.main([str(note)]) == 1
        assert str(raised.value).splitlines()[0] in capsys.readouterr().out
    assert again.main([str(note)]) == 0
    assert script("compare", found["folder"], found["mine"], "--forced") == 1
    assert "first divergence" in capsys.readouterr().out


def test_the_same_failure_is_written_to_the_same_folder(tmp_path: Path) -> None:
    planted = mutants.named("ELU alpha inside the exponential")
    with planted.planted():
        for _ in range(2):
            with pytest.raises(PropertyError):
                hold(drawn(CASES["activation"]), CI, tmp_path)
    assert len(list(tmp_path.iterdir())) == 1


def test_a_kernel_that_takes_memory_for_granted_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = linear.linear

    def blind(x: np.ndarray, *rest: object) -> object:
        usual = np.empty(x.shape, x.dtype).strides
        taken = x if min(x.strides) < 0 else np.lib.stride_tricks.as_strided(x, x.shape, usual)
        return own(taken, *rest)

    monkeypatch.setattr(linear, "linear", blind)
    with pytest.raises(PropertyError, match=r"memory (channels last|transposed|broadcast)"):
        hold(drawn(CASES["linear"]), CI, tmp_path)


def test_a_failure_that_cannot_be_written_is_told_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    planted = mutants.named("ELU alpha inside the exponential")
    with planted.planted(), pytest.raises(PropertyError) as raised:
        hold(drawn(CASES["activation"]), CI, tmp_path / "file" / "failures")
    first, *_, draw, golden = str(raised.value).splitlines()
    assert first.startswith("first divergence: forward (ELU) output")
    assert draws.parse(draw.removeprefix("draw: ")).case.layer == "ELU"
    assert "cannot be made" in golden


def test_a_draw_survives_being_written() -> None:
    shape = (2, 3, 4, 5)
    arguments = {"kernel_size": (2, 3), "stride": None, "ceil_mode": True}
    one = Drawn(Case("MaxPool2d", "drawn", arguments, shape, values="special"), 3, "strided")
    assert draws.parse(one.text()) == one


def test_the_loops_really_take_the_place_of_the_kernels() -> None:
    arguments = {"in_channels": 1, "out_channels": 1, "kernel_size": 1}
    case = Drawn(Case("Conv2d", "drawn", arguments, (1, 1, 2, 2)))
    assert {check.engine for check in draws.check(case)} >= {"scratch float64", "scratch's loops"}
    fast = conv.conv2d
    with draws.naive("Conv2d"):
        assert conv.conv2d_backward is conv_naive.conv2d_backward
        assert conv.conv2d is not fast
    assert conv.conv2d is fast
    assert set(NAIVE) >= {"MaxPool2d", "Softmax", "CrossEntropyLoss"}
    assert len(LAYOUTS) == 6


def test_a_failure_with_nan_in_it_can_be_written(tmp_path: Path) -> None:
    case = Drawn(Case("MaxPool2d", "drawn", {"kernel_size": 2}, (1, 1, 4, 4), values="special"))
    pair = draws.pair_of(case)
    folder = failures.write(
        tmp_path,
        "MaxPool2d of NaN",
        pair,
        lambda: failures.named(draws.found_by(pair, "float64", LAYOUTS["plain"])),
        {"divergence": "none"},
    )
    assert folder.name.startswith("MaxPool2d-of-NaN-")
    assert (folder / "manifest.json").is_file()


@pytest.mark.parametrize(
    ("content", "code"), [(None, 2), ("", 2), ("{}", 2), ('{"draw": "[]"}', 2)]
)
def test_a_file_that_is_no_failure(
    content: str | None, code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "failure.json"
    if content is not None:
        file.write_text(content)
    assert again.main([str(file)]) == code
    assert capsys.readouterr().err.startswith("error: ")
