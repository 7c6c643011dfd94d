"""Layers with torch's names, arguments and state, and an explicit backward."""

from scratch.nn.activation import ReLU, ScaledTanh, Sigmoid, Softmax, Tanh
from scratch.nn.containers import Flatten, Identity, Sequential
from scratch.nn.conv import Conv2d, TableConv2d
from scratch.nn.dropout import Dropout
from scratch.nn.guard import StaleForwardWarning, inference
from scratch.nn.linear import ChannelScale, Linear
from scratch.nn.loss import BCEWithLogitsLoss, CrossEntropyLoss, HalfMSELoss, MSELoss
from scratch.nn.module import Module
from scratch.nn.parameter import Parameter
from scratch.nn.pool import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d

__all__ = [
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BCEWithLogitsLoss",
    "ChannelScale",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "HalfMSELoss",
    "Identity",
    "Linear",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "Parameter",
    "ReLU",
    "ScaledTanh",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "StaleForwardWarning",
    "TableConv2d",
    "Tanh",
    "inference",
]
