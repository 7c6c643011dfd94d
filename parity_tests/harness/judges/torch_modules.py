"""PyTorch's own module tests (`common_modules.module_db`) held against scratch.

Every sample says with which arguments a layer is made and what it is given. The layers of scratch
that have the name get the same arguments and parameters, and the levels L2 and L3 judge them.
All samples of recurrent layers are of one sequence without a batch axis, which scratch refuses; so
each is given once more as what torch says it is, a batch of one.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch.nn.utils.rnn import PackedSequence

from parity_tests.harness import inputs, outputs
from parity_tests.harness.judges import tally
from parity_tests.harness.judges.tally import Case, Fate, refusal
from parity_tests.harness.levels import judge
from parity_tests.harness.pair import Pair, load, with_cotangent
from parity_tests.harness.runner import protected
from parity_tests.harness.verdict import Check
from scratch import nn

Array = np.ndarray[Any, np.dtype[Any]]

JUDGE = "torch"
LEVELS = {"L2": "float64", "L3": "float32"}
SPATIAL = {"AdaptiveAvgPool2d": 4, "AvgPool2d": 4, "Conv2d": 4, "MaxPool2d": 4, "BatchNorm2d": 4}
RECURRENT = {"RNN": 3, "LSTM": 3, "GRU": 3}
AXES = {**SPATIAL, **RECURRENT, "Linear": 2, "CrossEntropyLoss": 2, "Softmax": 1}  # at least

NO_BATCH = "no batch axis"


@dataclass(frozen=True)
class Sample:
    """One sample of `module_db`.

    Attributes:
        layer: name of the class.
        name: of the sample, with the mode where the mode matters.
        arguments: positional and by name.
        inputs: what forward is given; the states of a recurrent layer follow its input one by one.
        training: mode.
        left_out: why scratch has no form of it.
    """

    layer: str
    name: str
    arguments: tuple[tuple[Any, ...], dict[str, Any]]
    inputs: tuple[Array, ...]
    training: bool
    left_out: str = ""


def samples() -> Iterator[Sample]:
    """Yield every sample of a class that scratch has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of torch's test package about itself
        # The import would forbid setting torch.backends from then on; Lightning sets them.
        with patch.object(torch.backends, "disable_global_flags", lambda: None):
            from torch.testing._internal.common_modules import module_db

    for info in module_db:
        if not hasattr(nn, info.module_cls.__name__):
            continue
        for training in (True, False) if info.train_and_eval_differ else (True,):
            yield from _of_info(info, training)


def _of_info(info: Any, training: bool) -> Iterator[Sample]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        options = {"with_packed_sequence": True} if info.module_cls.__name__ in RECURRENT else {}
        samples = info.module_inputs_func(
            info, "cpu", torch.float64, requires_grad=False, training=training, **options
        )
    mode = ("training" if training else "evaluation") if info.train_and_eval_differ else ""
    for number, sample in enumerate(samples):
        given, made = sample.forward_input, sample.constructor_input
        words = [part for part in (str(number), sample.desc.strip("_ "), mode) if part]
        kwargs = {name: _rounded(value) for name, value in made.kwargs.items()}
        arguments = (tuple(made.args), kwargs)
        case = info.module_cls.__name__, " ".join(words), arguments
        values = (*given.args, *given.kwargs.values())
        if any(isinstance(value, PackedSequence) for value in values):
            yield Sample(*case, (), training, "sequences of several lengths, packed")
            continue
        found = Sample(*case, tuple(map(_array, outputs.leaves(values))), training)
        yield found
        if found.layer in RECURRENT and documented(found) == NO_BATCH:
            yield _batch_of_one(found)


def _batch_of_one(sample: Sample) -> Sample:
    """Return a sample of one sequence with an axis for it, after the layers in states."""
    x, *states = sample.inputs
    axis = 0 if sample.arguments[1]["batch_first"] else 1
    given = np.expand_dims(x, axis), *(np.expand_dims(state, 1) for state in states)
    return replace(sample, name=f"{sample.name} as a batch of one", inputs=given)


def _rounded(value: Any) -> Any:
    return torch.from_numpy(_array(value)) if isinstance(value, torch.Tensor) else value


def _array(value: torch.Tensor) -> Array:
    """Return the numbers that float32 holds, so that one truth serves both precisions."""
    array = value.detach().numpy()  # keeps the memory layout
    if array.dtype.kind != "f":
        return array
    return array.astype(np.float32, order="K").astype(np.float64, order="K")


def run() -> list[Case]:
    """Judge every sample."""
    return [judged(sample) for sample in samples()]


def judged(sample: Sample) -> Case:
    """Judge one sample in both precisions, forward and backward, with the harness's bounds."""
    case = JUDGE, sample.layer, sample.name
    if sample.left_out:
        return Case(*case, Fate.LEFT_OUT, sample.left_out)
    fate = tally.of_refusal(*case, refusal(partial(_forward, sample)), documented(sample))
    if fate is not None:
        return fate
    checks = [
        check
        for level, dtype in LEVELS.items()
        for check in protected(level, sample.layer, 0, partial(_judged, sample, dtype))
    ]
    return tally.of_checks(*case, checks)


def _judged(sample: Sample, dtype: str) -> list[Check]:
    return judge.run(_pair(sample), dtype)


def documented(sample: Sample) -> str:
    """Return why scratch refuses this sample by intention, "" if it has to compute it."""
    shape = sample.inputs[0].shape
    if 0 in shape:
        return "an empty batch"
    if sample.arguments[1].get("return_indices"):
        return "return_indices"
    if sample.arguments[1].get("proj_size"):
        return "proj_size"
    if sample.layer == "LocalResponseNorm" and len(shape) != 4:
        return f"{len(shape) - 2} spatial axes; scratch normalises images"
    if len(shape) < AXES.get(sample.layer, 0):
        return NO_BATCH if shape else "a single number has no axes"
    return ""


def _ours(sample: Sample) -> nn.Module:
    args, kwargs = sample.arguments
    numpy = {n: v.numpy() if isinstance(v, torch.Tensor) else v for n, v in kwargs.items()}
    made: nn.Module = getattr(nn, sample.layer)(*args, **numpy)
    return made.astype(np.float64).train(sample.training)


def _forward(sample: Sample) -> None:
    module = _ours(sample)
    with nn.inference():
        outputs.call(module, sample.inputs)


def _pair(sample: Sample) -> Pair:
    """Make both layers, move their parameters off the initial values, and draw a cotangent."""
    ours = _ours(sample)
    args, kwargs = sample.arguments
    theirs = getattr(torch.nn, sample.layer)(*args, **kwargs).double().train(sample.training)
    rng = inputs.generator(0, sample.layer, sample.name)
    if not sample.layer.endswith("Loss"):  # whose state is weights that the sample gives
        state = {name: value.numpy() for name, value in theirs.state_dict().items()}
        load(ours, theirs, inputs.moved(state, rng, "float32"))
    pair = Pair(f"{sample.layer} {sample.name}", ours, theirs, sample.inputs, np.empty(0))
    return with_cotangent(pair, rng, "float32")
