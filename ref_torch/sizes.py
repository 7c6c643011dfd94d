"""How large the network of a chapter is: parameters, multiply-adds, shapes of its stages."""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import torch

from ref_torch.build import construct
from ref_torch.nn import TableConv2d
from scratch import spec


class Sizes(NamedTuple):
    """Counts of one network for one input.

    Attributes:
        parameters: trainable numbers.
        multiply_adds: of convolutions and linear layers in evaluation; biases, pooling,
            normalisation and activations are not counted.
        stages: shape of the output of every module that the chapter's facts name, in the order in
            which they run.
    """

    parameters: int
    multiply_adds: int
    stages: dict[str, tuple[int, ...]]


def sizes(chapter: spec.Chapter) -> Sizes:
    """Count without computing: the network is made of shapes alone, on torch's meta device.

    Args:
        chapter: from `scratch.spec.get`.

    >>> sizes(spec.get("lenet5")).stages["c1"]
    (6, 28, 28)
    """
    shapes: dict[str, tuple[int, ...]] = {}
    products: list[int] = []

    def note(path: str, module: torch.nn.Module) -> None:
        def after(_: Any, __: Any, output: Any) -> None:
            if not isinstance(output, torch.Tensor):
                return  # several outputs, each of a module that is noted itself
            shapes[path] = tuple(output.shape[1:])
            if isinstance(module, torch.nn.Conv2d | TableConv2d):  # every weight at every place
                products.append(prod(output.shape[2:]) * module.weight.numel())
            elif isinstance(module, torch.nn.Linear):
                products.append(prod(output.shape[:-1]) * module.weight.numel())

        module.register_forward_hook(after)

    with torch.device("meta"), torch.no_grad():
        model = construct(chapter).eval()
        for path, module in model.named_modules():
            note(path, module)
        x = torch.empty(1, *chapter.data.shape)
        model(x)
        multiply_adds = sum(products)
        if chapter.train.loss_weights:  # training returns several outputs: it has all the stages
            shapes.clear()
            model.train()(x)
    parameters = sum(prod(parameter.shape) for parameter in model.parameters())
    return Sizes(
        parameters,
        multiply_adds,
        {name: shape for name, shape in shapes.items() if name in chapter.facts.shapes},
    )
