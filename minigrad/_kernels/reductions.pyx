"""Sums and sums of squares over the middle axis of x (A, R, C), in double.

Every reduction over neighboring dimensions has this form: with C = 1 it adds up rows, with A = 1
columns. Derivation: docs/derivations/reductions.md
"""

cimport cython

from .rows cimport row_sum
from .types cimport SIGNAL_INTERVAL, check_signals_every, in_float32, real

cdef enum:
    PANEL = 512   # columns added up at a time, so that their totals stay in the first-level cache


cdef inline double _row_squares(const real *x, double mean, Py_ssize_t R) noexcept nogil:
    """Σ_r (x_r − mean)²"""
    cdef double s0 = 0, s1 = 0, s2 = 0, s3 = 0, d0, d1, d2, d3
    cdef Py_ssize_t r, blocks = R - R % 4
    for r in range(0, blocks, 4):
        d0 = x[r] - mean
        d1 = x[r + 1] - mean
        d2 = x[r + 2] - mean
        d3 = x[r + 3] - mean
        s0 += d0 * d0
        s1 += d1 * d1
        s2 += d2 * d2
        s3 += d3 * d3
    for r in range(blocks, R):
        d0 = x[r] - mean
        s0 += d0 * d0
    return (s0 + s1) + (s2 + s3)


cdef inline void _add_rows(const real *x, Py_ssize_t R, Py_ssize_t C, double *y) noexcept nogil:
    """y_c += Σ_r x_rc, four rows at a time: one trip to y for four additions."""
    cdef Py_ssize_t start = 0, width, _r, c
    cdef const real *x0
    cdef const real *x1
    cdef const real *x2
    cdef const real *x3
    while start < C:
        width = min(C - start, <Py_ssize_t> PANEL)
        x0 = x + start
        for _r in range(0, R - R % 4, 4):
            x1 = x0 + C
            x2 = x1 + C
            x3 = x2 + C
            for c in range(width):
                y[c] += (<double> x0[c] + x1[c]) + (<double> x2[c] + x3[c])
            x0 = x3 + C
        for _r in range(R % 4):
            for c in range(width):
                y[c] += x0[c]
            x0 += C
        start += width
        y += width


cdef inline void _add_squares(
    const real *x, const double *mean, Py_ssize_t R, Py_ssize_t C, double *y
) noexcept nogil:
    """y_c += Σ_r (x_rc − mean_c)²"""
    cdef Py_ssize_t start = 0, width, _r, c
    cdef const real *x0
    cdef double d
    while start < C:
        width = min(C - start, <Py_ssize_t> PANEL)
        x0 = x + start
        for _r in range(R):
            for c in range(width):
                d = x0[c] - mean[c]
                y[c] += d * d
            x0 += C
        start += width
        mean += width
        y += width


cdef inline Py_ssize_t _rows_at_a_time(Py_ssize_t C) noexcept nogil:
    """Rows between two checks for Ctrl-C: in fours, so that a column's sum does not depend on C."""
    return max(SIGNAL_INTERVAL // C // 4, 1) * 4


@cython.cdivision(True)   # nothing, divided by no elements, is NaN
cdef int _sum_forward(const real[:, :, ::1] x, double[:, ::1] y, double divisor) except -1:
    cdef Py_ssize_t A = x.shape[0], R = x.shape[1], C = x.shape[2], a, c, r, rows, done = 0
    if y.shape[0] != A or y.shape[1] != C:
        raise ValueError(f"sum_forward: x is ({A}, {R}, {C}), y ({y.shape[0]}, {y.shape[1]})")
    if C == 0:
        return 0
    with nogil:
        for a in range(A):
            for c in range(C):
                y[a, c] = 0
            r = 0
            while r < R:
                rows = min(R - r, _rows_at_a_time(C))
                if C == 1:
                    y[a, 0] += row_sum(&x[a, r, 0], rows)                               # (1)
                else:
                    _add_rows(&x[a, r, 0], rows, C, &y[a, 0])                           # (1)
                r += rows
                check_signals_every(&done, rows * C)
            for c in range(C):
                y[a, c] /= divisor                                                      # (1)
    return 0


def sum_forward(x not None, y not None, double divisor):
    """y from x (A, R, C), its sum over the middle axis, (A, C) float64.

    y_ac = Σ_r x_arc / divisor      (1)
    """
    if in_float32("sum_forward", x):
        _sum_forward[float](x, y, divisor)
    else:
        _sum_forward[double](x, y, divisor)


@cython.cdivision(True)   # nothing, divided by no elements, is NaN
cdef int _var_forward(
    const real[:, :, ::1] x, const double[:, ::1] mean, double[:, ::1] y, double divisor
) except -1:
    cdef Py_ssize_t A = x.shape[0], R = x.shape[1], C = x.shape[2], a, c, r, rows, done = 0
    if y.shape[0] != A or y.shape[1] != C or mean.shape[0] != A or mean.shape[1] != C:
        raise ValueError(f"var_forward: x is ({A}, {R}, {C}), "
                         f"mean ({mean.shape[0]}, {mean.shape[1]}), y ({y.shape[0]}, {y.shape[1]})")
    if C == 0:
        return 0
    with nogil:
        for a in range(A):
            for c in range(C):
                y[a, c] = 0
            r = 0
            while r < R:
                rows = min(R - r, _rows_at_a_time(C))
                if C == 1:
                    y[a, 0] += _row_squares(&x[a, r, 0], mean[a, 0], rows)              # (4)
                else:
                    _add_squares(&x[a, r, 0], &mean[a, 0], rows, C, &y[a, 0])           # (4)
                r += rows
                check_signals_every(&done, rows * C)
            for c in range(C):
                y[a, c] /= divisor                                                      # (4)
    return 0


def var_forward(x not None, mean not None, y not None, double divisor):
    """y from x (A, R, C) and its mean (A, C): the spread over the middle axis, (A, C) float64.

    y_ac = Σ_r (x_arc − mean_ac)² / divisor     (4)
    """
    if in_float32("var_forward", x):
        _var_forward[float](x, mean, y, divisor)
    else:
        _var_forward[double](x, mean, y, divisor)
