"""Options of layers that change no number: what is refused, what is printed, what is optional."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import torch

from parity_tests.harness import cases
from parity_tests.harness.case_pair import of_case
from scratch import nn
from scratch.nn.arguments import same_padding

IN_PLACE = [
    name
    for name in cases.layers()
    if "inplace" in inspect.signature(getattr(nn, name).__init__).parameters
]
LOSSES = [name for name in cases.layers() if name.endswith("Loss")]
OWN_WORDS = {  # pairs are always written out, and nothing is ever in place
    "MaxPool2d(2)": "MaxPool2d(kernel_size=(2, 2), stride=(2, 2), padding=(0, 0), dilation=(1, 1), "
    "ceil_mode=False)",
    "AvgPool2d(3, 2, 1)": "AvgPool2d(kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))",
    "Dropout(0.3)": "Dropout(p=0.3)",
}
SHOWN = [
    name
    for name in cases.layers()
    if hasattr(torch.nn, name)
    and name not in LOSSES
    and name not in ("MaxPool2d", "AvgPool2d", "Dropout")
]


@pytest.mark.parametrize("name", IN_PLACE)
def test_in_place_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="inplace=True is not offered"):
        getattr(nn, name)(inplace=True)


def test_layers_that_torch_has_in_place_refuse_it() -> None:
    assert {"ReLU", "LeakyReLU", "ELU", "SiLU", "Dropout"} <= set(IN_PLACE)


@pytest.mark.parametrize("name", SHOWN)
def test_a_layer_is_printed_as_torch_prints_it(name: str) -> None:
    for case in cases.of_layer(name):
        pair = of_case(case)
        assert repr(pair.scratch) == repr(pair.torch), case.setting


@pytest.mark.parametrize("made", OWN_WORDS)
def test_three_layers_are_printed_in_words_of_their_own(made: str) -> None:
    name, _, arguments = made.removesuffix(")").partition("(")
    layer = getattr(nn, name)(*(float(a) if "." in a else int(a) for a in arguments.split(", ")))
    assert repr(layer) == OWN_WORDS[made]


@pytest.mark.parametrize("name", LOSSES)
def test_the_gradient_of_a_loss_that_ends_the_network_is_one(name: str) -> None:
    case = next(case for case in cases.of_layer(name) if "reduction" not in case.arguments)
    pair = of_case(case)
    gradients = []
    for given in ((), (1.0,)):
        pair.scratch.forward(*pair.inputs)
        gradients.append(np.asarray(pair.scratch.backward(*given)))
    assert gradients[0].any()
    assert np.array_equal(*gradients)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("track", [True, False])
@pytest.mark.parametrize("name", ["BatchNorm1d", "BatchNorm2d"])
def test_batch_normalisation_has_the_state_that_torch_s_has(
    name: str, affine: bool, bias: bool, track: bool
) -> None:
    words: dict[str, Any] = {"affine": affine, "bias": bias, "track_running_stats": track}
    ours, theirs = (getattr(side, name)(3, **words) for side in (nn, torch.nn))
    assert list(ours.state_dict()) == list(theirs.state_dict())
    for key, value in ours.state_dict().items():
        assert np.array_equal(value, theirs.state_dict()[key].numpy())


@pytest.mark.parametrize(("name", "ranks"), [("BatchNorm1d", (2, 3)), ("BatchNorm2d", (4,))])
def test_batch_normalisation_takes_the_ranks_that_torch_s_takes(
    name: str, ranks: tuple[int, ...]
) -> None:
    for rank in (1, 2, 3, 4, 5):
        x = np.ones((3, 3, *[2] * (rank - 2))[:rank], np.float32)
        ours, theirs = (getattr(side, name)(3) for side in (nn, torch.nn))
        if rank in ranks:
            assert ours(x).shape == tuple(theirs(torch.from_numpy(x)).shape)
            continue
        with pytest.raises(ValueError, match="expects"):
            ours(x)
        with pytest.raises(ValueError, match="expected"):
            theirs(torch.from_numpy(x))


def test_a_padding_by_name_is_checked() -> None:
    with pytest.raises(ValueError, match='padding="full": expects "same"'):
        same_padding("full", (3, 3), (1, 1), (1, 1))
    for stride in ((2, 1), (1, 2)):
        with pytest.raises(ValueError, match="needs stride 1"):
            same_padding("same", (3, 3), stride, (1, 1))
        assert same_padding("valid", (3, 3), stride, (1, 1)) == ((0, 0), (0, 0))


def test_an_optional_buffer_is_an_attribute_and_follows_what_is_assigned() -> None:
    layer = nn.BatchNorm1d(3)
    assert layer.running_mean is dict(layer.named_buffers())["running_mean"]
    layer.running_mean = np.ones(3)
    assert dict(layer.named_buffers())["running_mean"].tolist() == [1.0, 1.0, 1.0]
