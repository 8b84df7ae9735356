"""Batch normalization of planes, (N, C, L) with a large L, one channel at a time.

The equations and their order are those of batch_norm.pyx, whose functions call these. A plane, the
L values of a sample's channel, belongs to one channel. So the constants are single numbers here,
LANES sums run side by side over a plane, and all passes over a channel follow each other while it
is in the cache. A channel whose numbers float32 does not hold is computed in double; so are those
of batch_norm.pyx, which come here for it: for a small L these loops give the bits of those there.
"""

cimport cython
from libc.math cimport sqrt

from .._runtime.workers cimport begin_of, call_in_parts
from .batch_norm_channel cimport backward_constants, check, fits, forward_constants, wide
from .batch_norm_tuning cimport LANES, parts_of, total
from .types cimport check_signals_every, in_float32, real

# --- statistics --------------------------------------------------------------------------------

cdef int _statistics(
    const real[:, :, ::1] x, double[::1] mean, double[::1] var, Py_ssize_t c, Py_ssize_t *done
) except -1 nogil:
    """Mean and variance of channel c."""
    cdef Py_ssize_t N = x.shape[0], L = x.shape[2], n, block, i, k
    cdef double m = max(N * L, 1), start = x[0, c, 0] if N * L else 0, d
    cdef double[LANES] lane
    for k in range(LANES):
        lane[k] = 0
    for n in range(N):
        for block in range(L // LANES + 1):
            i = block * LANES
            for k in range(min(LANES, L - i)):
                lane[k] += x[n, c, i + k] - start                        # (1)
        check_signals_every(done, L)
    mean[c] = start + total(lane, LANES) / m                             # (1)
    for n in range(N):
        for block in range(L // LANES + 1):
            i = block * LANES
            for k in range(min(LANES, L - i)):
                d = x[n, c, i + k] - mean[c]                             # (2)
                lane[k] += d * d                                         # (2)
        check_signals_every(done, L)
    var[c] = total(lane, LANES) / m                                      # (2)
    return 0


cdef int _all_statistics(
    const real[:, :, ::1] x, double[::1] mean, double[::1] var
) except -1:
    cdef Py_ssize_t C = x.shape[1], c, done = 0
    check("batch_norm_statistics", True, C, C, C, C, mean.shape[0], var.shape[0])
    with nogil:
        for c in range(C):
            _statistics(x, mean, var, c, &done)
    return 0


cdef int planes_statistics(object x, object mean, object var) except -1:
    if in_float32("batch_norm_statistics", x):
        return _all_statistics[float](x, mean, var)
    return _all_statistics[double](x, mean, var)


# --- forward -----------------------------------------------------------------------------------

cdef int _normalize(
    const real[:, :, ::1] x, const real[::1] gamma, const real[::1] beta, const double[::1] mean,
    real[:, :, ::1] y, const double[::1] inv_std, wide type_of_work, Py_ssize_t c,
    Py_ssize_t *done
) except -1 nogil:
    """y of channel c."""
    cdef Py_ssize_t n, i
    cdef wide center, scale, shift
    forward_constants(mean[c], inv_std[c], gamma[c], beta[c], &center, &scale, &shift)  # (16) (17)
    for n in range(x.shape[0]):
        for i in range(x.shape[2]):
            y[n, c, i] = <real> ((x[n, c, i] - center) * scale + shift)  # (4) (5) (17)
        check_signals_every(done, x.shape[2])
    return 0


@cython.cdivision(True)   # no spread and eps 0: 1 / 0 is inf, in the debug build too
cdef int _forward(
    const real[:, :, ::1] x, const real[::1] gamma, const real[::1] beta, real[:, :, ::1] y,
    double[::1] mean, double[::1] var, double[::1] inv_std, double eps, bint training,
    bint unfit_alone, int part, int parts
) except -1:
    cdef Py_ssize_t C = x.shape[1], c, done = 0
    check("batch_norm_forward",
          y.shape[0] == x.shape[0] and y.shape[1] == C and y.shape[2] == x.shape[2], C,
          gamma.shape[0], beta.shape[0], mean.shape[0], var.shape[0], inv_std.shape[0])
    with nogil:
        for c in range(begin_of(part, parts, C, 1), begin_of(part + 1, parts, C, 1)):
            if training:
                _statistics(x, mean, var, c, &done)
            inv_std[c] = 1 / sqrt(var[c] + eps)                          # (3)
            if not fits(mean[c], inv_std[c], gamma[c]):
                _normalize[real, double](x, gamma, beta, mean, y, inv_std, 0, c, &done)
            elif not unfit_alone:
                _normalize[real, real](x, gamma, beta, mean, y, inv_std, 0, c, &done)
    return 0


def _planes_forward_part(
    x, gamma, beta, y, mean, var, inv_std, eps, training, unfit_alone, part, parts
):
    if in_float32("batch_norm_forward", x):
        return _forward[float](
            x, gamma, beta, y, mean, var, inv_std, eps, training, unfit_alone, part, parts)
    return _forward[double](
        x, gamma, beta, y, mean, var, inv_std, eps, training, unfit_alone, part, parts)


cdef int planes_forward(
    object x, object gamma, object beta, object y, object mean, object var, object inv_std,
    double eps, bint training, bint unfit_alone
) except -1:
    """y of all channels, or only of those that do not fit the dtype of the data."""
    return call_in_parts(
        _planes_forward_part, (x, gamma, beta, y, mean, var, inv_std, eps, training, unfit_alone),
        1 if unfit_alone else parts_of(x))


# --- backward ----------------------------------------------------------------------------------

cdef int _gradients(
    const real[:, :, ::1] dy, const real[:, :, ::1] x, const real[::1] gamma,
    const double[::1] mean, const double[::1] inv_std, real[:, :, ::1] dx, real[::1] dgamma,
    real[::1] dbeta, bint training, wide type_of_work, Py_ssize_t c, Py_ssize_t *done
) except -1 nogil:
    """dbeta, dgamma and dx of channel c."""
    cdef Py_ssize_t N = x.shape[0], L = x.shape[2], n, block, i, k
    cdef double[LANES] lane_dy, lane_dy_x
    cdef double m = max(N * L, 1), g, sum_dy
    cdef wide d, p, scale, offset, slope
    cdef wide center = <wide> mean[c]                                    # (16)
    for k in range(LANES):
        lane_dy[k] = lane_dy_x[k] = 0
    for n in range(N):
        for block in range(L // LANES + 1):
            i = block * LANES
            for k in range(min(LANES, L - i)):
                g = dy[n, c, i + k]
                lane_dy[k] += g                                          # (6)
                lane_dy_x[k] += g * (x[n, c, i + k] - center)            # (7)
        check_signals_every(done, L)
    sum_dy = total(lane_dy, LANES)
    dbeta[c] = <real> sum_dy                                             # (6)
    dgamma[c] = <real> backward_constants(                               # (7) (18)
        mean[c], inv_std[c], gamma[c], m, sum_dy, total(lane_dy_x, LANES), &scale, &offset, &slope)
    if dx is None:
        return 0
    for n in range(N):
        if training:
            for i in range(L):
                d = x[n, c, i] - center                                  # (8) (18)
                p = dy[n, c, i] - offset - d * slope                     # (8) (18)
                dx[n, c, i] = <real> (p * scale)                         # (0) (8) (18)
        else:
            for i in range(L):
                dx[n, c, i] = <real> (dy[n, c, i] * scale)               # (12)
        check_signals_every(done, L)
    return 0


cdef int _backward(
    const real[:, :, ::1] dy, const real[:, :, ::1] x, const real[::1] gamma,
    const double[::1] mean, const double[::1] inv_std, real[:, :, ::1] dx, real[::1] dgamma,
    real[::1] dbeta, bint training, bint unfit_alone, int part, int parts
) except -1:
    cdef Py_ssize_t C = x.shape[1], c, done = 0
    check("batch_norm_backward",
          dy.shape[0] == x.shape[0] and dy.shape[1] == C and dy.shape[2] == x.shape[2]
          and (dx is None or dx.shape[0] == x.shape[0] and dx.shape[1] == C
               and dx.shape[2] == x.shape[2]), C,
          gamma.shape[0], mean.shape[0], inv_std.shape[0], dgamma.shape[0], dbeta.shape[0])
    with nogil:
        for c in range(begin_of(part, parts, C, 1), begin_of(part + 1, parts, C, 1)):
            if not fits(mean[c], inv_std[c], gamma[c]):
                _gradients[real, double](
                    dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, 0, c, &done)
            elif not unfit_alone:
                _gradients[real, real](
                    dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, 0, c, &done)
    return 0


def _planes_backward_part(
    dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, unfit_alone, part, parts
):
    if in_float32("batch_norm_backward", x):
        return _backward[float](
            dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, unfit_alone, part, parts)
    return _backward[double](
        dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, unfit_alone, part, parts)


cdef int planes_backward(
    object dy, object x, object gamma, object mean, object inv_std, object dx, object dgamma,
    object dbeta, bint training, bint unfit_alone
) except -1:
    """The gradients of all channels, or only of those that do not fit the dtype of the data."""
    return call_in_parts(
        _planes_backward_part,
        (dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, unfit_alone),
        1 if unfit_alone else parts_of(x))
