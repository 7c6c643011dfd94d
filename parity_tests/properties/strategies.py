"""What chance draws: settings of every layer, sizes that fit them, kinds of values, layouts.

Sizes are drawn so that the layer fits, not drawn and thrown away; what is simplest comes first in
every choice, because a failure shrinks towards it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from parity_tests.harness.case import Case
from parity_tests.harness.drawn import LAYOUTS, Drawn

Draw = Callable[..., Any]
MANY = 17  # images: enough for the ways of the convolution that put the batch last

PLAIN = ("", "ties", "zeros")
LINEAR = (*PLAIN, "far", "huge", "tiny")
CURVED = (*PLAIN, "far", "tiny")
SEEDS = st.integers(0, 9)


def _sizes(draw: Draw, most: int, least: int = 1) -> tuple[int, int]:
    one = st.integers(least, most)
    return draw(one), draw(one)


def _image(draw: Draw, extent: tuple[int, int], padding: tuple[int, int]) -> tuple[int, int]:
    """Return sides on which a window of that extent lies at least once."""
    high, wide = (
        max(1, e - 2 * p) + draw(st.integers(0, 6)) for e, p in zip(extent, padding, strict=True)
    )
    return high, wide


def _extent(kernel: tuple[int, int], dilation: tuple[int, int]) -> tuple[int, int]:
    high, wide = (d * (k - 1) + 1 for k, d in zip(kernel, dilation, strict=True))
    return high, wide


@st.composite
def conv2d(draw: Draw) -> Case:
    """Draw a convolution: strides, paddings, dilations, groups, "same" and "valid"."""
    kernel, groups = _sizes(draw, 4), draw(st.integers(1, 3))
    ins, outs = (groups * draw(st.integers(1, 3)) for _ in range(2))
    arguments: dict[str, Any] = {"in_channels": ins, "out_channels": outs, "kernel_size": kernel}
    dilation = draw(st.sampled_from([(1, 1), (2, 1), (1, 2), (3, 2)]))
    how: Any = draw(st.sampled_from(["numbers", "valid", "same"]))
    room = (0, 0)
    if how == "numbers":
        how = room = _sizes(draw, 3, 0)
    if how != "same":
        arguments["stride"] = _sizes(draw, 4)
    extent = _extent(kernel, dilation)
    sides = _image(draw, (1, 1) if how == "same" else extent, room)
    arguments |= {"padding": how, "dilation": dilation, "groups": groups}
    arguments["bias"] = draw(st.booleans())
    samples = draw(st.sampled_from([1, 2, MANY]))
    values = draw(st.sampled_from(LINEAR))
    return Case("Conv2d", "drawn", arguments, (samples, ins, *sides), values=values)


@st.composite
def linear(draw: Draw) -> Case:
    """Draw a matrix, behind one to three axes."""
    ins, outs = draw(st.integers(1, 40)), draw(st.integers(1, 40))
    axes = draw(st.lists(st.integers(1, 5), min_size=1, max_size=3))
    arguments = {"in_features": ins, "out_features": outs, "bias": draw(st.booleans())}
    return Case("Linear", "drawn", arguments, (*axes, ins), values=draw(st.sampled_from(LINEAR)))


@st.composite
def max_pool2d(draw: Draw) -> Case:
    """Draw a pool, its ties, NaN and infinities."""
    kernel = _sizes(draw, 4)
    padding = (draw(st.integers(0, kernel[0] // 2)), draw(st.integers(0, kernel[1] // 2)))
    dilation = draw(st.sampled_from([(1, 1), (2, 1), (2, 3)]))
    extent = _extent(kernel, dilation)
    # A dilated window that meets no pixel has no maximum: the image is wider than the holes.
    sides = _image(draw, extent, padding if dilation == (1, 1) else (0, 0))
    arguments = {
        "kernel_size": kernel,
        "stride": draw(st.one_of(st.none(), st.tuples(st.integers(1, 5), st.integers(1, 5)))),
        "padding": padding,
        "dilation": dilation,
        "ceil_mode": draw(st.booleans()),
    }
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *sides)
    kinds = (*LINEAR, *(["special"] if sides[0] * sides[1] > 3 else []))
    return Case("MaxPool2d", "drawn", arguments, shape, values=draw(st.sampled_from(kinds)))


@st.composite
def avg_pool2d(draw: Draw) -> Case:
    """Draw a pool: what padding counts for, and divisors."""
    kernel = _sizes(draw, 4)
    padding = (draw(st.integers(0, kernel[0] // 2)), draw(st.integers(0, kernel[1] // 2)))
    arguments = {
        "kernel_size": kernel,
        "stride": draw(st.one_of(st.none(), st.tuples(st.integers(1, 5), st.integers(1, 5)))),
        "padding": padding,
        "ceil_mode": draw(st.booleans()),
        "count_include_pad": draw(st.booleans()),
        "divisor_override": draw(st.one_of(st.none(), st.integers(1, 9))),
    }
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *_image(draw, kernel, padding))
    return Case("AvgPool2d", "drawn", arguments, shape, values=draw(st.sampled_from(LINEAR)))


@st.composite
def adaptive(draw: Draw) -> Case:
    """Draw bins, more of them than pixels among them."""
    side = st.one_of(st.none(), st.integers(1, 7))
    size = draw(st.one_of(st.integers(1, 7), st.tuples(side, side)))
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 3)), *_sizes(draw, 9))
    values = draw(st.sampled_from(LINEAR))
    return Case("AdaptiveAvgPool2d", "drawn", {"output_size": size}, shape, values=values)


@st.composite
def batch_norm(draw: Draw) -> Case:
    """Draw a batch normalisation in either mode."""
    layer = draw(st.sampled_from(["BatchNorm1d", "BatchNorm2d"]))
    channels = draw(st.integers(1, 4))
    places = 2 if layer == "BatchNorm2d" else draw(st.integers(0, 1))
    shape = (draw(st.integers(2, 5)), channels, *(draw(st.integers(1, 5)) for _ in range(places)))
    arguments = {
        "num_features": channels,
        "eps": draw(st.sampled_from([1e-5, 0.5])),
        "momentum": draw(st.sampled_from([0.1, None, 0.9])),
        "affine": draw(st.booleans()),
        "track_running_stats": draw(st.booleans()),
        "bias": draw(st.booleans()),
    }
    values = draw(st.sampled_from(("", "zeros", "far", "mean 10")))
    training = draw(st.booleans())
    return Case(layer, "drawn", arguments, shape, values=values, training=training)


@st.composite
def response_norm(draw: Draw) -> Case:
    """Draw windows of channels, even ones and some wider than there are channels."""
    arguments = {
        "size": draw(st.integers(1, 9)),
        "alpha": draw(st.sampled_from([1e-4, 0.7, 2.0])),
        "beta": draw(st.sampled_from([0.75, 0.5, 1.3])),
        "k": draw(st.sampled_from([1.0, 2.0])),
    }
    shape = (draw(st.integers(1, 2)), draw(st.integers(1, 9)), *_sizes(draw, 4))
    values = draw(st.sampled_from(PLAIN))
    return Case("LocalResponseNorm", "drawn", arguments, shape, values=values)


FACTORS = st.sampled_from([1.0, 0.5, 0.01, 2.0])
ACTIVATIONS: dict[str, st.SearchStrategy[dict[str, Any]]] = {
    "ReLU": st.just({}),
    "LeakyReLU": st.fixed_dictionaries({"negative_slope": FACTORS}),
    "ELU": st.fixed_dictionaries({"alpha": FACTORS}),
    "Softplus": st.fixed_dictionaries(
        {"beta": st.sampled_from([1.0, 0.5, 3.0]), "threshold": st.sampled_from([20.0, 1.0])}
    ),
    "GELU": st.fixed_dictionaries({"approximate": st.sampled_from(["none", "tanh"])}),
    "SiLU": st.just({}),
    "Sigmoid": st.just({}),
    "Tanh": st.just({}),
}


@st.composite
def activation(draw: Draw) -> Case:
    """Draw an activation on an array of any rank from 1 to 4."""
    layer = draw(st.sampled_from(list(ACTIVATIONS)))
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=4)))
    # Half of a number below the normal ones rounds, which the exact row of a slope 1/2 denies.
    values = draw(st.sampled_from(CURVED if layer != "LeakyReLU" else CURVED[:-1]))
    return Case(layer, "drawn", draw(ACTIVATIONS[layer]), shape, values=values)


@st.composite
def softmax(draw: Draw) -> Case:
    """Draw a softmax along any axis."""
    shape = tuple(draw(st.lists(st.integers(1, 6), min_size=1, max_size=4)))
    arguments = {"dim": draw(st.integers(-len(shape), len(shape) - 1))}
    return Case("Softmax", "drawn", arguments, shape, values=draw(st.sampled_from(CURVED)))


@st.composite
def recurrent(draw: Draw) -> Case:
    """Draw a recurrent layer: layers, directions, first states, one step and many."""
    layer = draw(st.sampled_from(["RNN", "LSTM", "GRU"]))
    steps, samples, ins, hidden = (draw(st.integers(1, most)) for most in (9, 3, 4, 4))
    arguments: dict[str, Any] = {
        "input_size": ins,
        "hidden_size": hidden,
        "num_layers": draw(st.integers(1, 3)),
        "bias": draw(st.booleans()),
        "batch_first": draw(st.booleans()),
        "bidirectional": draw(st.booleans()),
    }
    if layer == "RNN":
        arguments["nonlinearity"] = draw(st.sampled_from(["tanh", "relu"]))
    state = (arguments["num_layers"] * (1 + arguments["bidirectional"]), samples, hidden)
    states = draw(st.sampled_from([0, 2 if layer == "LSTM" else 1]))
    shape = (samples, steps, ins) if arguments["batch_first"] else (steps, samples, ins)
    values = draw(st.sampled_from(PLAIN))
    return Case(layer, "drawn", arguments, shape, values=values, also=(state,) * states)


@st.composite
def embedding(draw: Draw) -> Case:
    """Draw a table and indices that mostly repeat."""
    rows = draw(st.integers(1, 4))
    arguments: dict[str, Any] = {"num_embeddings": rows, "embedding_dim": draw(st.integers(1, 5))}
    arguments["padding_idx"] = draw(st.one_of(st.none(), st.integers(-rows, rows - 1)))
    shape = tuple(draw(st.lists(st.integers(1, 5), min_size=1, max_size=3)))
    return Case("Embedding", "drawn", arguments, shape)


@st.composite
def loss(draw: Draw) -> Case:
    """Draw a loss, its reduction, weights, smoothing, and maps of classes."""
    layer = draw(st.sampled_from(["MSELoss", "BCEWithLogitsLoss", "CrossEntropyLoss"]))
    samples, classes = draw(st.integers(1, 5)), draw(st.integers(1, 5))
    arguments: dict[str, Any] = {"reduction": draw(st.sampled_from(["mean", "sum", "none"]))}
    weights = st.tuples(*[st.sampled_from([1.0, 0.5, 2.0, 0.75])] * classes)
    places: tuple[int, ...] = ()
    target = {"MSELoss": "value", "BCEWithLogitsLoss": "binary"}.get(layer, "")
    if layer != "MSELoss" and draw(st.booleans()):
        arguments["weight"] = draw(weights)
    if layer == "BCEWithLogitsLoss" and draw(st.booleans()):
        arguments["pos_weight"] = draw(weights)
    if layer == "CrossEntropyLoss":
        places = tuple(draw(st.lists(st.integers(1, 3), max_size=2)))
        target = draw(st.sampled_from(["index", "probability"]))
        arguments["label_smoothing"] = draw(st.sampled_from([0.0, 0.1]))
        if target == "index":
            arguments["ignore_index"] = draw(st.sampled_from([-100, 0]))
    shape = (samples, classes, *places)
    values = draw(st.sampled_from(("", "ties", "far")))
    return Case(layer, "drawn", arguments, shape, target=target, values=values)


CASES: dict[str, st.SearchStrategy[Case]] = {
    "conv2d": conv2d(),
    "linear": linear(),
    "max_pool2d": max_pool2d(),
    "avg_pool2d": avg_pool2d(),
    "adaptive": adaptive(),
    "batch_norm": batch_norm(),
    "response_norm": response_norm(),
    "activation": activation(),
    "softmax": softmax(),
    "recurrent": recurrent(),
    "embedding": embedding(),
    "loss": loss(),
}


def drawn(cases: st.SearchStrategy[Case]) -> st.SearchStrategy[Drawn]:
    """Add a seed and a memory layout to a case."""
    return st.builds(Drawn, cases, SEEDS, st.sampled_from(list(LAYOUTS)))
