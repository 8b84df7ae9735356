"""Convolution: the values under every window side by side, and the way back.

Derivation: docs/derivations/conv2d.md

Convolution is a matrix product of the weight with `columns`: a column holds what lies under one
window. Here is only the traffic; `_runtime/matmul.pyx` multiplies. `gather` copies values from the
image to the columns, `scatter` adds them from the columns to the image. Both are linear, the same
sum of products x · columns seen from one side and the other: each is the gradient of the other.

`top` and `left` are the rows and columns of zeros in front. A negative number leaves out that many
instead, so that the output can be computed in parts: its rows from r on are those of an image with
r · stride fewer rows in front.
"""

from libc.string cimport memcpy, memset

from .types cimport check_signals_every, in_float32, real
from .sliding_window cimport LARGEST, check_extent, check_steps, inside

LARGEST_STEP = LARGEST   # which Python can see


cdef int _check(
    str kernel, const real[:, :, :, ::1] x, const real[:, :, :, :, :, ::1] columns
) except -1:
    if x.shape[0] != columns.shape[0] or x.shape[1] != columns.shape[1]:
        raise ValueError(
            f"{kernel}: x has {x.shape[0]} samples of {x.shape[1]} channels, columns "
            f"{columns.shape[0]} of {columns.shape[1]}")
    return check_extent(kernel, x.shape[2], x.shape[3], columns.shape[2], columns.shape[3],
                        columns.shape[4], columns.shape[5])


cdef int _gather(
    const real[:, :, :, ::1] x, real[:, :, :, :, :, ::1] columns, Py_ssize_t stride_h,
    Py_ssize_t stride_w, Py_ssize_t top, Py_ssize_t left, Py_ssize_t dilation_h,
    Py_ssize_t dilation_w
) except -1:
    cdef Py_ssize_t planes = x.shape[0] * x.shape[1], H = x.shape[2], W = x.shape[3]
    cdef Py_ssize_t kernel_h = columns.shape[2], kernel_w = columns.shape[3]
    cdef Py_ssize_t out_h = columns.shape[4], out_w = columns.shape[5]
    cdef Py_ssize_t _plane, i, j, o, p, h, start, first = 0, last = 0, done = 0
    cdef const real *source
    cdef const real *row
    cdef real *target
    _check("conv2d_gather", x, columns)
    check_steps("conv2d_gather", stride_h, stride_w, top, left, dilation_h, dilation_w)
    if columns.size == 0:
        return 0
    target = &columns[0, 0, 0, 0, 0, 0]
    source = &x[0, 0, 0, 0] if x.size else target   # an empty x is never read
    with nogil:
        for _plane in range(planes):
            for i in range(kernel_h):
                for j in range(kernel_w):
                    start = j * dilation_w - left
                    inside(start, stride_w, W, out_w, &first, &last)
                    for o in range(out_h):
                        h = o * stride_h + i * dilation_h - top
                        if not 0 <= h < H:
                            memset(target, 0, out_w * sizeof(real))          # (1)
                        else:
                            for p in range(first):
                                target[p] = 0                                # (1)
                            row = source + h * W + start
                            if stride_w == 1:
                                memcpy(target + first, row + first, (last - first) * sizeof(real))
                            else:
                                for p in range(first, last):
                                    target[p] = row[p * stride_w]            # (1)
                            for p in range(last, out_w):
                                target[p] = 0                                # (1)
                        target += out_w
                    check_signals_every(&done, out_h * out_w)
            source += H * W
    return 0


def conv2d_gather(
    x not None, columns not None, stride_h, stride_w, top, left, dilation_h, dilation_w
):
    """columns from x: for each window what lies under it, and 0 for what lies outside.

    columns[n, c, i, j, o, p] = x[n, c, h, w],                              (1)
    h = o · stride_h + i · dilation_h − top, w = p · stride_w + j · dilation_w − left

    x (N, C, H, W), columns (N, C, kernel_h, kernel_w, out_h, out_w).
    """
    if in_float32("conv2d_gather", x):
        _gather[float](x, columns, stride_h, stride_w, top, left, dilation_h, dilation_w)
    else:
        _gather[double](x, columns, stride_h, stride_w, top, left, dilation_h, dilation_w)


cdef int _scatter(
    const real[:, :, :, :, :, ::1] columns, real[:, :, :, ::1] x, Py_ssize_t stride_h,
    Py_ssize_t stride_w, Py_ssize_t top, Py_ssize_t left, Py_ssize_t dilation_h,
    Py_ssize_t dilation_w
) except -1:
    cdef Py_ssize_t planes = x.shape[0] * x.shape[1], H = x.shape[2], W = x.shape[3]
    cdef Py_ssize_t kernel_h = columns.shape[2], kernel_w = columns.shape[3]
    cdef Py_ssize_t out_h = columns.shape[4], out_w = columns.shape[5]
    cdef Py_ssize_t _plane, i, j, o, p, h, start, first = 0, last = 0, done = 0
    cdef const real *source
    cdef real *target
    cdef real *row
    _check("conv2d_scatter", x, columns)
    check_steps("conv2d_scatter", stride_h, stride_w, top, left, dilation_h, dilation_w)
    if columns.size == 0 or x.size == 0:
        return 0
    source, target = &columns[0, 0, 0, 0, 0, 0], &x[0, 0, 0, 0]
    with nogil:
        for _plane in range(planes):
            for i in range(kernel_h):
                for j in range(kernel_w):
                    start = j * dilation_w - left
                    inside(start, stride_w, W, out_w, &first, &last)
                    for o in range(out_h):
                        h = o * stride_h + i * dilation_h - top
                        if 0 <= h < H:
                            row = target + h * W + start
                            if stride_w == 1:
                                for p in range(first, last):
                                    row[p] += source[p]                      # (6)
                            else:
                                for p in range(first, last):
                                    row[p * stride_w] += source[p]           # (6)
                        source += out_w
                    check_signals_every(&done, out_h * out_w)
            target += H * W
    return 0


def conv2d_scatter(
    columns not None, x not None, stride_h, stride_w, top, left, dilation_h, dilation_w
):
    """Adds to x, in place, what stands in the columns, each where (1) would have read it.

    x[n, c, h, w] += Σ columns[n, c, i, j, o, p]                            (6)
    over all i, j, o, p with o · stride_h + i · dilation_h − top = h
    and p · stride_w + j · dilation_w − left = w
    """
    if in_float32("conv2d_scatter", x):
        _scatter[float](columns, x, stride_h, stride_w, top, left, dilation_h, dilation_w)
    else:
        _scatter[double](columns, x, stride_h, stride_w, top, left, dilation_h, dilation_w)
