"""ONNX's recurrent operators and its Gather among scratch's layers.

The weights of these tests are constants, all gates alike, so an exchange of two gates shows in none
of them; PyTorch's samples are there for that.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from parity_tests.harness.judges.onnx_data import Node
from parity_tests.harness.judges.onnx_trial import Trial, refused
from parity_tests.harness.judges.tally import LeftOutError
from parity_tests.harness.onnx_recurrent import to_torch

Array = np.ndarray[Any, np.dtype[Any]]

ACTIVATIONS = {"RNN": ("Tanh",), "LSTM": ("Sigmoid", "Tanh", "Tanh"), "GRU": ("Sigmoid", "Tanh")}
INPUTS = 8  # of an LSTM: X, W, R, B, sequence_lens, initial_h, initial_c, P
PARTS = ("sequence", "h_n", "c_n")


def recurrent(layer: str) -> Callable[[Node], list[Trial]]:
    """Return the form of a recurrent operator, of the same name as its layer.

    A layer of torch's cannot run in reverse alone. Such a node is the forward one on the steps in
    reverse, which makes its states in reverse.
    """

    def form(node: Node) -> list[Trial]:
        x, w, r, b, lengths, h, c, peepholes = (*node.inputs, *[None] * INPUTS)[:INPUTS]
        got = node.attributes
        batch_first = bool(got.get("layout", 0))
        direction = got.get("direction", "forward")
        steps = x.shape[1 if batch_first else 0]
        if lengths is not None and np.any(lengths != steps):
            raise LeftOutError("sequences of several lengths in one batch")
        if peepholes is not None and np.any(peepholes):
            raise LeftOutError("peepholes: torch's LSTM has none")
        if got.get("clip") or got.get("input_forget"):
            raise LeftOutError("sums that are clipped, or gates that are coupled")
        if layer == "GRU" and not got.get("linear_before_reset", 0) and _reset_counts(steps, h, b):
            raise LeftOutError(
                "the reset gate before the product with the weights; torch's follows"
            )
        hidden = r.shape[2]
        arguments = {
            "input_size": x.shape[2],
            "hidden_size": hidden,
            "bias": b is not None,
            "batch_first": batch_first,
            "bidirectional": direction == "bidirectional",
            **_nonlinearity(layer, got.get("activations")),
        }

        def turned(value: Array) -> Array:
            axis = 1 if batch_first else 0
            return np.ascontiguousarray(np.flip(value, axis)) if direction == "reverse" else value

        states = [_state(value, batch_first) for value in (h, c) if value is not None]
        outputs = {
            f"output[{name}]": turned(_sequence(value, batch_first))
            if name == "sequence"
            else _state(value, batch_first)
            for name, value in zip(PARTS, node.outputs, strict=False)
            if value is not None
        }
        state = to_torch(layer, w, r, b)
        return [Trial(layer, arguments, (turned(x), *states), outputs, state)]

    return form


def _reset_counts(steps: int, h: Array | None, b: Array | None) -> bool:
    """Tell whether it matters where a GRU's reset gate stands: not before a first zero state."""
    of_state = b is not None and np.any(np.split(b, 6, axis=1)[-1])
    return bool(steps > 1 or of_state or (h is not None and np.any(h)))


def _nonlinearity(layer: str, asked: list[Any] | None) -> dict[str, str]:
    names = [name.decode() if isinstance(name, bytes) else name for name in asked or ()]
    if layer == "RNN" and set(names) == {"Relu"}:
        return {"nonlinearity": "relu"}
    own = ACTIVATIONS[layer]
    if names and names not in (list(own), list(own * 2)):
        raise LeftOutError(f"activations {', '.join(names)}")
    return {}


def _sequence(y: Array, batch_first: bool) -> Array:
    """Return Y (T, D, N, H), or (N, T, D, H), with the directions side by side."""
    wide = y if batch_first else y.swapaxes(1, 2)
    return wide.reshape(*wide.shape[:2], -1)


def _state(value: Array, batch_first: bool) -> Array:
    """Return a state (D, N, H), which is (N, D, H) beside samples that come first."""
    return value.swapaxes(0, 1) if batch_first else value


def gather(node: Node) -> list[Trial]:
    """Return the form of a choice of rows of a table; what a row holds is laid out flat."""
    table, index = node.inputs
    if node.attributes.get("axis", 0):
        raise LeftOutError("takes columns, not rows of a table")
    rows = table.reshape(len(table), -1)
    arguments = {"num_embeddings": len(rows), "embedding_dim": rows.shape[1]}
    outputs = {"output": node.outputs[0].reshape(*index.shape, -1)}
    trial = Trial("Embedding", arguments, (index,), outputs, {"weight": rows})
    return refused(trial, "negative indices, as in torch") if np.any(index < 0) else [trial]
