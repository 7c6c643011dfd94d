"""A chapter's tiny network with its loss, ready to run forward and backward again and again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from parity_tests.harness import bounds, draws, inputs, outputs
from parity_tests.harness.traits import normalised
from scratch import nn, spec
from scratch.build import construct
from scratch.train import build_loss

Array = np.ndarray[Any, np.dtype[Any]]
Gradients = dict[str, Array]

SIZE = "tiny"
REAL, EXACT = 5, 8  # samples; a mean over eight of them rounds nothing
LARGEST = 4  # of the integers that are drawn


class Network:
    """One network, its loss, one batch.

    Attributes:
        chapter: whose it is.
        model: in training mode.
        loss: the chapter's.
        x: the batch.
        target: what the loss holds against the output.
    """

    def __init__(self, id: str, seed: int = 0, samples: int = REAL) -> None:
        """Draw weights and a batch, in float64.

        Args:
            id: chapter.
            seed: of the numbers.
            samples: of the batch.

        Raises:
            UserError: an unknown chapter.
        """
        self.chapter = spec.get(id, SIZE)
        self.model: Any = construct(self.chapter).astype(np.float64)
        self.loss: Any = build_loss(self.chapter.train)
        rng = inputs.generator(seed, "exercise", id, samples)
        shape = (samples, *self.chapter.data.shape)
        state, self.x = draws.drawn(self.chapter, self.model.state_dict(), shape, rng)
        self.target = draws.targets(self.chapter, rng, "float64", samples)
        self.model.load_state_dict(state)

    def paths(self) -> Iterator[tuple[str, nn.Module]]:
        """Yield every module by its name, the loss last."""
        yield from self.model.named_modules()
        yield "loss", self.loss

    def run(self) -> Gradients:
        """Return the gradient of the input, "dx", and of every parameter."""
        for number, (_, module) in enumerate(self.paths()):
            if isinstance(module, nn.Dropout):
                module.generator = np.random.default_rng(number)
        self.model.zero_grad()
        self.loss.zero_grad()
        output = self.model(self.x)
        dx = self.model.backward(self._d_output(output))
        found = {name: parameter.grad.copy() for name, parameter in self.model.named_parameters()}
        return {"dx": dx, **found}

    def _d_output(self, output: Any) -> Any:
        self.loss(output, self.target)
        return self.loss.backward()


class IntegerNetwork(Network):
    """The network in the form that rounds nothing, with integers in it and behind it, no loss.

    A chapter that has no such form is taken as it is; it rounds.
    """

    def __init__(self, id: str, seed: int = 0, dtype: Any = np.float64) -> None:
        """Draw integers.

        Args:
            id: chapter.
            seed: of the numbers.
            dtype: precision of the computation.
        """
        super().__init__(id, seed)
        self.model = construct(self.chapter, **(self.chapter.exact or {})).astype(dtype)
        for _, module in self.model.named_modules():
            if type(module).__name__.startswith("BatchNorm"):
                module.eps = inputs.EXACT_EPS
                self.model.eval()
        rng = inputs.generator(seed, "exercise", id, "integers")
        self.model.load_state_dict(inputs.integer_state(self.model.state_dict(), rng))
        self.x = inputs.integers(rng, self.x.shape, LARGEST).astype(dtype)
        self._seed = seed

    def _d_output(self, output: Any) -> Any:
        rng = inputs.generator(self._seed, "exercise", "cotangent")
        return outputs.each(
            lambda one: inputs.integers(rng, one.shape, LARGEST).astype(one.dtype), output
        )


def sizes(want: Gradients, network: Network) -> dict[str, Array]:
    """Return for every gradient of a network those whose size bounds its rounding.

    A sum that cancels leaves rounding of the size of what was summed, so a module's gradients are
    bounded by the largest of them. Batch normalisation takes mean and slope out of every gradient
    that passes, and what is left may be a small part of it: behind it the largest of the network
    is the measure. What that hides was judged function by function.
    """
    together = normalised(network.model)
    of_module: dict[str, list[Array]] = {}
    for name, value in want.items():
        of_module.setdefault("" if together else name.rpartition(".")[0], []).append(
            np.ravel(value)
        )
    joined = {path: np.concatenate(values) for path, values in of_module.items()}
    return {name: joined["" if together else name.rpartition(".")[0]] for name in want}


def limits(want: Gradients, network: Network) -> dict[str, float]:
    """Return the tolerance of every gradient of a network."""
    return {name: bounds.whole(size) for name, size in sizes(want, network).items()}


def backward_order(names: Iterator[str] | list[str]) -> list[str]:
    """Return names of gradients in the order in which a backward makes them, "dx" last.

    >>> backward_order(["dx", "fc1.weight", "fc1.bias", "fc2.weight"])
    ['fc2.weight', 'fc1.weight', 'fc1.bias', 'dx']
    """
    groups: dict[str, list[str]] = {}
    for name in names:
        if name != "dx":
            groups.setdefault(name.rpartition(".")[0], []).append(name)
    return [name for group in reversed(groups.values()) for name in group] + ["dx"]
