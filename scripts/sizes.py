"""The published networks in numbers: parameters, multiply-adds, stages; seconds and MB of a step.

The counts are taken from shapes alone. With --measure a training step of both twins runs in float32
on one thread, each in a process of its own, at the published image size. The peak is what the
process holds above what it held before the network was built.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import _cli

EXAMPLES = """\
  python scripts/sizes.py
  python scripts/sizes.py resnet18 vgg16
  python scripts/sizes.py resnet18 --measure --batch 2
  python scripts/sizes.py --measure --json sizes.json
"""

FILES = ("lenet", "alexnet", "zfnet", "vgg", "googlenet", "resnet", "densenet")
SCHEMA = 1


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("chapter", nargs="*", help="only these; left out, the published networks")
    parser.add_argument("--measure", action="store_true", help="also run both twins; minutes")
    parser.add_argument("--batch", type=int, default=2, metavar="N", help="images in a step (2)")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures there")
    args = parser.parse_args(argv)
    if args.batch < 2:
        parser.error(f"--batch {args.batch}: expects 2 or more, to take the mean of a batch")
    _cli.writable(args.json)

    import _bench_memory

    from parity_tests.harness.report import environment
    from ref_torch.sizes import sizes
    from scratch import spec
    from scratch.run.files import atomic_write

    named = args.chapter or [id for id in spec.ids() if spec.get(id).file in FILES]
    chapters = [spec.get(id) for id in named]
    rows: list[dict[str, Any]] = []
    for chapter in chapters:
        counts = sizes(chapter)
        row: dict[str, Any] = {"chapter": chapter.id, "input": list(chapter.data.shape)}
        rows.append(row | {key: _plain(value) for key, value in counts._asdict().items()})
    for row in rows if args.measure else ():
        row["batch"] = args.batch
        for twin in ("scratch", "torch"):
            row[twin] = _bench_memory.measured(twin, row["chapter"], args.batch)
        print(_measured(row), flush=True)
        _write(args.json, rows, environment(), atomic_write)  # what is measured is not lost
    _write(args.json, rows, environment(), atomic_write)
    print(table(rows))
    return _cli.OK


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return one line per network; a stage is maps@side."""
    from tabulate import tabulate

    headers = ["network", "input", "parameters", "multiply-adds", "stages"]
    cells = [
        [
            row["chapter"],
            _by(row["input"]),
            f"{row['parameters']:,}",
            f"{row['multiply_adds']:,}",
            " ".join(dict.fromkeys(map(_stage, row["stages"].values()))),
        ]
        for row in rows
    ]
    if any("scratch" in row for row in rows):
        headers[4:4] = ["s", "torch s", "MB", "torch MB", "largest array MB"]
        for line, row in zip(cells, rows, strict=True):
            ours, theirs = row["scratch"], row["torch"]
            line[4:4] = [
                f"{ours['seconds']:.2f}",
                f"{theirs['seconds']:.2f}",
                f"{ours['peak_mb']:,.0f}",
                f"{theirs['peak_mb']:,.0f}",
                f"{ours['largest_mb']:,.0f}",
            ]
    align = ["left", "left", *["right"] * (len(headers) - 3), "left"]
    return tabulate(cells, headers, colalign=align, disable_numparse=True)


def _measured(row: Mapping[str, Any]) -> str:
    ours, theirs = row["scratch"], row["torch"]
    return (
        f"{row['chapter']}: {ours['seconds']:.2f} s, {ours['peak_mb']:,.0f} MB; torch "
        f"{theirs['seconds']:.2f} s, {theirs['peak_mb']:,.0f} MB; largest allocation of a line "
        f"{ours['largest_mb']:,.0f} MB, {ours['largest_at']}"
    )


def _write(
    path: Path | None, rows: Sequence[Mapping[str, Any]], machine: Mapping[str, Any], write: Any
) -> None:
    if path is not None:
        body = {"schema": SCHEMA, "rows": rows, "environment": machine}
        write(path, (json.dumps(body, indent=1) + "\n").encode())


def _plain(value: Any) -> Any:
    return {key: list(shape) for key, shape in value.items()} if isinstance(value, dict) else value


def _stage(shape: Sequence[int]) -> str:
    return f"{shape[0]}@{shape[1]}" if len(shape) == 3 else str(shape[0])


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


if __name__ == "__main__":
    _cli.run(main)
