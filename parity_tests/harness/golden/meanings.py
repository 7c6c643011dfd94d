"""What a reader in another language has to know: layouts, reductions, epsilons, ties."""

from __future__ import annotations

from collections.abc import Iterable

from scratch.spec.schema import Chapter

FILES = (
    "numbers are little-endian, arrays in C order: the last index runs fastest; "
    "a cotangent is the gradient of the loss with respect to what a module returns"
)
_SEQUENCE = (
    "input (T, N, in), or (N, T, in) where batch_first; states begin at zero unless given; both "
    "biases are added; layer l has the suffix _l0, _l1, ..., the direction back in time _reverse, "
    "and its last state is the one at t = 0; returns the state at every step, then the last ones"
)
LAYERS = {
    "Linear": "weight (out, in), y = x W^T + b",
    "Conv2d": "input (N, C, H, W), weight (out, in / groups, kh, kw); cross-correlation: the "
    "kernel is not flipped; padding is zeros, equal on both sides",
    "TableConv2d": "input (N, C, H, W), weight (connections, kh, kw): one kernel per connection, "
    "connection i leads from map sources[i] to map targets[i]; the kernel is not flipped",
    "ChannelScale": "y = weight[c] x + bias[c] for every map c",
    "Flatten": "(N, C, H, W) to (N, C H W): the width runs fastest, then the height, then the map",
    "AvgPool2d": "mean over the window; padded zeros count (count_include_pad)",
    "AdaptiveAvgPool2d": "window i of n reaches from floor(i L / n) to ceil((i + 1) L / n)",
    "MaxPool2d": "padding is minus infinity; the gradient goes to the first maximum of a window, "
    "in C order",
    "BatchNorm1d": "normalises with the biased variance, epsilon inside the root; running_var "
    "takes the unbiased one; running = (1 - momentum) running + momentum new",
    "BatchNorm2d": "as BatchNorm1d, over N, H and W",
    "Dropout": "y = x mask / (1 - p) in training; the mask is given, the same for every sample",
    "ReLU": "derivative 0 at 0",
    "LeakyReLU": "derivative negative_slope at 0",
    "Step": "1 where x > 0, else 0; derivative 0",
    "Sigmoid": "1 / (1 + exp(-x))",
    "Tanh": "tanh(x)",
    "ScaledTanh": "amplitude tanh(slope x)",
    "GELU": 'x (1 + erf(x / sqrt 2)) / 2, or its tanh form where approximate is "tanh"',
    "Softplus": "log(1 + exp(beta x)) / beta",
    "Affine": "scale x + shift",
    "Add": "a + b",
    "Multiply": "a b, entry by entry",
    "Concat": "the inputs one behind the other along dim",
    "Square": "x^2",
    "Log": "the natural logarithm",
    "Sqrt": "the square root",
    "Sin": "the sine",
    "RNN": "h_t = tanh(W_ih x_t + b_ih + W_hh h_(t-1) + b_hh), or max(., 0) where nonlinearity is "
    '"relu"; ' + _SEQUENCE,
    "LSTM": "gates i, f, g, o in this order along the first axis of weights (4 H, .) and biases, "
    "from W_ih x_t + b_ih + W_hh h_(t-1) + b_hh; i, f, o logistic, g tanh; c_t = f c_(t-1) + i g, "
    "h_t = o tanh(c_t); " + _SEQUENCE,
    "GRU": "gates r, z, n in this order along the first axis of weights (3 H, .) and biases; r and "
    "z logistic of W_ih x_t + b_ih + W_hh h_(t-1) + b_hh, n = tanh(W_in x_t + b_in + "
    "r (W_hn h_(t-1) + b_hn)): the reset gate comes after the product; "
    "h_t = (1 - z) n + z h_(t-1); " + _SEQUENCE,
    "Embedding": "row i of weight (num_embeddings, embedding_dim) for every index i",
    "Powers": "(N, 1) to (N, degree): x, x^2, ..., x^degree",
}
LOSSES = {
    "MSELoss": "mean of (output - target)^2 over all entries",
    "HalfMSELoss": "sum of (output - target)^2 / (2 N), N samples",
    "BCEWithLogitsLoss": "the output is the logit z; mean of log(1 + exp(z)) - target z",
    "CrossEntropyLoss": "the outputs are logits; mean over the N samples of -log softmax at the "
    "target, a class index from 0",
    "TanhCrossEntropyLoss": "sum over the N samples of -(1 + t) log s(2 z) - (1 - t) log s(-2 z), "
    "divided by N; s is the logistic function, the targets t are -1 and 1",
}
OPTIMISERS = {
    "SGD": "g = gradient; with momentum v = momentum v + g, v = g in the first step, and "
    "p = p - lr v; without p = p - lr g",
    "RMSprop": "v = alpha v + (1 - alpha) g^2, p = p - lr g / (sqrt(v) + eps)",
    "Adam": "m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2, "
    "p = p - lr (m / (1 - b1^t)) / (sqrt(v / (1 - b2^t)) + eps), t from 1",
}
NULL = (
    "a batch normalisation takes away what was added before it, so the true gradient of {names} is "
    "zero: it is held to the rounding of its sum, and its updated value is not compared"
)
UNTOLD = "as the class of this name in torch"
PENALTY = "the loss contains l1 sum|w| / N + l2 sum w^2 / (2 N) over parameters of two or more axes"


def conventions(kinds: Iterable[str], chapter: Chapter) -> dict[str, str]:
    """Return the sentences that apply.

    Args:
        kinds: classes of the layers that the chapter has.
        chapter: gives the shape of a sample, the training and the null directions.
    """
    shape, plan = chapter.data.shape, chapter.train
    told = (plan.loss, plan.optimizer)
    found = {"files": FILES}
    if len(shape) == 3:
        found["input"] = "(N, C, H, W): sample, map, row, column"
    elif len(shape) == 2:
        found["input"] = "(N, T, D): sample, step, number"
    found |= {kind: LAYERS.get(kind, UNTOLD) for kind in dict.fromkeys(kinds) if kind not in told}
    found[plan.loss] = LOSSES.get(plan.loss, UNTOLD)
    if plan.loss_weights:
        terms = " + ".join(f"{weight:g} {name}" for name, weight in plan.loss_weights.items())
        found["outputs"] = f"training returns several; the loss is {terms}, of each one's own"
    found[plan.optimizer] = OPTIMISERS.get(plan.optimizer, UNTOLD)
    if plan.l1 or plan.l2:
        found["penalty"] = PENALTY
    if chapter.null_directions:
        found["null directions"] = NULL.format(names=", ".join(chapter.null_directions))
    found["steps"] = "every step sees the same batch; the learning rate does not change"
    return found
