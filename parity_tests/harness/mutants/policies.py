"""The usual tolerances of other projects, as data under comparison: none of them judges anything.

For every planted fault it is counted which of these policies would have let it live, given the
very inputs of our cases, weights and buffers moved, two passes and all: kinder than the projects
are to themselves. Where a project takes a cotangent of ones, so does its policy. Forward-only
projects are given the gradients too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Policy:
    """One project's idea of equal.

    Attributes:
        name: of the project or of the function.
        source: where the numbers stand.
        rtol: relative to the reference.
        atol: absolute, for the output.
        gradient_atol: absolute, for gradients.
        ones: whether the cotangent is of ones.
        nan_equal: whether NaN equals NaN.
        dtype: whether the dtypes must be equal.
    """

    name: str
    source: str
    rtol: float
    atol: float
    gradient_atol: float
    ones: bool = False
    nan_equal: bool = True
    dtype: bool = True

    def agrees(self, tensor: str, got: Array, want: Array) -> bool:
        """Whether two tensors are equal to this policy; "output" is held to `atol`."""
        if got.shape != want.shape or (self.dtype and got.dtype != want.dtype):
            return False
        with np.errstate(invalid="ignore", over="ignore"):
            atol = self.atol if tensor == "output" else self.gradient_atol
            near = np.abs(got - want) <= atol + self.rtol * np.abs(want)
        near |= got == want  # infinities
        if self.nan_equal:
            near |= np.isnan(got) & np.isnan(want)
        return bool(np.all(near))


POLICIES: tuple[Policy, ...] = (
    # NumPy's assert_almost_equal to three decimals, which is |a - b| < 1.5e-3, with np.ones_like as
    # the gradient of the output, in most of its tests of layers.
    Policy(
        "numpy-ml",
        "github.com/ddbourgin/numpy-ml numpy_ml/tests/test_nn.py",
        rtol=0.0,
        atol=1.5e-3,
        gradient_atol=1.5e-3,
        ones=True,
        dtype=False,
    ),
    # helper_test_op(atol=1e-6, rtol=1e-3, grad_atol=1e-4, grad_rtol=1e-3), on out.sum().
    Policy(
        "tinygrad",
        "github.com/tinygrad/tinygrad test/test_ops.py",
        rtol=1e-3,
        atol=1e-6,
        gradient_atol=1e-4,
        ones=True,
    ),
    # VerificationOptions(rtol=1e-3, atol=1e-7), assert_close(..., equal_nan=True).
    Policy(
        "torch export",
        "github.com/pytorch/pytorch torch/onnx/verification.py",
        rtol=1e-3,
        atol=1e-7,
        gradient_atol=1e-7,
    ),
    # load_model_tests: rtol 1e-3, atol 1e-7; dtype equal, then np.testing.assert_allclose.
    Policy(
        "ONNX backend",
        "github.com/onnx/onnx onnx/backend/test/loader/__init__.py",
        rtol=1e-3,
        atol=1e-7,
        gradient_atol=1e-7,
    ),
    # np.allclose(ref, ort, atol=ATOL_FOR_VALIDATION = 1e-5), whose rtol stays at NumPy's 1e-5.
    Policy(
        "optimum",
        "github.com/huggingface/optimum optimum/exporters/onnx/convert.py",
        rtol=1e-5,
        atol=1e-5,
        gradient_atol=1e-5,
        nan_equal=False,
        dtype=False,
    ),
    # torch.testing.assert_close, float32.
    Policy(
        "assert_close",
        "github.com/pytorch/pytorch torch/testing/_comparison.py",
        rtol=1.3e-6,
        atol=1e-5,
        gradient_atol=1e-5,
        nan_equal=False,
    ),
)
