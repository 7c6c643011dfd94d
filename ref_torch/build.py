"""Make the torch twin of a chapter."""

from __future__ import annotations

import importlib
from typing import Any

import torch
from torch import nn

from scratch import spec
from scratch.init import draw


def construct(chapter: spec.Chapter, **overrides: Any) -> nn.Module:
    """Make the network of `chapter` with whatever weights torch draws.

    Args:
        chapter: from `scratch.spec.get`.
        **overrides: constructor arguments that replace the chapter's.

    Raises:
        UserError: an override that the constructor does not know.
    """
    model = getattr(importlib.import_module(f"ref_torch.models.{chapter.file}"), chapter.model)
    return model(**spec.arguments(model, chapter, overrides))


def build(id: str, size: str = "full", seed: int = 0, **overrides: Any) -> nn.Module:
    """Make the torch twin of a chapter with the chapter's initial weights.

    Args:
        id: chapter.
        size: "full" or "tiny".
        seed: of the initial weights; the same seed gives `scratch.build` the same weights.
        **overrides: constructor arguments that replace the chapter's.

    Returns:
        The network in float32, in training mode.

    Raises:
        UserError: unknown chapter, size or override.
    """
    chapter = spec.get(id, size)
    with torch.random.fork_rng(devices=[]):
        model = construct(chapter, **overrides)
    names, kinds = [], []
    for path, module in model.named_modules():
        for name, _ in module.named_parameters(recurse=False):
            names.append(f"{path}.{name}" if path else name)
            kinds.append(f"{type(module).__name__}.{name}")
    state = model.state_dict()
    shapes = [tuple(state[name].shape) for name in names]
    values = draw(names, kinds, shapes, chapter.train.init, seed, chapter.train.initial)
    drawn = {name: torch.from_numpy(value) for name, value in zip(names, values, strict=True)}
    model.load_state_dict({**state, **drawn})
    return model
