"""A layer, an input and a memory layout that chance drew: scratch, its loops and torch on it.

The fast kernels in both precisions and the naive loops in float64 are held against torch in
float64, forward and backward, with the bounds of the harness. A drawn case is a few words and
numbers, so it goes into a file and comes back as the same arrays.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from parity_tests.harness import bounds, outputs, usage
from parity_tests.harness.case import Case
from parity_tests.harness.case_pair import of_case
from parity_tests.harness.compare import Comparison, compare
from parity_tests.harness.local import as_check, judge, tolerances
from parity_tests.harness.pair import Pair
from parity_tests.harness.run import BrokenError, Result, cast, run_scratch, run_torch
from parity_tests.harness.verdict import Check, Verdict

Array = np.ndarray[Any, np.dtype[Any]]

# Which operation of `scratch.ops` a layer rests on, with a naive twin beside it.
NAIVE = {
    "Linear": "linear.linear",
    "Conv2d": "conv.conv2d",
    "MaxPool2d": "pool.max_pool2d",
    "AvgPool2d": "pool.avg_pool2d",
    "AdaptiveAvgPool2d": "pool.adaptive_avg_pool2d",
    "LocalResponseNorm": "lrn.local_response_norm",
    "ReLU": "activation.relu",
    "Sigmoid": "activation.sigmoid",
    "Tanh": "activation.tanh",
    "Softmax": "activation.softmax",
    "LeakyReLU": "rectifiers.leaky_relu",
    "ELU": "rectifiers.elu",
    "Softplus": "rectifiers.softplus",
    "GELU": "gates.gelu",
    "SiLU": "gates.silu",
    "RNN": "rnn.rnn",
    "LSTM": "lstm.lstm",
    "GRU": "gru.gru",
    "Embedding": "embedding.embedding",
    "MSELoss": "loss.mse_loss",
    "BCEWithLogitsLoss": "loss.bce_with_logits",
    "CrossEntropyLoss": "loss.cross_entropy",
}
ALGEBRAIC = ("Linear", "Conv2d", "MaxPool2d", "AvgPool2d", "AdaptiveAvgPool2d", "ReLU")
# The other loops are the formulas of the books, e^x - 1 and log(1 + e^-x) as they stand there:
# right, but neither for numbers that overflow nor to the last digit.
BOOK_RANGE = 30.0
LARGEST = float(np.finfo(np.float32).max) / 4


@dataclass(frozen=True)
class Drawn:
    """One draw.

    Attributes:
        case: layer, arguments, shape and kind of values.
        seed: of weights, input and cotangent.
        layout: how the arrays lie in memory, one of LAYOUTS.
    """

    case: Case
    seed: int = 0
    layout: str = "plain"

    def text(self) -> str:
        """Return the draw as one line of JSON."""
        return json.dumps(dataclasses.asdict(self))


def parse(text: str) -> Drawn:
    """Return the draw that `Drawn.text` wrote down."""
    plain = json.loads(text)
    case = plain.pop("case")
    arguments = {n: tuple(v) if isinstance(v, list) else v for n, v in case["arguments"].items()}
    also = tuple(map(tuple, case["also"]))
    shape = tuple(case["shape"])
    return Drawn(Case(**{**case, "arguments": arguments, "shape": shape, "also": also}), **plain)


def _swapped(value: Array) -> Array:
    """Lay the last two axes the other way round."""
    if value.ndim < 2:
        return value
    return np.ascontiguousarray(value.swapaxes(-1, -2)).swapaxes(-1, -2)


def _backwards(value: Array) -> Array:
    """Lay every axis backwards: negative strides throughout."""
    if not value.ndim:
        return value
    turned = (slice(None, None, -1),) * value.ndim
    return np.ascontiguousarray(value[turned])[turned]


LAYOUTS: dict[str, Callable[[Array], Array]] = {
    "plain": lambda value: np.array(value, order="C"),
    "channels last": usage.permuted,
    "strided": usage.gapped,
    "transposed": _swapped,
    "backwards": _backwards,
    "broadcast": lambda value: value,  # the input is one sample seen many times; see `pair_of`
}


def pair_of(drawn: Drawn) -> Pair:
    """Make both layers, their input, and a cotangent, all representable in float32."""
    pair = of_case(drawn.case, drawn.seed, "float32")
    if drawn.layout == "broadcast":
        x = pair.inputs[0]
        pair.inputs = (np.broadcast_to(x[:1], x.shape), *pair.inputs[1:])
    return pair


def check(drawn: Drawn) -> list[Check]:
    """Hold the fast kernels and the naive loops against torch in float64."""
    pair = pair_of(drawn)
    truth = run_torch(pair.torch_as("float64"), pair.inputs, pair.d_output)
    checks = []
    for dtype in ("float64", "float32"):
        sides = 2 if dtype == "float64" else 1
        theirs = pair.torch_as("float64")
        limits = tolerances(theirs, pair.inputs, pair.d_output, truth, dtype, sides)
        if dtype == "float32" and not _fits(pair, truth):
            continue  # float32 has no such numbers
        checks += _run(pair, drawn, dtype, f"scratch {dtype}", truth, limits)
        if dtype == "float64" and _within_the_loops(drawn.case, pair, truth):
            if drawn.case.layer not in ALGEBRAIC:
                limits = {name: bounds.whole(want) for name, want in truth.tensors().items()}
            with naive(drawn.case.layer):
                checks += _run(pair, drawn, dtype, "scratch's loops", truth, limits)
    return [dataclasses.replace(one, seed=drawn.seed) for one in checks]


def first(checks: list[Check]) -> Check | None:
    """Return the first check that fails in value.

    What has too little in it to say anything (a reference of zeros) says nothing here: chance
    draws such things, and the fixed cases of the harness are those that must not be vacuous.
    """
    return next((one for one in checks if one.verdict is Verdict.FAIL), None)


def found_by(pair: Pair, dtype: str, lay: Callable[[Array], Array]) -> Result:
    """Run scratch on the pair's input and cotangent in a memory layout.

    Raises:
        BrokenError: it raised.
    """
    inputs = cast(pair.inputs, dtype)
    d_output = outputs.cast(pair.d_output, dtype)
    if lay is LAYOUTS["broadcast"]:  # which the cast has undone
        inputs = (np.broadcast_to(inputs[0][:1], inputs[0].shape), *inputs[1:])
    return run_scratch(pair.scratch_as(dtype), tuple(map(lay, inputs)), outputs.each(lay, d_output))


@contextlib.contextmanager
def naive(layer: str) -> Iterator[None]:
    """Let a layer compute by its naive loops inside the block."""
    module, _, op = NAIVE[layer].rpartition(".")
    fast = importlib.import_module(f"scratch.ops.{module}")
    loops = importlib.import_module(f"scratch.ops.{module}_naive")
    takes = getattr(loops, op).__code__.co_argcount
    backward = getattr(loops, f"{op}_backward")

    def forward(*arguments: Any, **options: Any) -> Any:  # without what only speed needs
        return getattr(loops, op)(*arguments[:takes], **without_speed(options))

    def without_speed(options: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in options.items() if name != "needs_dx"}

    def in_parts(dy: Array, cache: Any) -> Iterator[tuple[Any, ...]]:
        yield slice(None), *backward(dy, cache)

    swaps = {op: forward, f"{op}_backward": backward, "backward_in_parts": in_parts}
    held = {name: vars(fast)[name] for name in swaps if name in vars(fast)}
    try:
        for name in held:
            setattr(fast, name, swaps[name])
        yield
    finally:
        for name, value in held.items():
            setattr(fast, name, value)


def _within_the_loops(case: Case, pair: Pair, truth: Result) -> bool:
    if case.layer not in NAIVE or case.values in ("special", "bottomless", "steep"):
        return False
    if case.layer in ALGEBRAIC:
        return True
    if any(
        np.isnan(part).any() for part in outputs.parts(truth.output)
    ):  # a mean over ignored labels alone: the loops divide by zero
        return False
    return case.values != "tiny" and float(np.abs(pair.inputs[0]).max()) < BOOK_RANGE


def _fits(pair: Pair, truth: Result) -> bool:
    """Whether float32 holds every number on the way; squares are on the way of a norm."""
    kind = type(pair.torch).__name__
    squares = kind.startswith("BatchNorm") or kind in ("LocalResponseNorm", "MSELoss", "Square")
    reach = [np.abs(value[np.isfinite(value)]).max(initial=0.0) for value in pair.inputs]
    largest = max(reach) ** (4 if squares else 1)
    sums = max(math.prod(value.shape) for value in truth.tensors().values())
    return bool(largest * max(1, sums) < LARGEST)


def _run(
    pair: Pair, drawn: Drawn, dtype: str, engine: str, truth: Result, limits: dict[str, Any]
) -> list[Check]:
    subject = drawn.case.layer
    try:
        found = found_by(pair, dtype, LAYOUTS[drawn.layout])
    except BrokenError as error:
        raised = Comparison(Verdict.FAIL, np.inf, note=error.reason)
        if error.output is None:
            return [as_check(raised, "", subject, "", "output", engine)]
        # A backward may raise because the forward gave something of another shape.
        forward = compare(error.output, truth.output, limits["output"], dtype=dtype, reach=0)
        return [
            as_check(forward, "", subject, "", "output", engine),
            as_check(raised, "", subject, "", "dx", engine),
        ]
    anything = dict.fromkeys(truth.tensors(), 0)
    return judge("", subject, "", engine, found, truth, limits, anything, dtype)
