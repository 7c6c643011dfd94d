"""The operations on trial: which arrays, which options. Sizes are pairwise distinct."""

from __future__ import annotations

from typing import Any

from parity_tests.numeric.ops_case import Case, Indexed, Tiled, WithLast
from parity_tests.numeric.ops_draws import (
    below,
    labels,
    normal,
    nothing,
    positive,
    real,
    share,
    small,
    spaced,
    wide_positive,
)


def _conv(
    n: int, c: int, h: int, w: int, o: int, kh: int, kw: int, *, bias: bool = True, **options: Any
) -> Case:
    group = c // options.get("groups", 1)
    draws = (normal(n, c, h, w), normal(o, group, kh, kw), normal(o) if bias else nothing)
    return Case("conv", "conv2d", draws, options)


def _tiled(tile: int, n: int, c: int, h: int, w: int, o: int, **options: Any) -> Case:
    bias = normal(o) if options.pop("bias", True) else nothing
    draws = (normal(n, c, h, w), normal(o, c, 3, 3), bias)
    return Tiled("winograd", "conv2d", draws, {**options, "tile": tile})


def _pool(op: str, *shape: int, **options: Any) -> Case:
    return Case("pool", op, ((spaced if op == "max_pool2d" else normal)(*shape),), options)


def _recurrent(
    op: str, steps: int, n: int, inputs: int, hidden: int, *, biases: str = "both", **options: Any
) -> Case:
    """Make a case; both biases, one of them or none."""
    gates = {"rnn": 1, "lstm": 4, "gru": 3}[op]
    start = normal(n, hidden)
    bias = {name: normal(gates * hidden) for name in ("ih", "hh") if biases in ("both", name)}
    draws = (
        normal(steps, n, inputs),
        *((start, start) if op == "lstm" else (start,)),
        small(gates * hidden, inputs),
        small(gates * hidden, hidden),
        *(bias.get(name, nothing) for name in ("ih", "hh")),
    )
    return (WithLast if op == "lstm" else Case)(op, op, draws, options)


LINEAR = (
    Case("linear", "linear", (normal(4, 5), normal(3, 5), normal(3))),
    Case("linear", "linear", (normal(1, 7), normal(2, 7), nothing)),
    Case("linear", "linear", (normal(2, 4, 3, 5), normal(6, 5), normal(6))),
    Case("linear", "linear", (normal(6, 1), normal(1, 1), normal(1))),
    Case("scale", "channel_scale", (normal(2, 3, 5, 4), normal(3), normal(3))),
)
CONV = (
    _conv(2, 3, 7, 5, 4, 3, 2),
    _conv(1, 1, 5, 8, 6, 5, 5, bias=False),
    _conv(3, 2, 5, 6, 4, 3, 3, padding=1),
    _conv(2, 3, 8, 11, 5, 3, 2, stride=(2, 3), padding=(1, 2)),
    _conv(2, 3, 9, 7, 4, 2, 3, dilation=(3, 2), padding=(0, 2)),
    _conv(1, 2, 6, 5, 3, 3, 2, padding=((0, 2), (3, 1)), stride=2),
    _conv(2, 3, 5, 7, 4, 1, 1),
    _conv(2, 4, 5, 7, 6, 1, 1, groups=2),
    _conv(2, 3, 5, 8, 4, 1, 1, stride=(2, 3)),
    _conv(2, 3, 5, 7, 4, 1, 1, padding=1),
    _conv(2, 6, 5, 7, 4, 3, 2, groups=2, stride=(1, 2)),
    _conv(2, 3, 5, 7, 6, 2, 3, groups=3, dilation=(2, 1), padding=1),
    _conv(2, 3, 11, 9, 4, 2, 1, stride=4),
    _conv(2, 4, 8, 9, 3, 3, 2, stride=(2, 3), padding=1),
    _conv(2, 4, 8, 9, 3, 2, 3, dilation=2, padding=1),
    _conv(5, 3, 4, 2, 7, 4, 2),
    _conv(1, 3, 1, 9, 2, 1, 3, padding=(0, 1)),
    _conv(2, 5, 7, 6, 3, 3, 4, padding=((0, 2), (1, 3))),
    _conv(2, 4, 5, 7, 3, 2, 2, padding=(2, 0)),
    _conv(2, 3, 6, 9, 4, 2, 3, stride=(2, 3)),
    _conv(2, 6, 5, 7, 2, 3, 2, groups=2),
    _conv(2, 34, 3, 2, 4, 3, 3, padding=1, groups=2),  # enough maps for taps, but for the groups
    _conv(17, 4, 3, 5, 6, 3, 5, groups=2),  # one patch per image, but for the groups
)
MANY = (  # batches for which scratch.ops.conv_tiles and conv_whole exist; an odd output has a rest
    _conv(17, 3, 6, 8, 4, 3, 3),
    _conv(16, 2, 7, 6, 5, 3, 2, padding=((0, 2), (3, 1))),
    _conv(19, 1, 5, 9, 6, 5, 2, bias=False),
    _conv(16, 3, 1, 9, 2, 1, 3, padding=(0, 1)),
    _conv(16, 3, 5, 7, 2, 3, 2, padding=((1, 0), (0, 0))),
    _conv(17, 3, 4, 5, 7, 4, 5),
    _conv(17, 3, 4, 5, 2, 4, 5, padding=((0, 0), (1, 0))),  # no longer one patch per image
)
SMALL = (  # images for which scratch.ops.conv_taps exists: most of a kernel lies on the border
    _conv(2, 16, 1, 1, 3, 3, 3, padding=1),
    _conv(3, 17, 2, 2, 4, 3, 3, padding=1, bias=False),
    _conv(2, 33, 4, 3, 5, 3, 3, padding=1, stride=(2, 1)),
    _conv(2, 16, 3, 2, 5, 5, 2, padding=((3, 1), (0, 2))),
    _conv(1, 16, 2, 3, 4, 2, 3, padding=(1, 2), dilation=2),
    _conv(2, 32, 3, 4, 5, 1, 1),
    _conv(2, 16, 5, 4, 3, 1, 1, stride=(2, 3), padding=(0, 1)),
)
WINOGRAD = tuple(  # whole tiles, cut ones, less than one, a row of pixels, uneven borders
    case
    for tile in (2, 4)
    for case in (
        _tiled(tile, 2, 3, 8, 4, 5, padding=1),
        _tiled(tile, 1, 1, 7, 9, 4),
        _tiled(tile, 3, 2, 5, 6, 4, padding=1, bias=False),
        _tiled(tile, 2, 3, 1, 6, 4, padding=((1, 2), (3, 0))),
        _tiled(tile, 2, 5, 3, 3, 2),
        _tiled(tile, 2, 3, 6, 5, 7, padding=(3, 2)),
    )
)
POOL = (
    _pool("max_pool2d", 2, 3, 4, 6, kernel_size=2),
    _pool("max_pool2d", 2, 3, 7, 8, kernel_size=(3, 2), stride=(2, 1)),
    _pool("max_pool2d", 1, 2, 5, 7, kernel_size=3, stride=2, padding=1),
    _pool("max_pool2d", 1, 2, 6, 9, kernel_size=(2, 3), stride=2, ceil_mode=True),
    _pool("max_pool2d", 2, 1, 8, 7, kernel_size=(3, 2), stride=2, padding=(1, 0), dilation=(1, 3)),
    _pool("max_pool2d", 1, 3, 11, 5, kernel_size=2, stride=4),
    _pool("max_pool2d", 1, 2, 7, 6, kernel_size=3, stride=2, padding=1, ceil_mode=True, dilation=2),
    _pool("avg_pool2d", 2, 3, 4, 6, kernel_size=2),
    _pool("avg_pool2d", 2, 3, 7, 8, kernel_size=(3, 2), stride=(2, 1)),
    _pool("avg_pool2d", 1, 2, 5, 7, kernel_size=3, stride=2, padding=1),
    _pool("avg_pool2d", 1, 2, 5, 7, kernel_size=3, stride=2, padding=1, count_include_pad=False),
    _pool("avg_pool2d", 1, 2, 6, 8, kernel_size=(3, 2), stride=3, padding=1, ceil_mode=True),
    _pool("avg_pool2d", 1, 2, 4, 7, kernel_size=2, ceil_mode=True, count_include_pad=False),
    _pool("avg_pool2d", 2, 3, 7, 5, kernel_size=2, stride=1, divisor_override=3),
    _pool("avg_pool2d", 1, 3, 11, 5, kernel_size=2, stride=4),
    _pool("adaptive_avg_pool2d", 2, 3, 5, 7, output_size=1),
    _pool("adaptive_avg_pool2d", 2, 3, 5, 7, output_size=(2, 3)),
    _pool("adaptive_avg_pool2d", 1, 2, 6, 8, output_size=(3, 4)),
    _pool("adaptive_avg_pool2d", 1, 2, 3, 5, output_size=(7, None)),
)
ACTIVATION = (
    *(
        Case("activation", op, (normal(2, 3, 5, 4),))
        for op in ("relu", "sigmoid", "tanh", "softmax", "log_softmax")
    ),
    Case("activation", "softmax", (normal(2, 3, 4),), {"axis": 1}),
    Case("activation", "log_softmax", (normal(5, 3),), {"axis": 0}),
)
RECTIFIER = tuple(
    Case("rectifiers", op, (normal(2, 3, 5, 4),), options)
    for op, options in (
        ("leaky_relu", {}),
        ("leaky_relu", {"negative_slope": -0.5}),
        ("elu", {"alpha": 0.7}),
        ("softplus", {}),
        ("softplus", {"beta": 3.0, "threshold": 1.5}),
    )
)
GATE = (
    Case("gates", "gelu", (normal(2, 3, 5, 4),)),
    Case("gates", "gelu", (normal(2, 3, 5, 4),), {"approximate": "tanh"}),
    Case("gates", "silu", (normal(2, 3, 5, 4),)),
)
CURVE = (
    Case("curves", "bent_identity", (normal(2, 3, 5, 4),)),
    Case("curves", "powers", (normal(7, 1),), {"degree": 1}),
    Case("curves", "powers", (normal(7, 1),), {"degree": 4}),
    Case("functions", "affine", (normal(2, 3, 5, 4),)),
    Case("functions", "affine", (normal(2, 3, 5, 4),), {"scale": -0.7, "shift": 3.0}),
    *(Case("functions", op, (normal(2, 3, 5, 4),)) for op in ("square", "sin")),
    *(Case("functions", op, (wide_positive(2, 3, 5, 4),)) for op in ("log", "sqrt")),
)
NORM = (
    Case("norm", "batch_norm", (normal(5, 3), normal(3), normal(3))),
    Case("norm", "batch_norm", (normal(4, 3, 5), normal(3), nothing), {"eps": 0.1}),
    Case("norm", "batch_norm", (normal(2, 3, 5, 4), nothing, nothing)),
    Case("norm", "batch_norm", (normal(2, 3, 5, 4), normal(3), normal(3))),
    Case(
        "norm",
        "fixed_norm",
        (normal(2, 3, 5, 4), normal(3), normal(3), normal(3), wide_positive(3)),
        {"eps": 0.1},
    ),
    Case("norm", "fixed_norm", (normal(5, 3), nothing, nothing, normal(3), wide_positive(3))),
)
LRN = tuple(
    Case("lrn", "local_response_norm", (normal(2, 7, 3, 4),), options)
    for options in (
        {"size": 5, "alpha": 1.5, "k": 2.0},
        {"size": 2, "alpha": 0.7, "beta": 1.3},
        {"size": 4, "alpha": 0.5, "beta": 0.5, "k": 0.3},
        {"size": 17, "alpha": 3.0},
        {"size": 1},
    )
)
JOIN = (
    *(Case("joins", op, (normal(2, 3, 5, 4), normal(2, 3, 5, 4))) for op in ("add", "multiply")),
    Case("joins", "concat", (normal(2, 3, 5, 4), normal(2, 1, 5, 4), normal(2, 4, 5, 4))),
    Case("joins", "concat", (normal(2, 3, 5), normal(2, 3, 4)), {"axis": -1}),
    Case("joins", "concat", (normal(3, 2),), {"axis": 0}),
)
RECURRENT = (
    *(
        case
        for op in ("rnn", "lstm", "gru")
        for case in (
            _recurrent(op, 5, 2, 3, 4),
            _recurrent(op, 1, 3, 5, 2, biases="none"),
            _recurrent(op, 4, 1, 1, 3, biases="ih"),
            _recurrent(op, 3, 2, 4, 1, biases="hh"),
        )
    ),
    _recurrent("rnn", 5, 2, 3, 4, nonlinearity="relu"),
)
LOOKUP = (
    Indexed("embedding", "embedding", (below(4, 3, 5), normal(4, 2))),
    Indexed("embedding", "embedding", (below(3, 7), normal(3, 4)), {"padding_idx": 1}),
    Indexed("embedding", "embedding", (below(9, 2), normal(9, 1))),
    Indexed("embedding", "embedding", (below(5), normal(5, 3))),
)
_CE_WEIGHTS = {True: positive(4), False: nothing}
LOSS = (
    *(
        Case("loss", "mse_loss", (normal(3, 5), real(normal(3, 5))), {"reduction": reduction})
        for reduction in ("mean", "sum", "none")
    ),
    Case("loss", "half_mse_loss", (normal(3, 5), real(normal(3, 5)))),
    *(
        Case("loss", "bce_with_logits", (normal(3, 5), target, w, p), {"reduction": reduction})
        for reduction, target, w, p in (
            ("mean", share(3, 5), nothing, nothing),
            ("sum", share(3, 5), positive(3, 1), nothing),
            ("none", share(3, 5), nothing, positive(5)),
            ("mean", share(3, 5), positive(3, 5), positive(1, 5)),
        )
    ),
    *(
        Case(
            "loss",
            "cross_entropy",
            (normal(5, 4), target, _CE_WEIGHTS[weighted]),
            {"label_smoothing": smoothing, "reduction": reduction},
        )
        for reduction in ("mean", "sum", "none")
        for smoothing in (0.0, 0.3)
        for weighted in (True, False)
        for target in (labels(3, 0, -100, 1, 3), share(5, 4))
    ),
    Case(
        "loss",
        "cross_entropy",
        (normal(5, 4), labels(3, 0, 2, 1, 2), positive(4)),
        {"ignore_index": 2},
    ),
)
TANH_LOSS = Case("tanh_loss", "tanh_cross_entropy", (normal(3, 5), real(normal(3, 5))))
EVERY = (
    *(
        *LINEAR,
        *CONV,
        *MANY,
        *SMALL,
        *WINOGRAD,
        *POOL,
        *ACTIVATION,
        *RECTIFIER,
        *GATE,
        *CURVE,
        *NORM,
        *LRN,
        *JOIN,
        *RECURRENT,
        *LOOKUP,
        *LOSS,
    ),
    TANH_LOSS,
)
