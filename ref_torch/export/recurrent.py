"""Recurrent layers as what ONNX has for them: one RNN, LSTM or GRU node for each layer.

The exporter would unroll a recurrent layer over the steps of the example, or freeze a time axis
that was asked to stay free, and whether it does depends on its version and on what the process
exported before. A node of the operator set has neither choice.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.onnx import ops

VERSION = 20  # of the operator set
# Blocks of torch's weights in ONNX's order: i f g o to i o f c, r z n to z r h.
ORDER = {"RNN": (0,), "LSTM": (0, 3, 1, 2), "GRU": (1, 0, 2)}
ACTIVATIONS = {"tanh": "Tanh", "relu": "Relu"}
FORWARDS = (nn.RNN.forward, nn.LSTM.forward, nn.GRU.forward)
State = Tensor | tuple[Tensor, Tensor]


class NativeRecurrent(nn.Module):
    """What a recurrent layer computes in evaluation, exported as one ONNX node for each layer.

    It is for the exporter: called outside of it, its outputs have the right shapes and no values.

    Args:
        layer: `nn.RNN`, `nn.LSTM` or `nn.GRU`; its weights are copied, its dropout is left out, as
            it is in evaluation.

    Raises:
        ValueError: the layer projects its state (`proj_size`), which no ONNX node does.
    """

    def __init__(self, layer: nn.RNNBase) -> None:
        super().__init__()
        if layer.proj_size:
            raise ValueError(f"ONNX has no recurrent layer with a projection: {layer}")
        self.operator = layer.mode.partition("_")[0]  # "RNN_TANH"
        self.input_size, self.hidden_size = layer.input_size, layer.hidden_size
        self.num_layers, self.batch_first = layer.num_layers, layer.batch_first
        self.directions = 2 if layer.bidirectional else 1
        self.attributes: dict[str, Any] = {
            "hidden_size": layer.hidden_size,
            "direction": "bidirectional" if layer.bidirectional else "forward",
        }
        if isinstance(layer, nn.RNN):
            self.attributes["activations"] = [ACTIVATIONS[layer.nonlinearity]] * self.directions
        if isinstance(layer, nn.GRU):
            self.attributes["linear_before_reset"] = 1
        state = {name: value.detach() for name, value in layer.named_parameters()}
        for number in range(layer.num_layers):
            made = constants(state, self.operator, f"l{number}")
            for name, value in zip(("W", "R", "B"), made, strict=True):
                self.register_buffer(f"{name}_l{number}", value)

    def forward(self, input: Tensor, hx: State | None = None) -> tuple[Tensor, State]:
        """Map (T, N, I), or (N, T, I) with `batch_first`, as torch's layer does.

        Args:
            input: T steps of N samples.
            hx: initial state (L D, N, H) for L layers and D directions, a pair of them for an LSTM;
                zeros if None.

        Returns:
            The states of the last layer at every step, (T, N, D H) or (N, T, D H), and the last
            states of all layers in the form of `hx`.

        Raises:
            ValueError: the input has another number of axes or features, or is no tensor.
        """
        features = self.input_size
        if not isinstance(input, Tensor) or input.ndim != 3 or input.shape[2] != features:
            wanted = f"(N, T, {features})" if self.batch_first else f"(T, N, {features})"
            shape = tuple(input.shape) if isinstance(input, Tensor) else type(input).__name__
            raise ValueError(f"{self.operator} expects {wanted} for export; got {shape}")
        given = () if hx is None else hx if isinstance(hx, tuple) else (hx,)
        x = input.transpose(0, 1) if self.batch_first else input  # (T, N, I)
        last: list[tuple[Tensor, ...]] = []
        for number in range(self.num_layers):
            first = number * self.directions
            states = [state[first : first + self.directions] for state in given]
            y, *finals = self._layer(number, x, states)
            last.append(tuple(finals))
            x = y.squeeze(1) if self.directions == 1 else torch.cat((y[:, 0], y[:, 1]), -1)
        joined = [
            torch.cat(parts) if len(parts) > 1 else parts[0] for parts in zip(*last, strict=True)
        ]
        output = x.transpose(0, 1) if self.batch_first else x
        return output, (joined[0], joined[1]) if self.operator == "LSTM" else joined[0]

    def _layer(self, number: int, x: Tensor, states: list[Tensor]) -> Any:
        """Return Y (T, D, N, H) and the last states, each (D, N, H), of one layer."""
        steps, batch = x.shape[0], x.shape[1]
        inner = (self.directions, batch, self.hidden_size)
        shapes = [(steps, *inner), inner, *([inner] if self.operator == "LSTM" else [])]
        weights = [getattr(self, f"{name}_l{number}") for name in ("W", "R", "B")]
        given: list[Tensor | None] = [x, *weights]
        if states:
            given += [None, *states]  # None: all sequences have their full length
        while given[-1] is None:
            given.pop()
        return ops.symbolic_multi_out(
            self.operator,
            given,
            self.attributes,
            dtypes=[x.dtype] * len(shapes),
            shapes=shapes,
            version=VERSION,
        )


def constants(
    state: dict[str, Tensor], operator: str, layer: str
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Return W (D, G H, I), R (D, G H, H) and B (D, 2 G H) of one layer, B None without biases.

    Args:
        state: torch's parameters, `weight_ih_l0` and so on.
        operator: "RNN", "LSTM" or "GRU", of G = 1, 4 or 3 blocks of rows.
        layer: its suffix, such as "l0".
    """
    ends = [layer, f"{layer}_reverse"] if f"weight_ih_{layer}_reverse" in state else [layer]

    def ordered(name: str) -> Tensor:
        blocks = state[name].chunk(len(ORDER[operator]))
        return torch.cat([blocks[at] for at in ORDER[operator]])

    w, r = (torch.stack([ordered(f"weight_{of}_{end}") for end in ends]) for of in ("ih", "hh"))
    if f"bias_ih_{layer}" not in state:
        return w, r, None
    biases = [torch.cat([ordered(f"bias_ih_{end}"), ordered(f"bias_hh_{end}")]) for end in ends]
    return w, r, torch.stack(biases)


def with_native_recurrence(model: nn.Module) -> nn.Module:
    """Replace every recurrent layer of a network, in place, by one that exports as ONNX nodes.

    Args:
        model: a network or a recurrent layer; without such layers nothing changes.

    Returns:
        The network; another object only if it was itself a recurrent layer.

    Raises:
        ValueError: a layer that ONNX does not have.
    """
    made: dict[nn.Module, NativeRecurrent] = {}

    def native(module: nn.Module) -> nn.Module:
        if isinstance(module, nn.RNNBase) and type(module).forward in FORWARDS:
            if module not in made:
                made[module] = NativeRecurrent(module)
            return made[module]
        for name, child in module._modules.items():
            if child is not None:
                module._modules[name] = native(child)
        return module

    return native(model)
