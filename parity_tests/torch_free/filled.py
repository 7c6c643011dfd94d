"""A student's work: bodies written from the docstrings of an exercise, and put into it."""

from __future__ import annotations

BODIES = {
    "linear_backward": """
dweight = dy.T @ x
return dy @ weight, dweight, dy.sum(axis=0)
""",
    "tanh_backward": "return dy * (1 - y**2)",
    "sigmoid_backward": "return dy * y * (1 - y)",
    "relu_backward": "return dy * (y > 0)",
    "cross_entropy_backward": "return d_loss * (np.exp(log_p) - q) / total",
    "bce_with_logits_backward": "return d_loss * slope / slope.size",
    "half_mse_loss_backward": "return d_loss * difference / len(difference)",
    "log_backward": "return dy * slope",
    "sqrt_backward": "return dy * slope",
    "square_backward": "return dy * slope",
    "affine_backward": "return dy * slope",
    "sin_backward": "return dy * slope",
    "elu_backward": "return dy * slope",
    "multiply_backward": "return dy * b, dy * a",
    "mse_loss_backward": "return d_loss * 2 * difference / difference.size",
    "tanh_cross_entropy_backward": "return d_loss * slope / samples",
    "dropout_backward": "return dy * factor",
    "powers_backward": """
dx = np.zeros_like(x)
for k in range(dy.shape[1]):
    dx[:, 0] += dy[:, k] * (k + 1) * x[:, 0] ** k
return dx
""",
    "local_response_norm_backward": """
dx = dy * sums**-beta
channels = x.shape[1]
for c in range(channels):
    for j in range(max(0, c - size // 2), min(channels, c + (size - 1) // 2 + 1)):
        slope = -beta * x[:, c] * sums[:, c] ** (-beta - 1) * alpha / size * 2 * x[:, j]
        dx[:, j] += dy[:, c] * slope
return dx
""",
    "add_backward": "return dy.copy(), dy.copy()",
    "channel_scale_backward": """
dx = dy * weight[:, None, None]
return dx, (dy * x).sum(axis=(0, 2, 3)), dy.sum(axis=(0, 2, 3))
""",
    "spread_kernels_backward": "return ddense[targets, sources]",
    "conv2d_backward": """
(kh, kw), (sh, sw), (oh, ow) = geometry.kernel, geometry.stride, geometry.out
(top, bottom), (left, right) = geometry.padding
image = np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)))
d_image = np.zeros_like(image)
dweight = np.zeros_like(weight)
outs, ins = len(weight) // groups, x.shape[1] // groups
for g in range(groups):
    o, c = slice(g * outs, (g + 1) * outs), slice(g * ins, (g + 1) * ins)
    for i in range(kh):
        for j in range(kw):
            seen = np.s_[:, c, i : i + sh * (oh - 1) + 1 : sh, j : j + sw * (ow - 1) + 1 : sw]
            dweight[o, :, i, j] = np.einsum("nohw,nchw->oc", dy[:, o], image[seen])
            d_image[seen] += np.einsum("nohw,oc->nchw", dy[:, o], weight[o, :, i, j])
dx = d_image[:, :, top : top + x.shape[2], left : left + x.shape[3]]
return dx, dweight, dy.sum(axis=(0, 2, 3)) if has_bias else None
""",
    "avg_pool2d_backward": """
dx = np.zeros(shape, dtype)
for _, outs, ins in windows.taps():
    dx[ins] += (dy / divisor)[outs]
return dx
""",
    "max_pool2d_backward": """
dx = np.zeros((*winner.shape[:2], *windows.size), dtype)
for number, outs, ins in windows.taps():
    dx[ins] += dy[outs] * (winner[outs] == number)
return dx
""",
    "adaptive_avg_pool2d_backward": """
dx = np.zeros(shape, dtype)
for i, r in enumerate(rows):
    for j, c in enumerate(columns):
        dx[:, :, r, c] += dy[:, :, i, j, None, None] / ((r.stop - r.start) * (c.stop - c.start))
return dx
""",
    "concat_backward": """
ends = np.cumsum(sizes)
return tuple(np.take(dy, range(b - a, b), axis).copy() for a, b in zip(sizes, ends))
""",
    "batch_norm_backward": """
axes = (0, *range(2, dy.ndim))
around = (-1, *[1] * (dy.ndim - 2))
m = dy.size // dy.shape[1]
dweight, dbias = (dy * normalised).sum(axis=axes), dy.sum(axis=axes)
mean, slope = (dbias / m).reshape(around), (dweight / m).reshape(around)
return (weight * inverse).reshape(around) * (dy - mean - normalised * slope), dweight, dbias
""",
    "Subsampling.backward": """
d = self.scale.backward(self.squash.backward(d_output))
return self.pool.backward(d)
""",
    "LeNet5.backward": """
d = self.f6_squash.backward(self.output.backward(d_output))
d = self.c5_squash.backward(self.flatten.backward(self.f6.backward(d)))
d = self.c3_squash.backward(self.s4.backward(self.c5.backward(d)))
return self.c1.backward(self.c1_squash.backward(self.s2.backward(self.c3.backward(d))))
""",
    "BasicBlock.backward": """
d, d_skip = self.add.backward(self.relu2.backward(d_output))
d = self.relu1.backward(self.conv2.backward(self.bn2.backward(d)))
return self.conv1.backward(self.bn1.backward(d)) + self.downsample.backward(d_skip)
""",
}


def fill(text: str, **faults: str) -> str:
    """Return an exercise with every body that is known put in.

    Args:
        text: of the exercise.
        **faults: other bodies, by name, a dot in it written "__".
    """
    bodies = {**BODIES, **{name.replace("__", "."): body for name, body in faults.items()}}
    lines = []
    for line in text.splitlines():
        todo = line.strip()
        name = todo.removeprefix('raise NotImplementedError("').partition(":")[0]
        if todo.startswith("raise NotImplementedError") and name in bodies:
            indent = line[: len(line) - len(line.lstrip())]
            lines += [indent + part if part else "" for part in bodies[name].strip().splitlines()]
        else:
            lines.append(line)
    return "\n".join(lines) + "\n"
