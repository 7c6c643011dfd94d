"""Make the NumPy twin of a chapter."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from scratch import spec
from scratch.init import draw
from scratch.nn import Dropout, Module


def construct(chapter: spec.Chapter, **overrides: Any) -> Module:
    """Make the network of `chapter` with its untouched constructor values.

    Args:
        chapter: from `scratch.spec.get`.
        **overrides: constructor arguments that replace the chapter's.

    Raises:
        UserError: an override that the constructor does not know.
    """
    model = getattr(importlib.import_module(f"scratch.models.{chapter.file}"), chapter.model)
    return model(**spec.arguments(model, chapter, overrides))


def build(id: str, size: str = "full", seed: int = 0, **overrides: Any) -> Module:
    """Make the NumPy twin of a chapter with the chapter's initial weights.

    Args:
        id: chapter.
        size: "full" or "tiny".
        seed: of the initial weights; the same seed gives `ref_torch.build` the same weights.
        **overrides: constructor arguments that replace the chapter's.

    Returns:
        The network in float32, in training mode.

    Raises:
        UserError: unknown chapter, size or override.
    """
    chapter = spec.get(id, size)
    model = construct(chapter, **overrides)
    names, kinds = [], []
    for path, module in model.named_modules():
        for name in module._parameters:
            names.append(f"{path}.{name}" if path else name)
            kinds.append(f"{type(module).__name__}.{name}")
    state = model.state_dict()
    shapes = [state[name].shape for name in names]
    values = draw(names, kinds, shapes, chapter.train.init, seed, chapter.train.initial)
    model.load_state_dict({**state, **dict(zip(names, values, strict=True))})
    generator = np.random.default_rng(seed)
    for _, module in model.named_modules():
        if isinstance(module, Dropout):
            module.generator = generator
    return model
