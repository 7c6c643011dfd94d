"""What does not fit is refused in one sentence: what is expected, what came."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from parity_tests.numeric.ops_case import Case, cotangent
from parity_tests.numeric.ops_cases import EVERY
from scratch.ops import (
    activation,
    checks,
    conv,
    curves,
    dropout,
    embedding,
    functions,
    gates,
    gru,
    joins,
    linear,
    linear_naive,
    loss,
    lrn,
    lstm,
    norm,
    pool,
    rectifiers,
    rnn,
    scale,
    tanh_loss,
)
from scratch.ops.checks import ShapeError


def zeros(*shape: int, dtype: Any = "f4") -> np.ndarray:
    return np.zeros(shape, dtype)


X, W = zeros(2, 3, 7, 8), zeros(4, 3, 3, 2)
Y, T = zeros(2, 3), np.array([0, 1])
STEPS, STATE = zeros(5, 2, 3), zeros(2, 4)


def weights(gates: int, inputs: int = 3) -> tuple[np.ndarray, np.ndarray]:
    return zeros(gates * 4, inputs), zeros(gates * 4, 4)


def call(*args: Any, **options: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
    return args, options


REFUSED: list[tuple[Callable[..., Any], Any, str]] = [
    (conv.conv2d, call(zeros(3, 7, 8), W), "(N, 3, H, W); got (3, 7, 8)"),
    (conv.conv2d, call(zeros(2, 4, 7, 8), W), "(N, 3, H, W); got (2, 4, 7, 8)"),
    (conv.conv2d, call(X, zeros(4, 3, 3)), "(O, C / groups, kh, kw); got (4, 3, 3)"),
    (conv.conv2d, call(X, W, zeros(3)), "(4,); got (3,)"),
    (conv.conv2d, call(X.astype("f8"), W), "float32; got float64"),
    (conv.conv2d, call(X, W, zeros(4, dtype="f8")), "float32; got float64"),
    (conv.conv2d, call(X, W.astype("i8")), "float32 or float64"),
    (conv.conv2d, call(X[:0], W), "(N, 3, H, W) with N >= 1; got (0, 3, 7, 8)"),
    (conv.conv2d, call(X[:, :, :2], W), "at least 3 x 2 pixels, padding included; got 2 x 8"),
    (conv.conv2d, call(X, W, stride=0), "stride >= 1; got 0"),
    (conv.conv2d, call(X, W, stride=1.5), "stride as an integer or a pair of integers; got 1.5"),
    (conv.conv2d, call(X, W, dilation=(1, 1, 1)), "dilation as an integer or a pair"),
    (conv.conv2d, call(X, W, padding=(0, -1)), "padding >= 0; got (0, -1)"),
    (conv.conv2d, call(X, W, padding=((0, 1),)), "((top, bottom), (left, right))"),
    (conv.conv2d, call(X, W, groups=3), "groups that divide 4 output channels; got 3"),
    (conv.conv2d, call(X, W, groups=0), "groups that divide"),
    (linear.linear, call(zeros(2, 4), zeros(3, 5)), "(..., 5); got (2, 4)"),
    (linear.linear, call(zeros(5), zeros(3, 5)), "(..., 5); got (5,)"),
    (linear.linear, call(zeros(0, 5), zeros(3, 5)), "got (0, 5)"),
    (linear.linear, call(zeros(2, 5), zeros(5)), "(out, in); got (5,)"),
    (linear.linear, call(zeros(2, 5), zeros(3, 5), zeros(1)), "(3,); got (1,)"),
    (linear.linear, call(zeros(2, 5), zeros(3, 5), zeros(3, dtype="f8")), "float32; got float64"),
    (linear_naive.linear, call(zeros(2, 6), zeros(3, 5)), "(..., 5); got (2, 6)"),
    (linear.linear, call(zeros(2, 5, dtype="f8"), zeros(3, 5)), "float32; got float64"),
    (linear.linear, call(zeros(2, 5, dtype="f2"), zeros(3, 5, dtype="f2")), "got float16"),
    (pool.max_pool2d, call(zeros(3, 7, 8), 2), "(N, C, H, W); got (3, 7, 8)"),
    (pool.avg_pool2d, call(X[:0], 2), "with N >= 1"),
    (pool.max_pool2d, call(X.astype("i4"), 2), "got int32"),
    (pool.max_pool2d, call(X, 3, padding=2), "at most half the kernel size (3, 3); got (2, 2)"),
    (pool.max_pool2d, call(X, 2, padding=2, dilation=3), "at most half the kernel"),
    (pool.avg_pool2d, call(X, 9), "at least 9 pixels along axis 2, padding included; got 7"),
    (pool.max_pool2d, call(X, 3, dilation=4), "at least 9 pixels"),
    (
        pool.max_pool2d,
        call(X[:, :, :1], (2, 1), 1, (1, 0), (2, 1)),
        "every window meets the (1, 8) image",
    ),
    (pool.avg_pool2d, call(X, 2, divisor_override=0), "a divisor other than 0; got 0"),
    (pool.adaptive_avg_pool2d, call(X, 0), "output_size >= 1"),
    (pool.adaptive_avg_pool2d, call(X, (1, 2, 3)), "output_size as an integer or a pair"),
    (pool.adaptive_avg_pool2d, call(X[0], 1), "(N, C, H, W); got (3, 7, 8)"),
    (activation.relu, call(X[:0]), "at least one sample"),
    (activation.relu, call(X.astype("i8")), "got int64"),
    (activation.softmax, call(Y[:0], 1), "at least one sample"),
    (activation.softmax, call(Y, 2), "an axis of an array with 2 axes; got 2"),
    (dropout.dropout, call(X, 1.5, X == 0), "a probability p between 0 and 1; got 1.5"),
    (dropout.dropout, call(X, 0.5, X), "a mask of booleans"),
    (dropout.dropout, call(X, 0.5, X[0] == 0), "of shape (2, 3, 7, 8); got bool (3, 7, 8)"),
    (rectifiers.leaky_relu, call(X[:0]), "at least one sample"),
    (rectifiers.elu, call(X.astype("i8")), "got int64"),
    (rectifiers.softplus, call(X[:0]), "at least one sample"),
    (gates.gelu, call(X, "fast"), "approximate among none, tanh; got 'fast'"),
    (gates.silu, call(X[:0]), "at least one sample"),
    (curves.step, call(X[:0]), "at least one sample"),
    (curves.bent_identity, call(X[:0]), "at least one sample"),
    (curves.powers, call(zeros(4, 2), 3), "(N, 1); got (4, 2)"),
    (curves.powers, call(zeros(4, 1), 0), "degree >= 1; got 0"),
    (functions.affine, call(X[:0], 2.0), "at least one sample"),
    (functions.square, call(X.astype("i8")), "got int64"),
    (functions.log, call(X[:0]), "at least one sample"),
    (functions.sqrt, call(X.astype("f2")), "got float16"),
    (functions.sin, call(X[:0]), "at least one sample"),
    (joins.add, call(Y, zeros(2, 4)), "inputs of one shape; got (2, 3), (2, 4)"),
    (joins.add, call(Y, zeros(2, 3, dtype="f8")), "float32; got float64"),
    (joins.multiply, call(Y, zeros(1, 3)), "inputs of one shape; got (2, 3), (1, 3)"),
    (joins.multiply, call(Y[:0], Y[:0]), "at least one sample"),
    (joins.concat, call(), "at least one input; got none"),
    (joins.concat, call(X, zeros(2, 3, 7, 9)), "axis 1 alone; got (2, 3, 7, 8), (2, 3, 7, 9)"),
    (joins.concat, call(Y, zeros(2, 3, 1)), "differ along axis 1 alone; got (2, 3), (2, 3, 1)"),
    (joins.concat, call(Y, Y, axis=2), "an axis of an array with 2 axes; got 2"),
    (joins.concat, call(Y, zeros(2, 3, dtype="f8")), "float32; got float64"),
    (joins.concat, call(Y, zeros(2, 0)), "no empty axis; got (2, 0)"),
    (rnn.rnn, call(STEPS[0], STATE, *weights(1)), "(T, N, 3); got (2, 3)"),
    (rnn.rnn, call(STEPS, STATE, *weights(1, 7)), "(T, N, 7); got (5, 2, 3)"),
    (rnn.rnn, call(STEPS[:0], STATE, *weights(1)), "(T, N, 3) with T >= 1; got (0, 2, 3)"),
    (rnn.rnn, call(STEPS[:, :0], STATE[:0], *weights(1)), "with N >= 1; got (5, 0, 3)"),
    (rnn.rnn, call(STEPS, STATE[:1], *weights(1)), "(2, 4); got (1, 4)"),
    (rnn.rnn, call(STEPS, STATE.astype("f8"), *weights(1)), "float32; got float64"),
    (rnn.rnn, call(STEPS.astype("f8"), STATE, *weights(1)), "float32; got float64"),
    (rnn.rnn, call(STEPS, STATE, weights(1)[0], zeros(4, 3)), "(3, 3); got (4, 3)"),
    (rnn.rnn, call(STEPS, STATE, *weights(1), zeros(3)), "(4,); got (3,)"),
    (rnn.rnn, call(STEPS, STATE, *weights(1), None, zeros(3)), "(4,); got (3,)"),
    (rnn.rnn, call(STEPS, STATE, *weights(1), zeros(4, dtype="f8")), "float32; got float64"),
    (rnn.rnn, call(STEPS, STATE, *weights(1), nonlinearity="sin"), "among tanh, relu; got 'sin'"),
    (rnn.rnn, call(STEPS, STATE, *weights(1), zeros(4), zeros(1)), "(4,); got (1,)"),
    (rnn.rnn, call(STEPS, STATE, *weights(1), zeros(1), zeros(4)), "(4,); got (1,)"),
    (rnn.rnn, call(STEPS, STATE, zeros(4, 3), zeros(4)), "(H, H); got (4,)"),
    (lstm.lstm, call(STEPS, STATE, STATE, zeros(16, 3), zeros(4)), "(4 H, H); got (4,)"),
    (lstm.lstm, call(STEPS, STATE, STATE, zeros(12, 3), zeros(16, 4)), "(16, in); got (12, 3)"),
    (gru.gru, call(STEPS, STATE, *weights(3), None, zeros(1)), "(12,); got (1,)"),
    (lstm.lstm, call(STEPS, STATE, zeros(2, 3), *weights(4)), "(2, 4); got (2, 3)"),
    (lstm.lstm, call(STEPS, STATE, STATE.astype("f8"), *weights(4)), "float32; got float64"),
    (lstm.lstm, call(STEPS, STATE, STATE, *weights(3)), "(16, 4); got (12, 4)"),
    (gru.gru, call(STEPS, STATE, *weights(4)), "(12, 4); got (16, 4)"),
    (gru.gru, call(STEPS, STATE, weights(3)[0].astype("i8"), weights(3)[1]), "got int64"),
    (gru.gru, call(STEPS, STATE, *(w.astype("f2") for w in weights(3))), "got float16"),
    (embedding.embedding, call(zeros(2), Y), "indices of an integer dtype; got float32"),
    (embedding.embedding, call(zeros(2) == 0, Y), "indices of an integer dtype; got bool"),
    (embedding.embedding, call(np.array([0, 2]), Y), "indices from 0 to 1; got 2"),
    (embedding.embedding, call(np.array([[-1]]), Y), "indices from 0 to 1; got -1"),
    (embedding.embedding, call(T[:0], Y), "at least one sample"),
    (embedding.embedding, call(T, zeros(3)), "(num, dim); got (3,)"),
    (embedding.embedding, call(T, Y, -1), "a padding_idx from 0 to 1; got -1"),
    (embedding.embedding, call(T, Y, 2), "a padding_idx from 0 to 1; got 2"),
    (scale.channel_scale, call(X, zeros(4), zeros(4)), "(N, 4, H, W); got (2, 3, 7, 8)"),
    (scale.channel_scale, call(X.astype("f8"), zeros(3), zeros(3)), "float32; got float64"),
    (norm.batch_norm, call(zeros(4)), "(N, C); got (4,)"),
    (norm.batch_norm, call(X, zeros(4)), "(N, 4, axis 2, axis 3); got (2, 3, 7, 8)"),
    (norm.batch_norm, call(X, zeros(3), zeros(2)), "(3,); got (2,)"),
    (norm.batch_norm, call(X, zeros(3, dtype="f8")), "float32; got float64"),
    (norm.batch_norm, call(zeros(1, 3)), "more than one value per channel"),
    (norm.fixed_norm, call(X, None, None, zeros(3), zeros(2)), "(3,); got (2,)"),
    (lrn.local_response_norm, call(Y, 5), "(N, C, H, W); got (2, 3)"),
    (lrn.local_response_norm, call(X.astype("i8"), 5), "got int64"),
    (tanh_loss.tanh_cross_entropy, call(Y, zeros(2)), "a target of the output's shape (2, 3)"),
    (tanh_loss.tanh_cross_entropy, call(zeros(0, 1), zeros(0, 1)), "m >= 1; got (0, 1)"),
    (loss.mse_loss, call(zeros(2, 1), zeros(2)), "a target of the output's shape (2, 1); got (2,)"),
    (loss.mse_loss, call(zeros(2, 1), zeros(2, 1, dtype="f8")), "float32; got float64"),
    (loss.mse_loss, call(zeros(2, 1), zeros(2, 1, dtype="i8")), "float32; got int64"),
    (loss.mse_loss, call(zeros(0, 1), zeros(0, 1)), "at least one sample"),
    (loss.mse_loss, call(zeros(2), zeros(2), "average"), "among none, mean, sum; got 'average'"),
    (loss.half_mse_loss, call(zeros(0, 1), zeros(0, 1)), "(m, axis 1) with m >= 1; got (0, 1)"),
    (loss.half_mse_loss, call(zeros(), zeros()), "(m,); got ()"),
    (loss.bce_with_logits, call(Y, Y, zeros(2)), "broadcasts to (2, 3); got (2,)"),
    (loss.bce_with_logits, call(Y, Y, None, zeros(4, 2, 3)), "broadcasts to (2, 3)"),
    (loss.cross_entropy, call(X, zeros(2, dtype="i8")), "(N, C); got (2, 3, 7, 8)"),
    (loss.cross_entropy, call(zeros(2, 3, dtype="i8"), T), "got int64"),
    (loss.cross_entropy, call(zeros(2, 3, dtype="i8"), Y), "got int64"),
    (loss.cross_entropy, call(zeros(0, 3), zeros(0, dtype="i8")), "N >= 1"),
    (loss.cross_entropy, call(Y, zeros(3, dtype="i8")), "(2,); got (3,)"),
    (loss.cross_entropy, call(Y, zeros(2, 1, dtype="i8")), "(2,); got (2, 1)"),
    (loss.cross_entropy, call(Y, np.array([0, 3])), "class labels from 0 to 2; got 3"),
    (loss.cross_entropy, call(Y, np.array([0, -1])), "class labels from 0 to 2; got -1"),
    (loss.cross_entropy, call(Y, zeros(2)), "(2, 3); got (2,)"),
    (loss.cross_entropy, call(Y, zeros(1, 3)), "(2, 3); got (1, 3)"),
    (loss.cross_entropy, call(Y, zeros(2, 3, dtype="f8")), "float32; got float64"),
    (loss.cross_entropy, call(Y, T, zeros(2)), "(3,); got (2,)"),
    (loss.cross_entropy, call(Y, T, zeros(3, dtype="f8")), "float32; got float64"),
    (loss.cross_entropy, call(Y, T, label_smoothing=1.1), "between 0 and 1; got 1.1"),
    (loss.cross_entropy, call(Y, T, label_smoothing=-0.1), "between 0 and 1; got -0.1"),
    (loss.cross_entropy, call(Y, Y, ignore_index=1), "labels, not probabilities"),
]


@pytest.mark.parametrize(("operation", "arguments", "words"), REFUSED)
def test_refused_by_name(operation: Callable[..., Any], arguments: Any, words: str) -> None:
    args, options = arguments
    with pytest.raises(ShapeError) as caught:
        operation(*args, **options)
    message = str(caught.value)
    assert message.startswith("expects ")
    assert "; got " in message
    assert words in message
    assert "\n" not in message


@pytest.mark.parametrize("case", EVERY, ids=lambda case: case.id)
def test_a_gradient_of_another_shape_or_dtype_is_refused(case: Case) -> None:
    y, cache = case.forward(*case.arrays(1, "float32"))
    dy = cotangent(y, 2)
    with pytest.raises(ShapeError, match="gradient of shape"):
        case.backward(dy[None], cache)
    if not case.is_loss:
        with pytest.raises(ShapeError, match="float32; got float64"):
            case.backward(dy.astype("f8"), cache)


@pytest.mark.parametrize("padding", [-1, (0, -1), ((0, 0), (0, -1)), ((-1, 0), (0, 0))])
def test_a_negative_padding_is_refused_on_every_side(padding: Any) -> None:
    with pytest.raises(ShapeError, match="padding >= 0"):
        checks.sides(padding)


def test_an_error_survives_copying() -> None:
    error = copy.deepcopy(ShapeError("(N, 3)", (2, 4)))
    assert str(error) == "expects (N, 3); got (2, 4)"
    assert (error.expected, error.got) == ("(N, 3)", (2, 4))
    assert isinstance(error, ValueError)


def test_numpy_integers_are_integers() -> None:
    assert checks.pair(np.int64(2), "stride") == (2, 2)  # type: ignore[arg-type]
    assert checks.sides((np.int64(1), 2)) == ((1, 1), (2, 2))  # type: ignore[arg-type]


def test_a_window_of_no_channel_is_refused() -> None:
    with pytest.raises(ValueError, match="size=0 must be at least 1"):
        lrn.local_response_norm(X, size=0)


def test_of_an_lstm_both_gradients_are_looked_at() -> None:
    (y, c_n), cache = lstm.lstm(STEPS, STATE, STATE, *weights(4))
    with pytest.raises(ShapeError, match=r"gradient of shape \(5, 2, 4\); got \(4, 2, 4\)"):
        lstm.lstm_backward(y[1:], c_n, cache)
    with pytest.raises(ShapeError, match=r"gradient of shape \(2, 4\); got \(1, 4\)"):
        lstm.lstm_backward(y, c_n[:1], cache)
    with pytest.raises(ShapeError, match="float32; got float64"):
        lstm.lstm_backward(y, c_n.astype("f8"), cache)
