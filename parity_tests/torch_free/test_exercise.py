"""Exercises: what is written can be run, what is right passes, what is wrong is named."""

from __future__ import annotations

import ast
import doctest
import re
import types

import pytest

from parity_tests.harness.exercise import report, session, skeleton, student
from parity_tests.harness.exercise.grade import NOT_EXACT, RIGHT, TODO, WRONG
from parity_tests.harness.exercise.items import ALL, LAYERS, items_of
from parity_tests.harness.exercise.network import Network
from parity_tests.sizes import SIBLING_IDS
from parity_tests.torch_free.filled import fill
from scratch import spec

FAMILIES = tuple(id for id in spec.ids() if id not in SIBLING_IDS)
GRADED = (
    "backprop_log",
    "descent_2d",
    "logic_and",
    "polynomial_sine",
    "mlp_mnist",
    "dnn_mnist_bn",
    "fourier_dropout",
    "lenet5",
    "zfnet",
    "resnet18",
    "resnet20",
    "densenet121",
)


def text(id, kind=ALL, only=(), **options):
    network = Network(id)
    return skeleton.write(network, items_of(network, kind, only), "mine.py", **options)


@pytest.fixture
def loaded(tmp_path):
    def load(source, limit=student.LIMIT):
        path = tmp_path / "mine.py"
        path.write_text(source)
        return student.load(path, limit)

    return load


@pytest.mark.parametrize("id", FAMILIES)
def test_a_skeleton_of_every_family_can_be_run_and_holds_no_body(id):
    for hints in (False, True):
        source = text(id, hints=hints)
        assert max(map(len, source.splitlines())) <= 100
        module = types.ModuleType("mine")
        exec(compile(source, "mine.py", "exec"), vars(module))
        assert id == module.CHAPTER
        tree = ast.parse(source)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef) and node.name.endswith("backward"):
                assert isinstance(node.body[-1], ast.Raise)
                assert len(node.body) <= 3  # docstring, cache, raise
    assert len(text(id, hints=True)) > len(text(id))


@pytest.mark.parametrize("id", GRADED)
def test_scratchs_own_bodies_are_right_and_their_examples_hold(id, loaded):
    mine = loaded(text(id, solution=True))
    module = types.ModuleType("mine")
    vars(module).update(mine.defined)
    assert doctest.testmod(module).failed == 0
    grades = session.grade(mine)
    assert [grade for grade in grades if grade.state != RIGHT] == []
    assert all(grade.bounded == grade.network == RIGHT for grade in grades)
    assert session.passed(grades)
    judged = session.together(mine)
    assert judged.finding is None
    assert judged.tensors > 2


@pytest.mark.parametrize("id", ["logic_and", "mlp_mnist", "lenet5", "resnet18"])
def test_nothing_filled_in_is_all_to_do(id, loaded):
    grades = session.grade(loaded(text(id)))
    assert {grade.state for grade in grades} == {TODO}
    assert report.verdict(grades).startswith(f"0 of {len(grades)} functions right\nto do: ")
    assert not session.passed(grades)


@pytest.mark.parametrize(
    ("id", "kind"),
    [("lenet5", ALL), ("cnn_mnist", LAYERS), ("resnet18", LAYERS), ("densenet121", LAYERS)],
)
def test_bodies_written_from_the_docstrings_alone_are_right(id, kind, loaded):
    mine = loaded(fill(text(id, kind)))
    grades = session.grade(mine)
    assert [grade for grade in grades if grade.state != RIGHT] == []
    assert session.together(mine).finding is None


def test_what_can_be_computed_without_rounding_is_judged_so(loaded):
    exact = {grade.name: grade.exact for grade in session.grade(loaded(fill(text("lenet5"))))}
    rounded = [name for name, level in exact.items() if level == NOT_EXACT]
    assert rounded == ["cross_entropy_backward", "tanh_backward"]


def test_part_of_it_counts(loaded):
    grades = session.grade(loaded(fill(text("lenet5", LAYERS), tanh_backward="return dy")))
    assert report.verdict(grades).startswith("6 of 7 functions right\nfirst wrong: tanh_backward")


LINEAR = "return {}, {}, {}"
RIGHT_LINEAR = ("dy @ weight", "dy.T @ x", "dy.sum(axis=0)")


def linear(dx=RIGHT_LINEAR[0], dweight=RIGHT_LINEAR[1], dbias=RIGHT_LINEAR[2]):
    return LINEAR.format(dx, dweight, dbias)


MAX_POOL = """
dx = np.zeros((*winner.shape[:2], *windows.size), dtype)
for number, outs, ins in windows.taps():
    dx[ins] = dy[outs] * (winner[outs] == number)
return dx
"""
AVG_POOL = """
dx = np.zeros(shape, dtype)
for _, outs, ins in windows.taps():
    dx[ins] += dy[outs]
return dx
"""
FLIPPED = """
from scratch.ops import conv
dx, dweight, dbias = conv.conv2d_backward(dy, cache)
return dx, dweight[:, :, ::-1, ::-1], dbias
"""
NORM = "return {} * (dy - dy.mean(0) - normalised * (dy * normalised).mean(0)), {}, dy.sum(0)"
SCALED = NORM.format("inverse * weight", "(dy * normalised).mean(0)")
UNSCALED = NORM.format("inverse", "(dy * normalised).sum(0)")
FAULTS = [
    ("mlp_mnist", "linear_backward", linear(dweight="x.T @ dy"), "it is transposed"),
    ("mlp_mnist", "linear_backward", linear(dbias="dy.mean(axis=0)"), "a mean over the batch"),
    ("mlp_mnist", "linear_backward", linear("dy.T @ x", "dy @ weight"), "in the order dweight, dx"),
    ("mlp_mnist", "linear_backward", "return dy @ weight, dy.T @ x", "returns 2 results"),
    ("mlp_mnist", "linear_backward", "return [1, 2, 3]", "returns a list, expected the tuple"),
    ("mlp_mnist", "linear_backward", "dx = dy @ weight", "it returns None"),
    ("mlp_mnist", "linear_backward", linear(dbias="None"), "dbias is None, expected an array"),
    ("mlp_mnist", "linear_backward", linear(dbias="'one'"), "dbias is a str, expected an array"),
    ("mlp_mnist", "linear_backward", linear(dbias="[[1], [2, 3]]"), "dbias is a list, expected"),
    ("mlp_mnist", "linear_backward", linear(dbias="np.array('a')"), "dbias is <U1, expected"),
    ("mlp_mnist", "linear_backward", "raise SystemExit(0)", "it raises SystemExit: 0"),
    ("mlp_mnist", "linear_backward", linear(dbias="dy.sum(0) + 0j"), "dbias is complex128"),
    ("mlp_mnist", "linear_backward", "return dy @ dy", r"given dy \(5, 10\), cache.x \(5, 11\), "),
    ("mlp_mnist", "linear_backward", "return dy @ wieght", r"NameError: .*line \d+: `return dy @"),
    ("mlp_mnist", "linear_backward", "while True:\n    pass", "still running after 0.3 s .*line"),
    ("mlp_mnist", "linear_backward", "dy *= 1.5\n" + linear(), "it writes into its argument dy"),
    ("mlp_mnist", "linear_backward", linear(dbias="dy.sum(0) / 0"), r"dbias\[\d\] is -?inf"),
    ("mlp_mnist", "linear_backward", linear(dbias="dy.sum(0) * np.nan"), "are NaN"),
    (
        "mlp_mnist",
        "linear_backward",
        linear("(dy.astype(np.float32) @ weight).astype(np.float32).astype(dy.dtype)"),
        "right to seven digits: something inside is float32",
    ),
    (
        "mlp_mnist",
        "linear_backward",
        linear("dy @ weight * np.float64(1)"),
        "given float32, .*dx is float64, expected float32",
    ),
    (
        "mlp_mnist",
        "linear_backward",
        linear(dweight="np.outer(dy[-1], x[-1])"),
        "only the last sample counts",
    ),
    ("mlp_mnist", "tanh_backward", "y *= -y\ny += 1\nreturn y * dy", r"its argument cache\.y"),
    ("mlp_mnist", "tanh_backward", "return 1 - y * y", "dy is not multiplied in"),
    ("mlp_mnist", "sigmoid_backward", "return dy * y", r"the derivative is y, not y \(1 - y\)"),
    (
        "mlp_mnist",
        "cross_entropy_backward",
        "return d_loss * (np.exp(log_p) - q)",
        "a sum over the batch where a mean belongs",
    ),
    (
        "mlp_mnist",
        "cross_entropy_backward",
        "return (np.exp(log_p) - q) / total",
        "the gradient of the loss that is given is not multiplied in",
    ),
    (
        "mlp_mnist",
        "cross_entropy_backward",
        "return d_loss * np.exp(log_p) / total",
        "the target is not subtracted",
    ),
    ("dnn_mnist_bn", "relu_backward", "return dy * (y >= 0)", "y >= 0 is true everywhere"),
    ("dnn_mnist_bn", "batch_norm_backward", UNSCALED, "the scale is left out"),
    ("dnn_mnist_bn", "batch_norm_backward", SCALED, "a mean where a sum belongs"),
    ("lenet5", "avg_pool2d_backward", AVG_POOL, "not divided by the size of the window"),
    ("lenet5", "conv2d_backward", FLIPPED, "the kernel is flipped"),
    ("resnet18", "max_pool2d_backward", MAX_POOL, "assigned, not added up"),
    (
        "resnet18",
        "BasicBlock__backward",
        """
d, d_skip = self.add.backward(self.relu2.backward(d_output))
d = self.relu1.backward(self.conv2.backward(self.bn2.backward(d)))
return self.conv1.backward(self.bn1.backward(d))
""",
        r"what downsample\.backward returns is not added",
    ),
    (
        "resnet18",
        "BasicBlock__backward",
        """
d, d_skip = self.add.backward(d_output)
d = self.relu1.backward(self.conv2.backward(self.bn2.backward(d)))
return self.conv1.backward(self.bn1.backward(d)) + self.downsample.backward(d_skip)
""",
        r"relu2 still keeps 1 forward\(s\)",
    ),
    ("lenet5", "Subsampling__backward", "self.pool.backward(d_output)", "raises|returns None"),
]


@pytest.mark.parametrize(("id", "name", "body", "words"), FAULTS)
def test_a_mistake_is_named(id, name, body, words, loaded):
    item = name.replace("__", ".")
    source = fill(text(id, ALL, (item,)), **{name: body})
    (grade,) = session.grade(loaded(source, 0.3))
    assert grade.state == WRONG
    assert WRONG in (grade.exact, grade.bounded, grade.network)
    told = "\n".join((grade.finding.text, *grade.finding.causes))
    assert re.search(words, told), told
