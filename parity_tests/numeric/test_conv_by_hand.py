"""The worked examples of sections 17.1 to 17.4 of the book: consecutive integers, exact results.

Images, kernels and gradients are 0, 1, 2, ... in the order of their axes, so that every number
below can be had with pencil and paper; some of the sums are written out.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from scratch.ops import conv, conv_naive
from scratch.ops.checks import ShapeError

Ways = tuple[Callable, Callable]
WAYS = {
    "loops": (conv_naive.conv2d, conv_naive.conv2d_backward),
    "fast": (conv.conv2d, conv.conv2d_backward),
}


@pytest.fixture(params=WAYS)
def ways(request: pytest.FixtureRequest) -> Ways:
    return WAYS[request.param]


@pytest.fixture(params=[np.float32, np.float64])
def dtype(request: pytest.FixtureRequest) -> type:
    return request.param


def counted(dtype: type, *shape: int) -> np.ndarray:
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


def test_one_channel_forward_and_backward(ways: Ways, dtype: type) -> None:
    forward, backward = ways
    y, cache = forward(counted(dtype, 1, 1, 3, 3), counted(dtype, 1, 1, 2, 2))
    # 0*0 + 1*1 + 2*3 + 3*4 = 19, one pixel further 0*1 + 1*2 + 2*4 + 3*5 = 25
    assert y.tolist() == [[[[19, 25], [37, 43]]]]
    dx, dweight, _ = backward(counted(dtype, 1, 1, 2, 2), cache)
    # Kernel and gradient are the same numbers, so the weights see what the output saw.
    assert dweight.tolist() == [[[[19, 25], [37, 43]]]]
    # In the middle lie all four: 0*3 + 1*2 + 2*1 + 3*0 = 4; in the last corner 3*3 = 9.
    assert dx.tolist() == [[[[0, 0, 1], [0, 4, 6], [4, 12, 9]]]]


def test_two_images_of_three_channels_forward(ways: Ways, dtype: type) -> None:
    y, _ = ways[0](counted(dtype, 2, 3, 3, 3), counted(dtype, 2, 3, 2, 2))
    assert y.dtype == dtype
    # Three channels of the first patch: (0*0 + 1*1 + 2*3 + 3*4) + (4*9 + 5*10 + 6*12 + 7*13)
    # + (8*18 + 9*19 + 10*21 + 11*22) = 19 + 249 + 767 = 1035.
    assert y.tolist() == [
        [[[1035, 1101], [1233, 1299]], [[2619, 2829], [3249, 3459]]],
        [[[2817, 2883], [3015, 3081]], [[8289, 8499], [8919, 9129]]],
    ]


def test_two_images_of_three_channels_backward(ways: Ways, dtype: type) -> None:
    forward, backward = ways
    _, cache = forward(counted(dtype, 2, 3, 3, 3), counted(dtype, 2, 3, 2, 2))
    dx, dweight, _ = backward(counted(dtype, 2, 2, 2, 2), cache)
    # The book divides by the two images: 2 * 564 = (0*0 + 1*1 + 2*3 + 3*4)
    # + (8*27 + 9*28 + 10*30 + 11*31).
    assert (dweight / 2).reshape(2, 3, 4).tolist() == [
        [[564, 586, 630, 652], [762, 784, 828, 850], [960, 982, 1026, 1048]],
        [[812, 850, 926, 964], [1154, 1192, 1268, 1306], [1496, 1534, 1610, 1648]],
    ]
    # The first corner lies in one patch of either kernel: 0*0 + 4*12 = 48; the last one, too:
    # 11*11 + 15*23 = 466.
    assert dx.reshape(2, 3, 9).tolist() == [
        [
            [48, 112, 66, 128, 296, 172, 88, 200, 114],
            [64, 152, 90, 176, 408, 236, 120, 272, 154],
            [80, 192, 114, 224, 520, 300, 152, 344, 194],
        ],
        [
            [144, 320, 178, 352, 776, 428, 216, 472, 258],
            [224, 488, 266, 528, 1144, 620, 312, 672, 362],
            [304, 656, 354, 704, 1512, 812, 408, 872, 466],
        ],
    ]


def test_a_bias_is_added_everywhere_and_gets_the_sum_of_its_map(ways: Ways, dtype: type) -> None:
    forward, backward = ways
    x, weight = counted(dtype, 2, 3, 3, 3), counted(dtype, 2, 3, 2, 2)
    y, cache = forward(x, weight, np.array([5, -7], dtype))
    assert y[:, :, 0, 0].tolist() == [[1035 + 5, 2619 - 7], [2817 + 5, 8289 - 7]]
    # Maps of kernel 0 hold 0..3 and 8..11, of kernel 1 4..7 and 12..15.
    assert backward(counted(dtype, 2, 2, 2, 2), cache)[2].tolist() == [6 + 38, 22 + 54]


def test_the_kernel_is_not_flipped(ways: Ways, dtype: type) -> None:
    x = np.zeros((1, 1, 3, 3), dtype)
    x[0, 0, 1, 1] = 1
    y, _ = ways[0](x, counted(dtype, 1, 1, 3, 3), padding=1)
    # The point meets the last tap first: its image is the kernel, turned by half a turn.
    assert y.tolist() == [[[[8, 7, 6], [5, 4, 3], [2, 1, 0]]]]


def test_a_colour_image_and_two_kernels_of_five(ways: Ways) -> None:
    x, weight = np.zeros((1, 3, 32, 32)), np.zeros((2, 3, 5, 5))
    assert ways[0](x, weight)[0].shape == (1, 2, 28, 28)


# side, kernel, padding, stride: floor((side - kernel + 2 padding) / stride) + 1
SIZES = {
    (5, 3, 0, 1): 3,
    (5, 3, 1, 1): 5,
    (5, 3, 0, 2): 2,
    (6, 3, 0, 2): 2,  # floor(1.5) + 1: the last column is never seen
    (7, 3, 0, 3): 2,
    (5, 5, 0, 9): 1,
    (1, 1, 0, 1): 1,
    (1, 3, 1, 2): 1,
    (224, 7, 3, 2): 112,
    (227, 11, 0, 4): 55,
    (224, 11, 2, 4): 55,
}


@pytest.mark.parametrize("case", SIZES)
def test_sizes_are_floored(ways: Ways, case: tuple[int, int, int, int]) -> None:
    side, kernel, padding, stride = case
    x, weight = np.ones((1, 1, side, kernel)), np.ones((1, 1, kernel, kernel))
    y, _ = ways[0](x, weight, stride=(stride, 1), padding=(padding, 0))
    assert y.shape == (1, 1, SIZES[case], 1)


def test_a_column_that_no_patch_reaches_gets_no_gradient(ways: Ways) -> None:
    forward, backward = ways
    _, cache = forward(np.ones((1, 1, 6, 6)), np.ones((1, 1, 3, 3)), stride=2)
    dx, _, _ = backward(np.ones((1, 1, 2, 2)), cache)
    # Rows 0..2 and 2..4 make the two patches; row 2 lies in both, row 5 in none.
    assert dx[0, 0, 0].tolist() == [1, 1, 2, 1, 1, 0]
    assert dx[0, 0, 2].tolist() == [2, 2, 4, 2, 2, 0]
    assert dx[0, 0, 5].tolist() == [0, 0, 0, 0, 0, 0]


def test_a_kernel_larger_than_the_image_is_refused(ways: Ways) -> None:
    with pytest.raises(ShapeError):
        ways[0](np.ones((1, 1, 2, 2)), np.ones((1, 1, 3, 3)))
