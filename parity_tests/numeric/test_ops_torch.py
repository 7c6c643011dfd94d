"""Every operation against torch.nn.functional in float64, with random signed cotangents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from parity_tests.numeric.ops_case import Case, cotangent
from parity_tests.numeric.ops_cases import EVERY
from parity_tests.numeric.ops_draws import Array
from parity_tests.numeric.tolerance import assert_close, assert_exact
from scratch.ops import dropout

Tensor = torch.Tensor


def torch_conv2d(x: Tensor, weight: Tensor, bias: Tensor | None, **options: Any) -> Tensor:
    padding = options.pop("padding", 0)
    options.pop("tile", None)  # how it is computed, not what
    if isinstance(padding, tuple) and isinstance(padding[0], tuple):
        (top, bottom), (left, right) = padding
        return F.conv2d(F.pad(x, (left, right, top, bottom)), weight, bias, **options)
    return F.conv2d(x, weight, bias, padding=padding, **options)


def half_mse(x: Tensor, target: Tensor) -> Tensor:
    return ((x - target) ** 2).sum() / (2 * len(x))


def torch_bce(x: Tensor, t: Tensor, w: Tensor | None, p: Tensor | None, **options: Any) -> Tensor:
    return F.binary_cross_entropy_with_logits(x, t, weight=w, pos_weight=p, **options)


def tanh_cross_entropy(x: Tensor, target: Tensor) -> Tensor:
    """The book's formula on probabilities, which is right where no tanh is rounded to 1."""
    a = torch.tanh(x)
    losses = (1 + target) * ((1 + a) / 2).log() + (1 - target) * ((1 - a) / 2).log()
    return -losses.sum() / len(x)


def powers(x: Tensor, degree: int) -> Tensor:
    return x ** torch.arange(1, degree + 1)


def batch_norm(x: Tensor, weight: Tensor | None, bias: Tensor | None, eps: float = 1e-5) -> Tensor:
    return F.batch_norm(x, None, None, weight, bias, True, 0.1, eps)


def fixed_norm(
    x: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    mean: Tensor,
    variance: Tensor,
    eps: float = 1e-5,
) -> Tensor:
    return F.batch_norm(x, mean.detach(), variance.detach(), weight, bias, False, 0.1, eps)


def recurrent(
    name: str,
    x: Tensor,
    starts: tuple[Tensor, ...],
    weights: tuple[Tensor, Tensor],
    biases: tuple[Tensor | None, ...],
) -> tuple[Tensor, ...]:
    """Run torch's kernel of one layer in one direction, which takes both biases or none."""
    zero = torch.zeros(len(weights[0]), dtype=x.dtype)
    biased = any(bias is not None for bias in biases)
    given = [zero if bias is None else bias for bias in biases] if biased else []
    states = [start[None] for start in starts]
    hx = states if name == "lstm" else states[0]
    found = getattr(torch._VF, name)(  # type: ignore[attr-defined]
        x, hx, [*weights, *given], biased, 1, 0.0, True, False, False
    )
    return tuple(found)


def rnn(x: Tensor, h0: Tensor, *rest: Any, nonlinearity: str = "tanh") -> Tensor:
    return recurrent(f"rnn_{nonlinearity}", x, (h0,), rest[:2], rest[2:])[0]


def gru(x: Tensor, h0: Tensor, *rest: Any) -> Tensor:
    return recurrent("gru", x, (h0,), rest[:2], rest[2:])[0]


def lstm(x: Tensor, h0: Tensor, c0: Tensor, *rest: Any) -> Tensor:
    y, _, c_n = recurrent("lstm", x, (h0, c0), rest[:2], rest[2:])
    return torch.cat([y, c_n])


TORCH: dict[str, Callable[..., Tensor]] = {
    "linear": F.linear,
    "conv2d": torch_conv2d,
    "channel_scale": lambda x, w, b: x * w[:, None, None] + b[:, None, None],
    "max_pool2d": F.max_pool2d,
    "avg_pool2d": F.avg_pool2d,
    "adaptive_avg_pool2d": F.adaptive_avg_pool2d,
    "relu": F.relu,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "softmax": lambda x, axis=-1: F.softmax(x, axis),
    "log_softmax": lambda x, axis=-1: F.log_softmax(x, axis),
    "leaky_relu": F.leaky_relu,
    "elu": F.elu,
    "softplus": F.softplus,
    "gelu": F.gelu,
    "silu": F.silu,
    "bent_identity": lambda x: ((x**2 + 1).sqrt() - 1) / 2 + x,
    "powers": powers,
    "batch_norm": batch_norm,
    "fixed_norm": fixed_norm,
    "add": torch.add,
    "affine": lambda x, scale=1.0, shift=0.0: torch.add(x * scale, shift),
    "square": torch.square,
    "log": torch.log,
    "sqrt": torch.sqrt,
    "sin": torch.sin,
    "multiply": torch.mul,
    "concat": lambda *parts, axis=1: torch.cat(parts, axis),
    "local_response_norm": F.local_response_norm,
    "tanh_cross_entropy": tanh_cross_entropy,
    "mse_loss": F.mse_loss,
    "half_mse_loss": half_mse,
    "bce_with_logits": torch_bce,
    "cross_entropy": F.cross_entropy,
    "rnn": rnn,
    "lstm": lstm,
    "gru": gru,
    "embedding": F.embedding,
}


def torch_run(case: Case, arrays: tuple[Array | None, ...], dy: Array) -> list[Array]:
    """Return torch's output and the gradient of every array that has one."""
    tensors = [None if a is None else torch.from_numpy(a.copy()) for a in arrays]
    wanted = tensors[:1] if case.is_loss else tensors
    leaves = [t.requires_grad_() for t in wanted if t is not None and t.is_floating_point()]
    y = TORCH[case.op](*tensors, **case.options)
    y.backward(torch.from_numpy(np.asarray(dy)))
    return [y.detach().numpy(), *(leaf.grad.numpy() for leaf in leaves if leaf.grad is not None)]


def scratch_run(case: Case, arrays: tuple[Array | None, ...], dy: Array) -> list[Array]:
    """Return the output and every gradient."""
    y, cache = case.forward(*arrays)
    return [y, *(g for g in case.backward(dy, cache) if g is not None)]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_equals_torch(case: Case, seed: int) -> None:
    arrays = case.arrays(seed, "float64")
    dy = cotangent(case.forward(*arrays)[0], seed + 10)
    ours, theirs = scratch_run(case, arrays, dy), torch_run(case, arrays, dy)
    assert len(ours) == len(theirs)
    for actual, expected in zip(ours, theirs, strict=True):
        assert_close(actual, expected)


@pytest.mark.parametrize("p", [0.0, 0.5, 0.3, 1.0])
def test_dropout_equals_torch(p: float) -> None:
    """Torch draws its own mask; it is read off the ones and given to ours."""
    torch.manual_seed(3)
    noise = F.dropout(torch.ones(40, 30, dtype=torch.float64), p)
    x, dy = np.random.default_rng(0).standard_normal((2, 40, 30))
    y, cache = dropout.dropout(x, p, noise.numpy() != 0)
    dx = dropout.dropout_backward(dy, cache)
    if p == 1:
        assert not y.any()
        assert not dx.any()
    else:
        assert_exact(y, x * noise.numpy())
        assert_exact(dx, dy * noise.numpy())
