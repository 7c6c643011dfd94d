"""Train a chapter's network: the torch twin by Lightning, the NumPy twin by its own loop, or both.

With --twin both they start from the same weights and see the same batches; their curves and the gap
between them are among the pictures. The run folder holds config.yaml, metrics.csv (a row per epoch
and twin), checkpoints/, model.safetensors, results.json and plots/.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import _cli

if TYPE_CHECKING:
    from _training import Result

EXAMPLES = """\
  python scripts/train.py lenet5
  python scripts/train.py lenet5 --twin both --out runs/mine
  python scripts/train.py mlp_mnist --data-dir data --data mnist
  python scripts/train.py mlp_xor --twin scratch --seed 3 --lr 0.1
  python scripts/train.py mlp_arc --twin scratch --preset book
  python scripts/train.py cnn_cifar --twin scratch --conv winograd
  python scripts/train.py lenet5 --trainer.accelerator gpu --trainer.precision 16-mixed
  python scripts/train.py resnet18 --weights resnet18.pth --data-dir photos --epochs 2
  python scripts/train.py alexnet --set variant=torchvision --weights alexnet.pth --data-dir photos
  python scripts/train.py --resume runs/mine
"""

TRAINER = "--trainer."


def main(argv: Sequence[str] | None = None) -> int:
    own, trainer = split_trainer(sys.argv[1:] if argv is None else argv)
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("chapter", nargs="?", help="see scripts/list.py")
    parser.add_argument(
        "--twin", choices=("torch", "scratch", "both"), help="which network to train (torch)"
    )
    parser.add_argument("--epochs", type=int, help="passes over the data; a cosine ends with them")
    parser.add_argument("--lr", type=float, help="learning rate")
    parser.add_argument(
        "--weights",
        metavar="FILE",
        help=".safetensors or .pth to start from, such as torchvision's",
    )
    parser.add_argument(
        "--set",
        dest="arguments",
        action="append",
        metavar="NAME=VALUE",
        help="constructor argument of the network, such as variant=torchvision; again for another",
    )
    parser.add_argument(
        "--conv",
        choices=("direct", "winograd", "winograd-f2"),
        help="how the NumPy twin convolves (direct); winograd is faster and rounds more",
    )
    parser.add_argument("--preset", metavar="NAME", help="named settings, such as book")
    parser.add_argument("--seed", type=int, help="of weights, batches and splits (0)")
    parser.add_argument("--size", choices=("full", "tiny"), help="full as published (full)")
    parser.add_argument("--data", metavar="NAME", help="another data set, see scripts/list.py")
    parser.add_argument("--data-dir", metavar="DIR", help="MNIST or Fashion-MNIST IDX files")
    parser.add_argument("--out", type=Path, metavar="DIR", help="the run folder, new or empty")
    parser.add_argument("--resume", type=Path, metavar="DIR", help="go on with a stopped run")
    parser.add_argument(
        "--trainer.NAME", metavar="VALUE", help="any argument of lightning.Trainer (torch twin)"
    )
    args = parser.parse_args(own)
    _cli.one_thread()
    chosen = {
        name: getattr(args, name)
        for name in (
            "twin",
            "epochs",
            "lr",
            "weights",
            "conv",
            "preset",
            "seed",
            "size",
            "data",
            "data_dir",
        )
        if getattr(args, name) is not None
    }
    if args.resume is not None:
        if args.chapter or args.out or chosen or trainer or args.arguments:
            parser.error("--resume takes everything from the run folder; leave the rest out")
        import _training

        result, judged = _training.resume(args.resume), False
    elif args.chapter is None:
        parser.error("name a chapter, see scripts/list.py")
    else:
        import _settings
        import _training

        given = _settings.arguments(args.arguments or [])
        settings = _training.Settings(args.chapter, **chosen, trainer=trainer, arguments=given)
        result, judged = _training.train(settings, args.out), settings.default()
    print(summary(result, judged))
    return _cli.OK


def split_trainer(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the arguments of this script, and each --trainer.NAME with its value."""
    own: list[str] = []
    trainer: list[str] = []
    rest = list(argv)
    while rest:
        token = rest.pop(0)
        if not token.startswith(TRAINER):
            own.append(token)
            continue
        trainer.append(token)
        if "=" not in token and rest and not rest[0].startswith("--"):
            trainer.append(rest.pop(0))
    return own, trainer


def summary(result: Result, judged: bool) -> str:
    """Return what a person wants to know after a run."""
    from _training import verdict

    chapter, dataset, path = result.chapter, result.dataset, result.folder.path
    sizes = " / ".join(f"{len(s):,}" for s in (dataset.train, dataset.val, dataset.test))
    epochs = f"{chapter.train.epochs} epoch{'s' * (chapter.train.epochs > 1)}"
    lines = [f"{chapter.title} on {dataset.name} ({sizes} samples), {epochs}"]
    for name, test in result.tests.items():
        ((metric, value),) = test.items()
        said = verdict(chapter.expected, value, judged)
        seconds = result.histories[name].seconds
        number = f"{value:.4g}" if metric == "loss" else f"{value:.4f}"
        lines.append(f"  {name:8} test {metric} {number} ({said}), {seconds:.1f} s")
        if result.histories[name].stopped:
            lines.append(f"    {result.histories[name].stopped}")
    if len(result.tests) == 2:
        steps = len(result.histories["torch"].step_losses)
        lines.append(f"  largest gap of the training losses in {steps:,} steps: {result.gap():.1e}")
    for line in result.lines:
        place = (
            f"x1 = {line['x1']:.4g}" if "x1" in line else _slanted(line["slope"], line["intercept"])
        )
        lines.append(f"  line {' | '.join(line['between'])} in raw units: {place}")
    for name, gap in result.kernels.items():
        lines.append(f"  learnt kernel {name}: weights within {gap:.1e}")
    lines.append(f"pictures: {result.folder.plots}")
    lines.append(f"next: python scripts/export_onnx.py {path} --out bundle/{path.name}")
    return "\n".join(lines)


def _slanted(slope: float, intercept: float) -> str:
    sign = "-" if intercept < 0 else "+"
    return f"x2 = {slope:.4g} x1 {sign} {abs(intercept):.4g}"


if __name__ == "__main__":
    _cli.run(main)
