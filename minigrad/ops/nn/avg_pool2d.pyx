"""Average pooling: of the values under each window, the mean.

A sum over windows is a convolution with a kernel of ones, so its derivatives are those of conv2d.
"""

import math

cimport numpy as cnp

import numpy as np

from ... import _checks
from ...errors import ShapeError
from ...tensor cimport Tensor, wrap
from .conv2d import conv2d
from .max_pool2d cimport check_padding, pooled_image, windows_along

cnp.import_array()


cdef tuple window_ends(size, kernel, step, padding, ceil_mode):
    """Where windows begin along a side, and where they end, padding included."""
    first = np.arange(windows_along(size, padding, kernel, step, 1, ceil_mode)) * step - padding
    return first, np.minimum(first + kernel, size + padding)


cdef Tensor with_zeros(Tensor x, Py_ssize_t below, Py_ssize_t right):
    """Planes with so many rows and columns of zeros more."""
    cdef Tensor y
    if below <= 0 and right <= 0:
        return x
    N, C, H, W = x.shape
    y = wrap(np.zeros((N, C, H + max(below, 0), W + max(right, 0)), (<object>x.array).dtype))
    y[:, :, :H, :W] = x
    return y


def avg_pool2d(
    input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True,
    divisor_override=None
):
    """The mean under each window: (N, C, H, W) → (N, C, out_h, out_w), or without N.

    out = (H + 2·padding − kernel_size) // stride + 1, with ceil_mode rounded up. kernel_size,
    stride (None: kernel_size) and padding (zeros, at most half of kernel_size): an integer, or a
    pair for height and width. Zeros of the padding count, unless count_include_pad is False;
    divisor_override: a number to divide every sum by. float32 or float64. Errors: ShapeError,
    DTypeError, TypeError, ValueError. torch.nn.functional.avg_pool2d.
    """
    cdef str name = "avg_pool2d"
    cdef Tensor x = pooled_image(name, input), planes
    kernel = _checks.pair(name, "kernel_size", kernel_size, at_least=1)
    steps = kernel if stride is None else _checks.pair(name, "stride", stride, at_least=1)
    edges = _checks.pair(name, "padding", padding, at_least=0)
    up = _checks.flag(name, "ceil_mode", ceil_mode)
    with_padding = _checks.flag(name, "count_include_pad", count_include_pad)
    if divisor_override is not None:
        divisor = _checks.integer(name, "divisor_override", divisor_override, at_least=1)
    check_padding(name, padding, edges, kernel_size, kernel)
    sizes, counts, missing = x.shape[x.ndim - 2:], [], []
    for size, window, step, edge in zip(sizes, kernel, steps, edges):
        first, last = window_ends(size, window, step, edge, up)
        if len(first) == 0:
            raise ShapeError(
                f"{name}: no window of kernel_size {kernel_size!r} fits into input of shape "
                f"{tuple(x.shape)} with padding {padding!r}")
        missing.append(first[len(first) - 1] + window - size - edge)
        if not with_padding:
            first, last = np.maximum(first, 0), np.minimum(last, size)
        counts.append(last - first)
    if divisor_override is None:
        divisor = np.outer(*counts).astype((<object>x.array).dtype)
    planes = x.reshape(math.prod(x.shape[:x.ndim - 2]), 1, *sizes)
    ones = wrap(np.ones((1, 1, *kernel), (<object>x.array).dtype))
    sums = conv2d(with_zeros(planes, missing[0], missing[1]), ones, None, steps, edges)
    sums = sums[:, :, :len(counts[0]), :len(counts[1])]
    return (sums / divisor).reshape(*x.shape[:x.ndim - 2], len(counts[0]), len(counts[1]))


def adaptive_avg_pool2d(input, output_size):
    """Means of windows so wide that there are output_size of them: (…, H, W) → (…, out_h, out_w).

    Window p of n goes from ⌊p · H / n⌋ to ⌈(p + 1) · H / n⌉. output_size: an integer, or a pair, in
    which None keeps a side. torch.nn.functional.adaptive_avg_pool2d.
    """
    cdef str name = "adaptive_avg_pool2d"
    cdef Tensor x = pooled_image(name, input)
    sides = output_size if isinstance(output_size, (tuple, list)) else (output_size, output_size)
    if len(sides) != 2:
        raise TypeError(f"{name}: output_size must be an integer or a pair, got {output_size!r}")
    wanted = [size if side is None else side for side, size in zip(sides, x.shape[x.ndim - 2:])]
    out_h, out_w = _checks.pair(name, "output_size", tuple(wanted), at_least=1)
    # A window is a rectangle, and its mean the mean of the means of its rows.
    rows = window_means(x, out_w)
    return window_means(rows.transpose(-1, -2), out_h).transpose(-1, -2)


cdef Tensor window_means(Tensor x, Py_ssize_t count):
    """Means of `count` windows along the last dimension."""
    cdef Tensor y
    cdef Py_ssize_t size = x.shape[x.ndim - 1], p, first, last
    if size % count == 0:
        return x.reshape(*x.shape[:x.ndim - 1], count, size // count).mean(-1)
    y = wrap(np.empty((*x.shape[:x.ndim - 1], count), (<object>x.array).dtype))
    for p in range(count):
        first, last = p * size // count, ((p + 1) * size + count - 1) // count
        y[..., p] = x[..., first:last].mean(-1)
    return y
