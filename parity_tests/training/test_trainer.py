"""The guard against losses that are not finite, and Lightning's own arguments."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from torch import nn

import ref_torch
from ref_torch.fit import fit
from ref_torch.lit import first_non_finite
from ref_torch.trainer_args import parse_trainer_args
from scratch import spec
from scratch.data import Dataset, load
from scratch.spec.errors import UserError
from scratch.spec.schema import Chapter


@pytest.fixture(scope="module")
def xor() -> tuple[Chapter, Dataset]:
    chapter = spec.get("mlp_xor")
    return chapter, load(chapter)


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_place() -> None:
    found = spec.get("linear_regression")
    wild = dataclasses.replace(found, train=dataclasses.replace(found.train, lr=1e30))
    with pytest.raises(UserError) as error:
        fit(wild, ref_torch.build("linear_regression"), load(wild), epochs=2, progress=False)
    assert str(error.value) == (
        "training stopped at step 2 (epoch 1): the loss is inf; first non-finite: the loss. "
        "A smaller learning rate than 1e+30 is the usual cure"
    )


def test_first_non_finite_names_input_parameter_output_or_loss() -> None:
    net = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 2))
    x = torch.ones(2, 3)
    assert first_non_finite(net, x) == "the loss"
    assert first_non_finite(net, x * torch.nan) == "the input"
    with torch.no_grad():
        net[2].weight[0, 1] = torch.inf
    assert first_non_finite(net, x) == "parameter 2.weight"
    with torch.no_grad():
        net[2].weight[0, 1] = 1
        net[0].bias.fill_(3e38)
        net[2].weight.fill_(3e38)
    assert first_non_finite(net, x) == "the output of 2"
    assert not net[0]._forward_hooks


def test_first_non_finite_looks_into_what_a_recurrent_layer_returns() -> None:
    net = ref_torch.build("rnn_subtract")
    with torch.no_grad():
        net.rnn.weight_hh_l0[0, 0] = torch.nan
    assert first_non_finite(net, torch.ones(2, 4, 2)) == "parameter rnn.weight_hh_l0"


def test_nothing_global_changes(xor: tuple[Chapter, Dataset]) -> None:
    chapter, dataset = xor
    torch.use_deterministic_algorithms(False)
    before, numpy_before = torch.get_rng_state(), np.random.get_state()[1].tolist()  # noqa: NPY002
    fit(chapter, ref_torch.build(chapter.id), dataset, epochs=1, progress=False)
    assert torch.equal(torch.get_rng_state(), before)
    assert np.random.get_state()[1].tolist() == numpy_before  # noqa: NPY002
    assert not torch.are_deterministic_algorithms_enabled()


def test_lightnings_own_arguments(xor: tuple[Chapter, Dataset]) -> None:
    chapter, dataset = xor
    given = parse_trainer_args(["--trainer.precision", "64-true", "--trainer.max_steps=3"])
    assert given == {"precision": "64-true", "max_steps": 3}
    net = ref_torch.build(chapter.id)
    history = fit(chapter, net, dataset, epochs=1, progress=False, trainer_args=given)
    assert len(history.step_losses) == 3
    assert [row["val_loss"] for row in history.rows] == [None]
    assert {p.dtype for p in net.parameters()} == {torch.float32}


def test_a_float64_network_is_trained_in_float64(xor: tuple[Chapter, Dataset]) -> None:
    chapter, dataset = xor
    net = ref_torch.build(chapter.id).double()
    history = fit(chapter, net, dataset, epochs=1, progress=False)
    assert {p.dtype for p in net.parameters()} == {torch.float64}
    assert any(loss != float(np.float32(loss)) for loss in history.step_losses)


@pytest.mark.parametrize(
    ("tokens", "said"),
    [
        (["--trainer.acelerator", "gpu"], 'did you mean "accelerator"'),
        (["--trainer.max_steps", "many"], "bad trainer argument: .*trainer.max_steps"),
        (["--trainer.max_epochs", "3"], "use --epochs"),
        (["--trainer.devices"], "expected one argument"),
        (["--trainer.accelerator", "abacus"], "the trainer refuses these arguments"),
        (["--trainer.accelerator", "tpu"], "the trainer refuses these arguments"),
        (["--trainer.devices", "2"], "training uses one device"),
        (["--epoch", "3"], "unrecognized arguments: --epoch 3"),
        (["--trainer.max_steps", "3", "more"], "unrecognized arguments: more"),
    ],
)
def test_wrong_trainer_arguments_are_told(tokens: list[str], said: str) -> None:
    with pytest.raises(UserError, match=said):
        parse_trainer_args(tokens)


def test_what_the_trainer_refuses_is_one_line(xor: tuple[Chapter, Dataset]) -> None:
    chapter, dataset = xor
    for given in ({"accelerator": "abacus"}, {"devices": 2}, {"precision": "7-bit"}):
        with pytest.raises(UserError) as error:
            fit(
                chapter,
                ref_torch.build(chapter.id),
                dataset,
                epochs=1,
                progress=False,
                trainer_args=given,
            )
        assert "\n" not in str(error.value)
