"""Group normalization: the statistics of every group of a sample, its normalization, all gradients.

Derivation: docs/derivations/group_norm.md

Data is (N, C, L): L values per channel and sample. The channels of a group are neighbors, so a
group is one row of numbers. Its statistics and numerics are those of layer_norm.pyx: `center` is
the mean rounded to the dtype of the data, `shift` makes up for the rest. What differs is gamma:
there it belongs to a column, here to a plane, the L values of one channel.
"""

cimport cython
from libc.math cimport sqrt

from .rows cimport LANES, row_fits, row_mean, row_var
from .types cimport check_signals_every, in_float32, real

ctypedef fused wide:   # what x - center is computed in: the dtype of the data, or double
    float
    double


cdef int _check(
    str kernel, bint one_shape, Py_ssize_t N, Py_ssize_t C,
    const double[:, ::1] mean, const double[:, ::1] inv_std,
    Py_ssize_t r, Py_ssize_t s, Py_ssize_t t
) except -1:
    """Whether the arrays of data have the same shape, and those of groups and channels fit it."""
    cdef Py_ssize_t G = mean.shape[1]
    if not (one_shape and mean.shape[0] == inv_std.shape[0] == N and r == s == t == C
            and G == inv_std.shape[1] and G > 0 and C % G == 0):
        raise ValueError(
            f"{kernel}: the data has {'one shape' if one_shape else 'several shapes'}, {N} samples "
            f"of {C} channels; the arrays of groups are ({mean.shape[0]}, {G}) and "
            f"({inv_std.shape[0]}, {inv_std.shape[1]}), those of channels have {r}, {s}, {t}")
    return 0


# --- forward: K is the number of channels of a group -------------------------------------------

cdef void _normalize_group(
    const real *x, const real *gamma, const real *beta, real *y, Py_ssize_t K, Py_ssize_t L,
    double mean, double inv_std, wide type_of_work
) noexcept nogil:
    cdef wide center = <wide> mean, scale = <wide> inv_std, x_hat
    cdef wide shift = <wide> ((center - mean) * inv_std)
    cdef Py_ssize_t k, i
    for k in range(K):
        for i in range(k * L, (k + 1) * L):
            x_hat = (x[i] - center) * scale + shift  # (2)
            y[i] = <real> (x_hat * gamma[k] + beta[k])  # (3)


@cython.cdivision(True)   # no spread and eps 0: 1 / 0 is inf, in the debug build too
cdef int _forward(
    const real[:, :, ::1] x, const real[::1] gamma, const real[::1] beta, real[:, :, ::1] y,
    double[:, ::1] mean, double[:, ::1] inv_std, double eps
) except -1:
    cdef Py_ssize_t N = x.shape[0], C = x.shape[1], L = x.shape[2], n, g, c, K, done = 0
    _check("group_norm_forward", y.shape[0] == N and y.shape[1] == C and y.shape[2] == L, N, C,
           mean, inv_std, gamma.shape[0], beta.shape[0], C)
    K = C // mean.shape[1]
    with nogil:
        for n in range(N if K * L else 0):
            for g in range(mean.shape[1]):
                c = g * K
                mean[n, g] = row_mean(&x[n, c, 0], K * L)  # (1)
                inv_std[n, g] = 1 / sqrt(row_var(&x[n, c, 0], mean[n, g], K * L) + eps)  # (1)
                if row_fits(mean[n, g], inv_std[n, g]):
                    _normalize_group[real, real](
                        &x[n, c, 0], &gamma[c], &beta[c], &y[n, c, 0], K, L, mean[n, g],
                        inv_std[n, g], 0)
                else:
                    _normalize_group[real, double](
                        &x[n, c, 0], &gamma[c], &beta[c], &y[n, c, 0], K, L, mean[n, g],
                        inv_std[n, g], 0)
                check_signals_every(&done, K * L)
    return 0


def group_norm_forward(
    x not None, gamma not None, beta not None, y not None, mean not None, inv_std not None, eps
):
    """y, mean and inv_std from x (N, C, L); mean and inv_std are (N, groups) float64.

    mean = M(x), inv_std = 1 / √(M((x − mean)²) + eps)      (1)   M: mean over a group
    x_hat = (x − mean) · inv_std                            (2)
    y = gamma · x_hat + beta, one gamma and beta per channel  (3)
    """
    if in_float32("group_norm_forward", x):
        _forward[float](x, gamma, beta, y, mean, inv_std, eps)
    else:
        _forward[double](x, gamma, beta, y, mean, inv_std, eps)


# --- backward ----------------------------------------------------------------------------------

cdef void _plane_sums(
    const real *dy, const real *x, Py_ssize_t L, double mean, double inv_std,
    double *dbeta_n, double *dgamma_n, wide type_of_work
) noexcept nogil:
    """What one plane adds to dbeta and to dgamma."""
    cdef double[LANES] lane_dy, lane_dy_x_hat
    cdef wide center = <wide> mean, scale = <wide> inv_std, x_hat
    cdef wide shift = <wide> ((center - mean) * inv_std)
    cdef Py_ssize_t block, i, k, blocks = L // LANES
    dbeta_n[0] = dgamma_n[0] = 0
    for i in range(blocks * LANES, L):
        x_hat = (x[i] - center) * scale + shift  # (2)
        dbeta_n[0] += dy[i]  # (4)
        dgamma_n[0] += <double> dy[i] * x_hat  # (5)
    if blocks == 0:
        return
    for k in range(LANES):
        lane_dy[k] = lane_dy_x_hat[k] = 0
    for block in range(blocks):
        i = block * LANES
        for k in range(LANES):
            x_hat = (x[i + k] - center) * scale + shift  # (2)
            lane_dy[k] += dy[i + k]  # (4)
            lane_dy_x_hat[k] += <double> dy[i + k] * x_hat  # (5)
    for k in range(LANES):
        dbeta_n[0] += lane_dy[k]
        dgamma_n[0] += lane_dy_x_hat[k]


cdef void _group_gradients(
    const real *dy, const real *x, const real *gamma, real *dx, double *dgamma, double *dbeta,
    Py_ssize_t K, Py_ssize_t L, double mean, double inv_std, bint with_dx, wide type_of_work
) noexcept nogil:
    """dx of one group, and what it adds to dgamma and dbeta."""
    cdef double sum_h = 0, sum_hx = 0, dbeta_n, dgamma_n
    cdef wide center = <wide> mean, scale = <wide> inv_std, x_hat, M_h, M_hx
    cdef wide shift = <wide> ((center - mean) * inv_std)
    cdef Py_ssize_t k, i
    for k in range(K):
        _plane_sums[real, wide](
            &dy[k * L], &x[k * L], L, mean, inv_std, &dbeta_n, &dgamma_n, type_of_work)
        dbeta[k] += dbeta_n  # (4)
        dgamma[k] += dgamma_n  # (5)
        sum_h += gamma[k] * dbeta_n  # (6)
        sum_hx += gamma[k] * dgamma_n  # (6)
    if not with_dx:
        return
    M_h = <wide> (sum_h / (K * L))  # (6)
    M_hx = <wide> (sum_hx / (K * L))  # (6)
    for k in range(K):
        for i in range(k * L, (k + 1) * L):
            x_hat = (x[i] - center) * scale + shift  # (2)
            dx[i] = <real> ((<wide> gamma[k] * dy[i] - M_h - x_hat * M_hx) * scale)  # (7)


cdef int _backward(
    const real[:, :, ::1] dy, const real[:, :, ::1] x, const real[::1] gamma,
    const double[:, ::1] mean, const double[:, ::1] inv_std, real[:, :, ::1] dx,
    double[::1] dgamma, double[::1] dbeta
) except -1:
    cdef Py_ssize_t N = x.shape[0], C = x.shape[1], L = x.shape[2], n, g, c, K, done = 0
    cdef bint with_dx = dx is not None
    _check("group_norm_backward",
           dy.shape[0] == N and dy.shape[1] == C and dy.shape[2] == L
           and (dx is None or dx.shape[0] == N and dx.shape[1] == C and dx.shape[2] == L), N, C,
           mean, inv_std, gamma.shape[0], dgamma.shape[0], dbeta.shape[0])
    K = C // mean.shape[1]
    with nogil:
        for c in range(C):
            dgamma[c] = dbeta[c] = 0
        for n in range(N if K * L else 0):
            for g in range(mean.shape[1]):
                c = g * K
                if row_fits(mean[n, g], inv_std[n, g]):
                    _group_gradients[real, real](
                        &dy[n, c, 0], &x[n, c, 0], &gamma[c], &dx[n, c, 0] if with_dx else NULL,
                        &dgamma[c], &dbeta[c], K, L, mean[n, g], inv_std[n, g], with_dx, 0)
                else:
                    _group_gradients[real, double](
                        &dy[n, c, 0], &x[n, c, 0], &gamma[c], &dx[n, c, 0] if with_dx else NULL,
                        &dgamma[c], &dbeta[c], K, L, mean[n, g], inv_std[n, g], with_dx, 0)
                check_signals_every(&done, K * L)
    return 0


def group_norm_backward(
    dy not None, x not None, gamma not None, mean not None, inv_std not None, dx,
    dgamma not None, dbeta not None
):
    """dx (None: not wanted), dgamma and dbeta from dy and the values of the forward pass.

    dbeta = Σ_n dbeta_n, dbeta_n = Σ_i dy               (4)   i: along the plane of n and c
    dgamma = Σ_n dgamma_n, dgamma_n = Σ_i dy · x_hat    (5)
    with h = gamma · dy and m values in a group, the sums running over its channels,
    M(h) = Σ_c gamma · dbeta_n / m, M(h · x_hat) = Σ_c gamma · dgamma_n / m     (6)
    dx = inv_std · (h − M(h) − x_hat · M(h · x_hat))    (7)

    dgamma and dbeta are (C,) float64: they are summed over all samples.
    """
    if in_float32("group_norm_backward", x):
        _backward[float](dy, x, gamma, mean, inv_std, dx, dgamma, dbeta)
    else:
        _backward[double](dy, x, gamma, mean, inv_std, dx, dgamma, dbeta)
