"""Recurrent layers by themselves: gradients, structure, directions, states, memory, refusals."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

from parity_tests.numeric.recurrent_layers import (
    HIDDEN,
    KINDS,
    SAMPLES,
    SETTING_IDS,
    SETTINGS,
    STEPS,
    Several,
    cotangents,
    drawn,
    made,
    results,
)
from parity_tests.numeric.test_ops_layouts import LAYOUTS
from parity_tests.numeric.tolerance import assert_close, assert_exact
from scratch import nn
from scratch.gradcheck import complex_step, deviation, directional, finite_difference, norm_ratio
from scratch.nests import leaves, rebuilt
from scratch.ops import gru, lstm, rnn

every_setting = pytest.mark.parametrize(("kind", "options"), SETTINGS, ids=SETTING_IDS)
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_setting
def test_gradients_are_those_of_the_complex_step(kind: str, options: dict[str, Any]) -> None:
    layer = made(kind, **options)
    x, hx = drawn(layer)
    pairs = complex_step(layer, (x, hx))
    inputs = [f"dx{k}" for k in range(1 + len(layer.states))]
    assert list(pairs) == [*inputs, *dict(layer.named_parameters())]
    assert max(deviation(pairs).values()) < 1e-13
    assert all(np.any(numeric) for _, numeric in pairs.values())
    alone = complex_step(layer, (x,), entries=5)
    assert list(alone) == ["dx", *dict(layer.named_parameters())]
    assert max(deviation(alone).values()) < 1e-13


@every_kind
def test_the_other_ways_of_checking_say_so_too(kind: str) -> None:
    layer = made(kind, num_layers=2, bidirectional=True)
    inputs = drawn(layer)
    assert max(deviation(directional(layer, inputs)).values()) < 1e-12
    pairs, skipped = finite_difference(layer, inputs, entries=4)
    assert not any(skipped.values())
    assert all(norm_ratio(*pair) < 1e-8 for pair in pairs.values())


@every_kind
def test_a_step_that_forgets_what_comes_later_is_seen(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Truncated to one step: the gradient of the state before is thrown away."""
    module = {"RNN": rnn, "LSTM": lstm, "GRU": gru}[kind]
    right = module.step_backward
    place = {"RNN": 1, "LSTM": 1, "GRU": 2}[kind]

    def truncated(*args: Any) -> tuple[Any, ...]:
        found = list(right(*args))
        found[place] = np.zeros_like(found[place])
        return tuple(found)

    layer = made(kind)
    monkeypatch.setattr(module, "step_backward", truncated)
    wrong = deviation(complex_step(layer, drawn(layer)))
    assert wrong["weight_ih_l0"] > 1e-3
    assert wrong["weight_hh_l0"] > 1e-3


@every_kind
def test_a_step_is_what_the_loop_takes(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = {"RNN": rnn, "LSTM": lstm, "GRU": gru}[kind]
    right, calls = module.step, []

    def counted(*args: Any) -> Any:
        calls.append(args[0].shape)
        return right(*args)

    monkeypatch.setattr(module, "step", counted)
    layer = made(kind, num_layers=2)
    layer(*drawn(layer))
    assert calls == [(SAMPLES, layer.gates * HIDDEN)] * (2 * STEPS)


@every_kind
@pytest.mark.parametrize("batch_first", [False, True])
def test_what_was_not_used_has_no_gradient(kind: str, batch_first: bool) -> None:
    """None for a part is zeros for it, and the parts add up to the whole."""
    layer = made(kind, num_layers=2, bidirectional=True, batch_first=batch_first)
    inputs = drawn(layer)
    output = layer(*inputs)
    d_all = leaves(cotangents(output))
    found = []
    for chosen in [*range(len(d_all)), None]:
        layer.zero_grad()
        layer(*inputs)
        d_parts = [d if chosen in (k, None) else None for k, d in enumerate(d_all)]
        gradients = layer.backward(rebuilt(output, iter(d_parts)))
        found.append([*leaves(gradients), *(p.grad.copy() for p in layer.parameters())])
    *parts, whole = found
    for k, expected in enumerate(whole):
        assert_close(sum(part[k] for part in parts), expected)


def test_of_an_lstm_the_pair_may_be_none() -> None:
    layer = made("LSTM")
    x, hx = drawn(layer)
    found = []
    for d_last in ((None, None), None):
        dy = cotangents(layer(x, hx)[0])
        found.append(leaves(layer.backward((dy, d_last))))
    for one, other in zip(*found, strict=True):
        assert_exact(one, other)


@every_kind
def test_without_states_they_are_zero_and_only_dx_comes_back(kind: str) -> None:
    layer = made(kind, bidirectional=True)
    x, hx = drawn(layer)
    output = layer(x)
    alone = layer.backward(cotangents(output))
    assert isinstance(alone, np.ndarray)
    with_zeros = layer(x, rebuilt(hx, (np.zeros_like(h) for h in leaves(hx))))
    dx, *d_states = leaves(layer.backward(cotangents(with_zeros)))
    assert len(d_states) == len(layer.states)
    for one, other in zip([*leaves(output), alone], [*leaves(with_zeros), dx], strict=True):
        assert_exact(one, other)


@every_kind
def test_the_last_states_go_on_where_the_sequence_was_cut(kind: str) -> None:
    layer = made(kind, num_layers=2)
    x, hx = drawn(layer, steps=7)
    output, last = layer(x, hx)
    first, middle = layer(x[:3], hx)
    second, end = layer(x[3:], middle)
    assert_close(np.concatenate([first, second]), output)
    for one, other in zip(leaves(end), leaves(last), strict=True):
        assert_close(one, other)


@every_kind
def test_the_reverse_direction_is_a_layer_that_reads_backwards(kind: str) -> None:
    """Its last state is the one at time 0."""
    both = made(kind, bidirectional=True)
    x, hx = drawn(both)
    output, last = both(x, hx)
    state = both.state_dict()
    for direction, end in enumerate(("", "_reverse")):
        alone = made(kind)
        names = list(alone.state_dict())
        alone.load_state_dict({name: state[name + end] for name in names})
        turn = slice(None, None, -1 if direction else 1)
        start = rebuilt(hx, (h[direction : direction + 1] for h in leaves(hx)))
        y, ends = alone(x[turn], start)
        units = slice(direction * HIDDEN, (direction + 1) * HIDDEN)
        assert_exact(output[..., units], y[turn])
        for one, other in zip(leaves(last), leaves(ends), strict=True):
            assert_exact(one[direction], other[0])
    h_n = leaves(last)[0]
    assert_exact(h_n[0], output[-1, :, :HIDDEN])
    assert_exact(h_n[1], output[0, :, HIDDEN:])


@every_kind
def test_batch_first_swaps_two_axes_and_nothing_else(kind: str) -> None:
    layer, swapped = made(kind, num_layers=2), made(kind, num_layers=2, batch_first=True)
    x, hx = drawn(layer)
    y, last = layer(x, hx)
    other, other_last = swapped(x.swapaxes(0, 1), hx)
    assert_exact(other, y.swapaxes(0, 1))
    for one, two in zip(leaves(other_last), leaves(last), strict=True):
        assert_exact(one, two)


@every_setting
def test_float32_stays_float32(kind: str, options: dict[str, Any]) -> None:
    layer = made(kind, dtype="float32", **options)
    found = results(layer, drawn(layer, dtype="float32"))
    assert all(one.dtype == np.float32 for one in found)
    wide = results(made(kind, **options).astype("float64"), drawn(layer))
    for one, other in zip(found, wide, strict=True):
        assert_close(one, other.astype(np.float32))


@every_kind
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("batch_first", [False, True])
def test_layout_changes_nothing_and_nothing_given_is_written(
    kind: str, layout: Any, batch_first: bool
) -> None:
    layer = made(kind, num_layers=2, bidirectional=True, batch_first=batch_first)
    x, hx = drawn(layer)
    expected = results(layer, (x, hx))
    given = [layout(part) for part in leaves((x, hx))]
    before = [part.copy() for part in given]
    for parameter in layer.parameters():
        parameter.data = layout(parameter.data)
    found = results(layer, rebuilt((x, hx), iter(given)))
    for one, other in zip(found, expected, strict=True):
        assert_exact(one, other)
    for one, other in zip(given, before, strict=True):
        assert_exact(one, other)


@every_kind
def test_two_forwards_before_two_backwards(kind: str) -> None:
    """The later one goes back first; gradients of the shared weights add up."""
    layer = made(kind, num_layers=2)
    first, second = drawn(layer, 3), drawn(layer, 4, steps=STEPS + 2)
    alone = [results(layer, inputs) for inputs in (first, second)]
    layer.zero_grad()
    both = Several(layer)
    outputs = both(first, second)
    held = [part.copy() for part in leaves(outputs)]
    backs = [leaves(d) for d in both.backward(tuple(cotangents(one) for one in outputs))]
    for part, copy in zip(leaves(outputs), held, strict=True):
        assert_exact(part, copy)
    count = 1 + len(layer.states)
    for back, one in zip(backs, alone, strict=True):
        for gradient, expected in zip(back, one[count : 2 * count], strict=True):
            assert_exact(gradient, expected)
    together = [a + b for a, b in zip(alone[0][2 * count :], alone[1][2 * count :], strict=True)]
    for parameter, expected in zip(layer.parameters(), together, strict=True):
        assert_close(parameter.grad, expected)


@every_kind
def test_gradients_of_parameters_share_no_memory(kind: str) -> None:
    layer = made(kind, bidirectional=True)
    layer.backward(cotangents(layer(*drawn(layer))))
    gradients = [p.grad for p in layer.parameters()]
    for k, one in enumerate(gradients):
        assert not any(np.shares_memory(one, other) for other in gradients[:k])
    if kind == "GRU":  # r multiplies the second bias of n
        assert not np.array_equal(layer.bias_ih_l0.grad, layer.bias_hh_l0.grad)  # type: ignore[attr-defined]
    else:
        assert_exact(layer.bias_ih_l0.grad, layer.bias_hh_l0.grad)  # type: ignore[attr-defined]


@every_kind
@pytest.mark.parametrize("bidirectional", [False, True])
def test_nobody_asks_for_the_gradient_of_the_data(kind: str, bidirectional: bool) -> None:
    """The other gradients are the same, those of the states too."""
    layer = made(kind, num_layers=2, bidirectional=bidirectional)
    x, hx = drawn(layer)
    found = []
    for data in (np.empty(0), x):
        layer.zero_grad()
        with nn.no_gradient_of(data):
            output = layer(x, hx)
        dx, *others = leaves(layer.backward(cotangents(output)))
        assert bool(np.isnan(dx).all()) is (data is x)
        found.append([*others, *(p.grad.copy() for p in layer.parameters())])
    for one, other in zip(*found, strict=True):
        assert_exact(one, other)


@every_kind
def test_a_backward_too_many_and_a_forward_too_many_are_told(kind: str) -> None:
    layer = made(kind)
    inputs = drawn(layer)
    with nn.inference():
        output = layer(*inputs)
    with pytest.raises(RuntimeError, match=f"{kind}: backward without a matching forward"):
        layer.backward(cotangents(output))
    layer(*inputs)
    layer(*inputs)
    with pytest.warns(nn.StaleForwardWarning, match=f"{kind} still keeps 1"):
        layer.backward(cotangents(output))


@every_kind
def test_huge_inputs_saturate_in_silence(kind: str) -> None:
    layer = made(kind, dtype="float32")
    x, hx = drawn(layer, dtype="float32")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = results(layer, (x * np.float32(1e4), hx))
    assert all(np.isfinite(one).all() for one in found)
