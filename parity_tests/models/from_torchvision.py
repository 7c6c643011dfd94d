"""torchvision's own networks, from the folder that `make test-torchvision` fills.

torchvision is no dependency: the wheel of the package index fits one build of torch (the one with
CUDA on Linux), and next to another `import torchvision` fails, which would break Lightning, too.
The networks themselves are plain Python, so their modules alone are imported here.
"""

from __future__ import annotations

import hashlib
import importlib
import sys
import types
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from parity_tests.mirror.sources import ROOT

FOLDER = ROOT / "build" / "torchvision"
FILES = ("alexnet", "densenet", "googlenet", "resnet", "vgg")
VARIANT: dict[str, Any] = {"variant": "torchvision"}
OPTIONS = {"alexnet": VARIANT, "googlenet": VARIANT | {"dropout": 0.2}}
"""Of our chapters whose default is the paper's network."""
THEIRS: dict[str, dict[str, Any]] = {"googlenet": {"aux_logits": True, "init_weights": False}}


@contextmanager
def imported() -> Iterator[Mapping[str, Any]]:
    """Give the functions that build torchvision's networks, by name."""
    if not (FOLDER / "torchvision" / "models").is_dir():
        raise FileNotFoundError(f"{FOLDER} holds no torchvision; run make test-torchvision")
    before = set(sys.modules)
    sys.path.append(str(FOLDER))
    try:
        for name in ("torchvision", "torchvision.models"):  # without what their __init__ imports
            package = types.ModuleType(name)
            package.__path__ = [str(FOLDER.joinpath(*name.split(".")))]
            sys.modules[name] = package
        modules = [importlib.import_module(f"torchvision.models.{file}") for file in FILES]
        yield {name: value for module in modules for name, value in vars(module).items()}
    finally:
        sys.path.remove(str(FOLDER))
        for name in set(sys.modules) - before:
            if name.partition(".")[0] == "torchvision":
                del sys.modules[name]


def fingerprint(shapes: Mapping[str, tuple[int, ...]]) -> str:
    """Return a digest of the names of a state dict and the shapes behind them, in any order."""
    lines = sorted(f"{name} {tuple(shape)}" for name, shape in shapes.items())
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:16]
