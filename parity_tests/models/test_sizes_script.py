"""scripts/sizes.py: the table of the published networks."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import ref_torch.sizes
from scratch import spec

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"
FOUND = {
    "scratch": {"seconds": 1.5, "peak_mb": 2345.0, "largest_mb": 67.1, "largest_at": "conv.py"},
    "torch": {"seconds": 2.5, "peak_mb": 1234.0},
}


@pytest.fixture
def sizes(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(SCRIPTS))
    import sizes

    return sizes


def test_the_table_has_counts_and_stages_in_order(
    sizes: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sizes.main(["densenet121"]) == 0
    line = capsys.readouterr().out.splitlines()[-1].split()
    assert line[:4] == ["densenet121", "3x224x224", "7,978,856", "2,834,161,664"]
    assert line[4:8] == ["64@112", "64@56", "256@56", "128@28"]


def test_what_is_measured_is_written_before_the_next_network_is_measured(
    sizes: Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import _bench_memory

    def measured(twin: str, name: str, batch: int) -> dict[str, Any]:
        if name == "resnet20":
            raise KeyboardInterrupt
        return FOUND[twin]

    monkeypatch.setattr(_bench_memory, "measured", measured)
    file = tmp_path / "sizes.json"
    with pytest.raises(KeyboardInterrupt):
        sizes.main(["lenet5", "resnet20", "--measure", "--json", str(file)])
    rows = json.loads(file.read_bytes())["rows"]
    assert rows[0]["scratch"] == FOUND["scratch"]
    assert rows[0]["batch"] == 2
    assert "scratch" not in rows[1]
    assert sizes.main(["lenet5", "--measure"]) == 0
    line = capsys.readouterr().out.splitlines()[-1].split()
    assert line[4:9] == ["1.50", "2.50", "2,345", "1,234", "67"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["no_such"], 'unknown chapter "no_such"'),
        (["--batch", "1"], "expects 2 or more"),
        (["--json", "no/such/folder.json"], "no/such does not exist"),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(arguments: list[str], said: str) -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / "sizes.py"), *arguments], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_the_table_s_networks_are_the_published_ones(sizes: Any) -> None:
    files = {spec.get(id).file for id in spec.ids()}
    assert {spec.get("resnet18").file, spec.get("vgg16").file} <= set(sizes.FILES)
    assert set(sizes.FILES) <= files


def test_groups_and_tables_of_connections_count_what_they_multiply() -> None:
    """AlexNet's second convolution, two groups of 48 maps; LeNet's third, 60 of 96 pairs."""
    alexnet, lenet = (ref_torch.sizes.sizes(spec.get(id)) for id in ("alexnet", "lenet5"))
    convolutions = 55**2 * 96 * 363 + 27**2 * 256 * 48 * 25
    convolutions += 13**2 * (384 * 256 * 9 + 384 * 192 * 9 + 256 * 192 * 9)
    assert alexnet.multiply_adds == convolutions + 9216 * 4096 + 4096**2 + 4096 * 1000
    maps = 28**2 * 6 * 25 + 10**2 * 60 * 25 + 120 * 400
    assert lenet.multiply_adds == maps + 120 * 84 + 84 * 10
