"""The usual augmentation of colour pictures: another part of each in every epoch, half mirrored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from scratch.data.streams import stream

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Crops:
    """Random crops of framed pictures, and mirror images (He et al. 2016, section 4.2).

    A pure function of seed, epoch and sample, so both twins read the same pictures, and a run that
    is taken up in the middle of an epoch reads those that it would have read.

    Attributes:
        border: pixels of the frame on every side; 0 for none.
        flip: mirror every second picture, from left to right.
        empty: value of the frame in each channel.
    """

    border: int
    flip: bool
    empty: Sequence[float]

    def __call__(self, x: Array, rows: Array, n: int, seed: int, epoch: int) -> Array:
        """Return the pictures of a batch as this epoch shows them.

        Args:
            x: the batch, (B, C, H, W).
            rows: which samples these are, (B,).
            n: number of samples of the split.
            seed: of the run.
            epoch: counted from 0.

        Returns:
            A new array of the shape and dtype of x.
        """
        generator = stream(seed, "crops", epoch)
        corners = generator.integers(0, 2 * self.border + 1, (n, 2))[rows]
        mirrored = (generator.random(n) < 0.5)[rows] & self.flip
        count, channels, high, wide = x.shape
        size = (count, channels, high + 2 * self.border, wide + 2 * self.border)
        # Rounded as the pictures themselves were, so that the frame equals a black pixel.
        framed = np.empty(size, x.dtype)
        framed[:] = np.asarray(self.empty, np.float32)[:, None, None]
        framed[:, :, self.border : self.border + high, self.border : self.border + wide] = x
        found = np.empty_like(x)
        for number, ((top, left), mirror) in enumerate(zip(corners, mirrored, strict=True)):
            part = framed[number, :, top : top + high, left : left + wide]
            found[number] = part[..., ::-1] if mirror else part
        return found
