"""Who reads what in a network, seen in one forward: whose array goes to one layer alone.

Not the order of the attributes tells what follows what. A pair is two layers, the second of which
is given the very array that the first one made. That nobody else reads it is tried out: all others
are given NaN in its place, and the answer of the network has to stay what it was. One forward
stands for all: a network whose path depends on the numbers may not be judged so.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from scratch.nn import Identity, Module, inference

Array = np.ndarray[Any, np.dtype[Any]]
Forward = Callable[..., Any]


class Pair(NamedTuple):
    """A layer, and the only one that reads what it makes, as its first input."""

    maker: Any
    reader: Any


class NotFiniteError(ValueError):
    """A network answers with NaN or infinity."""


class _Call(NamedTuple):
    """What one call of a layer without children was given and gave."""

    module: Module
    inputs: tuple[Array, ...]
    output: Any


def pairs_in(
    network: Module, sample: tuple[Array, ...], wanted: Callable[[Module, Module, Array], bool]
) -> list[Pair]:
    """Return the pairs of a network.

    Args:
        network: in evaluation.
        sample: its inputs.
        wanted: whether a maker and a reader may be a pair, given the array between them.

    Raises:
        NotFiniteError: the answer to the sample is not finite, so NaN would not show in it.
    """
    calls, answer = _watch(network, sample)
    if not all(np.isfinite(part).all() for part in _parts(answer)):
        raise NotFiniteError("the answer to the sample is not finite")
    pairs = [pair for pair, between in _followers(calls) if wanted(*pair, between)]
    del calls  # which hold every map of the network
    if _unread(network, sample, pairs, answer):
        return pairs
    return [pair for pair in pairs if _unread(network, sample, [pair], answer)]


def _watch(network: Module, sample: tuple[Array, ...]) -> tuple[list[_Call], Any]:
    """Run the network; return the calls of its layers, the identity left out, and the answer."""
    calls: list[_Call] = []

    def watched(module: Module, forward: Forward) -> Forward:
        def run(*inputs: Array) -> Any:
            calls.append(_Call(module, inputs, forward(*inputs)))
            return calls[-1].output

        return run

    modules = [module for _, module in network.named_modules()]
    leaves = [one for one in modules if not one._modules and type(one) is not Identity]
    with _instead(leaves, watched), inference():
        answer = network(*sample)
    return calls, answer


def _followers(calls: Sequence[_Call]) -> Iterator[tuple[Pair, Array]]:
    """Yield two layers that run once, the second alone reading what the first made, and that."""
    often = Counter(id(call.module) for call in calls)
    for call in calls:
        between = call.inputs[0]
        makers = [one.module for one in calls if one.output is between]
        readers = [x for one in calls for x in one.inputs if _overlap(x, between)]
        if len(makers) == len(readers) == often[id(call.module)] == 1 == often[id(makers[0])]:
            yield Pair(makers[0], call.module), between


def _overlap(x: Any, y: Any) -> bool:
    both = isinstance(x, np.ndarray) and isinstance(y, np.ndarray)
    return both and np.may_share_memory(x, y)


def _unread(network: Module, sample: tuple[Array, ...], pairs: Sequence[Pair], answer: Any) -> bool:
    """Tell whether the answer stays the same when readers alone see what their makers made."""
    maker_of = {id(pair.reader): id(pair.maker) for pair in pairs}
    makers = set(maker_of.values())
    made: dict[int, Array] = {}

    def blinded(module: Module, forward: Forward) -> Forward:
        def run(input: Array, *more: Array) -> Array:
            if id(module) in maker_of:
                input = made.pop(maker_of[id(module)])
            output: Array = forward(input, *more)
            if id(module) not in makers:
                return output
            made[id(module)] = output
            return np.full_like(output, np.nan)

        return run

    taking_part = {id(module): module for pair in pairs for module in pair}
    with _instead(taking_part.values(), blinded), inference(), np.errstate(all="ignore"):
        found = network(*sample)
    return all(map(np.array_equal, _parts(found), _parts(answer)))


@contextlib.contextmanager
def _instead(
    modules: Iterable[Module], change: Callable[[Module, Forward], Forward]
) -> Iterator[None]:
    """Hold another forward on each of some modules inside the block."""
    for module in modules:
        module.__dict__["forward"] = change(module, module.forward)
    try:
        yield
    finally:
        for module in modules:
            del module.__dict__["forward"]


def _parts(answer: Any) -> tuple[Array, ...]:
    return answer if isinstance(answer, tuple) else (answer,)
