"""The leaf layers and losses, each in the settings in which they go wrong.

Sizes are pairwise distinct wherever a layer lets them be, so that no swapped axis fits by chance.
"""

from __future__ import annotations

from parity_tests.harness import (
    cases_activation,
    cases_functions,
    cases_joins,
    cases_norm,
    cases_recurrent,
    cases_winograd,
)
from parity_tests.harness.case import Case
from parity_tests.harness.case import Layer as _Layer

TABLE = ((0, 1), (1, 2), (0, 2), (0, 1, 2), (2,))

_conv = (
    _Layer("Conv2d")
    .at((2, 3, 8, 11), "kernel (2, 3)", in_channels=3, out_channels=7, kernel_size=(2, 3))
    .at((2, 5, 4, 7), "kernel 1", in_channels=5, out_channels=3, kernel_size=1)
    .at((1, 1, 13, 8), "one channel", in_channels=1, out_channels=3, kernel_size=5)
    .at((17, 3, 8, 11), "many images", in_channels=3, out_channels=5, kernel_size=4)
    .at((17, 3, 4, 2), "whole images", in_channels=3, out_channels=5, kernel_size=(4, 2))
    .at(
        (3, 16, 4, 2),
        "small images",
        in_channels=16,
        out_channels=5,
        kernel_size=3,
        stride=(2, 1),
        padding=1,
    )
    .at(
        (2, 3, 8, 11),
        "stride 2 padding 1",
        in_channels=3,
        out_channels=5,
        kernel_size=3,
        stride=2,
        padding=1,
    )
    .at(
        (2, 3, 11, 8),
        "stride (2, 3) padding (1, 2)",
        in_channels=3,
        out_channels=7,
        kernel_size=(3, 5),
        stride=(2, 3),
        padding=(1, 2),
    )
    .at(
        (2, 3, 11, 13),
        "dilation (2, 3)",
        in_channels=3,
        out_channels=4,
        kernel_size=(3, 2),
        dilation=(2, 3),
        padding=1,
    )
    .at(
        (2, 4, 5, 8),
        "depthwise",
        in_channels=4,
        out_channels=8,
        kernel_size=3,
        groups=4,
        padding=1,
    )
    .at(
        (2, 4, 8, 5),
        "groups 2 stride 2",
        in_channels=4,
        out_channels=6,
        kernel_size=3,
        groups=2,
        stride=2,
    )
    .at(
        (2, 3, 8, 11), "stride above kernel", in_channels=3, out_channels=5, kernel_size=2, stride=3
    )
    .at((1, 3, 13, 11), "kernel 11", in_channels=3, out_channels=2, kernel_size=11, padding=5)
    .at(
        (2, 3, 5, 8),
        "same padding, even kernel",
        in_channels=3,
        out_channels=5,
        kernel_size=(4, 3),
        padding="same",
    )
    .at((5, 3, 5, 8), "no bias", in_channels=3, out_channels=2, kernel_size=3, bias=False)
    .at(
        (2, 3, 5, 8), "padding (0, 2)", in_channels=3, out_channels=5, kernel_size=3, padding=(0, 2)
    )
    .at(
        (2, 3, 8, 5), "valid padding", in_channels=3, out_channels=5, kernel_size=2, padding="valid"
    )
    .at(
        (2, 3, 8, 5),
        "kernel equals stride (2, 1)",
        in_channels=3,
        out_channels=5,
        kernel_size=(2, 1),
        stride=(2, 1),
    )
    .at(
        (2, 3, 8, 11),
        "kernel equals stride (1, 2)",
        in_channels=3,
        out_channels=5,
        kernel_size=(1, 2),
        stride=(1, 2),
    )
    # More than a mebibyte per image, of patches and of what backward adds: kernels may cut it up.
    .at((2, 7, 87, 80), "large", in_channels=7, out_channels=13, kernel_size=(3, 2))
)
_linear = (
    _Layer("Linear")
    .at((3, 7), "7 to 5", in_features=7, out_features=5)
    .at((1, 129), "129 to 3, one sample", in_features=129, out_features=3)
    .at((2, 3, 7), "three axes", in_features=7, out_features=5)
    .at((5, 7), "no bias", in_features=7, out_features=3, bias=False)
)
_table = _Layer("TableConv2d").at(
    (2, 3, 8, 5), "partial table", in_channels=3, connections=TABLE, kernel_size=(2, 3)
)
_scale = _Layer("ChannelScale").at((2, 3, 4, 5), "three channels", channels=3)
_max = (
    _Layer("MaxPool2d")
    .at((2, 3, 8, 10), "kernel 2", kernel_size=2)
    .at((2, 3, 11, 8), "kernel 3 stride 2", kernel_size=3, stride=2)
    .at((2, 3, 8, 11), "kernel 3 stride 2 padding 1", kernel_size=3, stride=2, padding=1)
    .at((2, 3, 8, 11), "ceil mode", kernel_size=(3, 2), stride=2, ceil_mode=True)
    .at((1, 3, 8, 5), "ceil mode padding 1", kernel_size=2, stride=3, padding=1, ceil_mode=True)
    .at((2, 3, 11, 13), "dilation 2", kernel_size=(2, 3), stride=1, dilation=2)
    .at((2, 3, 11, 8), "stride above kernel", kernel_size=2, stride=3)
    .at((2, 3, 11, 8), "ties", kernel_size=3, stride=2, padding=1, values="ties")
    .at((2, 3, 8, 11), "dilation 2 padding 1", kernel_size=3, stride=1, padding=1, dilation=2)
    .at((2, 3, 1, 8), "one row", kernel_size=3, stride=2, padding=1)
    .at((2, 3, 11, 8), "NaN and infinity", exact=False, kernel_size=2, values="special")
    .at(
        (2, 3, 11, 8),
        "windows of minus infinity",
        exact=False,
        kernel_size=3,
        stride=2,
        padding=1,
        values="bottomless",
    )
    .at((2, 3, 8, 5), "infinite gradient", exact=False, kernel_size=2, values="steep")
)
_avg = (
    _Layer("AvgPool2d")
    .at((2, 3, 8, 10), "kernel 2", kernel_size=2)
    .at((2, 3, 8, 12), "kernel (2, 4) stride 2", kernel_size=(2, 4), stride=2)
    .at((2, 3, 8, 11), "kernel 2 padding 1", kernel_size=2, stride=2, padding=1)
    .at((2, 3, 11, 8), "kernel 3 stride 2", kernel_size=3, stride=2, exact=False)
    .at((2, 3, 1, 8), "one row", kernel_size=3, stride=2, padding=1, exact=False)
    .at((2, 3, 8, 11), "ceil mode", kernel_size=3, stride=2, ceil_mode=True, exact=False)
    .at(
        (2, 3, 8, 11),
        "ceil mode, padding not counted",
        kernel_size=3,
        stride=2,
        padding=1,
        ceil_mode=True,
        count_include_pad=False,
        exact=False,
    )
    .at((2, 3, 9, 11), "divisor 8", kernel_size=3, stride=2, divisor_override=8)
)
_adaptive = (
    _Layer("AdaptiveAvgPool2d")
    .at((2, 3, 8, 4), "to 1", output_size=1)
    .at((2, 3, 8, 12), "to (4, 3)", output_size=(4, 3))
    .at((2, 3, 8, 11), "to (3, 4), uneven", output_size=(3, 4), exact=False)
    .at((2, 3, 5, 8), "to (None, 2)", output_size=(None, 2))
)
_shape = (2, 3, 4, 5)
_pointwise = [
    _Layer("ReLU")
    .at(_shape, "")
    .at(_shape, "at the kink", values="zeros")
    .at(_shape, "NaN and infinity", exact=False, values="special")
    .at(_shape, "infinite gradient", exact=False, values="steep"),
    _Layer("Flatten").at(_shape, "").at(_shape, "axes 1 to 2", start_dim=1, end_dim=2),
    _Layer("Identity").at(_shape, ""),
    _Layer("Dropout")
    .at((7, 11), "half", p=0.5)
    .at((7, 11), "0.3", p=0.3, exact=False)
    .at((7, 11), "in evaluation", p=0.5, training=False),
    _Layer("Sigmoid", exact=False).at(_shape, "").at(_shape, "far from zero", values="far"),
    _Layer("Tanh", exact=False).at(_shape, "").at(_shape, "far from zero", values="far"),
    _Layer("ScaledTanh", exact=False).at(_shape, "").at(_shape, "far from zero", values="far"),
    _Layer("Softmax", exact=False)
    .at((3, 7), "along 1", dim=1)
    .at(_shape, "along 2", dim=2)
    .at((3, 7), "axis not named, of two")
    .at((4, 3, 5), "axis not named, of three")
    .at(_shape, "axis not named, of four")
    .at((3, 7), "far from zero", dim=1, values="shifted"),
]
_WEIGHTS = (0.5, 2.0, 1.25, 0.75)
_squared = (
    _Layer("MSELoss", exact=False)
    .at((3, 4), "mean", target="value")
    .at((3, 4), "sum", reduction="sum", target="value")
    .at((3, 4), "none", reduction="none", target="value"),
    _Layer("HalfMSELoss", exact=False).at((5, 2), "", target="value"),
)
_tanh_loss = (
    _Layer("TanhCrossEntropyLoss", exact=False)
    .at((7, 1), "one output", target="sign")
    .at((5, 2), "two outputs", target="sign")
    .at((5, 2), "soft labels", target="binary")
    .at((5, 2), "huge inputs", target="sign", values="spread")
)
_bce = (
    _Layer("BCEWithLogitsLoss", exact=False)
    .at((5, 4), "mean", target="binary")
    .at((5, 4), "sum, weighted", reduction="sum", weight=_WEIGHTS, target="binary")
    .at((5, 4), "positive weight", pos_weight=_WEIGHTS, target="binary")
    .at((5, 4), "none", reduction="none", target="binary")
    .at((5, 4), "huge logits", target="binary", values="spread")
)
_cross = (
    _Layer("CrossEntropyLoss", exact=False)
    .at((5, 4), "mean", target="index")
    .at((1, 4), "mean of one sample", target="index")
    .at((5, 4), "sum", reduction="sum", target="index")
    .at((5, 4), "none", reduction="none", target="index")
    .at((5, 4), "weighted", weight=_WEIGHTS, target="index")
    .at((7, 4), "ignored index", ignore_index=1, target="ignored")
    .at((5, 4), "smoothed", label_smoothing=0.1, target="index")
    .at(
        (7, 4),
        "smoothed, weighted, ignored",
        label_smoothing=0.2,
        weight=_WEIGHTS,
        ignore_index=1,
        target="ignored",
    )
    .at((5, 4), "probabilities", target="probability")
    .at(
        (5, 4),
        "probabilities, smoothed, weighted",
        label_smoothing=0.1,
        weight=_WEIGHTS,
        target="probability",
    )
    .at((2, 4, 3, 5), "maps", target="index")
    .at((2, 4, 3, 5), "maps, none", reduction="none", weight=_WEIGHTS, target="index")
    .at((2, 4, 3), "maps of probabilities", target="probability")
    .at((5, 4), "far from zero", target="index", values="shifted")
    .at((5, 4), "huge logits", target="index", values="spread")
)

CASES: tuple[Case, ...] = tuple(
    case
    for layer in (
        _linear,
        _conv,
        *cases_winograd.LAYERS,
        _table,
        _scale,
        _max,
        _avg,
        _adaptive,
        *_pointwise,
        *cases_activation.LAYERS,
        *cases_norm.LAYERS,
        *cases_joins.LAYERS,
        *cases_functions.LAYERS,
        *cases_recurrent.LAYERS,
        *_squared,
        _tanh_loss,
        _bce,
        _cross,
    )
    for case in layer.cases
)


def layers() -> tuple[str, ...]:
    """Return the class names, each once."""
    return tuple(dict.fromkeys(case.layer for case in CASES))


def of_layer(layer: str) -> tuple[Case, ...]:
    """Return the cases of one class."""
    return tuple(case for case in CASES if case.layer == layer)
