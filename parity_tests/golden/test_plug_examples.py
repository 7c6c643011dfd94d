"""Three implementations of somebody else's in the plug: NumPy, C through ctypes, an exercise.

The NumPy layers stand in test_plug.py; here are the other two.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch

from parity_tests.harness.exercise import skeleton, student, torch_judge
from parity_tests.harness.exercise.items import ALL, items_of
from parity_tests.harness.exercise.network import Network
from parity_tests.harness.exercise.plugged import implementation
from parity_tests.plug import DivergenceError, check
from parity_tests.torch_free.filled import fill

SOURCE = Path(__file__).with_name("dense.c")


def compiled(folder, bug=0):
    """Return the library, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    assert compiler, "this test compiles dense.c and finds no C compiler (cc, gcc or clang)"
    library = folder / f"dense{bug}.so"
    flags = ["-std=c99", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", f"-DBUG={bug}"]
    subprocess.run([compiler, *flags, str(SOURCE), "-o", str(library)], check=True)
    return ctypes.CDLL(str(library))


def pointer(array):
    return np.ascontiguousarray(array).ctypes.data_as(ctypes.POINTER(ctypes.c_double))


def dense(library):
    """Return the C layer as a function that the plug calls."""

    def mine(given):
        x, dy = np.ascontiguousarray(given["input"]), np.ascontiguousarray(given["d_output"])
        weight, bias = (np.ascontiguousarray(given[f"parameter.{n}"]) for n in ("weight", "bias"))
        y, dx, dweight, dbias = map(np.empty_like, (dy, x, weight, bias))
        sizes = [ctypes.c_size_t(size) for size in (*x.shape, len(weight))]
        library.dense(*map(pointer, (x, weight, bias, y)), *sizes)
        library.dense_backward(*map(pointer, (dy, x, weight, dx, dweight, dbias)), *sizes)
        found = {"output": y, "d_input": dx}
        return {**found, "gradient.weight": dweight, "gradient.bias": dbias}

    return mine


def test_a_layer_in_c_passes_and_its_bug_is_named(tmp_path):
    reports = check(dense(compiled(tmp_path)), torch.nn.Linear(3, 2), shape=(5, 3))
    assert [len(report.given) for report in reports] == [4, 4]
    with pytest.raises(DivergenceError, match=r"gradient\.weight fits if only the last sample"):
        check(dense(compiled(tmp_path, bug=1)), torch.nn.Linear(3, 2), shape=(5, 3))


@pytest.fixture
def handed_in(tmp_path):
    def write(chapter, **faults):
        network = Network(chapter)
        path = tmp_path / "mine.py"
        text = skeleton.write(network, items_of(network, ALL), path.name)
        path.write_text(fill(text, **faults))
        return student.load(path)

    return write


MLP = {"MLP__backward": "return self.flatten.backward(self.layers.backward(d_output))"}


def test_an_exercise_passes_and_its_mistake_is_named(handed_in):
    mine = handed_in("mlp_mnist", **MLP)
    check(implementation(mine), mine.chapter)
    wrong = handed_in("mlp_mnist", tanh_backward="return dy * (1 - y)", **MLP)
    with pytest.raises(DivergenceError, match=r"first divergence: gradient\.layers\.fc2\.weight"):
        check(implementation(wrong), wrong.chapter)
    unscaled = "return d_loss * (np.exp(log_p) - q)"
    wrong = handed_in("mlp_mnist", cross_entropy_backward=unscaled, **MLP)
    with pytest.raises(DivergenceError, match="d_output fits if it is N = 5 times too large"):
        check(implementation(wrong), wrong.chapter)


def test_torch_judges_what_is_handed_in(handed_in):
    judged = torch_judge.judge(handed_in("lenet5"))
    assert judged.finding is None
    assert judged.tensors > 100
    wrong = handed_in("lenet5", linear_backward="return dy @ weight, dy.T @ x, dy.mean(axis=0)")
    assert "L0: f6 backward bias: " in torch_judge.judge(wrong).finding.text
