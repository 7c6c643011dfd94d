"""Write an exercise: a chapter's backward passes, to be filled in by hand.

The file holds what the chapter's network is made of, each function with its forward's equation, the
shapes and an example, and `raise NotImplementedError` where its body belongs. What is right in it,
and what is wrong first and how, says scripts/grade.py. Needs NumPy, no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import _cli
import _exercise

EXAMPLES = """\
  python scripts/exercise.py logic_and                        the smallest: one neuron and its loss
  python scripts/exercise.py lenet5 --out lenet5.py           seven functions
  python scripts/exercise.py lenet5 --layer Conv2d Linear     two of them
  python scripts/exercise.py resnet18 --what model            the backwards of its own classes
  python scripts/exercise.py dnn_mnist_bn --hints             with the derivations
  python scripts/grade.py lenet5.py
"""


def main(argv: Sequence[str] | None = None) -> int:
    parser = _cli.parser(__doc__, EXAMPLES)
    parser.add_argument("chapter", help="see scripts/list.py")
    parser.add_argument("--out", type=Path, metavar="FILE", help="(CHAPTER_exercise.py)")
    _exercise.add_arguments(parser)
    parser.add_argument("--hints", action="store_true", help="keep the derivations")
    parser.add_argument("--solution", action="store_true", help="keep the bodies too")
    parser.add_argument("--force", action="store_true", help="write over a file that exists")
    args = parser.parse_args(argv)
    _cli.one_thread()

    from parity_tests.harness.exercise import skeleton
    from parity_tests.harness.exercise.items import items_of
    from parity_tests.harness.exercise.network import Network
    from scratch.run.files import atomic_write
    from scratch.spec.errors import UserError

    network = Network(args.chapter)
    items = items_of(network, *_exercise.chosen(args))
    out = args.out or Path(f"{args.chapter}_exercise.py")
    if out.exists() and not args.force:
        raise UserError(f"{out} exists; take another --out, or --force to write over it")
    options = _exercise.words(args)
    text = skeleton.write(network, items, str(out), args.hints, args.solution, options)
    atomic_write(out, text.encode())
    print(f"wrote {out}: {', '.join(item.name for item in items)}")
    print(f"next: fill it in, then python scripts/grade.py {out}{options}")
    return _cli.OK


if __name__ == "__main__":
    _cli.run(main)
