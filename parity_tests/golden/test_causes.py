"""Mistakes in real layers, made with torch, are named by a comparison that has no torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from parity_tests.harness.golden import content
from parity_tests.harness.golden.causes import Evidence
from parity_tests.harness.golden.causes_conv import pool_backward
from parity_tests.harness.golden.causes_layer import Layer
from parity_tests.harness.golden.judge import Row, judge
from parity_tests.harness.golden.manifest import Call, Set
from scratch import spec

Array = np.ndarray[Any, np.dtype[Any]]
Golden = Mapping[str, Array]
make = cache(content.make)
ADAM = "dnn_house"  # a chapter that is trained by Adam


def first(id: str, wrong: Mapping[str, Array], set_name: str = "real") -> Row:
    manifest, sets = make(id)
    row = judge(manifest.find(set_name), sets[set_name], wrong).first
    assert row is not None
    return row


def _conv(golden: Golden, change: Callable[[torch.Tensor], torch.Tensor]) -> Array:
    x, weight, bias = (
        torch.from_numpy(golden[name])
        for name in ("input", "parameter.c1.weight", "parameter.c1.bias")
    )
    return F.conv2d(x, change(weight), bias).numpy()


def _norm(golden: Golden, kind: str) -> Array:
    x = torch.from_numpy(golden["activation.layers.fc1"])
    weight, bias = (
        torch.from_numpy(golden[f"parameter.layers.bn1.{name}"]) for name in ("weight", "bias")
    )
    mean, biased, unbiased = x.mean(0), x.var(0, correction=0), x.var(0)
    root = {
        "eps outside": biased.sqrt() + 1e-5,
        "unbiased": (unbiased + 1e-5).sqrt(),
        "no eps": biased.sqrt(),
    }[kind]
    return ((x - mean) / root * weight + bias).numpy()


def _weight_gradient(golden: Golden, samples: slice) -> Array:
    weight = torch.from_numpy(golden["parameter.c1.weight"]).requires_grad_(True)
    y = F.conv2d(torch.from_numpy(golden["input"])[samples], weight)
    y.backward(torch.from_numpy(golden["cotangent.c1"])[samples])
    assert weight.grad is not None
    return weight.grad.numpy()


def _softmax(golden: Golden) -> Array:
    return torch.softmax(torch.from_numpy(golden["output"]), 1).numpy() / 5


# chapter, tensor, what somebody computes, words of the cause
CASES: list[tuple[str, str, Callable[[Golden], Array], str]] = [
    ("lenet5", "activation.c1", lambda g: _conv(g, lambda w: w.flip(2, 3)), "kernel is flipped"),
    (
        "lenet5",
        "activation.c1",
        lambda g: _conv(g, lambda w: w.transpose(2, 3)),
        "height and width are swapped",
    ),
    (
        "lenet5",
        "activation.c1",
        lambda g: g["activation.c1"].transpose(0, 2, 3, 1),
        "NHWC, not NCHW",
    ),
    (
        "lenet5",
        "gradient.c1.weight",
        lambda g: g["gradient.c1.weight"][:, :, ::-1, ::-1],
        "the kernel is flipped",
    ),
    (
        "lenet5",
        "gradient.c3.weight",
        lambda g: g["gradient.c3.weight"][:, ::-1, ::-1],
        "the kernel is flipped",
    ),
    (
        "lenet5",
        "gradient.c1.weight",
        lambda g: _weight_gradient(g, slice(4, 5)),
        "only the last sample counts",
    ),
    (
        "lenet5",
        "gradient.c5.weight",
        lambda g: g["gradient.c5.weight"].transpose(2, 3, 1, 0),
        "HWIO, not OIHW",
    ),
    (
        "lenet5",
        "cotangent.c1",
        lambda g: g["cotangent.c1_squash"],
        "the derivative of c1_squash is left out",
    ),
    ("lenet5", "activation.c1_squash", lambda g: np.tanh(g["activation.c1"]), "is Tanh, not"),
    (
        "dnn_mnist_bn",
        "activation.layers.bn1",
        lambda g: _norm(g, "eps outside"),
        "epsilon is added outside the root",
    ),
    ("dnn_mnist_bn", "activation.layers.bn1", lambda g: _norm(g, "unbiased"), "unbiased"),
    ("dnn_mnist_bn", "activation.layers.bn1", lambda g: _norm(g, "no eps"), "epsilon is left out"),
    (
        "dnn_mnist_bn",
        "updated.layers.bn1.running_var",
        lambda g: (
            0.9 * g["buffer.layers.bn1.running_var"] + 0.1 * g["activation.layers.fc1"].var(0)
        ),
        "takes the biased variance",
    ),
    (
        "dnn_mnist_bn",
        "updated.layers.bn1.running_mean",
        lambda g: (
            0.1 * g["buffer.layers.bn1.running_mean"] + 0.9 * g["activation.layers.fc1"].mean(0)
        ),
        "momentum weighs the old value",
    ),
    ("mlp_mnist", "d_output", _softmax, "the target is not subtracted"),
    ("mlp_mnist", "loss", lambda g: g["loss"] / np.log(2), "the logarithm to base 2"),
    (
        "mlp_mnist",
        "updated.layers.fc1.weight",
        lambda g: g["parameter.layers.fc1.weight"],
        "the step is not made",
    ),
    (
        "mlp_mnist",
        "cotangent.layers.fc1",
        lambda g: (
            g["cotangent.layers.act1"]
            * g["activation.layers.fc1"]
            * (1 - g["activation.layers.fc1"])
        ),
        "taken at the input instead of the output",
    ),
]


@pytest.mark.parametrize(("id", "name", "wrong", "cause"), CASES)
def test_a_mistake_is_named(
    id: str, name: str, wrong: Callable[[Golden], Array], cause: str
) -> None:
    golden = make(id)[1]["real"]
    row = first(id, {name: wrong(golden)})
    assert row.tensor.name == name
    assert any(cause in text for text in row.causes), row.causes


def _adam(golden: Golden, eps_first: bool, corrected: bool) -> Array:
    """Take the first step of Adam, its epsilon before or behind the bias correction."""
    p, g = (golden[f"{role}.layers.fc1.weight"] for role in ("parameter", "gradient"))
    lr = spec.get(ADAM).train.lr
    b1, b2, eps = 0.9, 0.999, 1e-8
    m, v = (1 - b1) * g, (1 - b2) * g * g
    if not corrected:
        return p - lr * m / (np.sqrt(v) + eps)
    if eps_first:
        return p - lr * np.sqrt(1 - b2) / (1 - b1) * m / (np.sqrt(v) + eps)
    return p - lr * m / (1 - b1) / (np.sqrt(v / (1 - b2)) + eps)


def test_adams_usual_mistakes_are_named() -> None:
    assert spec.get(ADAM).train.optimizer == "Adam"
    golden, name = make(ADAM)[1]["real"], "updated.layers.fc1.weight"
    manifest, sets = make(ADAM)
    right = {name: _adam(golden, eps_first=False, corrected=True)}
    assert judge(manifest.find("real"), sets["real"], right).first is None
    for eps_first, corrected, cause in (
        (True, True, "epsilon is added before the bias correction"),
        (False, False, "the bias correction is left out"),
    ):
        row = first(ADAM, {name: _adam(golden, eps_first, corrected)})
        assert cause in row.causes, row.causes


@pytest.mark.parametrize("id", ["mlp_mnist", "lenet5", "dnn_mnist_bn"])
def test_noise_and_single_entries_have_no_cause(id: str) -> None:
    """No hypothesis may fit what is no known mistake."""
    manifest, sets = make(id)
    rng = np.random.default_rng(0)
    for tensor in manifest.find("real").tensors:
        value = sets["real"][tensor.name]
        if value.dtype.kind != "f" or not tensor.bounds or value.size < 3 or tensor.null:
            continue
        noisy = value + 0.1 * np.abs(value).max() * rng.standard_normal(value.shape)
        single = value.copy()
        single.flat[rng.integers(value.size)] += 1 + np.abs(value).max()
        for wrong in (noisy, single):
            assert first(id, {tensor.name: wrong}).causes == ()


@pytest.mark.parametrize("padding", [0, 1])
def test_a_pool_that_picks_another_maximum(padding: int) -> None:
    """torch's own pool on turned maps sends the gradient to the last maximum."""
    rng = np.random.default_rng(0)
    x = rng.integers(0, 3, (2, 3, 7, 5)).astype(np.float64)
    options = {"kernel_size": 3, "stride": 2, "padding": padding, "dilation": 1}
    turned = torch.from_numpy(x[..., ::-1, ::-1].copy()).requires_grad_(True)
    y = F.max_pool2d(turned, 3, 2, padding)
    dy = rng.standard_normal(tuple(y.shape))
    y.backward(torch.from_numpy(dy[..., ::-1, ::-1].copy()))
    assert turned.grad is not None
    call = Call("pool", "MaxPool2d", options, ("input",), "output", "d_output")
    right = F.max_pool2d(torch.from_numpy(x), 3, 2, padding).numpy()
    layer = Layer(call, x, right, dy, None, None, {}, {})
    guesses = dict(pool_backward(layer))
    last = guesses["the gradient goes to the last of several maxima"]
    assert np.abs(last - turned.grad.numpy()[..., ::-1, ::-1]).max() < 1e-12
    assert len(guesses) == 3


def test_the_evidence_knows_who_reads_what() -> None:
    manifest, sets = make("mlp_mnist")
    one: Set = manifest.find("real")
    evidence = Evidence(one, sets["real"])
    assert [call.path for call in evidence.readers("activation.layers.act1")] == ["layers.fc2"]
    assert [call.path for call in evidence.readers("output")] == ["loss"]
    maker = evidence.maker("activation.layers.fc3")
    assert maker is not None
    assert maker.reads == ("activation.layers.act2",)
    assert evidence.batch == 5
