"""The pictures of a network with convolutions: its feature maps, and its kernels if they are named.

The NumPy twin computes them with either twin's weights.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from scratch.build import construct
from scratch.data import Dataset
from scratch.nn import Conv2d, Module, TableConv2d, inference
from scratch.run.pictures.maps import feature_maps, panels
from scratch.run.pictures.style import DIVERGING
from scratch.spec.kernels import NAMED
from scratch.spec.schema import Chapter

Array = np.ndarray[Any, np.dtype[Any]]

CONVOLUTIONS = (Conv2d, TableConv2d)


def draw(
    folder: Path, chapter: Chapter, dataset: Dataset, state: Mapping[str, Array]
) -> list[Path]:
    """Draw what the convolutions of a network make of the first test image.

    Args:
        folder: where the PNG files go.
        chapter: what was trained.
        dataset: what on.
        state: the weights.

    Returns:
        The files; none for a network without convolutions.
    """
    network = construct(chapter)
    if not any(isinstance(module, CONVOLUTIONS) for _, module in network.named_modules()):
        return []
    drawn = []
    if chosen(chapter):
        drawn.append(folder / "learnt.png")
        _learnt(drawn[-1], chapter, state)
    network.load_state_dict(dict(state))
    image = dataset.test.x[:1]
    layers = maps_of(network, image)
    if layers:
        drawn.append(folder / "maps.png")
        feature_maps(drawn[-1], image[0], layers, f"{chapter.title}: first test image, by layer")
    return drawn


def maps_of(network: Module, image: Array) -> dict[str, Array]:
    """Return the maps (C, h, w) of every layer that convolves or pools, for one image (1, *shape).

    Layers whose maps are single numbers are left out. The network is of no further use.
    """
    found: dict[str, Array] = {}

    def tapped(path: str, module: Module) -> None:
        forward = module.forward

        def tap(*inputs: Any) -> Any:
            output = forward(*inputs)
            if output.shape[2] * output.shape[3] > 1:
                found[path] = output[0]
            return output

        module.__dict__["forward"] = tap

    for path, module in network.named_modules():
        if isinstance(module, CONVOLUTIONS) or type(module).__name__.endswith("Pool2d"):
            tapped(path, module)
    with inference():
        network.eval()(image)
    return found


def chosen(chapter: Chapter) -> tuple[str, ...]:
    """Return the names of the kernels that a chapter learns, in the order of its outputs."""
    return tuple(chapter.data.options.get("kernels", ()))


def gaps(chapter: Chapter, state: Mapping[str, Array]) -> dict[str, float]:
    """Return how far the learnt kernels are from the named ones: the largest weight, by name."""
    names = chosen(chapter)
    if not names:
        return {}
    weights = state["convolution.weight"][:, 0]
    return {
        name: float(np.abs(learnt - np.array(NAMED[name])).max())
        for name, learnt in zip(names, weights, strict=True)
    }


def _learnt(path: Path, chapter: Chapter, state: Mapping[str, Array]) -> None:
    names, weight = chosen(chapter), state["convolution.weight"][:, 0]
    named = np.array([NAMED[name] for name in names])
    unit = np.abs(named).max(axis=(1, 2), keepdims=True)
    images = dict(zip(names, named / unit, strict=True))
    images |= {f"learnt {n}": kernel for n, kernel in enumerate(weight / unit, start=1)}
    title = f"{chapter.title}\nnamed above, learnt below; each pair in units of its largest weight"
    panels(path, images, title, (-1.0, 1.0), len(names), 1.5, DIVERGING)
