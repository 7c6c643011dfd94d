"""Faults in how a network puts its layers together."""

from __future__ import annotations

from typing import Any

import numpy as np

from parity_tests.harness.mutants.fault import Fault, planter
from scratch import nn

Array = np.ndarray[Any, np.dtype[Any]]

FAULTS: list[Fault] = []
plant = planter(FAULTS)


@plant(
    "one connection of C3 to another map",
    "nn.conv.TableConv2d.__init__",
    ["lenet5"],
    "forward c3 output",
)
def _(original: Any, self: nn.TableConv2d, connections: Any, **more: Any) -> None:
    *first, last = connections
    moved = (*first[:-1], (0, 2, 3, 4), last)
    original(self, connections=moved, **more)


@plant(
    "subsampling squashed before it is scaled",
    "models.lenet.Subsampling.forward",
    ["lenet5"],
    "forward s2 output",
)
def _(original: Any, self: Any, input: Array) -> Any:
    return self.scale(self.squash(self.pool(input)))


@plant(
    "squashing of the subsampling forgotten in backward",
    "models.lenet.Subsampling.backward",
    ["lenet5"],
    "backward s4 dx",
)
def _(original: Any, self: Any, d_output: Array) -> Any:
    self.squash.backward(d_output)
    return self.pool.backward(self.scale.backward(d_output))


@plant(
    "squashing of F6 forgotten in backward",
    "models.lenet.LeNet5.backward",
    ["lenet5"],
    "backward (lenet5) dx",
)
def _(original: Any, self: Any, d_output: Array) -> Any:
    squash = self.f6_squash
    backward = squash.backward
    squash.__dict__["backward"] = lambda d: (backward(d), d)[1]
    try:
        return original(self, d_output)
    finally:
        del squash.__dict__["backward"]


@plant(
    "image flattened column by column",
    "models.mlp.MLP.forward",
    ["mlp_mnist"],
    "forward (mlp_mnist) output",
)
def _(original: Any, self: Any, input: Array) -> Any:
    return original(self, np.swapaxes(input, 2, 3))


@plant(
    "backward of a sequence in the order of forward",
    "nn.containers.Sequential.backward",
    ["mlp_mnist"],
    "backward layers dx",
)
def _(original: Any, self: nn.Sequential, d_output: Array) -> Any:
    for module in self:
        d_output = module.backward(d_output)
    return d_output


@plant(
    "activation missing in a sequence",
    "nn.containers.Sequential.forward",
    ["mlp_mnist"],
    "forward layers output",
)
def _(original: Any, self: nn.Sequential, input: Array) -> Any:
    *layers, last = self
    for module in layers:
        output = module(input)
        input = input if module is layers[-1] else output
    return last(input)


@plant(
    "gradient through the shortcut forgotten",
    "models.resnet.BasicBlock.backward",
    ["resnet18"],
    "backward layer4.0 dx",
)
def _(original: Any, self: Any, d_output: Array) -> Any:
    d, d_shortcut = self.add.backward(self.relu2.backward(d_output))
    self.downsample.backward(d_shortcut)
    d = self.conv2.backward(self.bn2.backward(d))
    return self.conv1.backward(self.bn1.backward(self.relu1.backward(d)))


@plant(
    "sum of a block after its last rectifier",
    "models.resnet.Bottleneck.forward",
    ["resnet101"],
    "forward layer1.0 output",
)
def _(original: Any, self: Any, input: Array) -> Any:
    x = self.relu1(self.bn1(self.conv1(input)))
    x = self.relu2(self.bn2(self.conv2(x)))
    return self.add(self.relu3(self.bn3(self.conv3(x))), self.downsample(input))


@plant(
    "maps of zeros before the others in a padded shortcut",
    "models.resnet.PaddedShortcut.forward",
    ["resnet20"],
    "forward layer2.0.downsample output",
)
def _(original: Any, self: Any, input: Array) -> Any:
    x = self.pool(input)
    return self.join(self.zero(x), x)


@plant(
    "new maps before the old ones in a dense layer",
    "models.densenet.DenseLayer.forward",
    ["densenet121"],
    "forward features.denseblock1.denselayer1 output",
)
def _(original: Any, self: Any, input: Array) -> Any:
    x = self.conv1(self.relu1(self.norm1(input)))
    return self.join(self.conv2(self.relu2(self.norm2(x))), input)


@plant(
    "a dense layer hands back only the gradient of its own maps",
    "models.densenet.DenseLayer.backward",
    ["densenet121"],
    "backward features.denseblock4.denselayer1 dx",
)
def _(original: Any, self: Any, d_output: Array) -> Any:
    _, d = self.join.backward(d_output)
    d = self.norm2.backward(self.relu2.backward(self.conv2.backward(d)))
    return self.norm1.backward(self.relu1.backward(self.conv1.backward(d)))


@plant(
    "gradient of a head forgotten",
    "models.googlenet.GoogLeNet.backward",
    ["googlenet"],
    "backward (googlenet) dx",
)
def _(original: Any, self: Any, d_output: Any) -> Any:
    if isinstance(d_output, tuple):
        given: Any = d_output
        d_output = given._replace(aux_logits1=np.zeros_like(given.aux_logits1))
    return original(self, d_output)


@plant(
    "each head given the gradient of the other",
    "models.googlenet.GoogLeNet.backward",
    ["googlenet"],
    "backward (googlenet) dx",
)
def _(original: Any, self: Any, d_output: Any) -> Any:
    if isinstance(d_output, tuple):
        given: Any = d_output
        d_output = given._replace(aux_logits1=given.aux_logits2, aux_logits2=given.aux_logits1)
    return original(self, d_output)


@plant(
    "gradient of an inception module cut one map too late",
    "models.googlenet.Inception.backward",
    ["googlenet"],
    "backward inception4d dx",
)
def _(original: Any, self: Any, d_output: Array) -> Any:
    return original(self, np.roll(d_output, -1, axis=1))


@plant(
    "heads active in evaluation",
    "models.googlenet.GoogLeNet.forward",
    ["googlenet"],
    "forward (googlenet) output",
)
def _(original: Any, self: Any, input: Array) -> Any:
    mode = self.training
    self.training = True
    try:
        return original(self, input)
    finally:
        self.training = mode


@plant(
    "outputs of the heads weigh as much as the last",
    "weighted.WeightedLoss.__init__",
    ["googlenet"],
    "step SGD with momentum",
)
def _(original: Any, self: Any, loss: nn.Module, weights: Any) -> None:
    original(self, loss, dict.fromkeys(weights, 1.0))
