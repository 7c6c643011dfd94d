"""List the chapters: their networks, files, data sets and parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import _cli

EXAMPLES = """\
  python scripts/list.py
  python scripts/list.py lenet5                one chapter, with everything that is known of it
  python scripts/list.py --json
  python scripts/list.py --markdown --parity parity.json --speed bench.json

parity.json: python -m parity_tests --all --json parity.json; bench.json: scripts/bench.py --json
"""

FOLDERS = ("scratch/models", "ref_torch/models")


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("chapter", nargs="*", help="only these")
    parser.add_argument("--json", action="store_true", help="everything, for programs")
    parser.add_argument("--markdown", action="store_true", help="the table of the README")
    parser.add_argument(
        "--parity", type=Path, action="append", default=[], metavar="FILE", help="adds a column"
    )
    parser.add_argument("--speed", type=Path, metavar="FILE", help="adds a column")
    args = parser.parse_args(argv)
    if (args.parity or args.speed) and not args.markdown:
        parser.error("--parity and --speed are columns of --markdown")

    from scratch import spec

    entries = [entry(id) for id in args.chapter or spec.ids()]
    if args.json:
        print(json.dumps(entries, indent=1, ensure_ascii=False))
    elif args.markdown:
        columns = {"parity": parity(args.parity)} if args.parity else {}
        if args.speed:
            columns["time / torch's"] = speed(args.speed)
        print(markdown(entries, columns))
    elif args.chapter:
        print("\n\n".join(details(item) for item in entries))
    else:
        print(table(entries))
    return _cli.OK


def entry(id: str) -> dict[str, Any]:
    """Return what the spec says about a chapter, as plain values."""
    from scratch import spec
    from scratch.data.loading import readable

    chapter = spec.get(id)
    data = chapter.data
    out = list(chapter.facts.shapes.values())[-1][0]
    expected = chapter.expected
    return {
        "id": chapter.id,
        "title": chapter.title,
        "title_zh": chapter.title_zh,
        "step": chapter.step,
        "book": chapter.book,
        "network": f"{chapter.model}, {_by(data.shape)} to {out}",
        "parameters": chapter.facts.parameters,
        "files": [f"{folder}/{chapter.file}.py" for folder in FOLDERS],
        "data": [data.name, *data.alternatives],
        "data_dir": list(readable(data)) if data.name in ("digits", "shapes") else [],
        "task": data.task,
        "expected": {"metric": expected.metric, "low": expected.low, "high": expected.high},
        "note": expected.note,
        "sources": [" ".join(filter(None, (s.title, s.where, s.link))) for s in chapter.sources],
        "deviations": list(chapter.deviations),
    }


def table(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return one line per chapter; the Chinese title last, where its width disturbs no column."""
    from tabulate import tabulate

    rows = [
        (
            item["step"],
            item["id"],
            item["network"],
            f"{item['parameters']:,}",
            Path(item["files"][0]).name,
            _data(item),
            item["title_zh"],
        )
        for item in entries
    ]
    headers = ("step", "chapter", "network", "parameters", "file", "data", "")
    align = ("right", "left", "left", "right", "left", "left", "left")
    lines = [
        tabulate(rows, headers, colalign=align, disable_numparse=True),
        "",
        f"Every file stands twice: {FOLDERS[0]}/ (NumPy) and {FOLDERS[1]}/ (PyTorch).",
        "next: python scripts/train.py lenet5, or python scripts/list.py lenet5",
    ]
    return "\n".join(lines)


def details(item: Mapping[str, Any]) -> str:
    """Return everything about one chapter."""
    band, note = item["expected"], f" ({item['note']})" if item["note"] else ""
    high = "" if band["high"] is None else f", at most {band['high']:g}"
    low = band["low"]
    reached = "no band" if low is None else f"{band['metric']} at least {low:g}{high}"
    lines = [
        f"{item['id']}: {item['title']} / {item['title_zh']}",
        f"  step {item['step']} of the book, {item['book']}",
        f"  network     {item['network']}, {item['parameters']:,} parameters",
        f"  files       {', '.join(item['files'])}",
        f"  data        {_data(item)}",
        f"  expected    {reached}{note}",
    ]
    lines += [f"  source      {source}" for source in item["sources"]]
    lines += [f"  deviation   {sentence}" for sentence in item["deviations"]]
    return "\n".join(lines)


def markdown(entries: Sequence[Mapping[str, Any]], columns: Mapping[str, Mapping[str, str]]) -> str:
    """Return the table of the README, with further columns of results by chapter id."""
    headers = ["step", "chapter", "network", "parameters", "data", *columns]
    lines = [f"| {' | '.join(headers)} |", f"|{'---|' * len(headers)}"]
    for item in entries:
        links = ", ".join(f"[{file.split('/')[0]}]({file})" for file in item["files"])
        cells = [
            str(item["step"]),
            f"`{item['id']}`<br>{item['title']} · {item['title_zh']}",
            f"{item['network']}<br>{links}",
            f"{item['parameters']:,}",
            _data(item),
            *(results.get(item["id"], "-") for results in columns.values()),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def parity(files: Sequence[Path]) -> dict[str, str]:
    """Return by chapter what `python -m parity_tests --json` found, of several files together."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for path in files:
        for subject in _read(path, "subjects"):
            found.setdefault(subject["subject"], []).append(subject)
    cells = {}
    for name, subjects in found.items():
        checks = [check for subject in subjects for check in subject["checks"]]
        levels = sorted({check["level"] for check in checks})
        bad = [subject["verdict"] for subject in subjects if subject["verdict"] != "PASS"]
        cells[name] = f"{bad[0] if bad else 'PASS'}: {' '.join(levels)}, {len(checks):,} tensors"
    return cells


def speed(path: Path) -> dict[str, str]:
    """Return by chapter the ratios that scripts/bench.py measured."""
    cells: dict[str, list[str]] = {}
    for row in _read(path, "rows"):
        if row["mode"] != "train":
            continue
        cells.setdefault(row["chapter"], []).append(f"{row['ratio']:.2f} (batch {row['batch']})")
    return {name: ", ".join(parts) for name, parts in cells.items()}


def _read(path: Path, key: str) -> list[Mapping[str, Any]]:
    from scratch.spec.errors import UserError

    try:
        found = json.loads(path.read_bytes())[key]
    except (ValueError, KeyError, TypeError) as error:
        raise UserError(f"{path}: not a file of results ({error})") from error
    return list(found)


def _data(item: Mapping[str, Any]) -> str:
    more = f"; {', '.join(item['data_dir'])} by --data-dir" if item["data_dir"] else ""
    return ", ".join(item["data"]) + more


def _by(shape: Sequence[int]) -> str:
    return "x".join(map(str, shape))


if __name__ == "__main__":
    _cli.run(main)
