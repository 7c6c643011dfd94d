"""Small faults that can be planted in any network, each on one instance.

Into each leaf goes a factor of 1.001 on its output, on the gradient of each input and on the
gradient of each parameter; into each block a mistake of wiring: a child left out, taken twice the
wrong way round, or given the numbers of another sample; at a join an input or its gradient
forgotten, inputs or gradients in the wrong order, a cut in the wrong place.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity_tests.harness import nulls, outputs
from parity_tests.harness.pair import Pair
from parity_tests.harness.planting import exchanged, inside, swap
from parity_tests.harness.trace import Visit
from parity_tests.harness.visits import reference_trace
from scratch import nn

Array = np.ndarray[Any, np.dtype[Any]]
Change = Callable[..., Any]
Make = Callable[[Change], Change]

NOTHING = "the child changes nothing here"
NO_ROOM = "the shapes do not allow it"


@dataclass(frozen=True)
class SmallFault:
    """One fault.

    Attributes:
        name: in words.
        path: of the module that it is planted in, "" for the whole network.
        expected: what must be blamed, see `attribution.Attempt`.
        plant: changes the module.
        skipped: why it cannot be planted, "" if it can.
    """

    name: str
    path: str
    expected: str
    plant: Callable[[nn.Module], None] = lambda _: None
    skipped: str = ""


def input_gradients(count: int) -> list[str]:
    """Return how the gradients of a module's inputs are called.

    >>> input_gradients(1), input_gradients(2)
    (['dx'], ['dx0', 'dx1'])
    """
    return ["dx"] if count == 1 else [f"dx{number}" for number in range(count)]


# ---- leaves


def leaf_faults(pair: Pair, factor: float) -> Iterator[SmallFault]:
    """Yield the faults of every leaf: output and gradients a little too large."""
    null = nulls.names(pair)
    visits = {visit.path: visit for visit in reference_trace(pair).visits}
    for path, module in pair.scratch.named_modules():
        if module._modules:
            continue
        name = f"{path} ({type(module).__name__})"
        shut = NOTHING if gives_zero(module) else ""
        for number, part in enumerate(outputs.named("output", visits[path].output)):
            yield SmallFault(
                f"{part} of {name} times {factor}",
                path,
                f"forward {path} output",
                functools.partial(swap, forward=_larger_output(number, factor)),
                shut,
            )
        for number, tensor in enumerate(input_gradients(len(visits[path].inputs))):
            yield SmallFault(
                f"{tensor} of {name} times {factor}",
                path,
                f"backward {path} {tensor}",
                functools.partial(swap, backward=_larger_dx(number, factor)),
                shut,
            )
        for parameter in module._parameters:
            zero = f"{path}.{parameter}" in null
            yield SmallFault(
                f"gradient of {name} {parameter} times {factor}",
                path,
                f"backward {path} {parameter}",
                functools.partial(swap, backward=_larger_gradient(parameter, factor)),
                "its true gradient is zero" if zero else "",
            )


def _larger_output(number: int, factor: float) -> Change:
    def change(own: Change, self: nn.Module, *arguments: Any) -> Any:
        made = outputs.flat(own(self, *arguments))
        found = list(outputs.parts(made))
        found[number] = found[number] * factor
        return outputs.nested(outputs.like(made, tuple(found)))

    return change


def _larger_dx(number: int, factor: float) -> Change:
    def change(own: Change, self: nn.Module, *arguments: Any) -> Any:
        dx = own(self, *arguments)
        if not isinstance(dx, tuple):
            return dx * factor
        return (*dx[:number], dx[number] * factor, *dx[number + 1 :])

    return change


def _larger_gradient(parameter: str, factor: float) -> Change:
    def change(own: Change, self: nn.Module, *arguments: Any) -> Any:
        before = self._parameters[parameter].grad.copy()
        dx = own(self, *arguments)
        gradient = self._parameters[parameter].grad
        gradient += (gradient - before) * (factor - 1)
        return dx

    return change


# ---- wiring


def other_sample(own: Change) -> Change:
    """The child is given the numbers of another sample."""
    return lambda *values: own(*map(_next_sample, values))


def _next_sample(value: Any) -> Any:
    """Roll along the samples: the first axis, of the last states of a recurrent layer the second.

    Recurrent layers of chapters have batch_first; what nobody uses of their output is None.
    """
    if not isinstance(value, tuple):
        return np.roll(value, 1, axis=0)
    sequence, *states = value
    rolled = None if sequence is None else np.roll(sequence, 1, axis=0)
    return (rolled, *(_next_state(state) for state in states))


def _next_state(state: Any) -> Any:
    if isinstance(state, tuple):
        return tuple(map(_next_state, state))
    return None if state is None else np.roll(state, 1, axis=1)


def _left_out(own: Change) -> Change:
    """The child is called and what it returns is dropped."""

    def change(value: Array) -> Array:
        own(value)
        return value

    return change


def _without_input(number: int) -> Make:
    def make(own: Change) -> Change:
        def change(*values: Array) -> Any:
            zero = np.zeros_like(values[number])
            return own(*values[:number], zero, *values[number + 1 :])

        return change

    return make


def _without_gradient(number: int) -> Make:
    def make(own: Change) -> Change:
        def change(d_output: Array) -> Any:
            dx = list(own(d_output))
            dx[number] = np.zeros_like(dx[number])
            return tuple(dx)

        return change

    return make


def _reversed_inputs(own: Change) -> Change:
    return lambda *values: own(*values[::-1])


def _reversed_gradients(own: Change) -> Change:
    return lambda d_output: own(d_output)[::-1]


def _cut_one_later(dim: int) -> Make:
    return lambda own: lambda d_output: own(np.roll(d_output, -1, axis=dim))


def wiring_faults(pair: Pair) -> Iterator[SmallFault]:
    """Yield the faults of every block: what it may do wrong with its children."""
    visits = {visit.path: visit for visit in reference_trace(pair).visits}
    for path, block in pair.scratch.named_modules():
        where, prefix = path or f"({pair.subject})", f"{path}." if path else ""
        children = block._modules
        calls = {name: visits[prefix + name] for name in children}
        for name, child in children.items():
            full = f"{prefix}{name} ({type(child).__name__})"
            zeros = [gives_zero(children[other]) for other in calls if other != name]
            for method, words, make, blocked in _of_child(child, calls[name], any(zeros)):
                tensor = "output" if method == "forward" else "dx"
                yield SmallFault(
                    f"{method} of {full} {words}",
                    path,
                    f"{method} {where} {tensor}",
                    inside(method, {name: make}),
                    blocked,
                )
        for one, two in itertools.pairwise(calls):
            alike = repr(children[one]) == repr(children[two]) and not children[one].state_dict()
            # A factor that is not negative passes a ReLU unchanged, so dropout may stand before it.
            alike |= {type(children[one]), type(children[two])} == {nn.ReLU, nn.Dropout}
            yield SmallFault(
                f"{prefix}{one} and {prefix}{two} change places",
                path,
                f"forward {where} output",
                exchanged(one, two),
                NOTHING if alike else _why_not([calls[one], calls[two]]),
            )


def gives_zero(module: nn.Module) -> bool:
    """Return whether a module gives zeros whatever it is given, output and gradient alike.

    One stands for the new channels in a shortcut without weights, see `scratch.models.resnet`.
    """
    return isinstance(module, nn.Affine) and module.scale == module.shift == 0


def _of_child(
    child: nn.Module, call: Visit, beside_zero: bool
) -> Iterator[tuple[str, str, Make, str]]:
    """Yield method, words, change and why it is not possible, for one child of a block.

    Args:
        child: of the block.
        call: what it was given and what it returned.
        beside_zero: whether a sister gives zeros for ever, which forgotten are as they were.
    """
    for method in ("forward", "backward"):
        yield method, "given another sample", other_sample, NOTHING if gives_zero(child) else ""
    if len(call.inputs) == 1:
        blocked = _why_not([call])
        for method in ("forward", "backward"):
            yield method, "left out", _left_out, blocked
        return
    for number, value in enumerate(call.inputs):
        shut = NOTHING if beside_zero and not value.any() else ""
        yield "forward", f"without input {number}", _without_input(number), shut
        yield "backward", f"without the gradient of input {number}", _without_gradient(number), shut
    if isinstance(child, nn.Concat):
        yield "forward", "with its inputs reversed", _reversed_inputs, ""
        yield "backward", "cut one place later", _cut_one_later(child.dim), ""
    if not isinstance(child, nn.Add):
        even = len({value.shape for value in call.inputs}) == 1
        room = "" if even else NO_ROOM
        yield "backward", "with its gradients reversed", _reversed_gradients, room


def _why_not(calls: Sequence[Visit]) -> str:
    """Return why one of these children cannot be left out, or two cannot change places."""
    if any(isinstance(call.output, tuple) for call in calls):
        return NO_ROOM
    same = any(np.array_equal(call.inputs[0], call.output) for call in calls)
    if same and all(np.array_equal(a.output, b.inputs[0]) for a, b in itertools.pairwise(calls)):
        return NOTHING  # one behind the other
    shapes = {shape for call in calls for shape in (call.inputs[0].shape, call.output.shape)}
    even = len(shapes) == 1 and len({len(call.inputs) for call in calls}) == 1
    return "" if even else NO_ROOM
