"""Batch normalization: statistics, forward pass, gradients, running statistics.

Derivation: docs/derivations/batch_norm.md

x is (rows, C): a column is a channel of m values. Whichever axis the channels are, a reshape leads
to this form or to planes, (N, C, L). Planes are for batch_norm_planes.pyx, unless L is small: then
they are computed here, as N rows of C · L columns, L neighboring columns per channel. Equations (1)
to (14) follow in their order; what makes the loops fast and changes no result is in
batch_norm_tuning.pxd.

1. Sums are taken in double, in two passes, over differences: a mean of 10,000,000 costs a standard
   deviation of 1 not one digit. The rest is done in the dtype of the data, for speed.
2. The mean is split into `center`, its value rounded to that dtype, and a rest, which joins the
   constants (16). Where x is near center, where an error would hurt, x − center is exact.
3. A channel whose numbers float32 does not hold (see `fits`) is computed again, by itself and in
   double. So the bits of a channel depend on that channel alone.
"""

cimport cython
from libc.math cimport sqrt

from .._runtime.workers cimport begin_of, call_in_parts
from .batch_norm_channel cimport backward_constants, check, fits, forward_constants
from .batch_norm_planes cimport planes_backward, planes_forward, planes_statistics
from .batch_norm_tuning cimport (
    PANEL, STEP, as_planes, as_rows, fetch_row, neighbors, parts_of, repeat, rows_ahead, total,
)
from .types cimport an_array, check_signals_every, in_float32, real


cdef int _statistics(
    const real[:, ::1] x, double[::1] mean, double[::1] var,
    Py_ssize_t L, Py_ssize_t first, Py_ssize_t last
) except -1 nogil:
    """Of the channels first … last − 1, one panel."""
    cdef Py_ssize_t rows = x.shape[0], start = first * L, width = (last - first) * L
    cdef Py_ssize_t ahead = rows_ahead(rows, width), n, c, k, done = 0
    cdef double[PANEL] center, sums
    cdef double m = max(rows * L, 1), d
    for c in range(first, last):
        k = (c - first) * L
        center[k] = x[0, start + k] if rows else 0
        repeat(&center[k], L)
    for k in range(width):
        sums[k] = 0
    for n in range(rows):
        fetch_row(x, n + ahead, start, width)
        for k in range(width):
            sums[k] += x[n, start + k] - center[k]                       # (1)
        check_signals_every(&done, width)
    for c in range(first, last):
        k = (c - first) * L
        mean[c] = center[k] + total(&sums[k], L) / m                     # (1)
        center[k] = mean[c]
        repeat(&center[k], L)
    for n in range(rows):
        fetch_row(x, n + ahead, start, width)
        for k in range(width):
            d = x[n, start + k] - center[k]                              # (2)
            sums[k] += d * d                                             # (2)
        check_signals_every(&done, width)
    for c in range(first, last):
        var[c] = total(&sums[(c - first) * L], L) / m                    # (2)
    return 0


cdef int _statistics_alone(
    const real[:, ::1] x, double[::1] mean, double[::1] var, Py_ssize_t L
) except -1:
    cdef Py_ssize_t C = x.shape[1] // L, first, last = 0
    check("batch_norm_statistics", True, C, C, C, C, mean.shape[0], var.shape[0])
    with nogil:
        while last < C:
            first, last = last, min(last + PANEL // L, C)
            _statistics(x, mean, var, L, first, last)
    return 0


def batch_norm_statistics(x not None, mean not None, var not None):
    """mean and var of every channel of x, and nothing else.

    mean = M(x) = x_0 + M(x − x_0)          (1)   M: mean over a channel; x_0: its first value
    var = M((x − mean)²)                    (2)

    mean and var are (C,) float64. Without values (m = 0) they are 0.
    """
    cdef bint single = in_float32("batch_norm_statistics", x)
    cdef Py_ssize_t L = neighbors(x)
    if L == 0:
        planes_statistics(x, mean, var)
    elif single:
        _statistics_alone[float](as_rows(x, "x", x.ndim), mean, var, L)
    else:
        _statistics_alone[double](as_rows(x, "x", x.ndim), mean, var, L)


@cython.cdivision(True)   # no spread and eps 0: 1 / 0 is inf, in the debug build too
cdef int _forward(
    const real[:, ::1] x, const real[::1] gamma, const real[::1] beta, real[:, ::1] y,
    double[::1] mean, double[::1] var, double[::1] inv_std, double eps, bint training, Py_ssize_t L,
    int part, int parts
) except -1:
    """Of some channels. Return whether any does not fit: its y is then computed again."""
    cdef Py_ssize_t C = x.shape[1] // L, first, last = begin_of(part, parts, C, STEP)
    cdef Py_ssize_t end = begin_of(part + 1, parts, C, STEP), start, width, n, c, k, done = 0
    cdef real[PANEL] center, scale, shift
    cdef real d
    cdef bint all_fit = True
    check("batch_norm_forward", y.shape[0] == x.shape[0] and y.shape[1] == x.shape[1], C,
          gamma.shape[0], beta.shape[0], mean.shape[0], var.shape[0], inv_std.shape[0])
    with nogil:
        while last < end:
            first, last = last, min(last + PANEL // L, end)
            start, width = first * L, (last - first) * L
            if training:
                _statistics(x, mean, var, L, first, last)                # (1) (2)
            for c in range(first, last):
                k = (c - first) * L
                inv_std[c] = 1 / sqrt(var[c] + eps)                      # (3)
                all_fit &= fits(mean[c], inv_std[c], gamma[c])
                forward_constants(                                       # (16) (17)
                    mean[c], inv_std[c], gamma[c], beta[c], &center[k], &scale[k], &shift[k])
                repeat(&center[k], L)
                repeat(&scale[k], L)
                repeat(&shift[k], L)
            for n in range(x.shape[0]):
                for k in range(width):
                    d = x[n, start + k] - center[k]                      # (4) (17)
                    y[n, start + k] = d * scale[k] + shift[k]            # (5) (17)
                check_signals_every(&done, width)
    return not all_fit


def _forward_part(x, gamma, beta, y, mean, var, inv_std, eps, training, L, part, parts):
    if in_float32("batch_norm_forward", x):
        return _forward[float](
            x, gamma, beta, y, mean, var, inv_std, eps, training, L, part, parts)
    return _forward[double](x, gamma, beta, y, mean, var, inv_std, eps, training, L, part, parts)


def batch_norm_forward(
    x not None, gamma not None, beta not None, y not None, mean not None, var not None,
    inv_std not None, eps, training
):
    """y = gamma · (x − mean) / √(var + eps) + beta

    in these steps; mean and var are (1) and (2) in training, given in evaluation:
    inv_std = 1 / √(var + eps)              (3)
    x_hat = (x − mean) · inv_std            (4)
    y = gamma · x_hat + beta                (5)
    where (4) and (5) are computed as
    center = mean rounded, rest = mean − center                     (16)
    y = (x − center) · scale + shift,
    scale = gamma · inv_std, shift = beta − rest · scale            (17)

    mean, var and inv_std are (C,) float64. Without values (m = 0) mean and var are 0.
    """
    cdef Py_ssize_t L = neighbors(an_array("batch_norm_forward", x))
    if L == 0:
        planes_forward(x, gamma, beta, y, mean, var, inv_std, eps, training, False)
        return
    cdef int ndim = x.ndim
    x, y = as_rows(x, "x", ndim), as_rows(y, "y", ndim)
    arguments = (x, gamma, beta, y, mean, var, inv_std, eps, training, L)
    if call_in_parts(_forward_part, arguments, parts_of(x)):
        x, y = as_planes(x, L), as_planes(y, L)
        planes_forward(x, gamma, beta, y, mean, var, inv_std, eps, False, True)


cdef int _backward(
    const real[:, ::1] dy, const real[:, ::1] x, const real[::1] gamma, const double[::1] mean,
    const double[::1] inv_std, real[:, ::1] dx, real[::1] dgamma, real[::1] dbeta, bint training,
    Py_ssize_t L, int part, int parts
) except -1:
    """Of some channels. Return whether any does not fit: its gradients are then computed again."""
    cdef Py_ssize_t rows = x.shape[0], W = x.shape[1], C = W // L, first, start, width
    cdef Py_ssize_t last = begin_of(part, parts, C, STEP), end = begin_of(part + 1, parts, C, STEP)
    cdef Py_ssize_t ahead, n, c, k, done = 0
    cdef double[PANEL] sums_dy, sums_dy_x
    cdef real[PANEL] center, scale, offset, slope
    cdef real d, p
    cdef double m = max(rows * L, 1), g, sum_dy
    cdef bint all_fit = True
    check("batch_norm_backward",
          dy.shape[0] == rows and dy.shape[1] == W
          and (dx is None or dx.shape[0] == rows and dx.shape[1] == W), C,
          gamma.shape[0], mean.shape[0], inv_std.shape[0], dgamma.shape[0], dbeta.shape[0])
    with nogil:
        while last < end:
            first, last = last, min(last + PANEL // L, end)
            start, width = first * L, (last - first) * L
            ahead = rows_ahead(rows, width)
            for c in range(first, last):
                k = (c - first) * L
                center[k] = <real> mean[c]                               # (16)
                repeat(&center[k], L)
                all_fit &= fits(mean[c], inv_std[c], gamma[c])
            for k in range(width):
                sums_dy[k] = sums_dy_x[k] = 0
            for n in range(rows):
                fetch_row(dy, n + ahead, start, width)
                fetch_row(x, n + ahead, start, width)
                for k in range(width):
                    g = dy[n, start + k]
                    sums_dy[k] += g                                      # (6)
                    sums_dy_x[k] += g * (x[n, start + k] - center[k])    # (7)
                check_signals_every(&done, width)
            for c in range(first, last):
                k = (c - first) * L
                sum_dy = total(&sums_dy[k], L)
                dbeta[c] = <real> sum_dy                                 # (6)
                dgamma[c] = <real> backward_constants(                   # (7) (18)
                    mean[c], inv_std[c], gamma[c], m, sum_dy, total(&sums_dy_x[k], L),
                    &scale[k], &offset[k], &slope[k])
                repeat(&scale[k], L)
                repeat(&offset[k], L)
                repeat(&slope[k], L)
            for n in range(0 if dx is None else rows):
                if training:
                    for k in range(width):
                        d = x[n, start + k] - center[k]                          # (8) (18)
                        p = dy[n, start + k] - offset[k] - d * slope[k]          # (8) (18)
                        dx[n, start + k] = p * scale[k]                          # (0) (8) (18)
                else:
                    for k in range(width):
                        dx[n, start + k] = dy[n, start + k] * scale[k]   # (12)
                check_signals_every(&done, width)
    return not all_fit


def _backward_part(dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, L, part, parts):
    if in_float32("batch_norm_backward", x):
        return _backward[float](
            dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, L, part, parts)
    return _backward[double](
        dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, L, part, parts)


def batch_norm_backward(
    dy not None, x not None, gamma not None, mean not None, inv_std not None, dx,
    dgamma not None, dbeta not None, training
):
    """dx = γ r (dy − mean(dy) − x̂ · mean(dy · x̂))                            (0)   the plain case

    with r = inv_std, or dx = γ r dy in evaluation. dbeta and dgamma hold the sums of these means:
    dbeta = Σ dy                                                            (6)
    dgamma = Σ dy · x_hat                                                   (7)
    dx = gamma · inv_std · (dy − dbeta/m − x_hat · dgamma/m)                (8)   training
    dx = gamma · inv_std · dy                                               (12)   evaluation
    where (8) is computed, with center and rest of (16), as
    dx = (dy − offset − (x − center) · slope) · scale,
    slope = inv_std · dgamma/m, offset = dbeta/m − rest · slope             (18)

    mean and inv_std are those of the forward pass; dx is None if it is not wanted.
    """
    cdef Py_ssize_t L = neighbors(an_array("batch_norm_backward", x))
    if L == 0:
        planes_backward(dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, False)
        return
    cdef int ndim = x.ndim
    dy, x = as_rows(dy, "dy", ndim), as_rows(x, "x", ndim)
    dx = None if dx is None else as_rows(dx, "dx", ndim)
    arguments = (dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, L)
    if call_in_parts(_backward_part, arguments, parts_of(x)):
        dy, x, dx = as_planes(dy, L), as_planes(x, L), None if dx is None else as_planes(dx, L)
        planes_backward(dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, True)


cdef int _update(
    const double[::1] mean, const double[::1] var, real[::1] running_mean, real[::1] running_var,
    double momentum, double m, bint unbiased
) except -1:
    cdef Py_ssize_t C = mean.shape[0], c
    cdef double decay = 1 - momentum, factor
    check("batch_norm_update", True, C,
          C, C, var.shape[0], running_mean.shape[0], running_var.shape[0])
    if unbiased and m < 2:
        raise ValueError(f"batch_norm_update: the unbiased variance needs 2 values, got m = {m:g}")
    factor = m / (m - 1) if unbiased else 1
    # With the GIL: threads that share the statistics update them one after the other.
    for c in range(C):
        running_mean[c] = <real> (decay * running_mean[c] + momentum * mean[c])              # (13)
        running_var[c] = <real> (decay * running_var[c] + momentum * (factor * var[c]))      # (14)
    return 0


def batch_norm_update(
    mean not None, var not None, running_mean not None, running_var not None, momentum, m, unbiased
):
    """Move the running statistics toward those of a batch of m values per channel, in place.

    running_mean ← (1 − momentum) · running_mean + momentum · mean              (13)
    running_var ← (1 − momentum) · running_var + momentum · m/(m − 1) · var     (14)

    With unbiased=False the factor m/(m − 1) is 1.
    """
    if in_float32("batch_norm_update", running_mean):
        _update[float](mean, var, running_mean, running_var, momentum, m, unbiased)
    else:
        _update[double](mean, var, running_mean, running_var, momentum, m, unbiased)
