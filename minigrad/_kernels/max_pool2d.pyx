"""Max pooling: the largest value under each window, and where in its plane it stands.

Derivation: docs/derivations/max_pool2d.md

A plane is one channel of one sample; an index counts its values row by row. Once the winners are
known, the gradient and all further derivatives only move values: `scatter` adds values where the
winners stand, `gather` reads them there.
"""

from libc.math cimport INFINITY
from libc.stdint cimport int64_t

from .types cimport check_signals_every, in_float32, real
from .sliding_window cimport LARGEST, check_extent, check_steps, inside

cdef enum:
    NO_WINNER = -1   # the index of a window that lies outside the plane

ctypedef fused offset:   # of a value from the first of its window, or of its plane
    int
    Py_ssize_t


cdef inline void _take(real value, offset position, real *best, offset *winner) noexcept nogil:
    """The later value wins only if it is larger, or NaN: of equal ones the first stays."""
    # With `or`, there would be jumps, half of them guessed wrong, instead of selections.
    cdef int wins = (value > best[0]) | (value != value)
    best[0] = value if wins else best[0]
    winner[0] = position if wins else winner[0]


cdef inline void _pairs(
    const real *x, real *y, int64_t *index, Py_ssize_t W, Py_ssize_t out_h, Py_ssize_t out_w
) noexcept nogil:
    """A plane under windows of 2 × 2 side by side, the usual ones: four values, no border."""
    cdef Py_ssize_t o, p
    cdef int below = <int> W, winner
    cdef const real *row
    cdef real best
    for o in range(out_h):
        row = x + 2 * o * W
        for p in range(out_w):
            best = row[2 * p]
            winner = 0
            _take(row[2 * p + 1], <int> 1, &best, &winner)
            _take(row[2 * p + W], below, &best, &winner)
            _take(row[2 * p + W + 1], <int> (below + 1), &best, &winner)
            y[o * out_w + p] = best                                      # (1)
            index[o * out_w + p] = 2 * o * W + 2 * p + winner            # (2)


cdef inline void _row(
    const real *x, real *y, int64_t *index, Py_ssize_t H, Py_ssize_t W, Py_ssize_t out_w,
    Py_ssize_t top, Py_ssize_t left, Py_ssize_t kernel_h, Py_ssize_t kernel_w, Py_ssize_t stride_w,
    Py_ssize_t dilation_h, Py_ssize_t dilation_w
) noexcept nogil:
    """The windows whose first row of values is `top`."""
    cdef Py_ssize_t p, i, j, k, start, i0 = 0, i1 = 0, j0 = 0, j1 = 0, winner
    cdef real best
    inside(top, dilation_h, H, kernel_h, &i0, &i1)
    for p in range(out_w):
        start = p * stride_w - left
        j0, j1 = 0, kernel_w
        if start < 0 or start + (kernel_w - 1) * dilation_w >= W:
            inside(start, dilation_w, W, kernel_w, &j0, &j1)
        best = -INFINITY
        winner = NO_WINNER
        if i0 < i1 and j0 < j1:
            winner = (top + i0 * dilation_h) * W + start + j0 * dilation_w
        for i in range(i0, i1):
            k = (top + i * dilation_h) * W + start
            for j in range(j0, j1):
                _take(x[k + j * dilation_w], k + j * dilation_w, &best, &winner)
        y[p] = best                                                      # (1)
        index[p] = winner                                                # (2)


cdef int _forward(
    const real[:, :, ::1] x, real[:, :, ::1] y, int64_t[:, :, ::1] index, Py_ssize_t kernel_h,
    Py_ssize_t kernel_w, Py_ssize_t stride_h, Py_ssize_t stride_w, Py_ssize_t top, Py_ssize_t left,
    Py_ssize_t dilation_h, Py_ssize_t dilation_w
) except -1:
    cdef Py_ssize_t planes = x.shape[0], H = x.shape[1], W = x.shape[2]
    cdef Py_ssize_t out_h = y.shape[1], out_w = y.shape[2], plane, o, done = 0
    cdef const real *source
    cdef bint pairs
    if not (y.shape[0] == planes and index.shape[0] == planes
            and index.shape[1] == out_h and index.shape[2] == out_w):
        raise ValueError(
            f"max_pool2d_forward: {planes} planes give {y.shape[0]} planes of {out_h} × {out_w} "
            f"values and {index.shape[0]} of {index.shape[1]} × {index.shape[2]} indices")
    if kernel_h < 1 or kernel_w < 1:
        raise ValueError(f"max_pool2d_forward: a window of {kernel_h} × {kernel_w}")
    check_extent("max_pool2d_forward", H, W, out_h, out_w, kernel_h, kernel_w)
    check_steps(
        "max_pool2d_forward", stride_h, stride_w, top, left, dilation_h, dilation_w)
    if y.size == 0:
        return 0
    source = &x[0, 0, 0] if x.size else &y[0, 0, 0]   # an empty x is never read
    pairs = (kernel_h == kernel_w == stride_h == stride_w == 2 and top == left == 0
             and dilation_h == dilation_w == 1
             and 2 * out_h <= H and 2 * out_w <= W < LARGEST)
    with nogil:
        for plane in range(planes):
            if pairs:
                _pairs(source, &y[plane, 0, 0], &index[plane, 0, 0], W, out_h, out_w)
                check_signals_every(&done, H * W)
            else:
                for o in range(out_h):
                    _row(source, &y[plane, o, 0], &index[plane, o, 0], H, W, out_w,
                         o * stride_h - top, left, kernel_h, kernel_w, stride_w,
                         dilation_h, dilation_w)
                    check_signals_every(&done, out_w * min(kernel_h * kernel_w, H * W))
            source += H * W
    return 0


def max_pool2d_forward(
    x not None, y not None, index not None, kernel_h, kernel_w, stride_h, stride_w, top, left,
    dilation_h, dilation_w
):
    """y, the largest value under each window, and index, where it stands.

    y[n, o, p] = max x[n, h, w],                                            (1)
    h = o · stride_h + i · dilation_h − top, w = p · stride_w + j · dilation_w − left
    index[n, o, p] = h · W + w of the first such h, w                       (2)

    x (planes, H, W); y and index (planes, out_h, out_w), index int64. A NaN counts as the largest,
    and the last of them wins. A window that lies outside gives −∞ and the index −1.
    """
    if in_float32("max_pool2d_forward", x):
        _forward[float](x, y, index, kernel_h, kernel_w, stride_h, stride_w, top, left,
                        dilation_h, dilation_w)
    else:
        _forward[double](x, y, index, kernel_h, kernel_w, stride_h, stride_w, top, left,
                         dilation_h, dilation_w)


cdef int _check(
    str kernel, Py_ssize_t planes, Py_ssize_t dy_planes, Py_ssize_t dy_size,
    const int64_t[:, ::1] index
) except -1:
    if not (planes == dy_planes == index.shape[0] and dy_size == index.shape[1]):
        raise ValueError(
            f"{kernel}: x has {planes} planes, y {dy_planes} of {dy_size} values, index "
            f"{index.shape[0]} of {index.shape[1]}")
    return 0


cdef int _outside(str kernel, int64_t position, Py_ssize_t size) except -1:
    raise ValueError(f"{kernel}: the index {position} is outside a plane of {size} values")


cdef int _scatter(const real[:, ::1] dy, const int64_t[:, ::1] index, real[:, ::1] dx) except -1:
    cdef Py_ssize_t planes = dx.shape[0], size = dx.shape[1], windows = dy.shape[1]
    cdef Py_ssize_t plane, p, position = NO_WINNER, done = 0
    _check("max_pool2d_scatter", planes, dy.shape[0], windows, index)
    with nogil:
        for plane in range(planes):
            for p in range(size):
                dx[plane, p] = 0                                         # (3)
            for p in range(windows):
                position = index[plane, p]
                if 0 <= position < size:
                    dx[plane, position] += dy[plane, p]                  # (3)
                elif position != NO_WINNER:
                    with gil:
                        _outside("max_pool2d_scatter", position, size)
            check_signals_every(&done, size + windows)
    return 0


def max_pool2d_scatter(dy not None, index not None, dx not None):
    """dx: each value of dy is added where its window's winner stands.

    dx[n, k] = Σ dy[n, p] over all p with index[n, p] = k                   (3)

    dy and index (planes, windows), dx (planes, H·W). The index −1 is nowhere.
    """
    if in_float32("max_pool2d_scatter", dy):
        _scatter[float](dy, index, dx)
    else:
        _scatter[double](dy, index, dx)


cdef int _gather(const real[:, ::1] x, const int64_t[:, ::1] index, real[:, ::1] y) except -1:
    cdef Py_ssize_t planes = x.shape[0], size = x.shape[1], windows = y.shape[1]
    cdef Py_ssize_t plane, p, position, done = 0
    _check("max_pool2d_gather", planes, y.shape[0], windows, index)
    with nogil:
        for plane in range(planes):
            for p in range(windows):
                position = index[plane, p]
                if 0 <= position < size:
                    y[plane, p] = x[plane, position]                     # (4)
                elif position == NO_WINNER:
                    y[plane, p] = 0                                      # (4)
                else:
                    with gil:
                        _outside("max_pool2d_gather", position, size)
            check_signals_every(&done, windows)
    return 0


def max_pool2d_gather(x not None, index not None, y not None):
    """y: what x has where each window's winner stands.

    y[n, p] = x[n, index[n, p]]                                             (4)

    x (planes, H·W), index and y (planes, windows). What stands at the index −1 is 0.
    """
    if in_float32("max_pool2d_gather", x):
        _gather[float](x, index, y)
    else:
        _gather[double](x, index, y)
