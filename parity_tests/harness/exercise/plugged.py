"""A student's file as an implementation of one's own, for `parity_tests.plug.check`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from parity_tests.harness import outputs
from parity_tests.harness.exercise.network import IntegerNetwork, Network
from parity_tests.harness.exercise.session import planted
from parity_tests.harness.exercise.student import Student

Array = np.ndarray[Any, np.dtype[Any]]


def implementation(student: Student) -> Callable[[Mapping[str, Array]], dict[str, Array]]:
    """Return what computes a chapter's output and gradients by the student's backwards.

    The forward is that of scratch. An exception of the student's comes through.

    Args:
        student: a file; `check(implementation(student), student.chapter)`.
    """

    def mine(given: Mapping[str, Array]) -> dict[str, Array]:
        whole = "target" in given  # else the integer set, which has no loss
        network = Network(student.chapter) if whole else IntegerNetwork(student.chapter)
        model = network.model
        state = model.state_dict()
        for name in state:
            for kind in ("parameter", "buffer"):
                state[name] = given.get(f"{kind}.{name}", state[name])
        model.load_state_dict(state)
        with planted(student, Network(student.chapter)):
            output = model(given["input"].copy())
            found = outputs.dotted("output", output)
            if whole:
                found["loss"] = network.loss(output, given["target"])
                d_output = network.loss.backward()
                found |= outputs.dotted("d_output", d_output)
            else:
                names = outputs.dotted("d_output", output)
                d_output = outputs.like(output, tuple(given[name].copy() for name in names))
            found["d_input"] = model.backward(d_output)
        gradients = {f"gradient.{n}": p.grad for n, p in model.named_parameters()}
        return {**found, **gradients}

    return mine
