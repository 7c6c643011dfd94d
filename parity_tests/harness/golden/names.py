"""Names of golden tensors, their order, and which call of which layer reads and makes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from parity_tests.harness import outputs
from parity_tests.harness.golden.limits import Bounds
from parity_tests.harness.golden.manifest import BACKWARD, FORWARD, GIVEN, STEP, Call
from parity_tests.harness.golden.reference import Run, modules
from parity_tests.harness.local import silent
from parity_tests.harness.pair import Pair
from parity_tests.harness.trace import Visit

Array = np.ndarray[Any, np.dtype[Any]]
Entry = tuple[str, str, str, Array]  # role, phase, module, value
_MASK = "mask"


def of_fields(kind: str, visit: Visit, value: Any) -> dict[str, Array]:
    """Return what a module returns, or its cotangent, by name: "output.logits" of several outputs.

    Args:
        kind: "activation" or "cotangent".
        visit: the call.
        value: its output, or the cotangent of that.
    """
    return outputs.dotted(of_visit(kind, visit), value)


def of_visit(kind: str, visit: Visit) -> str:
    """Return the name of what a module returns, or of its cotangent.

    Args:
        kind: "activation" or "cotangent".
        visit: the call; the whole network's are "output" and "d_output".
    """
    if not visit.path:
        return "output" if kind == "activation" else "d_output"
    return f"{kind}.{visit.path}{f'@{visit.call}' if visit.call else ''}"


class Names:
    """The names of one run.

    Args:
        pair: gives the given tensors.
        run: its first step is named.
    """

    def __init__(self, pair: Pair, run: Run) -> None:
        self.pair = pair
        self.run = run
        self.modules = modules(pair)
        visits = run.trace.visits
        inner = {path.rpartition(".")[0] for path in self.modules if path}
        self.leaves = [visit for visit in visits if visit.path not in inner]
        self.calls = tuple(self._call(visit) for visit in self.leaves)

    def tensors(self, run: Run, target: Array | None) -> dict[str, Entry]:
        """Return every tensor of a run in execution order.

        Args:
            run: of the same network, in any precision.
            target: None for a run without a loss.
        """
        found = self._given(target)
        for visit in run.trace.visits:
            if silent(self.modules[visit.path]):  # always zero: nothing to hold anybody against
                continue
            for name, value in of_fields("activation", visit, visit.output).items():
                found[name] = ("activation", FORWARD, visit.path, value)
        if run.loss is not None:
            found["loss"] = ("loss", FORWARD, "", run.loss)
        for visit in reversed(run.trace.visits):
            if visit.d_output is not None:
                phase = BACKWARD if visit.path or run.loss is not None else GIVEN
                for name, value in of_fields("cotangent", visit, visit.d_output).items():
                    found[name] = ("cotangent", phase, visit.path, value)
            for name, value in run.gradients.items():
                if visit.call == 0 and name.rpartition(".")[0] == visit.path:
                    found[f"gradient.{name}"] = ("gradient", BACKWARD, visit.path, value)
        if run.d_input is not None:
            found["d_input"] = ("gradient", BACKWARD, "", run.d_input)
        for name, value in run.updated.items():
            found[f"updated.{name}"] = ("updated", STEP, name.rpartition(".")[0], value)
        order = (GIVEN, FORWARD, BACKWARD, STEP)
        return dict(sorted(found.items(), key=lambda item: order.index(item[1][1])))

    def unused(self) -> set[str]:
        """Return the cotangents of what nobody uses of a recurrent layer's output: zeros."""
        return {
            name
            for visit in self.leaves
            if visit.d_output is not None and isinstance(visit.output, outputs.PARTS)
            for name, value in of_fields("cotangent", visit, visit.d_output).items()
            if not value.any()
        }

    def _given(self, target: Array | None) -> dict[str, Entry]:
        found: dict[str, Entry] = {"input": ("input", GIVEN, "", self.pair.inputs[0])}
        if target is not None:
            found["target"] = ("target", GIVEN, "", target)
        for number, value in enumerate(self.pair.inputs[1:] if target is None else (), 1):
            found[f"input{number}"] = ("input", GIVEN, "", value)
        for name, parameter in self.pair.torch.named_parameters():
            value = parameter.detach().numpy()
            found[f"parameter.{name}"] = ("parameter", GIVEN, name.rpartition(".")[0], value)
        for name, buffer in self.pair.torch.named_buffers():
            path, _, last = name.rpartition(".")
            value = buffer.numpy()
            if last == _MASK:
                found[f"mask.{path}"] = ("mask", GIVEN, path, value.astype(np.float64))
            else:
                found[f"buffer.{name}"] = ("buffer", GIVEN, path, value)
        return found

    def _call(self, visit: Visit) -> Call:
        module = self.modules[visit.path]
        options = {
            name: value
            for name, value in vars(module).items()
            if not name.startswith("_") and isinstance(value, (bool, int, float, str, tuple, list))
        }
        return Call(
            visit.path,
            type(module).__name__,
            options,
            tuple(self._source(value, visit) for value in visit.inputs),
            of_visit("activation", visit),
            of_visit("cotangent", visit),
            tuple(dict(module.named_parameters()) | dict(module.named_buffers())),
        )

    def _source(self, value: Array, reader: Visit) -> str:
        """Return the name of the latest tensor before `reader` that holds this value."""
        for visit in reversed(self.leaves[: self.leaves.index(reader)]):
            for name, made in of_fields("activation", visit, visit.output).items():
                if made.shape == value.shape and np.array_equal(made, value):
                    return name
        return "input" if np.array_equal(self.pair.inputs[0], value) else ""

    def own(self, name: str, allowed: Mapping[tuple[str, int], dict[str, Bounds]]) -> Bounds:
        """Return what the layer that makes this tensor may err by itself; {} if that is unknown.

        Args:
            name: of an activation, a cotangent, a gradient or "d_input".
            allowed: of `limits.own`.
        """
        for call, visit in zip(self.calls, self.leaves, strict=True):
            rows = allowed.get((visit.path, visit.call), {})
            if name in of_fields("activation", visit, visit.output):
                field = name[len(call.output) + 1 :]
                return rows.get(f"output[{field}]" if field else "output", {})
            local = name.rpartition(".")[2]
            mine = local in call.parameters and name == call.named("gradient", local)
            if mine and self._once(call.path):
                return rows.get(local, {})
        wanted = "input" if name == "d_input" else name.replace("cotangent.", "activation.", 1)
        readers = [i for i, call in enumerate(self.calls) if call.reads == (wanted,)]
        if len(readers) == 1:
            visit = self.leaves[readers[0]]
            return allowed.get((visit.path, visit.call), {}).get("dx", {})
        return {}

    def _once(self, path: str) -> bool:
        return sum(call.path == path for call in self.calls) == 1

    def drifts(self, null: Iterable[str], followers: Mapping[str, str]) -> set[str]:
        """Return what has no one value after several steps: null directions and their means."""
        return {*null, *(f"{path}.running_mean" for path in followers.values())}
