"""Layers with torch's names, arguments and state, and an explicit backward."""

from scratch.nn.activation import ReLU, ScaledTanh, Sigmoid, Softmax, Tanh
from scratch.nn.containers import Flatten, Identity, Sequential
from scratch.nn.conv import Conv2d, TableConv2d
from scratch.nn.conv_modes import CONV_MODES, conv_mode
from scratch.nn.curves import BentIdentity, Powers, Step
from scratch.nn.data import no_gradient_of
from scratch.nn.dropout import Dropout
from scratch.nn.embedding import Embedding
from scratch.nn.functions import Affine, Log, Sin, Sqrt, Square
from scratch.nn.gates import GELU, SiLU
from scratch.nn.guard import StaleForwardWarning, inference
from scratch.nn.joins import Add, Concat, Multiply
from scratch.nn.linear import ChannelScale, Linear
from scratch.nn.loss import (
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    HalfMSELoss,
    MSELoss,
    TanhCrossEntropyLoss,
)
from scratch.nn.module import Module
from scratch.nn.norm import BatchNorm1d, BatchNorm2d, LocalResponseNorm
from scratch.nn.parameter import Parameter
from scratch.nn.pool import AdaptiveAvgPool2d, AvgPool2d, MaxPool2d
from scratch.nn.rectifiers import ELU, LeakyReLU, Softplus
from scratch.nn.recurrent import GRU, LSTM, RNN

__all__ = [
    "CONV_MODES",
    "ELU",
    "GELU",
    "GRU",
    "LSTM",
    "RNN",
    "AdaptiveAvgPool2d",
    "Add",
    "Affine",
    "AvgPool2d",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "BentIdentity",
    "ChannelScale",
    "Concat",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "HalfMSELoss",
    "Identity",
    "LeakyReLU",
    "Linear",
    "LocalResponseNorm",
    "Log",
    "MSELoss",
    "MaxPool2d",
    "Module",
    "Multiply",
    "Parameter",
    "Powers",
    "ReLU",
    "ScaledTanh",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Sin",
    "Softmax",
    "Softplus",
    "Sqrt",
    "Square",
    "StaleForwardWarning",
    "Step",
    "TableConv2d",
    "Tanh",
    "TanhCrossEntropyLoss",
    "conv_mode",
    "inference",
    "no_gradient_of",
]
