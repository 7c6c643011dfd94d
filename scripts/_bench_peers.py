"""Networks of the book in other libraries, for bench.py: autograd, JAX, tinygrad, scikit-learn.

Each peer trains from the same weights on the same batch as the twins, and its loss after a few
steps must be scratch's: a peer that computes something else is no peer. All are optional
(`pip install -e '.[peers]'`); none is used anywhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from _bench_tasks import task

PEERS = ("autograd", "jax", "tinygrad", "sklearn")
CHECKED_STEPS = 3
DIGITS = 1e-3
"""Losses after CHECKED_STEPS agree within this share; another network differs in the first digit,
float32 in the sixth."""

Weights = dict[str, Any]
Forward = Callable[[Weights, Any], Any]


def offers(peer: str, mode: str, name: str) -> bool:
    """Return whether a peer has such a step."""
    from scratch import spec

    known = name in spec.ids()
    model = spec.get(name).model if known else ""
    if peer == "sklearn":
        return mode == "train" and name == "linear_regression"
    return mode == "train" and model in ("LinearRegression", "MLP", "LeNet5")


def build(peer: str, name: str, batch: int) -> Callable[[], Any]:
    """Return a training step that returns its loss.

    Raises:
        ImportError: the peer is not installed.
        RuntimeError: it does not train the network that scratch trains.
    """
    makers = {"autograd": _autograd, "jax": _jax, "tinygrad": _tinygrad, "sklearn": _sklearn}
    step = makers[peer](name, batch)
    ours, theirs = _scratch(name, batch), [float(step()) for _ in range(CHECKED_STEPS)]
    if any(abs(a - b) > DIGITS * abs(a) for a, b in zip(ours, theirs, strict=True)):
        raise RuntimeError(f"{peer} does not train {name}: losses {theirs}, scratch's {ours}")
    return step


def _start(name: str) -> tuple[Weights, Any]:
    import scratch

    model = scratch.build(name)
    return {key: value.copy() for key, value in model.state_dict().items()}, model


def _scratch(name: str, batch: int) -> list[float]:
    from scratch.train import build_loss, build_optimizer

    chapter, x, target = task(name, batch)
    _, model = _start(name)
    criterion, optimizer = build_loss(chapter.train), build_optimizer(chapter.train, model)
    losses = []
    for _ in range(CHECKED_STEPS):
        optimizer.zero_grad()
        losses.append(float(criterion(model(x), target)))
        model.backward(criterion.backward(1.0))
        optimizer.step()
    return losses


def _mean(x: Any) -> Any:
    """Map (N, C, H, W) to (N, C, H/2, W/2), the means of 2 x 2."""
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).mean(axis=(3, 5))


def _forward(
    np: Any,
    conv: Callable[[Any, Any], Any],
    mean: Callable[[Any], Any] = _mean,
    constant: Callable[[Any], Any] = lambda array: array,
) -> Any:
    """Return chapter -> forward, written once for everything that speaks NumPy's language.

    Args:
        np: the array module.
        conv: (N, C, H, W), (F, C, k, k) -> (N, F, H-k+1, W-k+1), a cross-correlation.
        mean: as `_mean`.
        constant: makes one of the library's arrays of one of NumPy's.
    """
    squash: dict[str, Callable[[Any], Any]] = {
        "Sigmoid": lambda z: 1 / (1 + np.exp(-z)),
        "Tanh": np.tanh,
        "ReLU": lambda z: np.maximum(z, 0),
        "ScaledTanh": lambda z: 1.7159 * np.tanh(2 / 3 * z),
    }

    def affine(w: Weights, layer: str, x: Any) -> Any:
        return x @ w[f"{layer}.weight"].T + w[f"{layer}.bias"]

    def spread(weight: Any) -> Any:
        """Return the kernels (16, 6, 5, 5) of C3 from those that exist, (60, 5, 5)."""
        places = constant(_places())
        return (places @ weight.reshape(places.shape[1], -1)).reshape(16, 6, 5, 5)

    def lenet(w: Weights, x: Any) -> Any:
        act = squash["ScaledTanh"]

        def convolve(layer: str, x: Any) -> Any:
            return conv(x, w[f"{layer}.weight"]) + w[f"{layer}.bias"].reshape(-1, 1, 1)

        def subsample(layer: str, x: Any) -> Any:
            scale = w[f"{layer}.scale.weight"].reshape(-1, 1, 1)
            return act(mean(x) * scale + w[f"{layer}.scale.bias"].reshape(-1, 1, 1))

        w = {**w, "c3.weight": spread(w["c3.weight"])}
        x = subsample("s2", act(convolve("c1", x)))
        x = subsample("s4", act(convolve("c3", x)))
        x = act(convolve("c5", x)).reshape(x.shape[0], -1)
        return affine(w, "output", act(affine(w, "f6", x)))

    def of(chapter: Any) -> Forward:
        if chapter.model == "LinearRegression":
            return lambda w, x: affine(w, "linear", x)
        if chapter.model == "LeNet5":
            return lenet
        names = chapter.arguments["activations"]

        def mlp(w: Weights, x: Any) -> Any:
            x = affine(w, "layers.fc1", x.reshape(x.shape[0], -1))
            for index, name in enumerate(names, start=2):
                x = affine(w, f"layers.fc{index}", squash[name](x))
            return x

        return mlp

    return of


def _places() -> Any:
    """Return (16 x 6, 60), 1 where a kernel of C3 stands, in the order of the paper's table."""
    import numpy as np

    from scratch.models.lenet import C3_TABLE

    at = [6 * out + of for out, maps in enumerate(C3_TABLE) for of in maps]
    places = np.zeros((6 * len(C3_TABLE), len(at)), np.float32)
    places[at, range(len(at))] = 1
    return places


def _loss(np: Any, chapter: Any, logsumexp: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """Return (output, target) -> mean loss of the chapter."""
    if chapter.train.loss == "HalfMSELoss":
        return lambda y, target: ((y - target) ** 2).mean() / 2

    def cross_entropy(y: Any, target: Any) -> Any:
        return (logsumexp(y) - y[np.arange(y.shape[0]), target]).mean()

    return cross_entropy


def _step(chapter: Any, weights: Weights, value_and_grad: Any, moving: Any) -> Callable[[], Any]:
    """Return a step of SGD with momentum outside the rate, as torch has it, with weights kept."""
    rate = chapter.train.lr
    momentum = chapter.train.optimizer_args.get("momentum", 0.0)

    def update(w: Weights, v: Weights) -> tuple[Any, Weights, Weights]:
        loss, grad = value_and_grad(w)
        v = {key: momentum * v[key] + grad[key] for key in w} if momentum else grad
        return loss, {key: w[key] - rate * v[key] for key in w}, v

    run, state = moving(update), {"w": weights, "v": {k: 0 * w for k, w in weights.items()}}

    def step() -> Any:
        loss, state["w"], state["v"] = run(state["w"], state["v"])
        return loss

    return step


def _autograd(name: str, batch: int) -> Callable[[], Any]:
    import autograd
    import autograd.numpy as np
    from autograd.scipy.signal import convolve

    def conv(x: Any, w: Any) -> Any:
        axes = {"axes": ([2, 3], [2, 3]), "dot_axes": ([1], [1])}
        return convolve(x, w[:, :, ::-1, ::-1], mode="valid", **axes)

    def logsumexp(y: Any) -> Any:
        top = y.max(axis=1, keepdims=True)
        return np.log(np.exp(y - top).sum(axis=1)) + top[:, 0]

    chapter, x, target = task(name, batch)
    forward, loss = _forward(np, conv)(chapter), _loss(np, chapter, logsumexp)
    both = autograd.value_and_grad(lambda w: loss(forward(w, x), target))
    return _step(chapter, _start(name)[0], both, lambda update: update)


def _jax(name: str, batch: int) -> Callable[[], Any]:
    import jax
    import jax.numpy as np

    def conv(x: Any, w: Any) -> Any:
        return jax.lax.conv(x, w, (1, 1), "VALID")

    chapter, x, target = task(name, batch)
    inputs = jax.device_put(x), jax.device_put(target)
    forward = _forward(np, conv)(chapter)
    loss = _loss(np, chapter, lambda y: jax.nn.logsumexp(y, axis=1))
    both = jax.value_and_grad(lambda w: loss(forward(w, inputs[0]), inputs[1]))
    weights = {key: jax.device_put(value) for key, value in _start(name)[0].items()}
    step = _step(chapter, weights, both, jax.jit)
    return lambda: step().block_until_ready()


def _tinygrad(name: str, batch: int) -> Callable[[], Any]:
    import numpy as np
    from tinygrad import Tensor, TinyJit

    chapter, x, target = task(name, batch)
    weights = {key: Tensor(value) for key, value in _start(name)[0].items()}
    inputs = Tensor(x)
    targets = Tensor(target.astype(np.int32) if target.ndim == 1 else target)
    rate, momentum = chapter.train.lr, chapter.train.optimizer_args.get("momentum", 0.0)
    velocity = {key: Tensor.zeros(*w.shape).contiguous() for key, w in weights.items()}

    class Language:
        """What `_forward` says, in tinygrad's words."""

        exp, tanh = staticmethod(Tensor.exp), staticmethod(Tensor.tanh)
        maximum = staticmethod(Tensor.maximum)

    def mean(x: Any) -> Any:
        return x.avg_pool2d(2)

    forward = _forward(Language, lambda x, w: x.conv2d(w), mean, Tensor)(chapter)

    def once() -> Any:
        for w in weights.values():
            w.grad = None
        y = forward(weights, inputs)
        if chapter.train.loss == "HalfMSELoss":
            loss = ((y - targets) ** 2).mean() / 2
        else:
            loss = y.sparse_categorical_crossentropy(targets)
        loss.backward()
        for key, w in weights.items():
            velocity[key].assign(momentum * velocity[key] + w.grad)
            w.assign(w.detach() - rate * velocity[key])
        Tensor.realize(loss, *weights.values(), *velocity.values())
        return loss

    run = TinyJit(once)

    return lambda: run().item()


def _sklearn(name: str, batch: int) -> Callable[[], Any]:
    """Return a step of scikit-learn's perceptron without hidden layers; its loss is half squared.

    Other chapters mix activations, which it cannot.
    """
    from sklearn.neural_network import MLPRegressor

    chapter, x, target = task(name, batch)
    plan = {"solver": "sgd", "learning_rate_init": chapter.train.lr, "momentum": 0.0, "alpha": 0.0}
    model = MLPRegressor(hidden_layer_sizes=(), batch_size=batch, shuffle=False, **plan)
    model.partial_fit(x, target[:, 0])  # makes its arrays
    weights = _start(name)[0]
    model.coefs_[0][...] = weights["linear.weight"].T
    model.intercepts_[0][...] = weights["linear.bias"]

    def step() -> Any:
        model.partial_fit(x, target[:, 0])
        return model.loss_

    return step
