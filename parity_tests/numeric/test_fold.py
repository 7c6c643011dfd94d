"""Folding: which normalisations are taken in, exactly so in integers, and what is refused."""

from __future__ import annotations

import contextlib
import tracemalloc
from typing import Any

import numpy as np
import pytest

import scratch
from parity_tests.numeric.fold_nets import Net, conv, image, integers, plain
from parity_tests.numeric.tolerance import assert_exact
from scratch import nn
from scratch.fold import Folded, fold
from scratch.spec import UserError

Array = np.ndarray[Any, np.dtype[Any]]
FOLDED = {
    "convolution": (conv(bias=False), nn.BatchNorm2d(6)),
    "with a bias, a stride and groups": (conv(stride=2, padding=1, groups=2), nn.BatchNorm2d(6)),
    "many maps": (nn.Conv2d(4, 40, 1, bias=False), nn.BatchNorm2d(40), nn.Conv2d(40, 3, 3)),
    "no scale and no shift": (conv(), nn.BatchNorm2d(6, affine=False)),
    "no shift": (conv(bias=False), nn.BatchNorm2d(6, bias=False)),
    "a rectifier behind": (conv(), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2)),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", FOLDED)
def test_integers_come_out_the_same(name: str, dtype: str) -> None:
    model, x = integers(Net(plain, *FOLDED[name]), dtype), image(dtype)
    before, want = model.state_dict(), model(x)
    folded = fold(model, x)
    assert folded.pairs == (("layer", "norm"),)
    assert isinstance(folded.network.norm, nn.Identity)
    assert_exact(folded(x), want)
    assert folded(x).dtype == want.dtype
    assert_exact(model(x), want)
    assert all(np.array_equal(before[key], value) for key, value in model.state_dict().items())
    ours = [p.data for p in folded.parameters()] + [b for _, b in folded.named_buffers()]
    theirs = [p.data for p in model.parameters()] + [b for _, b in model.named_buffers()]
    assert not any(np.shares_memory(a, b) for a in ours for b in theirs)
    weight = folded.network.layer.weight.data
    assert weight.strides == model.layer.weight.data.strides  # as the products want it


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_linear_layer_takes_in_a_normalisation_of_features(dtype: str) -> None:
    model = integers(Net(plain, nn.Linear(5, 7), nn.BatchNorm1d(7), nn.Linear(7, 2)), dtype)
    x = np.random.default_rng(2).integers(-4, 5, (3, 5)).astype(dtype)
    folded = fold(model, x)
    assert folded.pairs == (("layer", "norm"),)
    assert_exact(folded(x), model(x))


class Scaled(nn.Conv2d):
    """A convolution with another meaning of its weight."""

    def forward(self, input: Array) -> Array:
        return 2 * super().forward(input)


def summed(self: Net, x: Array) -> Array:
    y = self.layer(x)
    return self.norm(y) + y


def added(self: Net, x: Array) -> Array:
    y = self.layer(x)
    return self.more[0](self.norm(y), y)


class Alarm(nn.Module):
    """Tells large numbers from all others, NaN included."""

    def forward(self, input: Array) -> Array:
        return (input > 1e6).astype(input.dtype)


def alarmed(self: Net, x: Array) -> Array:
    y = self.layer(x)
    return self.norm(y) + self.more[0](y)


def both(self: Net, x: Array) -> tuple[Array, Array]:
    y = self.layer(x)
    return self.norm(y), y[:, :1]


def twice(self: Net, x: Array) -> Array:
    return self.norm(self.layer(x)) + self.layer(x + 1)


def two_norms(self: Net, x: Array) -> Array:
    return self.norm(self.layer(x)) + self.more[0](self.layer(x + 1))


def two_layers(self: Net, x: Array) -> Array:
    return self.norm(self.layer(x)) + self.norm(self.more[0](x))


def copied(self: Net, x: Array) -> Array:
    return self.norm(2 * self.layer(x))


def first(self: Net, x: Array) -> Array:
    return self.layer(self.norm(x))


NOT_FOLDED = {
    "the sum reads it too": (summed, conv(), nn.BatchNorm2d(6)),
    "an Add reads it too": (added, conv(), nn.BatchNorm2d(6), nn.Add()),
    "one reads it to whom NaN is nothing": (alarmed, conv(), nn.BatchNorm2d(6), Alarm()),
    "the caller reads it too": (both, conv(), nn.BatchNorm2d(6)),
    "the layer is used twice": (twice, conv(), nn.BatchNorm2d(6)),
    "the layer has two norms": (two_norms, conv(), nn.BatchNorm2d(6), nn.BatchNorm2d(6)),
    "the norm is used twice": (two_layers, conv(), nn.BatchNorm2d(6), conv()),
    "something lies between": (copied, conv(), nn.BatchNorm2d(6)),
    "a rectifier lies between": (plain, nn.Sequential(conv(), nn.ReLU()), nn.BatchNorm2d(6)),
    "the norm comes first": (first, conv(), nn.BatchNorm2d(4)),
    "batch statistics": (plain, conv(), nn.BatchNorm2d(6, track_running_stats=False)),
    "another kind of layer": (plain, Scaled(4, 6, 3), nn.BatchNorm2d(6)),
}


@pytest.mark.parametrize("name", NOT_FOLDED)
def test_what_must_stay_stays(name: str) -> None:
    model, x = integers(Net(*NOT_FOLDED[name]), "float64"), image()
    folded = fold(model, x)
    assert folded.pairs == ()
    for got, want in zip(folded(x), model(x), strict=True):
        assert_exact(got, want)


def test_a_linear_layer_along_time_is_not_a_layer_of_channels() -> None:
    model = integers(Net(plain, nn.Linear(5, 4), nn.BatchNorm1d(4)), "float64")
    x = np.random.default_rng(2).integers(-4, 5, (3, 4, 5)).astype("float64")
    folded = fold(model, x)
    assert folded.pairs == ()
    assert_exact(folded(x), model(x))


def test_one_pair_that_is_read_does_not_spare_the_others() -> None:
    def run(self: Net, x: Array) -> Array:
        return summed(self, self.more(x))

    before = nn.Conv2d(4, 5, 3), nn.BatchNorm2d(5)
    model = integers(Net(run, nn.Conv2d(5, 6, 1), nn.BatchNorm2d(6), *before), "float64")
    folded = fold(model, image())
    assert folded.pairs == (("more.0", "more.1"),)
    assert_exact(folded(image()), model(image()))


def test_a_norm_with_two_names_is_exchanged_under_both() -> None:
    def run(self: Net, x: Array) -> Array:
        return self.more[0](self.layer(x))

    norm = nn.BatchNorm2d(6)
    model = integers(Net(run, conv(), norm, norm), "float64")
    folded = fold(model, image())
    assert isinstance(folded.network.norm, nn.Identity)
    assert_exact(folded(image()), model(image()))


def test_networks_of_the_book() -> None:
    """A residual network loses every norm, a dense one those that do not stand behind a join."""
    for id in ("resnet18", "densenet121", "lenet5"):
        model, shape = scratch.build(id, "tiny").eval(), scratch.spec.get(id, "tiny").data.shape
        folded = fold(model, np.ones((2, *shape), np.float32))
        norms = {name for name, part in model.named_modules() if isinstance(part, nn.BatchNorm2d)}
        taken = {norm for _, norm in folded.pairs}
        late = {name for name in norms if name.endswith((".norm0", ".norm2"))}
        assert taken == (late if id == "densenet121" else norms)
        names = dict(folded.network.named_modules())
        assert all(isinstance(names[name], nn.Identity) == (name in taken) for name in norms)


def test_training_and_backward_are_refused() -> None:
    model, x = integers(Net(plain, conv(), nn.BatchNorm2d(6)), "float64"), image()
    folded = fold(model, x)
    y = folded(x)
    assert folded.eval() is folded
    with pytest.raises(UserError, match="folded network has no backward"):
        folded.backward(y)
    with pytest.raises(UserError, match="folded network cannot train"):
        folded.train()
    assert not any(module.training for _, module in folded.named_modules())
    with pytest.raises(RuntimeError, match="backward without a matching forward"):
        folded.network.layer.backward(y)
    with pytest.raises(KeyError, match="missing"):
        folded.load_state_dict(model.state_dict())
    with pytest.raises(UserError, match="call its eval"):
        fold(model.train(), x)
    model.eval().norm.training = True  # a part of it is enough
    with pytest.raises(UserError, match="call its eval"):
        fold(model, x)


def test_a_sample_that_shows_nothing_is_refused() -> None:
    model, x = integers(Net(plain, conv(), nn.BatchNorm2d(6)), "float64"), image()
    with pytest.raises(UserError, match="not finite"):
        fold(model, np.full_like(x, np.nan))
    with pytest.raises(UserError, match="at least one sample"):
        fold(model, x[:0])
    with pytest.raises(ValueError, match=r"layer expects \(N, 4"):
        fold(model, x[:, 1:])
    assert isinstance(fold(model, x), Folded)  # and nothing is left behind


def test_a_forward_that_waits_for_its_backward_still_can() -> None:
    model, x = integers(Net(plain, conv(), nn.BatchNorm2d(6)), "float64"), image()
    y = model(x)
    folded = fold(model, x)
    assert folded.network.layer.pending() == 0
    assert model.layer.backward(model.norm.backward(y)).shape == x.shape


def test_an_answer_keeps_nothing() -> None:
    """Not outside `inference()` either: what is allocated and stays is the answer."""
    model = scratch.build("resnet18", "tiny").eval()
    x = np.ones((8, *scratch.spec.get("resnet18", "tiny").data.shape), np.float32)
    folded = fold(model, x)
    folded(x)
    for network, inside in ((folded, False), (model, True)):
        tracemalloc.start()
        with nn.inference() if inside else contextlib.nullcontext():
            y = network(x)
        kept, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert y.nbytes <= kept < y.nbytes + x.nbytes // 2
