"""Two-dimensional convolution: one small set of weights looks at every patch of an image.

The direct algorithm. All patches are written as the rows of a matrix (im2col), and the convolution
becomes one matrix product: a row of patches times a column per kernel. The matrix is made in pieces
of about 1 MiB, each multiplied while it lies in the cache; the images lie channels last. The
shapes remain those of the textbook, (N, C, H, W).
"""

from typing import NamedTuple

import numpy as np

from scratch.ops import checks, conv_taps, conv_tiles, conv_whole, layout
from scratch.ops.checks import Array, IntOrPair, Padding, ShapeError
from scratch.ops.patches import (
    Geometry,
    channels_last,
    columns_of,
    crop,
    geometry,
    pad,
    pieces,
    seen_by,
)


class ConvCache(NamedTuple):
    """What the backward pass needs; the columns are made again, for they take kh * kw times x."""

    x: Array
    weight: Array
    has_bias: bool
    groups: int
    geometry: Geometry
    needs_dx: bool


def conv2d(
    x: Array,
    weight: Array,
    bias: Array | None = None,
    stride: IntOrPair = 1,
    padding: Padding = 0,
    dilation: IntOrPair = 1,
    groups: int = 1,
    needs_dx: bool = True,
) -> tuple[Array, ConvCache]:
    r"""Slide every kernel over every image and take the sum of products at each position.

    .. math::
        y_{n,o,p,q} = b_o + \sum_{c,i,j} w_{o,c,i,j}\; \tilde x_{n,\,c,\,ps + id,\,qs + jd}

    with the stride *s*, the dilation *d* and :math:`\tilde x` the image inside its border of zeros.
    The kernel is not flipped (mathematically this is a cross-correlation). With *groups* g, the
    input and output channels fall into g equal parts and part k of the output sees part k alone.

    Args:
        x: ``(N, C, H, W)``.
        weight: ``(O, C / groups, kh, kw)``.
        bias: ``(O,)`` or None.
        stride: Pixels from one position to the next, one number or (vertical, horizontal).
        padding: Zeros on every side: one number, (vertical, horizontal), or
            ``((top, bottom), (left, right))``.
        dilation: Pixels from one tap of the kernel to the next.
        groups: Number of independent parts.
        needs_dx: Whether the backward pass shall return the gradient of ``x``.

    Returns:
        ``y`` of shape ``(N, O, OH, OW)`` and the cache for :func:`conv2d_backward`. In memory the
        channels lie last, or the batch where :mod:`scratch.ops.conv_tiles` or
        :mod:`scratch.ops.conv_whole` is the faster way (:mod:`scratch.ops.conv_taps` is a third).

    Raises:
        ShapeError: Sizes or dtypes do not fit together, or the kernel is larger than the image.

    LeCun, Bottou, Bengio & Haffner 1998, Gradient-based learning applied to document recognition,
    section II.A; Dumoulin & Visin 2016, arXiv:1603.07285; the book, chapter 17.

    >>> x = np.arange(27.0).reshape(1, 3, 3, 3)  # the book's example of section 17.2
    >>> weight = np.arange(24.0).reshape(2, 3, 2, 2)
    >>> y, _ = conv2d(x, weight)
    >>> y[0, 0].tolist()  # 0*0 + 1*1 + 2*3 + 3*4 + 4*9 + ... + 11*22 = 1035
    [[1035.0, 1101.0], [1233.0, 1299.0]]
    """
    checks.shape(weight, "O", "C / groups", "kh", "kw")
    checks.floating(weight)
    out_channels, group_channels, kh, kw = weight.shape
    if groups < 1 or out_channels % groups:
        raise ShapeError(f"groups that divide {out_channels} output channels", groups)
    checks.shape(x, "N", group_channels * groups, "H", "W")
    checks.same_dtype(x, weight.dtype)
    if bias is not None:
        checks.shape(bias, out_channels)
        checks.same_dtype(bias, weight.dtype)
    g = geometry(
        (x.shape[2], x.shape[3]),
        (kh, kw),
        checks.pair(stride, "stride"),
        checks.sides(padding),
        checks.pair(dilation, "dilation"),
    )

    cache = ConvCache(x, weight, bias is not None, groups, g, needs_dx)
    if conv_whole.suits(x.shape, groups, g):
        return conv_whole.forward(x, weight, bias), cache
    if conv_taps.suits(x.shape, groups, g):
        return conv_taps.forward(x, weight, bias, g), cache
    if conv_tiles.suits(len(x), weight, groups, g) and conv_tiles.finite(x):
        x = layout.images_first(layout.images_last(x))
        return conv_tiles.forward(x, weight, bias, g), cache._replace(x=x)
    return _direct(x, weight, bias, groups, g), cache


def _direct(
    x: Array, weight: Array, bias: Array | None, groups: int, g: Geometry, turned: bool = False
) -> Array:
    """Return y: the patches, one per row, times the kernels, one per column."""
    out_channels, group_channels = weight.shape[:2]
    image = pad(x, g)
    y = np.empty((len(x), *g.out, out_channels), x.dtype)
    y_rows = y.reshape(-1, out_channels)  # (positions, O)
    for ins, outs in _parts(group_channels, out_channels, groups):
        matrix = _matrix(weight[outs], turned)
        line = None if bias is None else np.tile(bias[outs], (g.out[1], 1))  # (OW, O / groups)
        for columns, positions in columns_of(image[..., ins], g):
            product = y_rows[positions, outs]
            np.matmul(columns, matrix, out=product)
            if line is not None:
                lines = product.reshape(-1, *line.shape)  # a view
                lines += line
    return y.transpose(0, 3, 1, 2)


def conv2d_backward(dy: Array, cache: ConvCache) -> tuple[Array | None, Array, Array | None]:
    r"""Carry the gradient of the output to image, kernels and bias.

    With the patches as rows of a matrix *A* and the kernels as columns of *W*, the forward pass is
    :math:`Y = A W + b`, a fully connected layer applied at every position. Hence

    .. math:: dW = A^T dY, \qquad dA = dY\, W^T, \qquad db = \sum_{positions} dY.

    Every entry of *A* is a copy of one pixel, and a pixel lies in up to :math:`kh \cdot kw`
    patches; its gradient is the sum over all copies, so dA is added back to where the patches were
    taken from (col2im), one tap of the kernel at a time. What falls on the border is dropped. Index
    by index:

    .. math::
        dw_{o,c,i,j} = \sum_{n,p,q} dy_{n,o,p,q}\; \tilde x_{n,\,c,\,ps+id,\,qs+jd}, \qquad
        d\tilde x_{n,c,u,v} = \sum_{ps+id=u,\; qs+jd=v}\ \sum_o dy_{n,o,p,q}\; w_{o,c,i,j}.

    Args:
        dy: ``(N, O, OH, OW)``.
        cache: What :func:`conv2d` returned.

    Returns:
        ``dx (N, C, H, W)`` (None if it was not asked for), ``dweight (O, C / groups, kh, kw)`` and
        ``dbias (O,)`` (None without a bias).

    Raises:
        ShapeError: ``dy`` has not the shape and dtype of ``y``.

    The book, section 17.4.

    >>> x, weight = np.arange(9.0).reshape(1, 1, 3, 3), np.array([[[[1.0, 2.0], [3.0, 4.0]]]])
    >>> _, cache = conv2d(x, weight, np.zeros(1))
    >>> dy = np.array([[[[1.0, 0.0], [0.0, 10.0]]]])  # the first patch and ten times the last
    >>> dx, dweight, dbias = conv2d_backward(dy, cache)
    >>> dx[0, 0].tolist()
    [[1.0, 2.0, 0.0], [3.0, 14.0, 20.0], [0.0, 30.0, 40.0]]
    >>> dweight[0, 0].tolist(), dbias.tolist()  # 0 + 10*4, 1 + 10*5, 3 + 10*7, 4 + 10*8
    ([[40.0, 51.0], [73.0, 84.0]], [11.0])
    """
    x, weight, has_bias, groups, g, needs_dx = cache
    checks.gradient(dy, (len(x), len(weight), *g.out), weight.dtype)
    if conv_whole.suits(x.shape, groups, g):
        dx, dweight, dbias = conv_whole.backward(dy, x, weight, needs_dx)
    elif conv_taps.suits(x.shape, groups, g):
        dx, dweight, dbias = conv_taps.backward(dy, x, weight, g, needs_dx)
    elif conv_tiles.suits(len(x), weight, groups, g) and conv_tiles.finite(dy):
        dx, dweight, dbias = conv_tiles.backward(dy, x, weight, g, needs_dx)
    else:
        dx, dweight, dbias = _direct_backward(dy, cache)
    return dx, dweight, dbias if has_bias else None


def _direct_backward(dy: Array, cache: ConvCache) -> tuple[Array | None, Array, Array]:
    """Return dx, dweight and dbias, group by group."""
    x, weight, _, groups, g, needs_dx = cache
    out_channels, group_channels, kh, kw = weight.shape
    dy_rows = channels_last(dy).reshape(-1, out_channels)  # (positions, O)
    image = pad(x, g)
    dx = _dx_by_turning(dy, weight, groups, g) if needs_dx else None
    d_image = np.zeros_like(image) if needs_dx and dx is None else None
    dweight = np.empty_like(weight)
    for ins, outs in _parts(group_channels, out_channels, groups):
        d_matrix = _d_matrix(image[..., ins], dy_rows[:, outs], g)  # (O, kh * kw * C / groups)
        dweight[outs] = d_matrix.reshape(-1, kh, kw, group_channels).transpose(0, 3, 1, 2)
        if d_image is not None:
            _add_d_image(d_image[..., ins], dy_rows[:, outs], weight[outs], g)
    dbias = np.ones(len(dy_rows), dy.dtype) @ dy_rows
    return dx if d_image is None else crop(d_image, g), dweight, dbias


def _dx_by_turning(dy: Array, weight: Array, groups: int, g: Geometry) -> Array | None:
    """Return dx as the convolution of dy with the kernels turned by 180 degrees, or None.

    Pixel u meets output p through tap u - p: read backwards, the kernel slides over dy inside a
    border of kh - 1 - padding. With no more maps in dy than in x this takes 0.8 of col2im's time.
    """
    kh, kw = g.kernel
    border = tuple((k - 1 - a, k - 1 - b) for k, (a, b) in zip(g.kernel, g.padding, strict=True))
    plain = groups == 1 and g.stride == g.dilation == (1, 1) and not g.is_pointwise
    if not plain or len(weight) > weight.shape[1] or min(*border[0], *border[1]) < 0:
        return None
    if not conv_tiles.finite(weight):  # zero times infinity
        return None
    turned = weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3)  # (C, O, kh, kw)
    back = geometry((dy.shape[2], dy.shape[3]), (kh, kw), (1, 1), (border[0], border[1]), (1, 1))
    return _direct(dy, turned, None, 1, back, turned=True)


def _parts(group_channels: int, out_channels: int, groups: int) -> list[tuple[slice, slice]]:
    """Return the slice of input channels and the slice of output channels of each group."""
    step = out_channels // groups
    return [
        (slice(k * group_channels, (k + 1) * group_channels), slice(k * step, (k + 1) * step))
        for k in range(groups)
    ]


def _matrix(weight: Array, turned: bool) -> Array:
    """Return the kernels (O, C, kh, kw) as the columns of a matrix (kh * kw * C, O).

    Kernels of many maps lie in runs of C, turned ones in runs of O; along the run the copy of
    512 x 512 kernels takes a tenth of the time.
    """
    if turned:
        return np.ascontiguousarray(weight.transpose(2, 3, 1, 0)).reshape(-1, len(weight))
    return np.ascontiguousarray(weight.transpose(0, 2, 3, 1)).reshape(len(weight), -1).T


def _d_matrix(image: Array, dy_rows: Array, g: Geometry) -> Array:
    """Return the transpose of dW = A^T dY, one kernel per row, summed over the pieces of A."""
    pieces_of_sum = (dy_rows[rows].T @ columns for columns, rows in columns_of(image, g))
    total = next(pieces_of_sum)
    for term in pieces_of_sum:
        total += term
    return total


def _add_d_image(d_image: Array, dy_rows: Array, weight: Array, g: Geometry) -> None:
    """Add dA = dY W^T to the pixels that A was copied from, the columns of one tap at a time."""
    taps = np.ascontiguousarray(weight.transpose(2, 3, 0, 1))  # (kh, kw, O, C)
    n, _, _, c = d_image.shape
    if g.is_pointwise:
        np.matmul(dy_rows, taps[0, 0], out=d_image.reshape(-1, c))
        return
    for images, rows, positions in pieces(n, g.out, sum(weight.shape[:2]) * d_image.itemsize):
        shape = (images.stop - images.start, rows.stop - rows.start, g.out[1], c)
        for i, j in np.ndindex(g.kernel):
            d_columns = dy_rows[positions] @ taps[i, j]  # (positions, C)
            d_image[images, *seen_by((i, j), rows, g)] += d_columns.reshape(shape)
