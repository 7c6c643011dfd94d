"""Batch normalisation made part of the layer before it, for a network that only answers.

In evaluation a normalisation multiplies and shifts every channel by fixed numbers, which the
convolution or fully connected layer before it can do as well. ResNet-50 at 224 x 224 then answers
in 0.9 of the time, for four passes over the maps of every layer are saved.

Who stands before whom is not read off the names of the layers: one forward is watched. A pair is a
layer and a normalisation that is given the very array which the layer made. It is folded where
nobody else reads that array, which is tried out: everybody but the normalisation is given NaN in
its place, and the answer of the network has to stay what it was.
"""

from __future__ import annotations

import contextlib
import copy
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from scratch.nn import BatchNorm1d, BatchNorm2d, Conv2d, Identity, Linear, Module, Parameter
from scratch.nn import inference as keeping_nothing
from scratch.ops.fold import fold_norm
from scratch.spec.errors import UserError

Array = np.ndarray[Any, np.dtype[Any]]
Forward = Callable[..., Any]

FOLDS: dict[type[Module], type[Module]] = {BatchNorm2d: Conv2d, BatchNorm1d: Linear}
"""Which layer takes in which normalisation."""


class Folded(Module):
    """A network without the normalisations that its layers do themselves; it only answers.

    Attributes:
        network: the copy.
        pairs: the paths of each layer and of the normalisation that it took in.
    """

    def __init__(self, network: Module, pairs: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self.network = network
        self.pairs = tuple(pairs)
        self.eval()

    def forward(self, *inputs: Array) -> Any:
        """Answer as the network did, and keep nothing."""
        with keeping_nothing():
            return self.network(*inputs)

    def backward(self, d_output: Any) -> Any:
        """Refuse.

        Raises:
            UserError: always; the parameters are no longer those that were trained.
        """
        raise UserError("a folded network has no backward; train the network it was made from")

    def train(self, mode: bool = True) -> Self:
        """Stay in evaluation.

        Raises:
            UserError: `mode` is True; the statistics of a batch can no longer be taken.
        """
        if mode:
            raise UserError("a folded network cannot train; train the network it was made from")
        return super().train(False)


class _Call(NamedTuple):
    """What one call of a layer without children was given and gave."""

    module: Module
    inputs: tuple[Array, ...]
    output: Any


class _Pair(NamedTuple):
    """A layer and the normalisation behind it."""

    layer: Any
    norm: Any


def fold(model: Module, *inputs: Array) -> Folded:
    """Return a copy of a network in which layers do the normalisation behind them themselves.

    Args:
        model: in evaluation; it stays as it is.
        *inputs: what it takes, of which the first sample is used, to see what follows what.

    Returns:
        The copy, which shares no memory with `model`.

    Raises:
        UserError: the network is in training, there is no sample, or what it gives is not finite.
    """
    if any(module.training for _, module in model.named_modules()):
        raise UserError("fold: the network is in training; call its eval() first")
    if not inputs or not all(len(x) for x in inputs):
        raise UserError("fold: expects what the network takes, at least one sample of it")
    network, sample = _copy(model), tuple(x[:1] for x in inputs)
    calls, answer = _watch(network, sample)
    if not all(np.isfinite(part).all() for part in _parts(answer)):
        raise UserError("fold: the answer to the sample is not finite; give another sample")
    pairs = _followers(calls)
    del calls
    if not _unread(network, sample, pairs, answer):
        pairs = [pair for pair in pairs if _unread(network, sample, [pair], answer)]
    names = {id(module): path for path, module in network.named_modules()}
    for layer, norm in pairs:
        _take_in(layer, norm)
        _exchange(network, norm, Identity())
    return Folded(network, [(names[id(layer)], names[id(norm)]) for layer, norm in pairs])


def _copy(model: Module) -> Module:
    """Copy a network without what its forwards left, and with gradients of zero."""
    memo: dict[int, Any] = {id(p.grad): np.zeros_like(p.grad) for p in model.parameters()}
    memo |= {id(module._stack): [] for _, module in model.named_modules()}
    return copy.deepcopy(model, memo)


def _watch(network: Module, sample: tuple[Array, ...]) -> tuple[list[_Call], Any]:
    """Run the network; return every call of a layer without children, and the answer."""
    calls: list[_Call] = []

    def watched(module: Module, forward: Forward) -> Forward:
        def run(*inputs: Array) -> Any:
            calls.append(_Call(module, inputs, forward(*inputs)))
            return calls[-1].output

        return run

    leaves = [module for _, module in network.named_modules() if not module._modules]
    with _instead(leaves, watched), keeping_nothing():
        answer = network(*sample)
    return calls, answer


def _followers(calls: Sequence[_Call]) -> list[_Pair]:
    """Return the pairs between which, of all layers, the normalisation alone reads."""
    often = Counter(id(call.module) for call in calls)
    found = []
    for call in calls:
        norm: Any = call.module
        if type(norm) not in FOLDS or norm.running_mean is None:
            continue
        between = call.inputs[0]
        makers = [one.module for one in calls if one.output is between]
        readers = [one for one in calls if any(_overlap(x, between) for x in one.inputs)]
        once = len(makers) == len(readers) == often[id(norm)] == 1
        if once and often[id(makers[0])] == 1 and _fits(makers[0], norm, between):
            found.append(_Pair(makers[0], norm))
    return found


def _fits(layer: Module, norm: Module, between: Array) -> bool:
    """Tell whether the channels of the normalisation are the outputs of the layer.

    A subclass may do with its weight what it likes. Behind a fully connected layer whose input has
    three axes a normalisation takes the second one for the channels.
    """
    return type(layer) is FOLDS[type(norm)] and (type(layer) is Conv2d or between.ndim == 2)


def _overlap(x: Any, y: Array) -> bool:
    return isinstance(x, np.ndarray) and np.may_share_memory(x, y)


def _unread(
    network: Module, sample: tuple[Array, ...], pairs: Sequence[_Pair], answer: Any
) -> bool:
    """Tell whether the answer stays the same with NaN between every pair for all but the norm."""
    layers = {id(pair.norm): id(pair.layer) for pair in pairs}
    made: dict[int, Array] = {}

    def blinded(module: Module, forward: Forward) -> Forward:
        def layer(input: Array) -> Array:
            made[id(module)] = forward(input)
            return np.full_like(made[id(module)], np.nan)

        def norm(input: Array) -> Array:
            return forward(made.pop(layers[id(module)]))

        return norm if id(module) in layers else layer

    watched = [module for pair in pairs for module in pair]
    with _instead(watched, blinded), keeping_nothing(), np.errstate(all="ignore"):
        found = network(*sample)
    return all(map(np.array_equal, _parts(found), _parts(answer)))


@contextlib.contextmanager
def _instead(
    modules: Sequence[Module], change: Callable[[Module, Forward], Forward]
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


def _take_in(layer: Any, norm: Any) -> None:
    """Give a layer the weight and the bias with which it does the normalisation as well."""
    bias, gamma, beta = (
        one if one is None else one.data for one in (layer.bias, norm.weight, norm.bias)
    )
    statistics = norm.running_mean, norm.running_var, norm.eps
    weight, bias = fold_norm(layer.weight.data, bias, gamma, beta, *statistics)
    layer.weight, layer.bias = Parameter(weight), Parameter(bias)


def _exchange(network: Module, old: Module, new: Module) -> None:
    """Put one module where another is, wherever that is."""
    for _, parent in list(network.named_modules()):
        for name, child in list(parent._modules.items()):
            if child is old:
                setattr(parent, name, new)
