"""Kernels of a sparsely connected convolution, and one coefficient per connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def spread_kernels(
    weight: Array,
    sources: Sequence[int],
    targets: Sequence[int],
    in_channels: int,
    out_channels: int,
) -> tuple[Array, Any]:
    """Place one kernel per connection into a dense weight; zeros where nothing is connected.

    dense[targets[k], sources[k]] = weight[k]

    Args:
        weight: (connections, kh, kw).
        sources: input map of each connection.
        targets: output map of each connection; a (target, source) pair occurs once.
        in_channels: number of input maps.
        out_channels: number of output maps.

    Returns:
        The dense weight (out_channels, in_channels, kh, kw) and the cache.

    Source: LeCun et al. 1998, table I.

    >>> dense, _ = spread_kernels(np.array([[[2.0]], [[3.0]]]), [1, 0], [0, 1], 2, 2)
    >>> dense[:, :, 0, 0]
    array([[0., 2.],
           [3., 0.]])
    """
    dense = np.zeros((out_channels, in_channels, *weight.shape[1:]), weight.dtype)
    dense[targets, sources] = weight
    return dense, (targets, sources)


def spread_kernels_backward(ddense: Array, cache: Any) -> Array:
    """Collect the gradient of each connection's kernel.

    A kernel occurs in one place, so its gradient is the gradient of that place:
    dweight[k] = ddense[targets[k], sources[k]].

    Args:
        ddense: (out_channels, in_channels, kh, kw).
        cache: from `spread_kernels`.

    Returns:
        dweight, (connections, kh, kw).
    """
    targets, sources = cache
    return ddense[targets, sources]
