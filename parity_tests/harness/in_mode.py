"""Let the convolutions of a pair run in a mode of `scratch.nn.conv_mode`, and be judged as such."""

from __future__ import annotations

from typing import Any

import torch

from parity_tests.harness.planting import swap
from scratch import nn


def set_conv_mode(ours: nn.Module, theirs: torch.nn.Module, mode: str) -> int:
    """Put every convolution that has the choice into a mode, however small its images.

    The forward alone runs inside the mode; the backward must know by itself. torch's layer is
    marked with the tile, by which `rows` chooses the bound; what it computes stays the same.

    Args:
        ours: scratch network or layer.
        theirs: its twin.
        mode: one of `nn.CONV_MODES`.

    Returns:
        How many convolutions take Winograd's way now.
    """
    twins = dict(theirs.named_modules())
    changed = 0
    for path, module in ours.named_modules():
        if type(module) is not nn.Conv2d or not _has_the_choice(module):
            continue
        swap(module, forward=_inside(mode))
        twins[path].tile = nn.CONV_MODES[mode]  # type: ignore[assignment]
        changed += nn.CONV_MODES[mode] > 0
    return changed


def _inside(mode: str) -> Any:
    def forward(own: Any, self: nn.Module, *inputs: Any) -> Any:
        with nn.conv_mode(mode, always=True):
            return own(self, *inputs)

    return forward


def _has_the_choice(module: nn.Conv2d) -> bool:
    plain = module.stride == module.dilation == (1, 1) and module.groups == 1
    return plain and module.kernel_size == (3, 3)
