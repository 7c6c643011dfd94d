"""Normalisation: by batch, with torch's running statistics, and by neighbouring channels."""

from __future__ import annotations

import numpy as np

from scratch.nn.module import Module
from scratch.nn.parameter import Array, Parameter
from scratch.ops import lrn, norm
from scratch.ops.checks import ShapeError


class _BatchNorm(Module):
    """Normalise every channel; the statistics of the batch in training, running ones otherwise.

    Running statistics move in training: `momentum` is the weight of the new value, None makes them
    plain means over all batches so far. The running variance is the unbiased estimate, though the
    batch itself is normalised with the biased one.
    """

    ranks: tuple[int, ...] = ()
    pattern = ""
    running_mean: Array | None
    running_var: Array | None
    num_batches_tracked: Array | None

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.affine = affine
        self.track_running_stats = track_running_stats
        self.weight = Parameter(np.ones(num_features, np.float32)) if affine else None
        self.bias = Parameter(np.zeros(num_features, np.float32)) if affine and bias else None
        if track_running_stats:
            self.register_buffer("running_mean", np.zeros(num_features, np.float32))
            self.register_buffer("running_var", np.ones(num_features, np.float32))
            self.register_buffer("num_batches_tracked", np.zeros((), np.int64))
        else:
            self.running_mean = self.running_var = self.num_batches_tracked = None

    def forward(self, input: Array) -> Array:
        """Map (N, num_features, ...) to the same shape."""
        if input.ndim not in self.ranks or input.shape[1] != self.num_features:
            raise ShapeError(self.pattern.format(self.num_features), input.shape)
        weight = self.weight.data if self.weight is not None else None
        bias = self.bias.data if self.bias is not None else None
        if self.running_mean is not None and self.running_var is not None and not self.training:
            y, fixed = norm.fixed_norm(
                input, weight, bias, self.running_mean, self.running_var, self.eps
            )
            self.save("fixed", fixed)
            return y
        y, cache = norm.batch_norm(input, weight, bias, self.eps)
        self.save("batch", cache)
        if self.training:
            self._track(cache, input)
        return y

    def _track(self, cache: norm.BatchNormCache, input: Array) -> None:
        if self.running_mean is None or self.running_var is None:
            return
        assert self.num_batches_tracked is not None
        self.num_batches_tracked = self.num_batches_tracked + np.ones_like(self.num_batches_tracked)
        share = 1 / int(self.num_batches_tracked) if self.momentum is None else self.momentum
        variance = norm.unbiased(cache.variance, input)
        self.running_mean = norm.running(self.running_mean, cache.mean, share)
        self.running_var = norm.running(self.running_var, variance, share)

    def backward(self, d_output: Array) -> Array:
        """Add to the gradients of weight and bias; return the gradient of the input."""
        kind, cache = self.saved()
        backward = norm.batch_norm_backward if kind == "batch" else norm.fixed_norm_backward
        dx, dweight, dbias = backward(d_output, cache)
        if self.weight is not None:
            self.weight.add_grad(dweight)
        if self.bias is not None:
            self.bias.add_grad(dbias)
        return dx

    def extra_repr(self) -> str:
        """Return the arguments in torch's words."""
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(_BatchNorm):
    """Batch normalisation of features: (N, num_features) or (N, num_features, L)."""

    ranks = (2, 3)
    pattern = "(N, {0}) or (N, {0}, L)"


class BatchNorm2d(_BatchNorm):
    """Batch normalisation of the channels of images: (N, num_features, H, W)."""

    ranks = (4,)
    pattern = "(N, {0}, H, W)"


class LocalResponseNorm(Module):
    """x (k + alpha / size sum x^2)^-beta, the sum over `size` neighbouring channels.

    The AlexNet paper does not divide alpha by the size: its alpha = 1e-4 is 5e-4 here.
    """

    def __init__(self, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> None:
        super().__init__()
        self.size = size
        self.alpha = alpha
        self.beta = beta
        self.k = k

    def forward(self, input: Array) -> Array:
        """Map (N, C, H, W) to the same shape."""
        y, cache = lrn.local_response_norm(input, self.size, self.alpha, self.beta, self.k)
        self.save(cache)
        return y

    def backward(self, d_output: Array) -> Array:
        """Return the gradient of the input."""
        return lrn.local_response_norm_backward(d_output, self.saved())

    def extra_repr(self) -> str:
        """Return the arguments in torch's words."""
        return f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"
