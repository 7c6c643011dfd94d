"""More images from few: each one turned, moved, stretched or blurred by noise (section 16.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from scratch.data.streams import stream
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]
Variant = Callable[[Array, np.random.Generator], Array]

ANGLE = 10.0  # degrees
SHIFT = 2  # pixels
STRETCH = (1.2, 0.8)
VARIANCE = 0.1  # of the noise, for ink between 0 and 1


def augment(
    images: Array,
    labels: Array,
    factor: int,
    seed: int,
    value_range: tuple[float, float] = (0.0, 1.0),
) -> tuple[Array, Array]:
    """Return the images followed by `factor` - 1 variants of each.

    The variants: turned by +-10 degrees; moved by 2 pixels up, down, left or right; 1.2 times or
    0.8 times as high or as wide, about the middle; with Gaussian noise of variance 0.1. No image
    gets the same variant twice; what comes in from outside is empty, and no pixel leaves the range.

    Args:
        images: (N, H, W) floating.
        labels: (N,).
        factor: 1 ... 12.
        seed: which variants, and the noise.
        value_range: value of an empty pixel and of full ink.

    Returns:
        (factor N, H, W) of the images' dtype, labels (factor N,); copy k of image i is row k N + i.

    Raises:
        UserError: no such factor, or images of another shape.
    """
    if images.ndim != 3 or not len(images) or len(labels) != len(images):
        raise UserError(f"expects images (N, H, W) and N labels; got {images.shape}")
    if not 1 <= factor <= 1 + len(VARIANTS):
        raise UserError(f"each image becomes 1 to {1 + len(VARIANTS)}; {factor} are wanted")
    generator = stream(seed, "augment")
    empty, full = value_range
    ink = (images.astype(np.float64) - empty) / (full - empty)
    # Row i: an order of all variants for image i.
    orders = generator.permuted(np.tile(np.arange(len(VARIANTS)), (len(images), 1)), axis=1)
    copies = [images]
    for order in orders.T[: factor - 1]:
        copy = np.empty_like(ink)
        for number, variant in enumerate(VARIANTS):
            chosen = order == number
            if chosen.any():
                copy[chosen] = variant(ink[chosen], generator)
        copy = empty + (full - empty) * copy.clip(0, 1)
        copies.append(copy.astype(images.dtype))
    return np.concatenate(copies), np.tile(labels, factor)


def _turned(degrees: float) -> Variant:
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return _about_the_middle(np.array([[cosine, -sine], [sine, cosine]]))


def _stretched(high: float, wide: float) -> Variant:
    return _about_the_middle(np.diag([1 / high, 1 / wide]))


def _about_the_middle(matrix: Array) -> Variant:
    """Return the variant that shows at p what was at middle + matrix (p - middle)."""

    def variant(images: Array, generator: np.random.Generator) -> Array:
        from scipy.ndimage import affine_transform

        middle = (np.array(images.shape[1:]) - 1) / 2
        offset = middle - matrix @ middle
        moved = [
            affine_transform(image, matrix, offset, order=1, mode="grid-constant")
            for image in images
        ]
        return np.stack(moved)

    return variant


def _moved(down: int, right: int) -> Variant:
    def variant(images: Array, generator: np.random.Generator) -> Array:
        high, wide = images.shape[1:]
        framed = np.pad(images, ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT)))
        return framed[:, SHIFT - down : SHIFT - down + high, SHIFT - right : SHIFT - right + wide]

    return variant


def _noisy(images: Array, generator: np.random.Generator) -> Array:
    return images + generator.normal(0, np.sqrt(VARIANCE), images.shape)


VARIANTS: tuple[Variant, ...] = (
    _turned(ANGLE),
    _turned(-ANGLE),
    _moved(SHIFT, 0),
    _moved(-SHIFT, 0),
    _moved(0, SHIFT),
    _moved(0, -SHIFT),
    *(_stretched(share, 1.0) for share in STRETCH),
    *(_stretched(1.0, share) for share in STRETCH),
    _noisy,
)
