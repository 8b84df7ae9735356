"""Batch renormalization: how far a batch is from the running statistics, within limits.

Derivation: docs/derivations/batch_renorm.md
"""

cimport cython
from libc.math cimport sqrt

from .types cimport in_float32, real


cdef inline double _clip(double value, double lowest, double highest) noexcept nogil:
    """value within the limits; NaN remains NaN."""
    if value < lowest:
        return lowest
    return highest if value > highest else value


@cython.cdivision(True)   # sigma_run 0: 1 / 0 is inf, in the debug build too
cdef int _correction(
    const double[::1] mean, const double[::1] var, const real[::1] running_mean,
    const real[::1] running_var, real[::1] R, real[::1] D, double eps, double r_max, double d_max
) except -1:
    cdef Py_ssize_t C = mean.shape[0], c
    cdef double sigma_run
    if not (var.shape[0] == running_mean.shape[0] == running_var.shape[0] == C
            and R.shape[0] == D.shape[0] == C):
        raise ValueError(
            f"batch_renorm_correction: arrays of {C}, {var.shape[0]}, {running_mean.shape[0]}, "
            f"{running_var.shape[0]}, {R.shape[0]} and {D.shape[0]} channels")
    with nogil:
        for c in range(C):
            sigma_run = sqrt(running_var[c] + eps)  # (1)
            R[c] = <real> _clip(sqrt(var[c] + eps) / sigma_run, 1 / r_max, r_max)  # (2)
            D[c] = <real> _clip((mean[c] - running_mean[c]) / sigma_run, -d_max, d_max)  # (3)
    return 0


def batch_renorm_correction(
    mean not None, var not None, running_mean not None, running_var not None, R not None,
    D not None, eps, r_max, d_max
):
    """R and D from the statistics of a batch and the running ones, all (C,).

    sigma_run = √(running_var + eps)                               (1)
    R = √(var + eps) / sigma_run, within 1/r_max and r_max         (2)
    D = (mean − running_mean) / sigma_run, within −d_max and d_max (3)

    mean and var are float64. An infinite r_max or d_max is no limit.
    """
    if in_float32("batch_renorm_correction", R):
        _correction[float](mean, var, running_mean, running_var, R, D, eps, r_max, d_max)
    else:
        _correction[double](mean, var, running_mean, running_var, R, D, eps, r_max, d_max)
