"""What the levels of an exercise see: each is shown a mistake that the others let pass."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from parity_tests.harness.exercise import functions, session, skeleton, student
from parity_tests.harness.exercise.calls import as_tuple, functions_of
from parity_tests.harness.exercise.grade import RIGHT, WRONG
from parity_tests.harness.exercise.items import LAYERS, items_of
from parity_tests.harness.exercise.network import EXACT, IntegerNetwork, Network
from parity_tests.torch_free.filled import BODIES, fill


@pytest.fixture
def handed_in(tmp_path):
    def write(id, only=(), **faults):
        network, path = Network(id), tmp_path / "mine.py"
        text = skeleton.write(network, items_of(network, LAYERS, only), path.name)
        path.write_text(fill(text, **faults))
        return student.load(path)

    return write


def nudged(truth, result):
    """Return a function whose result of that number is wrong by a millionth in one entry."""

    def mine(dy, cache):
        found = [one if one is None else np.array(one) for one in as_tuple(truth(dy, cache))]
        if found[result] is not None:
            largest = np.unravel_index(np.abs(found[result]).argmax(), found[result].shape)
            found[result][largest] *= 1 + 1e-6
        return tuple(found) if len(found) > 1 else found[0]

    return mine


@pytest.mark.parametrize("id", ["backprop_linear", "mlp_mnist", "cnn_color", "resnet20"])
def test_a_millionth_in_one_entry_of_any_result_is_seen(id):
    network = Network(id)
    want = network.run()
    integers = {function.name: function for function in functions_of(Network(id, samples=EXACT))}
    count = 0
    for item in functions_of(network):
        for result, name in enumerate(item.results()):
            call = item.calls[0]
            if as_tuple(item.truth(call.dy, call.cache))[result] is None:
                assert name == "dbias"  # the layers of this network have none
                continue
            mine = student.Student(
                Path("mine.py"), id, (item.name,), {item.name: nudged(item.truth, result)}
            )
            grade = functions.judge(mine, item, integers[item.name], network, want)
            assert grade.state == WRONG, (item.name, name)
            assert name in grade.finding.text
            count += 1
    assert count >= len(integers)


@pytest.mark.parametrize("id", ["mlp_mnist", "lenet5", "resnet18"])
def test_a_hundred_millionth_of_a_gradient_is_seen_in_the_network(id):
    network = Network(id)
    want = network.run()
    assert functions.differing(want, want, network) is None
    largest = max(want, key=lambda name: np.abs(want[name]).max())
    for name in [largest] if id == "resnet18" else want:
        finding = functions.differing({**want, name: want[name] * (1 + 1e-8)}, want, network)
        assert finding is not None
        assert ("input" if name == "dx" else name) in finding.text


def test_the_integer_network_rounds_nothing_and_says_something():
    for id in ("lenet5", "resnet18", "mlp_mnist"):
        wide, narrow = IntegerNetwork(id).run(), IntegerNetwork(id, dtype=np.float32).run()
        assert all(np.array_equal(wide[name], narrow[name]) for name in wide)
        assert sum(bool(value.any()) for value in wide.values()) > len(wide) // 2


def graded(handed_in, id, name, body):
    (grade,) = session.grade(handed_in(id, (name,), **{name: body}))
    return grade


def test_integers_see_what_the_bound_lets_pass(handed_in):
    grade = graded(
        handed_in,
        "mlp_mnist",
        "linear_backward",
        "return dy @ weight * (1 + 1e-14), dy.T @ x, dy.sum(axis=0)",
    )
    assert (grade.exact, grade.bounded) == (WRONG, RIGHT)
    assert grade.finding.text.startswith("on integers called by layers.fc3: dx[")


def test_the_network_sees_what_single_calls_do_not(handed_in):
    as_it_lies = "dy = dy.ravel(order='K').reshape(dy.shape)\n"
    body = as_it_lies + BODIES["conv2d_backward"].strip()
    grade = graded(handed_in, "cnn_mnist", "conv2d_backward", body)
    assert (grade.exact, grade.bounded, grade.network) == (RIGHT, RIGHT, WRONG)
    assert "inside the network the gradient of conv" in grade.finding.text


@pytest.mark.parametrize(
    ("name", "body", "words"),
    [
        ("tanh_backward", "return dy * (1 - y)", r"layers\.fc\d"),
        ("cross_entropy_backward", "return (q - np.exp(log_p)) / total", r"loss\.dx"),
        ("linear_backward", "raise ValueError", "it raises ValueError"),
    ],
)
def test_the_complex_step_needs_no_backward_to_object(name, body, words, handed_in):
    finding = session.together(handed_in("mlp_mnist", **{name: body})).finding
    assert finding is not None
    assert re.search(words, finding.text), finding.text
