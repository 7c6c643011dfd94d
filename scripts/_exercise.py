"""What of a chapter an exercise holds: the same options where it is written and where it is graded.

A file says itself what it holds, but who fills it in may change that line; the grade goes by these.
"""

from __future__ import annotations

import argparse
import shlex

WHAT = ("layers", "model", "all")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add --what and --layer."""
    parser.add_argument(
        "--what",
        choices=WHAT,
        help="the functions of its layers and loss (usual), the backwards of its own classes, or"
        " both",
    )
    parser.add_argument(
        "--layer", nargs="+", default=(), metavar="NAME", help="only these: conv2d, Conv2d, LeNet5"
    )


def chosen(args: argparse.Namespace) -> tuple[str, tuple[str, ...]]:
    """Return the kind and the names for `items_of`; a name may be of either kind."""
    return ("all" if args.layer else args.what or WHAT[0]), tuple(args.layer)


def words(args: argparse.Namespace) -> str:
    """Return the options as they are typed, each behind a blank; "" for the usual."""
    if args.layer:
        return f" --layer {shlex.join(args.layer)}"
    return f" --what {args.what}" if args.what else ""
