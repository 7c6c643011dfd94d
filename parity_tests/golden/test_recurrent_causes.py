"""Mistakes that people make in recurrent layers are named, forward and back through time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.harness.golden import content, module
from parity_tests.harness.golden.judge import judge

Array = np.ndarray[Any, np.dtype[Any]]
Golden = Mapping[str, Array]
T, N, D, H = 4, 2, 3, 5

LAYERS: dict[str, Callable[[], torch.nn.Module]] = {
    "RNN": lambda: torch.nn.RNN(D, H),
    "LSTM": lambda: torch.nn.LSTM(D, H),
    "GRU": lambda: torch.nn.GRU(D, H),
    "both ways": lambda: torch.nn.LSTM(D, H, bidirectional=True),
    "batch first": lambda: torch.nn.GRU(D, H, batch_first=True),
    "deep": lambda: torch.nn.LSTM(D, H, num_layers=2),
}


@cache
def golden(layer: str) -> tuple[Any, dict[str, Array]]:
    """Return the real set of a layer."""
    return module.sets_of(LAYERS[layer](), (T, N, D))[0]


def made(layer: str, given: Golden, change: Callable[[str, torch.Tensor], torch.Tensor]) -> Any:
    """Run torch's layer with changed parameters."""
    other = LAYERS[layer]().double()
    prefix = "parameter."
    state = {
        name.removeprefix(prefix): change(name, torch.from_numpy(np.array(value)))
        for name, value in given.items()
        if name.startswith(prefix)
    }
    other.load_state_dict(state)
    sequence, last = other(torch.from_numpy(np.array(given["input"])))
    return sequence.detach().numpy(), last


def reordered(order: tuple[int, ...]) -> Callable[[str, torch.Tensor], torch.Tensor]:
    """Return what reads the blocks of gates in another order."""
    return lambda _, value: torch.cat([value.chunk(len(order))[place] for place in order])


def without(kind: str) -> Callable[[str, torch.Tensor], torch.Tensor]:
    """Return what sets the parameters of a kind to zero."""
    return lambda name, value: 0 * value if kind in name else value


def forgetful(name: str, value: torch.Tensor) -> torch.Tensor:
    """Add 1 to the forget gate's second bias."""
    more = torch.zeros_like(value)
    more[H : 2 * H] = float(name.startswith("parameter.bias_hh"))
    return value + more


FORWARD = [
    ("LSTM", forgetful, "forget gate has a bias of 1"),
    ("LSTM", reordered((0, 2, 3, 1)), "order i, o, f, g, as in ONNX"),
    ("LSTM", reordered((0, 1, 3, 2)), "order i, f, o, g"),
    ("deep", reordered((0, 2, 3, 1)), "order i, o, f, g, as in ONNX"),
    ("GRU", reordered((1, 0, 2)), "order z, r, n"),
    ("batch first", reordered((1, 0, 2)), "order z, r, n"),
    ("RNN", without("bias_hh"), "bias 2 of 2, bias_hh, is missing"),
    ("both ways", without("bias_ih"), "bias 1 of 2, bias_ih, is missing"),
]


@pytest.mark.parametrize(("layer", "change", "words"), FORWARD)
def test_a_misread_parameter_is_named(layer: str, change: Any, words: str) -> None:
    one, values = golden(layer)
    sequence, _ = made(layer, values, change)
    row = judge(one, values, {"output.sequence": sequence}).first
    assert row is not None
    assert any(words in cause for cause in row.causes), row.causes


def test_it_is_named_in_a_chapter_too() -> None:
    manifest, sets = content.make("lstm_subtract")
    given, prefix = sets["real"], "parameter.rnn."
    width = given[f"{prefix}weight_hh_l0"].shape[1]
    network = torch.nn.LSTM(2, width, batch_first=True).double()
    change = reordered((0, 2, 3, 1))
    network.load_state_dict(
        {
            name: change(name, torch.from_numpy(given[prefix + name]))
            for name in network.state_dict()
        }
    )
    sequence = network(torch.from_numpy(given["input"]))[0].detach().numpy()
    row = judge(manifest.find("real"), given, {"activation.rnn.sequence": sequence}).first
    assert row is not None
    assert any("order i, o, f, g, as in ONNX" in cause for cause in row.causes), row.causes


def _reset_first(given: Golden) -> Array:
    sums = given["input"] @ given["parameter.weight_ih_l0"].T + given["parameter.bias_ih_l0"]
    weight, bias = given["parameter.weight_hh_l0"], given["parameter.bias_hh_l0"]
    h, states = np.zeros((N, H)), []
    for total in sums:
        past = h @ weight.T + bias
        r, z = (
            1 / (1 + np.exp(-(total[:, k * H : (k + 1) * H] + past[:, k * H : (k + 1) * H])))
            for k in (0, 1)
        )
        n = np.tanh(total[:, 2 * H :] + (r * h) @ weight[2 * H :].T + bias[2 * H :])
        h = (1 - z) * n + z * h
        states.append(h)
    return np.stack(states)


def test_a_reset_before_the_product_is_named() -> None:
    one, values = golden("GRU")
    row = judge(one, values, {"output.sequence": _reset_first(values)}).first
    assert row is not None
    assert "before the product" in row.causes[0]


def test_the_last_state_of_the_wrong_end_is_named() -> None:
    one, values = golden("both ways")
    wrong = values["output.h_n"].copy()
    wrong[1] = values["output.sequence"][-1, :, H:]
    row = judge(one, values, {"output.h_n": wrong}).first
    assert row is not None
    assert "not at t = 0" in row.causes[0]


def _step_by_step(layer: str, given: Golden, cell: bool) -> dict[str, Array]:
    """Go through the steps with states that are cut off, or with the cell alone cut off."""
    network: Any = LAYERS[layer]().double()
    network.load_state_dict(
        {name: torch.from_numpy(given[f"parameter.{name}"]) for name in network.state_dict()}
    )
    x = torch.from_numpy(given["input"]).requires_grad_(True)
    total, state = torch.zeros((), dtype=torch.float64), None
    for t in range(T):
        if state is not None:
            state = (state[0], state[1].detach()) if cell else _cut(state)
        y, state = network(x[t : t + 1], state)
        total = total + (y[0] * torch.from_numpy(given["d_output.sequence"][t])).sum()
    last = state if isinstance(state, tuple) else (state,)
    for name, value in zip(("h_n", "c_n"), last, strict=False):
        total = total + (value * torch.from_numpy(given[f"d_output.{name}"])).sum()
    total.backward()
    assert x.grad is not None
    return {
        "d_input": x.grad.numpy(),
        "gradient.weight_hh_l0": network.weight_hh_l0.grad.numpy(),
    }


def _cut(state: Any) -> Any:
    return tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()


@pytest.mark.parametrize("tensor", ["d_input", "gradient.weight_hh_l0"])
@pytest.mark.parametrize(
    ("layer", "cell", "words"),
    [
        ("RNN", False, "no gradient is carried"),
        ("GRU", False, "no gradient is carried"),
        ("LSTM", False, "no gradient is carried"),
        ("LSTM", True, "gradient of the cell is not carried"),
    ],
)
def test_what_is_not_carried_back_is_named(layer: str, cell: bool, words: str, tensor: str) -> None:
    one, values = golden(layer)
    wrong = _step_by_step(layer, values, cell)[tensor]
    row = judge(one, values, {tensor: wrong}).first
    assert row is not None
    assert words in row.causes[0]


@pytest.mark.parametrize("layer", LAYERS)
def test_what_torch_makes_passes(layer: str) -> None:
    one, values = golden(layer)
    sequence, last = made(layer, values, lambda _, value: value)
    state = last if isinstance(last, tuple) else (last,)
    names = ("output.h_n", "output.c_n")
    found = {name: value.detach().numpy() for name, value in zip(names, state, strict=False)}
    report = judge(one, values, {"output.sequence": sequence, **found})
    assert report.first is None
    assert len(report.given) == 1 + len(state)
