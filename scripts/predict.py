"""Ask a bundle what it sees. Needs ONNX Runtime, and Pillow for pictures, but not torch.

A picture (PNG, JPEG, any size) is scaled to the network's size. For a network of one channel it
becomes grey, and dark ink on a bright ground is told by its border; for a network of colours its
shorter side is scaled to 256/224 of the size and the middle is taken. A table row is its numbers
with commas between them, in the units of the data set. A .npy file holds raw samples: table rows
(N, F), or images (N, H, W), in colour (N, H, W, 3), whose bytes run to 255; with --prepared it
holds the network's input as it is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import _cli

if TYPE_CHECKING:
    from scratch.deploy.predict import Prediction

EXAMPLES = """\
  python scripts/predict.py bundle/lenet5 seven.png photo.jpg
  python scripts/predict.py bundle/lenet5 scan.png --invert       black ink on white paper
  python scripts/predict.py bundle/logistic_regression 0.58,0.92
  python scripts/predict.py bundle/linear_regression -- -0.5      after -- a minus is a minus
  python scripts/predict.py bundle/lenet5 samples.npy --json
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("bundle", type=Path, help="a folder that scripts/export_onnx.py made")
    parser.add_argument("inputs", nargs="+", metavar="INPUT", help="picture, .npy file, or numbers")
    ink = parser.add_mutually_exclusive_group()
    ink.add_argument("--invert", dest="invert", action="store_true", help="ink is dark")
    ink.add_argument("--no-invert", dest="invert", action="store_false", help="ink is bright")
    parser.set_defaults(invert=None)
    parser.add_argument("--prepared", action="store_true", help=".npy files need no preprocessing")
    parser.add_argument("--json", action="store_true", help="print JSON")
    args = parser.parse_args(argv)

    from scratch.deploy.predict import Predictor

    predictor = Predictor(args.bundle)
    arrays = [
        predictor.read(text, invert=args.invert, prepared=args.prepared) for text in args.inputs
    ]
    found = [
        (f"{text}[{i}]" if len(x) > 1 else text, prediction)
        for text, x in zip(args.inputs, arrays, strict=True)
        for i, prediction in enumerate(predictor.predict(x))
    ]
    target = str(predictor.bundle.data.get("target", ""))
    print(_json(found, target) if args.json else _table(found, target))
    return _cli.OK


def _json(found: list[tuple[str, Prediction]], target: str) -> str:
    rows: list[dict[str, Any]] = []
    for name, prediction in found:
        if not prediction.values:
            rows.append(
                {
                    "input": name,
                    "class": prediction.label,
                    "probabilities": dict(prediction.probabilities),
                }
            )
        else:
            numbers = prediction.values
            value = numbers[0] if len(numbers) == 1 else list(numbers)
            rows.append({"input": name, "value": value, "target": target})
    return json.dumps(rows, indent=1, ensure_ascii=False)


def _table(found: list[tuple[str, Prediction]], target: str) -> str:
    from tabulate import tabulate

    if count := len(found[0][1].values):
        rows = [(name, *prediction.values) for name, prediction in found]
        label = target or "value"
        labels = [label] if count == 1 else [f"{label} {n}" for n in range(1, count + 1)]
        return tabulate(rows, ("input", *labels), floatfmt=".6g")
    rows_of_classes = []
    for name, prediction in found:
        ordered = sorted(prediction.probabilities.items(), key=lambda item: -item[1])
        others = ", ".join(f"{label} {share:.1%}" for label, share in ordered[1:4])
        share = prediction.probabilities[prediction.label]
        rows_of_classes.append((name, prediction.label, f"{share:.1%}", others))
    headers = ("input", "class", "probability", "then")
    return tabulate(rows_of_classes, headers, disable_numparse=True)


if __name__ == "__main__":
    _cli.run(main)
