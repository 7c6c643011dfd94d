"""What there is to fill in: functions of `scratch.ops`, and backwards of a chapter's classes."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from parity_tests.harness.exercise.calls import BACKWARD, Function, functions_of
from parity_tests.harness.exercise.network import Network
from scratch.spec.errors import unknown

LAYERS, MODEL, ALL = KINDS = ("layers", "model", "all")
MODELS = "scratch.models."
SUFFIX = f".{BACKWARD.removeprefix('_')}"


@dataclass(frozen=True)
class Block:
    """A class of `scratch.models` whose backward is to be written.

    Attributes:
        owner: the module in which it stands.
        cls: the class.
        paths: of the modules of the network that are one.
    """

    owner: ModuleType
    cls: Any
    paths: tuple[str, ...]

    @property
    def name(self) -> str:
        """As it stands in a file's list: "LeNet5.backward"."""
        return f"{self.cls.__name__}{SUFFIX}"


Item = Function | Block


def items_of(network: Network, kind: str = LAYERS, only: tuple[str, ...] = ()) -> list[Item]:
    """Return what there is to fill in, in the order in which it is judged.

    Args:
        network: of the chapter.
        kind: one of KINDS.
        only: names of some of them: "conv2d_backward", "conv2d", "Conv2d", "LeNet5".

    Raises:
        UserError: a name that the chapter does not use.
    """
    found: list[Item] = []
    if kind in (LAYERS, ALL):
        found += functions_of(network)
    if kind in (MODEL, ALL):
        found += blocks_of(network)
    if not only:
        return found
    by_key = {_key(item.name): item for item in found}
    for name in only:
        if _key(name) not in by_key:
            raise unknown("function", name, [item.name for item in found])
    return [item for key, item in by_key.items() if key in {_key(name) for name in only}]


def blocks_of(network: Network) -> list[Block]:
    """Return the classes of a network that have a backward of their own, as the source has them."""
    paths: dict[Any, list[str]] = {}
    for path, module in network.model.named_modules():
        for cls in type(module).__mro__:
            if cls.__module__.startswith(MODELS) and "backward" in vars(cls):
                paths.setdefault(cls, []).append(path)
    blocks = [
        Block(importlib.import_module(cls.__module__), cls, tuple(found))
        for cls, found in paths.items()
    ]
    return sorted(blocks, key=lambda block: list(vars(block.owner)).index(block.cls.__name__))


def _key(name: str) -> str:
    """Return a name without what layers, functions and losses are written with.

    >>> _key("MaxPool2d") == _key("max_pool2d_backward"), _key("CrossEntropyLoss")
    (True, 'crossentropy')
    """
    return (
        name.lower()
        .removesuffix(SUFFIX)
        .removesuffix(BACKWARD)
        .replace("_", "")
        .replace("loss", "")
    )
