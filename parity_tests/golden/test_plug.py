"""Somebody's own NumPy layers and networks, right and wrong, held against torch in a few lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.plug import DivergenceError, Given, check, parity
from ref_torch.nn import Add

__all__ = ["parity"]  # the fixture

Array = np.ndarray[Any, np.dtype[Any]]


class Dense:
    """A layer as a stranger writes it: x W with W (in, out), gradients kept in attributes."""

    def __init__(self, weight: Array, bias: Array, bug: str = "") -> None:
        self.weight, self.bias, self.bug = weight, bias, bug

    def forward(self, x: Array) -> Array:
        self.x = x
        return x @ self.weight + self.bias

    def backward(self, dy: Array) -> Array:
        self.d_weight = self.x.T @ dy
        self.d_bias = dy.mean(0) if self.bug == "mean" else dy.sum(0)
        return dy @ self.weight.T


def dense(given: Given, bug: str = "") -> dict[str, Array]:
    layer = Dense(given["parameter.weight"].T, given["parameter.bias"], bug)
    y = layer.forward(given["input"])
    dx = layer.backward(given["d_output"])
    d_weight = layer.d_weight if bug == "layout" else layer.d_weight.T
    return {
        "output": y,
        "d_input": dx,
        "gradient.weight": d_weight,
        "gradient.bias": layer.d_bias,
    }


def network(given: Given, bug: str = "") -> dict[str, Array]:
    first = Dense(given["parameter.0.weight"].T, given["parameter.0.bias"])
    last = Dense(given["parameter.2.weight"].T, given["parameter.2.bias"])
    hidden = first.forward(given["input"])
    mask = hidden >= 0 if bug == "kink" else hidden > 0
    y = last.forward(hidden * mask)
    d_active = last.backward(given["d_output"])
    d_hidden = d_active if bug == "no mask" else d_active * mask
    return {
        "output": y,
        "cotangent.1": d_active,
        "cotangent.0": d_hidden,
        "d_input": first.backward(d_hidden),
        "gradient.0.weight": first.d_weight.T,
        "gradient.2.weight": last.d_weight.T,
    }


NETWORK = torch.nn.Sequential(torch.nn.Linear(4, 7), torch.nn.ReLU(), torch.nn.Linear(7, 3))


def test_a_right_layer_passes(parity: Callable[..., Any]) -> None:
    reports = parity(dense, torch.nn.Linear(3, 2), shape=(5, 3))
    assert [report.set for report in reports] == ["real", "exact"]
    assert all(len(report.given) == 4 for report in reports)
    check(network, NETWORK, shape=(5, 4))
    check(dense, torch.nn.Linear(3, 2), shape=(5, 3), dtype="float32")


@pytest.mark.parametrize(
    ("bug", "words"),
    [
        ("mean", "gradient.bias fits if it is N = 5 times too small"),
        ("layout", "gradient.weight fits if it is transposed"),
    ],
)
def test_a_wrong_layer_is_told_what_is_wrong(bug: str, words: str) -> None:
    with pytest.raises(DivergenceError, match=words) as caught:
        check(lambda given: dense(given, bug), torch.nn.Linear(3, 2), shape=(5, 3))
    assert caught.value.reports[0].first is not None


def test_a_wrong_network_is_told_where() -> None:
    with pytest.raises(DivergenceError, match="the derivative of 1 is left out") as caught:
        check(lambda given: network(given, "no mask"), NETWORK, shape=(5, 4))
    first = caught.value.reports[0].first
    assert first is not None
    assert first.tensor.name == "cotangent.0"


def test_what_happens_at_a_kink_is_seen_in_integers_alone() -> None:
    with pytest.raises(DivergenceError, match="the mask is x >= 0, not x > 0") as caught:
        check(lambda given: network(given, "kink"), NETWORK, shape=(50, 4))
    real, exact = caught.value.reports
    assert real.first is None
    assert exact.first is not None


def test_a_chapter_may_be_the_reference() -> None:
    def mine(given: Given) -> dict[str, Array]:
        weight, bias = given["parameter.linear.weight"], given["parameter.linear.bias"]
        return {"output": given["input"] @ weight.T + bias}

    check(mine, "house_price")
    with pytest.raises(DivergenceError, match="output fits if it is of the wrong sign"):
        check(lambda given: {"output": -mine(given)["output"]}, "house_price")


def test_a_sigmoid_has_no_integer_set() -> None:
    def mine(given: Given) -> dict[str, Array]:
        return {"output": 1 / (1 + np.exp(-given["input"]))}

    assert [r.set for r in check(mine, torch.nn.Sigmoid(), shape=(4, 3))] == ["real"]


def test_misuse_is_said() -> None:
    module = torch.nn.Linear(3, 2)
    with pytest.raises(ValueError, match="needs the shape"):
        check(dense, module)
    with pytest.raises(ValueError, match="no returned name is known; known: output"):
        check(lambda given: {"y": given["input"]}, module, shape=(5, 3))
    with pytest.raises(DivergenceError, match=r"did you mean gradient\.weight"):
        check(lambda given: {**dense(given), "gradient.weigth": np.zeros(2)}, module, shape=(5, 3))

    def writes(given: Given) -> dict[str, Array]:
        given["input"][...] = 0
        return {}

    with pytest.raises(ValueError, match="read-only"):
        check(writes, module, shape=(5, 3))


class Unnamed(torch.nn.Module):
    """A network that reshapes outside of its modules."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 2)
        self.fc = torch.nn.Linear(12, 5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(self.conv(x).flatten(1))


def test_a_network_with_unnamed_places_is_still_located() -> None:
    def mine(given: Given) -> dict[str, Array]:
        y = torch.nn.functional.conv2d(
            *(torch.tensor(given[n]) for n in ("input", "parameter.conv.weight"))
        ).numpy() + given["parameter.conv.bias"].reshape(-1, 1, 1)
        z = y.reshape(len(y), -1) @ given["parameter.fc.weight"].T
        dy = given["d_output"] @ given["parameter.fc.weight"]
        return {"activation.conv": y, "output": z, "cotangent.conv": dy, "d_input": 0 * z}

    with pytest.raises(DivergenceError, match="first divergence: output") as caught:
        check(mine, Unnamed(), shape=(4, 2, 3, 3))
    rows = {row.tensor.name: row for row in caught.value.reports[0].given}
    assert not rows["activation.conv"].failing
    assert rows["cotangent.conv"].failing  # right numbers, (N, 12) for (N, 3, 2, 2)
    assert rows["d_input"].failing


class Residual(torch.nn.Module):
    """x + fc(x) behind another layer."""

    def __init__(self) -> None:
        super().__init__()
        self.first = torch.nn.Linear(3, 4)
        self.fc = torch.nn.Linear(4, 4)
        self.add = Add()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.first(x)
        return self.add(x, self.fc(x))


@pytest.mark.parametrize(
    ("skip", "inner", "words"),
    [
        (1.0, 1.0, ""),
        (0.0, 1.0, "cotangent.first fits if the gradient through add is forgotten"),
        (2.0, 1.0, "cotangent.first fits if the gradient through add is added twice"),
        (1.0, 0.0, "cotangent.first fits if only the branch through add arrives"),
    ],
)
def test_a_forgotten_branch_is_named(skip: float, inner: float, words: str) -> None:
    def mine(given: Given) -> dict[str, Array]:
        dy = given["d_output"]
        return {"cotangent.first": skip * dy + inner * dy @ given["parameter.fc.weight"]}

    if not words:
        check(mine, Residual(), shape=(5, 3))
        return
    with pytest.raises(DivergenceError, match=words):
        check(mine, Residual(), shape=(5, 3))


def test_a_random_module_is_refused() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(3, 9), torch.nn.Dropout(0.5))
    with pytest.raises(ValueError, match="something else each time"):
        check(lambda given: {}, module, shape=(5, 3))
    check(
        lambda g: {"output": g["input"] @ g["parameter.0.weight"].T + g["parameter.0.bias"]},
        module.eval(),
        shape=(5, 3),
    )


def test_the_reference_is_left_alone() -> None:
    module = torch.nn.BatchNorm1d(3)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    check(lambda given: {"gradient.bias": given["d_output"].sum(0)}, module, shape=(5, 3))
    assert all(torch.equal(before[name], value) for name, value in module.state_dict().items())
    assert module.weight.dtype == torch.float32


def _bare(given: Given, flip: bool) -> dict[str, np.ndarray]:
    """A 2 x 2 convolution in loops, forward and the gradient of its kernels."""
    x, weight, dy = given["input"], given["parameter.weight"], given["d_output"]
    high, wide = dy.shape[2:]
    y = np.zeros_like(dy) + given["parameter.bias"][:, None, None]
    dw = np.zeros_like(weight)
    for i, j in np.ndindex(2, 2):
        seen = x[:, :, i : i + high, j : j + wide]
        tap = (1 - i, 1 - j) if flip else (i, j)
        y += np.einsum("nchw,oc->nohw", seen, weight[:, :, *tap])
        dw[:, :, *tap] = np.einsum("nchw,nohw->oc", seen, dy)
    return {"output": y, "gradient.weight": dw}


def test_a_bare_convolution_with_a_flipped_kernel_is_named() -> None:
    module = torch.nn.Conv2d(2, 3, 2)
    check(lambda given: _bare(given, False), module, shape=(5, 2, 4, 6))
    with pytest.raises(DivergenceError, match="flipped"):
        check(lambda given: _bare(given, True), module, shape=(5, 2, 4, 6))
    with pytest.raises(DivergenceError, match=r"gradient.weight.*flipped"):
        check(
            lambda given: {"gradient.weight": _bare(given, True)["gradient.weight"]},
            module,
            shape=(5, 2, 4, 6),
        )
