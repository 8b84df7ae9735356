"""Layer normalization: the statistics of every row, its normalization, and the gradients of both.

Derivation: docs/derivations/layer_norm.md

Data is (rows, D): a row is what is normalized, one sample, and gamma and beta have D values each,
so D values share a mean, and the rows share gamma. The numerics are those of batch_norm.pyx: sums
in double, two passes, differences from the mean rounded to the dtype of the data (9), the rest of
the mean in the constants.
"""

cimport cython
from libc.math cimport sqrt

from .rows cimport LANES, row_fits, row_mean, row_var
from .types cimport check_signals_every, in_float32, real

ctypedef fused wide:   # what x - center is computed in: the dtype of the data, or double
    float
    double


cdef int _check(
    str kernel, bint one_shape, Py_ssize_t rows, Py_ssize_t D,
    Py_ssize_t p, Py_ssize_t q, Py_ssize_t r, Py_ssize_t s, Py_ssize_t t
) except -1:
    """Whether the arrays of data have one shape, those of rows `rows` and of features D values."""
    if not (one_shape and p == q == rows and r == s == t == D):
        raise ValueError(
            f"{kernel}: the data has {'one shape' if one_shape else 'several shapes'}, {rows} rows "
            f"of {D}; the arrays of rows have {p} and {q} values, those of features {r}, {s}, {t}")
    return 0


# --- forward -----------------------------------------------------------------------------------

cdef void _normalize_row(
    const real *x, const real *gamma, const real *beta, real *y, Py_ssize_t D,
    double mean, double inv_std, wide type_of_work
) noexcept nogil:
    cdef wide center = <wide> mean  # (9)
    cdef wide scale = <wide> inv_std  # (10)
    cdef wide shift = <wide> ((center - mean) * inv_std)  # (10)
    cdef Py_ssize_t j
    for j in range(D):
        y[j] = <real> (((x[j] - center) * scale + shift) * gamma[j] + beta[j])  # (4) (5) (10)


@cython.cdivision(True)   # no spread and eps 0: 1 / 0 is inf, in the debug build too
cdef int _forward(
    const real[:, ::1] x, const real[::1] gamma, const real[::1] beta, real[:, ::1] y,
    double[::1] mean, double[::1] inv_std, double eps
) except -1:
    cdef Py_ssize_t rows = x.shape[0], D = x.shape[1], n, done = 0
    _check("layer_norm_forward", y.shape[0] == rows and y.shape[1] == D, rows, D,
           mean.shape[0], inv_std.shape[0], gamma.shape[0], beta.shape[0], D)
    with nogil:
        for n in range(rows if D else 0):
            mean[n] = row_mean(&x[n, 0], D)  # (1)
            inv_std[n] = 1 / sqrt(row_var(&x[n, 0], mean[n], D) + eps)  # (2) (3)
            if row_fits(mean[n], inv_std[n]):
                _normalize_row[real, real](
                    &x[n, 0], &gamma[0], &beta[0], &y[n, 0], D, mean[n], inv_std[n], 0)
            else:
                _normalize_row[real, double](
                    &x[n, 0], &gamma[0], &beta[0], &y[n, 0], D, mean[n], inv_std[n], 0)
            check_signals_every(&done, D)
    return 0


def layer_norm_forward(
    x not None, gamma not None, beta not None, y not None, mean not None, inv_std not None, eps
):
    """y, mean and inv_std from x, row by row; mean and inv_std are (rows,) float64.

    mean = M(x) = x_0 + M(x − x_0)          (1)   M: mean over a row; x_0: its first value
    var = M((x − mean)²)                    (2)
    inv_std = 1 / √(var + eps)              (3)
    x_hat = (x − mean) · inv_std            (4)
    y = gamma · x_hat + beta                (5)
    where (4) is computed as
    center = mean rounded, rest = mean − center                     (9)
    x_hat = (x − center) · inv_std + shift, shift = −rest · inv_std (10)
    """
    if in_float32("layer_norm_forward", x):
        _forward[float](x, gamma, beta, y, mean, inv_std, eps)
    else:
        _forward[double](x, gamma, beta, y, mean, inv_std, eps)


# --- backward ----------------------------------------------------------------------------------

cdef void _row_gradients(
    const real *dy, const real *x, const real *gamma, real *dx, double *dgamma, double *dbeta,
    Py_ssize_t D, double mean, double inv_std, bint with_dx, wide type_of_work
) noexcept nogil:
    """dx of one row, and what it adds to dgamma and dbeta."""
    cdef double[LANES] lane_h, lane_hx
    cdef double sum_h = 0, sum_hx = 0
    cdef wide center = <wide> mean, scale = <wide> inv_std  # (9) (10)
    cdef wide shift = <wide> ((center - mean) * inv_std)  # (10)
    cdef wide x_hat, h, M_h, M_hx
    cdef Py_ssize_t block, j, k, blocks = D // LANES
    for j in range(D):
        dbeta[j] += dy[j]  # (6)
        x_hat = (x[j] - center) * scale + shift  # (4) (10)
        dgamma[j] += <double> dy[j] * x_hat  # (7)
    if not with_dx:
        return
    for k in range(LANES):
        lane_h[k] = lane_hx[k] = 0
    for block in range(blocks):
        j = block * LANES
        for k in range(LANES):
            x_hat = (x[j + k] - center) * scale + shift  # (4) (10)
            h = <wide> gamma[j + k] * dy[j + k]  # (8)
            lane_h[k] += h  # (8)
            lane_hx[k] += h * x_hat  # (8)
    for j in range(blocks * LANES, D):
        x_hat = (x[j] - center) * scale + shift  # (4) (10)
        h = <wide> gamma[j] * dy[j]  # (8)
        sum_h += h  # (8)
        sum_hx += h * x_hat  # (8)
    for k in range(LANES):
        sum_h += lane_h[k]
        sum_hx += lane_hx[k]
    M_h = <wide> (sum_h / D)  # (8)
    M_hx = <wide> (sum_hx / D)  # (8)
    for j in range(D):
        x_hat = (x[j] - center) * scale + shift  # (4) (10)
        h = <wide> gamma[j] * dy[j]  # (8)
        dx[j] = <real> ((h - M_h - x_hat * M_hx) * scale)  # (8)


cdef int _backward(
    const real[:, ::1] dy, const real[:, ::1] x, const real[::1] gamma, const double[::1] mean,
    const double[::1] inv_std, real[:, ::1] dx, double[::1] dgamma, double[::1] dbeta
) except -1:
    cdef Py_ssize_t rows = x.shape[0], D = x.shape[1], n, j, done = 0
    _check("layer_norm_backward",
           dy.shape[0] == rows and dy.shape[1] == D
           and (dx is None or dx.shape[0] == rows and dx.shape[1] == D), rows, D,
           mean.shape[0], inv_std.shape[0], gamma.shape[0], dgamma.shape[0], dbeta.shape[0])
    cdef bint with_dx = dx is not None
    with nogil:
        for j in range(D):
            dgamma[j] = dbeta[j] = 0
        for n in range(rows if D else 0):
            if row_fits(mean[n], inv_std[n]):
                _row_gradients[real, real](
                    &dy[n, 0], &x[n, 0], &gamma[0], &dx[n, 0] if with_dx else NULL, &dgamma[0],
                    &dbeta[0], D, mean[n], inv_std[n], with_dx, 0)
            else:
                _row_gradients[real, double](
                    &dy[n, 0], &x[n, 0], &gamma[0], &dx[n, 0] if with_dx else NULL, &dgamma[0],
                    &dbeta[0], D, mean[n], inv_std[n], with_dx, 0)
            check_signals_every(&done, D)
    return 0


def layer_norm_backward(
    dy not None, x not None, gamma not None, mean not None, inv_std not None, dx,
    dgamma not None, dbeta not None
):
    """dx (None: not wanted), dgamma and dbeta from dy and the values of the forward pass.

    dbeta = Σ_n dy                                                              (6)
    dgamma = Σ_n dy · x_hat                                                     (7)
    dx = inv_std · (gamma · dy − M(gamma · dy) − x_hat · M(gamma · dy · x_hat)) (8)
    with h = gamma · dy, and x_hat as in (10).
    dgamma and dbeta are (D,) float64: they are summed over all rows.
    """
    if in_float32("layer_norm_backward", x):
        _backward[float](dy, x, gamma, mean, inv_std, dx, dgamma, dbeta)
    else:
        _backward[double](dy, x, gamma, mean, inv_std, dx, dgamma, dbeta)
