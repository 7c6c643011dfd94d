"""Export a network as a bundle: model.onnx, what its numbers mean, and the proof that it is right.

The bundle is proven while it is made (torch, ONNX Runtime, onnx.reference and scratch against
float64) and only then moved into place: a failed check leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import _cli

EXAMPLES = """\
  python scripts/export_onnx.py runs/lenet5 --out bundle/lenet5      a trained network
  python scripts/export_onnx.py runs/lenet5/checkpoints/step-000000630.ckpt --out bundle/early
  python scripts/export_onnx.py weights.safetensors --chapter lenet5 --out bundle/mine
  python scripts/export_onnx.py resnet18.pth --chapter resnet18 --out bundle/resnet18
  python scripts/export_onnx.py lenet5 --out bundle/untrained        its initial weights
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument(
        "source", help="a run folder, a .ckpt, .safetensors or .pth file, or a chapter"
    )
    parser.add_argument("--out", type=Path, required=True, help="the folder to make; empty or new")
    parser.add_argument("--size", choices=("full", "tiny"), help="size of a chapter (full)")
    parser.add_argument("--chapter", help="chapter of a file of weights that does not say it")
    parser.add_argument(
        "--set",
        dest="arguments",
        action="append",
        metavar="NAME=VALUE",
        help="constructor argument of the network of such a file, as for train.py",
    )
    args = parser.parse_args(argv)

    import _settings

    from parity_tests.harness import artefact
    from parity_tests.harness.bundle import BundleRefused, refuse_occupied, write_bundle
    from ref_torch.export import ExportError

    refuse_occupied(args.out)
    given = _settings.arguments(args.arguments or [])
    found = artefact.find(args.source, chapter=args.chapter, size=args.size, arguments=given)
    try:
        checks = write_bundle(
            found.model,
            found.chapter,
            found.dataset,
            args.out,
            arguments=found.arguments,
            training=found.training,
        )
    except (BundleRefused, ExportError) as error:
        return _cli.failed(str(error))
    print(f"{found.chapter.title} ({found.chapter.id}, {found.chapter.size}): {found.origin}")
    print(f"{len(checks)} checks passed")
    print(f"written: {args.out}")
    print(f"next: python scripts/verify_onnx.py {args.out}")
    return _cli.OK


if __name__ == "__main__":
    _cli.run(main)
