# What the loops over rows and those over planes share: one channel's checks and constants.

from libc.math cimport fabs, isnan

from .types cimport real

ctypedef fused wide:   # what x - center is computed in: the dtype of the data, or double
    float
    double


cdef inline int check(
    str kernel, bint one_shape, Py_ssize_t C,
    Py_ssize_t p, Py_ssize_t q, Py_ssize_t r, Py_ssize_t s, Py_ssize_t t
) except -1:
    """Whether the arrays of data have one shape, and the five arrays of channels C values each."""
    if not (one_shape and p == q == r == s == t == C):
        raise ValueError(
            f"{kernel}: the data has {'one shape' if one_shape else 'several shapes'} and {C} "
            f"channels; the arrays of channels have {p}, {q}, {r}, {s} and {t} values")
    return 0


cdef inline bint fits(double mean, double inv_std, real gamma) noexcept nogil:
    """Whether the dtype of the data is wide enough for a channel's differences and constants.

    It is for NaN and an infinite mean: what they lead to is NaN in double, too.
    """
    cdef double scale = fabs(gamma) * inv_std
    cdef bint within = (fabs(mean) < 1e30 and 1e-30 < inv_std < 1e30
                        and (1e-30 < scale < 1e30 or scale == 0))
    return sizeof(real) == sizeof(double) or within or isnan(mean - mean) or isnan(scale)


cdef inline void forward_constants(
    double mean, double inv_std, double gamma, double beta, wide *center, wide *scale, wide *shift
) noexcept nogil:
    cdef double gamma_r = gamma * inv_std
    center[0] = <wide> mean                                              # (16)
    scale[0] = <wide> gamma_r                                            # (17)
    shift[0] = <wide> (beta - (mean - center[0]) * gamma_r)              # (17)


cdef inline double backward_constants(
    double mean, double inv_std, double gamma, double m, double sum_dy, double sum_dy_x,
    wide *scale, wide *offset, wide *slope
) noexcept nogil:
    """Return dgamma; sum_dy_x is Σ dy · (x − center)."""
    cdef double rest = mean - <wide> mean                                # (16)
    cdef double dgamma = (sum_dy_x - rest * sum_dy) * inv_std            # (7)
    cdef double r_dgamma_m = inv_std * dgamma / m
    scale[0] = <wide> (gamma * inv_std)                                  # (18)
    slope[0] = <wide> r_dgamma_m                                         # (18)
    offset[0] = <wide> (sum_dy / m - rest * r_dgamma_m)                  # (18)
    return dgamma
