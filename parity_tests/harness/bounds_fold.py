"""The bound of a layer that also does the normalisation behind it.

In exact arithmetic both forms are one number, s (w x + b - mean) + beta with s = gamma / deviation.
What differs is where it is rounded.

Folded: the weight s w is rounded in the sum variance + eps (which the root halves), the root, the
quotient and the product, three and a half units at most; the shift (b - mean) s + beta in a
difference before, and a sum after, these: a handful, `bounds.SMALL_CHAIN`. Then K + 1 terms are
added up, whose magnitude is |s| |w| |x| + |s| (|b| + |mean|) + |beta|. (In float32 weight and shift
are made in float64 and rounded once; one bound for both.)

Unfolded: the layer's own sum, scaled by s, and then the units of a normalisation by given numbers,
`bounds_layers.fixed_norm_output`.

Measured, the share of the bound that is used at most, 5 seeds of every chapter that has such a
pair: float64 against torch 0.30 and against the unfolded twin 0.31, float32 against float64 0.25,
against torch 0.22 and against the unfolded twin 0.24.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness import bounds, bounds_layers

Array = np.ndarray[Any, np.dtype[Any]]


def magnitude(product: Array, bias: Array, scale: Array, mean: Array, beta: Array) -> Array:
    """Return the sum of the absolute terms of a folded layer.

    Args:
        product: |w| |x|, with the channels on axis 1.
        bias: of the layer, per channel in a shape that broadcasts, as all that follows.
        scale: gamma over the deviation.
        mean: running mean.
        beta: shift of the normalisation.
    """
    return np.abs(scale) * (product + np.abs(bias) + np.abs(mean)) + np.abs(beta)


def folded(size: Array, terms: int) -> Array:
    """Units of the folded layer: c(K + 1) of the sum, and those of weight and shift.

    Args:
        size: `magnitude`.
        terms: K, products in each sum.
    """
    return bounds.accumulated(terms + 1, size) + bounds.SMALL_CHAIN * size


def unfolded(
    product: Array, bias: Array, between: Array, scale: Array, mean: Array, beta: Array, terms: int
) -> Array:
    """Units of the layer and the normalisation one after the other.

    Args:
        product: |w| |x|, with the channels on axis 1.
        bias: of the layer, per channel in a shape that broadcasts, as `scale`, `mean` and `beta`.
        between: what the layer makes.
        scale: gamma over the deviation.
        mean: running mean.
        beta: shift of the normalisation.
        terms: K, products in each sum.
    """
    of_layer = bounds.accumulated(terms + 1, product + np.abs(bias))
    spread = np.abs(between) + np.abs(mean)
    of_norm = bounds_layers.fixed_norm_output(spread, np.abs(scale), np.abs(beta), np.ones(1))
    return np.abs(scale) * of_layer + of_norm
