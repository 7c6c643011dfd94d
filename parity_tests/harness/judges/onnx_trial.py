"""A layer of scratch and what an ONNX test says that it must make."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from parity_tests.harness.judges.onnx_data import Node

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Trial:
    """One layer and what it must make.

    Attributes:
        layer: class name, the same in both twins.
        arguments: constructor keywords.
        inputs: of forward; the states of a recurrent layer follow its input one by one.
        outputs: "output" and the running statistics that are to be compared; of a recurrent layer
            "output[sequence]", "output[h_n]" and "output[c_n]", those that are given.
        state: parameters and buffers by name.
        training: mode.
        mask: which units a dropout keeps.
        refused: why scratch refuses it by intention.
    """

    layer: str
    arguments: Mapping[str, Any]
    inputs: tuple[Array, ...]
    outputs: Mapping[str, Array]
    state: Mapping[str, Array] = field(default_factory=dict)
    training: bool = False
    mask: Array | None = None
    refused: str = ""


def one(node: Node, layer: str, *inputs: Any, **arguments: Any) -> list[Trial]:
    """Return a layer on `inputs`, else on those of the node, making the node's first output."""
    given = inputs or node.inputs
    refused = "integers" if any(v.dtype.kind not in "fb" for v in given) else ""
    return [Trial(layer, arguments, tuple(given), {"output": node.outputs[0]}, refused=refused)]


def refused(trial: Trial, why: str) -> list[Trial]:
    """Return the trial as one that scratch has to refuse, and why."""
    return [replace(trial, refused=why)]


def axes(number: int) -> str:
    """Return the words for so many spatial axes."""
    return f"{number} spatial {'axis' if number == 1 else 'axes'}"
