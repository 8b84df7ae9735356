"""Batch normalization: statistics and normalization, the gradients of both, the running statistics.

Derivation: docs/derivations/batch_norm.md

Data is (rows, C), a column a channel, or (N, C, L), L values a channel and sample: whatever axis is
kept, a reshape leads to one of the two. m is the number of values that a channel has. Where L is
small, (N, C, L) is worked as N rows of C · L columns, L neighbouring columns a channel.

Three decisions hold for all loops:

1. Sums are taken in double, in two passes, over differences: a mean of 10,000,000 costs no digit of
   a standard deviation of 1. The rest is done in the dtype of the data, for speed.
2. The mean is split into `centre`, its value rounded to that dtype, and a rest, which joins the
   constants (16). Where x is near centre, and an error would hurt, x - centre is exact. Channels
   whose numbers float32 can hardly hold (see `_fits`) are worked in double instead, by the same
   loops; what that gives to their neighbours is thrown away. So the bits of a channel depend on
   that channel alone.
3. Rows outside, channels inside: neighbouring channels are independent, so a loop over them becomes
   vector instructions. A plane belongs to one channel; there, LANES sums run side by side instead,
   and all passes over a channel follow each other while it is in the cache.
"""

from libc.math cimport fabs, sqrt

from .types cimport an_array, fetch, in_float32, pause, real

cdef enum:
    PANEL = 1024   # columns worked at a time: their sums and constants lie on the stack
    NARROW = 64    # up to this L, planes are worked as columns
    AHEAD = 2048   # how many values before its turn a row is fetched into the cache
    MANY = 2097152   # values; fewer are likely to be in a cache already
    LANES = 128    # sums that run side by side over the values of one channel

ctypedef fused wide:   # what x - centre is computed in: the dtype of the data, or double
    float
    double


ctypedef fused wide_or_bint:
    float
    double
    bint


cdef int _check(
    str kernel, bint one_shape, Py_ssize_t C,
    Py_ssize_t p, Py_ssize_t q, Py_ssize_t r, Py_ssize_t s, Py_ssize_t t
) except -1:
    """Whether the arrays of data have one shape, and the five arrays of channels C values each."""
    if not (one_shape and p == q == r == s == t == C):
        raise ValueError(
            f"{kernel}: the data has {'one shape' if one_shape else 'several shapes'} and {C} "
            f"channels; the arrays of channels have {p}, {q}, {r}, {s} and {t} values")
    return 0


cdef inline bint _fits(double mean, double inv_std, real gamma) noexcept nogil:
    """Whether the dtype of the data is wide enough for a channel's differences and constants."""
    cdef double scale = fabs(gamma) * inv_std
    return sizeof(real) == sizeof(double) or (
        fabs(mean) < 1e30 and 1e-30 < inv_std < 1e30 and (1e-30 < scale < 1e30 or scale == 0))


cdef inline Py_ssize_t _how_many_fit(
    const double[::1] mean, const double[::1] inv_std, const real[::1] gamma,
    Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    cdef Py_ssize_t c, count = 0
    for c in range(first, last):
        count += _fits(mean[c], inv_std[c], gamma[c])
    return count


cdef Py_ssize_t _narrow_length(object x) except -1:
    """L, if the loops over columns are to be taken; 0 for those over planes."""
    if x.ndim == 2:
        return 1
    return x.shape[2] if x.ndim == 3 and x.shape[2] <= NARROW else 0


cdef object _as_rows(object x, str argument):
    """(N, C, L) as (N, C · L), in the same memory."""
    if an_array("batch_norm", x).ndim != 3 or not x.flags.c_contiguous:
        raise ValueError(f"batch_norm: {argument} is not a contiguous (N, C, L)")
    return x.reshape(x.shape[0], x.shape[1] * x.shape[2])


# --- statistics --------------------------------------------------------------------------------

cdef inline void _repeat(wide_or_bint *u, Py_ssize_t L) noexcept nogil:
    """The first of L neighbours becomes the value of all."""
    cdef Py_ssize_t k
    for k in range(1, L):
        u[k] = u[0]


cdef inline double _total(double *sums, Py_ssize_t L) noexcept nogil:
    """The sum of L neighbours, which are 0 again afterwards."""
    cdef double total = 0
    cdef Py_ssize_t k
    for k in range(L):
        total += sums[k]
        sums[k] = 0
    return total


cdef inline Py_ssize_t _ahead(Py_ssize_t rows, Py_ssize_t width) noexcept nogil:
    """So many rows ahead the next ones are fetched; all rows, that is none, if they are few."""
    return 1 + AHEAD // width if rows * width > MANY else rows


cdef inline void _fetch(
    const real[:, ::1] x, Py_ssize_t n, Py_ssize_t start, Py_ssize_t width
) noexcept nogil:
    """Ask the memory for a row, if there is one, and go on. Results do not depend on it."""
    cdef Py_ssize_t k
    if n < x.shape[0]:
        for k in range(0, width, 16):
            fetch(&x[n, start + k])


cdef int _statistics_panel(
    const real[:, ::1] x, double[::1] mean, double[::1] var,
    Py_ssize_t L, Py_ssize_t first, Py_ssize_t last
) except -1 nogil:
    """Of the channels first .. last - 1, each L columns wide."""
    cdef Py_ssize_t rows = x.shape[0], start = first * L, width = (last - first) * L
    cdef Py_ssize_t ahead = _ahead(rows, width), n, c, k, done = 0
    cdef double[PANEL] origin, sums
    cdef double m = max(rows * L, 1), d
    for c in range(first, last):
        k = (c - first) * L
        origin[k] = x[0, start + k] if rows else 0
        _repeat(&origin[k], L)
    for k in range(width):
        sums[k] = 0
    for n in range(rows):
        _fetch(x, n + ahead, start, width)
        for k in range(width):
            sums[k] += x[n, start + k] - origin[k]                       # (1)
        pause(&done, width)
    for c in range(first, last):
        k = (c - first) * L
        origin[k] += _total(&sums[k], L) / m                          # (1)
        mean[c] = origin[k]
        _repeat(&origin[k], L)
    for n in range(rows):
        _fetch(x, n + ahead, start, width)
        for k in range(width):
            d = x[n, start + k] - origin[k]
            sums[k] += d * d                                             # (2)
        pause(&done, width)
    for c in range(first, last):
        var[c] = _total(&sums[(c - first) * L], L) / m                # (2)
    return 0


cdef int _statistics_plane(
    const real[:, :, ::1] x, double[::1] mean, double[::1] var, Py_ssize_t c, Py_ssize_t *done
) except -1 nogil:
    """Of channel c."""
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
        pause(done, L)
    mean[c] = start + _total(lane, LANES) / m                                   # (1)
    for n in range(N):
        for block in range(L // LANES + 1):
            i = block * LANES
            for k in range(min(LANES, L - i)):
                d = x[n, c, i + k] - mean[c]
                lane[k] += d * d                                         # (2)
        pause(done, L)
    var[c] = _total(lane, LANES) / m                                            # (2)
    return 0


cdef int _statistics_rows(
    const real[:, ::1] x, double[::1] mean, double[::1] var, Py_ssize_t L
) except -1:
    cdef Py_ssize_t C = x.shape[1] // L, panel = PANEL // L, first = 0, last
    _check("batch_norm_statistics", True, C, C, C, C, mean.shape[0], var.shape[0])
    with nogil:
        while first < C:
            last = min(first + panel, C)
            _statistics_panel(x, mean, var, L, first, last)
            first = last
    return 0


cdef int _statistics_planes(
    const real[:, :, ::1] x, double[::1] mean, double[::1] var
) except -1:
    cdef Py_ssize_t C = x.shape[1], c, done = 0
    _check("batch_norm_statistics", True, C, C, C, C, mean.shape[0], var.shape[0])
    with nogil:
        for c in range(C):
            _statistics_plane(x, mean, var, c, &done)
    return 0


def batch_norm_statistics(x not None, mean not None, var not None):
    """mean and var of every channel of x, and nothing else.

    mean = M(x) = x_0 + M(x − x_0)          (1)   M: mean over a channel; x_0: its first value
    var = M((x − mean)²)                    (2)

    mean and var are (C,) float64. Without values (m = 0) they are 0.
    """
    cdef bint single = in_float32("batch_norm_statistics", x)
    cdef Py_ssize_t L = _narrow_length(x)
    if L:
        x = x if x.ndim == 2 else _as_rows(x, "x")
        if single:
            _statistics_rows[float](x, mean, var, L)
        else:
            _statistics_rows[double](x, mean, var, L)
    elif single:
        _statistics_planes[float](x, mean, var)
    else:
        _statistics_planes[double](x, mean, var)


# --- forward -----------------------------------------------------------------------------------

cdef inline void _forward_constants(
    double mean, double inv_std, double gamma, double beta, wide *centre, wide *scale, wide *shift
) noexcept nogil:
    cdef double gamma_r = gamma * inv_std
    centre[0] = <wide> mean                                              # (16)
    scale[0] = <wide> gamma_r                                            # (17)
    shift[0] = <wide> (beta - (mean - centre[0]) * gamma_r)              # (17)


cdef int _normalize_panel(
    const real[:, ::1] x, const real[::1] gamma, const real[::1] beta, const double[::1] mean,
    real[:, ::1] y, const double[::1] inv_std, wide type_of_work,
    Py_ssize_t L, Py_ssize_t first, Py_ssize_t last
) except -1 nogil:
    """The channels first .. last - 1, each L columns wide; in double those alone that need it."""
    cdef Py_ssize_t start = first * L, width = (last - first) * L, n, c, k, done = 0
    cdef wide[PANEL] centre, scale, shift
    cdef bint[PANEL] own
    cdef real value
    for c in range(first, last):
        k = (c - first) * L
        _forward_constants(
            mean[c], inv_std[c], gamma[c], beta[c], &centre[k], &scale[k], &shift[k])
        own[k] = not _fits(mean[c], inv_std[c], gamma[c])
        _repeat(&own[k], L)
        _repeat(&centre[k], L)
        _repeat(&scale[k], L)
        _repeat(&shift[k], L)
    for n in range(x.shape[0]):
        for k in range(width):
            value = <real> ((x[n, start + k] - centre[k]) * scale[k] + shift[k])  # (4) (5) (17)
            if real is float and wide is double:
                value = value if own[k] else y[n, start + k]
            y[n, start + k] = value
        pause(&done, width)
    return 0


cdef int _normalize_plane(
    const real[:, :, ::1] x, const real[::1] gamma, const real[::1] beta, const double[::1] mean,
    real[:, :, ::1] y, const double[::1] inv_std, wide type_of_work, Py_ssize_t c,
    Py_ssize_t *done
) except -1 nogil:
    """Channel c."""
    cdef Py_ssize_t n, i
    cdef wide centre, scale, shift
    _forward_constants(mean[c], inv_std[c], gamma[c], beta[c], &centre, &scale, &shift)
    for n in range(x.shape[0]):
        for i in range(x.shape[2]):
            y[n, c, i] = <real> ((x[n, c, i] - centre) * scale + shift)      # (4) (5) (17)
        pause(done, x.shape[2])
    return 0


cdef int _forward_rows(
    const real[:, ::1] x, const real[::1] gamma, const real[::1] beta, real[:, ::1] y,
    double[::1] mean, double[::1] var, double[::1] inv_std, double eps, bint training, Py_ssize_t L
) except -1:
    cdef Py_ssize_t C = x.shape[1] // L, panel = PANEL // L, first = 0, last, fit, c
    _check("batch_norm_forward", y.shape[0] == x.shape[0] and y.shape[1] == x.shape[1], C,
           gamma.shape[0], beta.shape[0], mean.shape[0], var.shape[0], inv_std.shape[0])
    with nogil:
        while first < C:
            last = min(first + panel, C)
            if training:
                _statistics_panel(x, mean, var, L, first, last)
            for c in range(first, last):
                inv_std[c] = 1 / sqrt(var[c] + eps)                      # (3)
            fit = _how_many_fit(mean, inv_std, gamma, first, last)
            if fit > 0:
                _normalize_panel[real, real](x, gamma, beta, mean, y, inv_std, 0, L, first, last)
            if fit < last - first:
                _normalize_panel[real, double](x, gamma, beta, mean, y, inv_std, 0, L, first, last)
            first = last
    return 0


cdef int _forward_planes(
    const real[:, :, ::1] x, const real[::1] gamma, const real[::1] beta, real[:, :, ::1] y,
    double[::1] mean, double[::1] var, double[::1] inv_std, double eps, bint training
) except -1:
    cdef Py_ssize_t C = x.shape[1], c, done = 0
    _check("batch_norm_forward",
           y.shape[0] == x.shape[0] and y.shape[1] == C and y.shape[2] == x.shape[2], C,
           gamma.shape[0], beta.shape[0], mean.shape[0], var.shape[0], inv_std.shape[0])
    with nogil:
        for c in range(C):
            if training:
                _statistics_plane(x, mean, var, c, &done)
            inv_std[c] = 1 / sqrt(var[c] + eps)                          # (3)
            if _fits(mean[c], inv_std[c], gamma[c]):
                _normalize_plane[real, real](x, gamma, beta, mean, y, inv_std, 0, c, &done)
            else:
                _normalize_plane[real, double](x, gamma, beta, mean, y, inv_std, 0, c, &done)
    return 0


def batch_norm_forward(
    x not None, gamma not None, beta not None, y not None, mean not None, var not None,
    inv_std not None, eps, training
):
    """y and inv_std from x; mean and var are computed in training, given in evaluation.

    mean = M(x) = x_0 + M(x − x_0)          (1)   M: mean over a channel; x_0: its first value
    var = M((x − mean)²)                    (2)
    inv_std = 1 / √(var + eps)              (3)
    x_hat = (x − mean) · inv_std            (4)
    y = gamma · x_hat + beta                (5)
    where (4) and (5) are computed as
    centre = mean rounded, rest = mean − centre                     (16)
    y = (x − centre) · scale + shift,
    scale = gamma · inv_std, shift = beta − rest · scale            (17)

    mean, var and inv_std are (C,) float64. Without values (m = 0) mean and var are 0.
    """
    cdef bint single = in_float32("batch_norm_forward", x)
    cdef Py_ssize_t L = _narrow_length(x)
    if L:
        if x.ndim == 3:
            x, y = _as_rows(x, "x"), _as_rows(y, "y")
        if single:
            _forward_rows[float](x, gamma, beta, y, mean, var, inv_std, eps, training, L)
        else:
            _forward_rows[double](x, gamma, beta, y, mean, var, inv_std, eps, training, L)
    elif single:
        _forward_planes[float](x, gamma, beta, y, mean, var, inv_std, eps, training)
    else:
        _forward_planes[double](x, gamma, beta, y, mean, var, inv_std, eps, training)


# --- backward ----------------------------------------------------------------------------------

cdef inline double _backward_constants(
    double mean, double inv_std, double gamma, double m, double sum_dy, double sum_dy_x,
    wide *scale, wide *offset, wide *slope
) noexcept nogil:
    """Returns dgamma; sum_dy_x is Σ dy · (x - centre)."""
    cdef double rest = mean - <wide> mean                                # (16)
    cdef double dgamma = (sum_dy_x - rest * sum_dy) * inv_std            # (7)
    cdef double r_dgamma_m = inv_std * dgamma / m
    scale[0] = <wide> (gamma * inv_std)                                  # (18)
    slope[0] = <wide> r_dgamma_m                                         # (18)
    offset[0] = <wide> (sum_dy / m - rest * r_dgamma_m)                  # (18)
    return dgamma


cdef int _backward_panel(
    const real[:, ::1] dy, const real[:, ::1] x, const real[::1] gamma, const double[::1] mean,
    const double[::1] inv_std, real[:, ::1] dx, real[::1] dgamma, real[::1] dbeta, bint training,
    wide type_of_work, Py_ssize_t L, Py_ssize_t first, Py_ssize_t last
) except -1 nogil:
    """The channels first .. last - 1, each L columns wide; in double those alone that need it."""
    cdef Py_ssize_t rows = x.shape[0], start = first * L, width = (last - first) * L
    cdef Py_ssize_t ahead = _ahead(rows, width), n, c, k, done = 0
    cdef double[PANEL] sums_dy, sums_dy_x
    cdef wide[PANEL] centre, scale, offset, slope
    cdef bint[PANEL] own
    cdef wide d
    cdef double m = max(rows * L, 1), g, sum_dy, sum_dy_x
    cdef real value
    for c in range(first, last):
        k = (c - first) * L
        centre[k] = <wide> mean[c]                                       # (16)
        _repeat(&centre[k], L)
    for k in range(width):
        sums_dy[k] = sums_dy_x[k] = 0
    for n in range(rows):
        _fetch(dy, n + ahead, start, width)
        _fetch(x, n + ahead, start, width)
        for k in range(width):
            g = dy[n, start + k]
            sums_dy[k] += g                                              # (6)
            sums_dy_x[k] += g * (x[n, start + k] - centre[k])            # (7)
        pause(&done, width)
    for c in range(first, last):
        k = (c - first) * L
        sum_dy, sum_dy_x = _total(&sums_dy[k], L), _total(&sums_dy_x[k], L)
        own[k] = not _fits(mean[c], inv_std[c], gamma[c])
        g = _backward_constants(                                         # (7)
            mean[c], inv_std[c], gamma[c], m, sum_dy, sum_dy_x, &scale[k], &offset[k], &slope[k])
        _repeat(&own[k], L)
        _repeat(&scale[k], L)
        _repeat(&offset[k], L)
        _repeat(&slope[k], L)
        if real is float and wide is double:
            if not own[k]:
                continue
        dbeta[c] = <real> sum_dy                                         # (6)
        dgamma[c] = <real> g                                             # (7)
    if dx is None:
        return 0
    for n in range(rows):
        if training:
            for k in range(width):
                d = x[n, start + k] - centre[k]
                value = <real> (                                         # (8) (18)
                    (dy[n, start + k] - offset[k] - d * slope[k]) * scale[k])
                if real is float and wide is double:
                    value = value if own[k] else dx[n, start + k]
                dx[n, start + k] = value
        else:
            for k in range(width):
                value = <real> (dy[n, start + k] * scale[k])             # (12)
                if real is float and wide is double:
                    value = value if own[k] else dx[n, start + k]
                dx[n, start + k] = value
        pause(&done, width)
    return 0


cdef int _backward_plane(
    const real[:, :, ::1] dy, const real[:, :, ::1] x, const real[::1] gamma,
    const double[::1] mean, const double[::1] inv_std, real[:, :, ::1] dx, real[::1] dgamma,
    real[::1] dbeta, bint training, wide type_of_work, Py_ssize_t c, Py_ssize_t *done
) except -1 nogil:
    """Channel c."""
    cdef Py_ssize_t N = x.shape[0], L = x.shape[2], n, block, i, k
    cdef double[LANES] lane_dy, lane_dy_x
    cdef double m = max(N * L, 1), g, sum_dy
    cdef wide d, centre = <wide> mean[c], scale, offset, slope           # (16)
    for k in range(LANES):
        lane_dy[k] = lane_dy_x[k] = 0
    for n in range(N):
        for block in range(L // LANES + 1):
            i = block * LANES
            for k in range(min(LANES, L - i)):
                g = dy[n, c, i + k]
                lane_dy[k] += g                                          # (6)
                lane_dy_x[k] += g * (x[n, c, i + k] - centre)            # (7)
        pause(done, L)
    sum_dy = _total(lane_dy, LANES)
    dbeta[c] = <real> sum_dy                                             # (6)
    dgamma[c] = <real> _backward_constants(                              # (7)
        mean[c], inv_std[c], gamma[c], m, sum_dy, _total(lane_dy_x, LANES), &scale, &offset, &slope)
    if dx is None:
        return 0
    for n in range(N):
        if training:
            for i in range(L):
                d = x[n, c, i] - centre
                dx[n, c, i] = <real> ((dy[n, c, i] - offset - d * slope) * scale)      # (8) (18)
        else:
            for i in range(L):
                dx[n, c, i] = <real> (dy[n, c, i] * scale)               # (12)
        pause(done, L)
    return 0


cdef int _backward_rows(
    const real[:, ::1] dy, const real[:, ::1] x, const real[::1] gamma, const double[::1] mean,
    const double[::1] inv_std, real[:, ::1] dx, real[::1] dgamma, real[::1] dbeta, bint training,
    Py_ssize_t L
) except -1:
    cdef Py_ssize_t W = x.shape[1], C = W // L, panel = PANEL // L, first = 0, last, fit
    _check("batch_norm_backward",
           dy.shape[0] == x.shape[0] and dy.shape[1] == W
           and (dx is None or dx.shape[0] == x.shape[0] and dx.shape[1] == W), C,
           gamma.shape[0], mean.shape[0], inv_std.shape[0], dgamma.shape[0], dbeta.shape[0])
    with nogil:
        while first < C:
            last = min(first + panel, C)
            fit = _how_many_fit(mean, inv_std, gamma, first, last)
            if fit > 0:
                _backward_panel[real, real](
                    dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, 0, L, first, last)
            if fit < last - first:
                _backward_panel[real, double](
                    dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, 0, L, first, last)
            first = last
    return 0


cdef int _backward_planes(
    const real[:, :, ::1] dy, const real[:, :, ::1] x, const real[::1] gamma,
    const double[::1] mean, const double[::1] inv_std, real[:, :, ::1] dx, real[::1] dgamma,
    real[::1] dbeta, bint training
) except -1:
    cdef Py_ssize_t C = x.shape[1], c, done = 0
    _check("batch_norm_backward",
           dy.shape[0] == x.shape[0] and dy.shape[1] == C and dy.shape[2] == x.shape[2]
           and (dx is None or dx.shape[0] == x.shape[0] and dx.shape[1] == C
                and dx.shape[2] == x.shape[2]), C,
           gamma.shape[0], mean.shape[0], inv_std.shape[0], dgamma.shape[0], dbeta.shape[0])
    with nogil:
        for c in range(C):
            if _fits(mean[c], inv_std[c], gamma[c]):
                _backward_plane[real, real](
                    dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, 0, c, &done)
            else:
                _backward_plane[real, double](
                    dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, 0, c, &done)
    return 0


def batch_norm_backward(
    dy not None, x not None, gamma not None, mean not None, inv_std not None, dx,
    dgamma not None, dbeta not None, training
):
    """dx (None: not wanted), dgamma and dbeta from dy and the values of the forward pass.

    dbeta = Σ dy                                                            (6)
    dgamma = Σ dy · x_hat                                                   (7)
    dx = gamma · inv_std · (dy − dbeta/m − x_hat · dgamma/m)                (8)   training
    dx = gamma · inv_std · dy                                               (12)   evaluation
    where (8) is computed, with centre and rest of (16), as
    dx = (dy − offset − (x − centre) · slope) · scale,
    slope = inv_std · dgamma/m, offset = dbeta/m − rest · slope             (18)
    """
    cdef bint single = in_float32("batch_norm_backward", x)
    cdef Py_ssize_t L = _narrow_length(x)
    if L:
        if x.ndim == 3:
            dy, x = _as_rows(dy, "dy"), _as_rows(x, "x")
            dx = None if dx is None else _as_rows(dx, "dx")
        if single:
            _backward_rows[float](dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, L)
        else:
            _backward_rows[double](dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training, L)
    elif single:
        _backward_planes[float](dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training)
    else:
        _backward_planes[double](dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training)


# --- running statistics ------------------------------------------------------------------------

cdef int _update(
    const double[::1] mean, const double[::1] var, real[::1] running_mean, real[::1] running_var,
    double momentum, double m, bint unbiased
) except -1:
    cdef Py_ssize_t C = mean.shape[0], c
    cdef double keep = 1 - momentum, factor
    _check("batch_norm_update", True, C,
           C, C, var.shape[0], running_mean.shape[0], running_var.shape[0])
    if unbiased and m < 2:
        raise ValueError(f"batch_norm_update: the unbiased variance needs 2 values, got m = {m:g}")
    factor = m / (m - 1) if unbiased else 1
    # With the GIL: threads that share the statistics update them one after the other.
    for c in range(C):
        running_mean[c] = <real> (keep * running_mean[c] + momentum * mean[c])               # (13)
        running_var[c] = <real> (keep * running_var[c] + momentum * (factor * var[c]))       # (14)
    return 0


def batch_norm_update(
    mean not None, var not None, running_mean not None, running_var not None, momentum, m, unbiased
):
    """Move the running statistics towards those of a batch of m values a channel, in place.

    running_mean ← (1 − momentum) · running_mean + momentum · mean              (13)
    running_var ← (1 − momentum) · running_var + momentum · m/(m − 1) · var     (14)

    With unbiased=False the factor m/(m − 1) is 1.
    """
    if in_float32("batch_norm_update", running_mean):
        _update[float](mean, var, running_mean, running_var, momentum, m, unbiased)
    else:
        _update[double](mean, var, running_mean, running_var, momentum, m, unbiased)
