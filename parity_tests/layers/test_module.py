"""The contract of `Module`: names, state, and the memory between forward and backward."""

from __future__ import annotations

import threading
import warnings
from typing import Any

import numpy as np
import pytest
import torch

import ref_torch
import scratch
from parity_tests.sizes import IDS
from ref_torch.build import construct as construct_torch
from scratch import nn, spec
from scratch.build import construct
from scratch.ops.checks import ShapeError

Array = np.ndarray[Any, np.dtype[Any]]


def _input(id: str = "lenet5", size: str = "tiny", batch: int = 2) -> Array:
    shape = (batch, *spec.get(id, size).data.shape)
    return np.random.default_rng(0).standard_normal(shape).astype(np.float32)


@pytest.mark.parametrize("id", IDS)
def test_names_and_order_are_torch_s(id: str) -> None:
    ours = construct(spec.get(id))
    with torch.device("meta"):
        theirs = construct_torch(spec.get(id))
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert list(ours.state_dict()) == list(theirs.state_dict())


def test_both_builds_draw_the_same_weights_and_other_seeds_other_ones() -> None:
    ours, theirs = scratch.build("lenet5", seed=3), ref_torch.build("lenet5", seed=3)
    for name, value in theirs.state_dict().items():
        assert np.array_equal(ours.state_dict()[name], value.numpy())
    other = scratch.build("lenet5", seed=4).state_dict()
    assert not np.array_equal(other["c1.weight"], ours.state_dict()["c1.weight"])


def test_a_state_dict_is_a_copy_and_loading_casts() -> None:
    model = scratch.build("mlp_xor")
    state = model.state_dict()
    for parameter in model.parameters():
        parameter.data += 1
    assert not np.array_equal(state["layers.fc1.weight"], model.state_dict()["layers.fc1.weight"])
    model.load_state_dict({name: value.astype(np.float64) for name, value in state.items()})
    assert all(p.data.dtype == np.float32 for p in model.parameters())
    assert np.array_equal(state["layers.fc1.weight"], model.state_dict()["layers.fc1.weight"])


def test_a_state_that_does_not_fit_is_listed_and_nothing_is_loaded() -> None:
    model = scratch.build("mlp_xor")
    before = model.state_dict()
    state = {**before, "layers.fc1.weight": np.zeros((3, 2)), "stranger": np.zeros(1)}
    del state["layers.fc2.bias"]
    with pytest.raises(ValueError, match=r"layers\.fc1\.weight: expects \(2, 2\), got \(3, 2\)"):
        model.load_state_dict(state)
    state["layers.fc1.weight"] = np.ones((2, 2))
    with pytest.raises(KeyError, match=r"missing: layers\.fc2\.bias; unexpected: stranger"):
        model.load_state_dict(state)
    assert all(np.array_equal(before[name], value) for name, value in model.state_dict().items())
    skipped = model.load_state_dict(state, strict=False)
    assert skipped == (["layers.fc2.bias"], ["stranger"])
    assert np.array_equal(model.state_dict()["layers.fc1.weight"], np.ones((2, 2)))


def test_buffers_are_loaded_and_one_that_is_missing_stays() -> None:
    layer = nn.BatchNorm2d(3)
    state = {**layer.state_dict(), "running_mean": np.array([1.0, -2.0, 3.0])}
    layer.load_state_dict(state)
    assert layer.running_mean.tolist() == [1.0, -2.0, 3.0]
    del state["running_mean"]
    assert layer.load_state_dict(state, strict=False) == (["running_mean"], [])
    assert layer.running_mean.tolist() == [1.0, -2.0, 3.0]


def test_gradients_accumulate_and_are_zeros_before_and_after() -> None:
    model, x = scratch.build("mlp_xor"), np.ones((1, 2), np.float32)
    assert all(not p.grad.any() and p.grad.shape == p.shape for p in model.parameters())
    for _ in range(2):
        model(x)
        model.backward(np.ones((1, 1), np.float32))
    twice = [p.grad.copy() for p in model.parameters()]
    model.zero_grad()
    assert all(not p.grad.any() for p in model.parameters())
    model(x)
    model.backward(np.ones((1, 1), np.float32))
    for parameter, double in zip(model.parameters(), twice, strict=True):
        assert np.array_equal(2 * parameter.grad, double)


def test_the_bias_of_a_convolution_gets_the_sum_of_its_gradient() -> None:
    """The general test of the layer sees it too, after half a minute of other convolutions."""
    layer = nn.Conv2d(1, 2, 3)
    assert layer.bias is not None
    for _ in range(2):
        layer(np.ones((1, 1, 5, 4), np.float32))
        layer.backward(np.ones((1, 2, 3, 2), np.float32))
    assert layer.bias.grad.tolist() == [12.0, 12.0]


def test_calls_are_taken_back_in_reverse_order() -> None:
    layer = nn.Tanh()
    a, b = np.float64([[0.5]]), np.float64([[2.0]])
    layer(a)
    layer(b)
    one = np.ones((1, 1))
    with pytest.warns(nn.StaleForwardWarning, match="Tanh still keeps 1 forward"):
        second = layer.backward(one)
    first = layer.backward(one)
    for found, x in ((second, b), (first, a)):
        alone = nn.Tanh()
        alone(x)
        assert np.array_equal(found, alone.backward(one))


def test_backward_without_forward_names_the_class() -> None:
    with pytest.raises(RuntimeError, match="Linear: backward without a matching forward"):
        nn.Linear(2, 3).backward(np.zeros((1, 3), np.float32))


def test_inference_keeps_nothing_and_is_a_matter_of_the_thread() -> None:
    model, x = scratch.build("mlp_xor"), np.ones((1, 2), np.float32)
    with nn.inference():
        model(x)
        assert all(m.pending() == 0 for _, m in model.named_modules())
        kept: list[int] = []
        thread = threading.Thread(target=lambda: (model(x), kept.append(model.layers[0].pending())))
        thread.start()
        thread.join()
    assert kept == [1]
    model.zero_grad()
    assert model.layers[0].pending() == 0


def test_a_stale_forward_is_warned_about_once_and_zero_grad_forgets_it() -> None:
    model, x = scratch.build("mlp_xor"), np.ones((1, 2), np.float32)
    dy = np.ones((1, 1), np.float32)
    for _ in range(3):
        model(x)
    with pytest.warns(nn.StaleForwardWarning, match="flatten still keeps 2 forward"):
        model.backward(dy)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model.backward(dy)
    model.zero_grad()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        model(x)
        model.backward(dy)


def test_an_exception_leaves_nothing_behind() -> None:
    model = scratch.build("lenet5", "tiny")
    with pytest.raises(ShapeError, match="c5 expects an image of at least 5 x 5"):
        model(np.zeros((1, 1, 28, 28), np.float32))
    assert all(m.pending() == 0 for _, m in model.named_modules())
    model(_input())
    with pytest.raises(ShapeError, match=r"output expects .*10.*; got \(2, 3\)"):
        model.backward(np.ones((2, 3), np.float32))
    assert all(m.pending() == 0 for _, m in model.named_modules())


@pytest.mark.parametrize(
    ("x", "message"),
    [
        (np.zeros((2, 32, 32), np.float32), r"c1 expects \(N, 1, H, W\); got \(2, 32, 32\)"),
        (np.zeros((2, 3, 32, 32), np.float32), r"c1 expects \(N, 1, H, W\); got \(2, 3, 32, 32\)"),
        (np.zeros((2, 1, 32, 32)), "c1 expects float32; got float64"),
        (np.zeros((0, 1, 32, 32), np.float32), r"c1 expects .* N >= 1; got \(0, 1, 32, 32\)"),
    ],
)
def test_errors_speak_in_shapes_and_name_the_module(x: Array, message: str) -> None:
    with pytest.raises(ShapeError, match=message):
        scratch.build("lenet5", "tiny")(x)


def test_arrays_handed_out_are_never_written_again() -> None:
    model, x = scratch.build("lenet5", "tiny"), _input()
    outputs, copies = [], []
    rng = np.random.default_rng(1)
    for _ in range(3):
        y = model(x)
        dx = model.backward(rng.standard_normal(y.shape).astype(np.float32))
        outputs += [y, dx]
        copies += [y.copy(), dx.copy()]
    assert all(np.array_equal(a, b) for a, b in zip(outputs, copies, strict=True))
    assert np.array_equal(x, _input())


def test_layout_of_the_input_does_not_matter() -> None:
    model, x = scratch.build("lenet5", "tiny"), _input()
    last = np.ascontiguousarray(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
    strided = np.zeros((4, 1, 64, 64), np.float32)[::2, :, ::2, ::2]
    strided[...] = x
    with nn.inference():
        want = model(x)
        for other in (last, np.asfortranarray(x), strided, x[::-1][::-1]):
            assert np.array_equal(model(other), want)


def test_astype_converts_in_place_and_returns_the_module() -> None:
    model = scratch.build("lenet5", "tiny")
    assert model.astype(np.float64) is model
    assert all(p.data.dtype == p.grad.dtype == np.float64 for p in model.parameters())
    assert model(_input().astype(np.float64)).dtype == np.float64


def test_repr_is_torch_s() -> None:
    assert repr(scratch.build("mlp_mnist")) == repr(ref_torch.build("mlp_mnist"))
    assert repr(scratch.build("softmax_regression")) == repr(ref_torch.build("softmax_regression"))


def test_what_torch_offers_and_we_do_not_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="inplace=True"):
        nn.ReLU(inplace=True)
    with pytest.raises(ValueError, match="return_indices"):
        nn.MaxPool2d(2, return_indices=True)
    with pytest.raises(ValueError, match="padding_mode"):
        nn.Conv2d(1, 1, 3, padding_mode="reflect")
    with pytest.raises(spec.UserError, match='did you mean "activation"'):
        scratch.build("lenet5", activaton="ReLU")


def test_a_module_without_passes_says_so() -> None:
    for call in (nn.Module().forward, nn.Module().backward):
        with pytest.raises(NotImplementedError, match=f"Module defines no {call.__name__}"):
            call(1)


def test_a_class_of_ones_own_is_named_in_errors() -> None:
    class Picky(nn.Module):
        def forward(self, input: Array) -> Array:
            raise ShapeError("something else", input.shape)

    for model, path in (
        (Picky(), "Picky"),
        (nn.Sequential(nn.Tanh(), Picky()), "1"),
        (nn.Sequential(nn.Sequential(nn.Sequential(Picky()))), "0.0.0"),
    ):
        with pytest.raises(ShapeError) as caught:
            model(np.zeros((2, 3)))
        assert str(caught.value) == f"{path} expects something else; got (2, 3)"


def test_train_alone_means_training() -> None:
    model = nn.Sequential(nn.Dropout()).eval()
    assert not any(module.training for _, module in model.named_modules())
    assert model.train() is model
    assert all(module.training for _, module in model.named_modules())
