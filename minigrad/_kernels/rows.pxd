# What the kernels over rows share. A row is C numbers, C >= 1; all sums are taken in double.
#
# LANES partial sums run side by side: a single one would wait four cycles for each addition, and
# the compiler may not reorder it (no -ffast-math). Lanes become vector instructions, and many short
# sums round less than one long one.

from libc.math cimport fabs

from .exponential cimport exponential
from .types cimport real


cdef enum:
    LANES = 16     # partial sums that run side by side
    MAXIMA = 32    # and maxima
    BLOCK = 2048   # numbers of a row that are searched at a time


cdef inline double sum_of_lanes(double *lane) noexcept nogil:
    """Σ_k lane_k, in halves: so four additions follow each other, not sixteen."""
    cdef Py_ssize_t k
    for k in range(8):
        lane[k] += lane[k + 8]
    for k in range(4):
        lane[k] += lane[k + 4]
    for k in range(2):
        lane[k] += lane[k + 2]
    return lane[0] + lane[1]


cdef inline real row_max(const real *x, Py_ssize_t C) noexcept nogil:
    """max_j x_j for C >= MAXIMA; the last lanes overlap with those before."""
    cdef real[MAXIMA] lane
    cdef Py_ssize_t block, j, k
    for k in range(MAXIMA):
        lane[k] = x[C - MAXIMA + k]
    for block in range(C // MAXIMA):
        j = block * MAXIMA
        for k in range(MAXIMA):
            lane[k] = x[j + k] if x[j + k] > lane[k] else lane[k]
    for k in range(16):
        lane[k] = lane[k + 16] if lane[k + 16] > lane[k] else lane[k]
    for k in range(8):
        lane[k] = lane[k + 8] if lane[k + 8] > lane[k] else lane[k]
    for k in range(4):
        lane[k] = lane[k + 4] if lane[k + 4] > lane[k] else lane[k]
    for k in range(2):
        lane[k] = lane[k + 2] if lane[k + 2] > lane[k] else lane[k]
    return lane[1] if lane[1] > lane[0] else lane[0]


cdef inline Py_ssize_t row_argmax(const real *x, Py_ssize_t C) noexcept nogil:
    """The first j with the largest x_j; any j if there is a NaN."""
    cdef real m
    cdef Py_ssize_t start = 0, j, a = 0
    cdef int width, k, first, found
    if C < MAXIMA:
        for j in range(1, C):
            if x[j] > x[a]:
                a = j
        return a
    m = row_max(x, C)
    while start < C:
        width = first = <int> min(C - start, <Py_ssize_t> BLOCK)
        for k in range(width):
            found = k if x[start + k] == m else width
            first = found if found < first else first
        if first < width:
            return start + first
        start += width
    return 0


cdef inline double row_sum(const real *x, Py_ssize_t C) noexcept nogil:
    """Σ_j x_j"""
    cdef double[LANES] lane
    cdef double total = 0
    cdef Py_ssize_t block, j, k, blocks = C // LANES
    for k in range(LANES):
        lane[k] = 0
    for block in range(blocks):
        j = block * LANES
        for k in range(LANES):
            lane[k] += x[j + k]
    for j in range(blocks * LANES, C):
        total += x[j]
    return total + sum_of_lanes(lane)


cdef inline double row_dot(const real *x, const real *y, Py_ssize_t C) noexcept nogil:
    """Σ_j x_j · y_j"""
    cdef double[LANES] lane
    cdef double total = 0
    cdef Py_ssize_t block, j, k, blocks = C // LANES
    for k in range(LANES):
        lane[k] = 0
    for block in range(blocks):
        j = block * LANES
        for k in range(LANES):
            lane[k] += <double> x[j + k] * y[j + k]
    for j in range(blocks * LANES, C):
        total += <double> x[j] * y[j]
    return total + sum_of_lanes(lane)


cdef inline double row_mean(const real *x, Py_ssize_t C) noexcept nogil:
    """M(x) = x_0 + M(x − x_0): a constant row has exactly its constant as mean."""
    cdef double[LANES] lane
    cdef double start = x[0], total = 0
    cdef Py_ssize_t block, j, k, blocks = C // LANES
    for k in range(LANES):
        lane[k] = 0
    for block in range(blocks):
        j = block * LANES
        for k in range(LANES):
            lane[k] += x[j + k] - start
    for j in range(blocks * LANES, C):
        total += x[j] - start
    return start + (total + sum_of_lanes(lane)) / C


cdef inline double row_var(const real *x, double mean, Py_ssize_t C) noexcept nogil:
    """M((x − mean)²)"""
    cdef double[LANES] lane
    cdef double total = 0, d
    cdef Py_ssize_t block, j, k, blocks = C // LANES
    for k in range(LANES):
        lane[k] = 0
    for block in range(blocks):
        j = block * LANES
        for k in range(LANES):
            d = x[j + k] - mean
            lane[k] += d * d
    for j in range(blocks * LANES, C):
        d = x[j] - mean
        total += d * d
    return (total + sum_of_lanes(lane)) / C


cdef inline bint row_fits(double mean, double inv_std) noexcept nogil:
    """Whether float32 is wide enough for the differences from this mean and what follows them."""
    return fabs(mean) < 1e30 and 1e-30 < inv_std < 1e30


cdef inline double exponentials(
    const real *x, double *e, Py_ssize_t C, Py_ssize_t *largest
) noexcept nogil:
    """Write e_j = exp(x_j - x_a) with a = argmax x, and return rest = Σ_{j≠a} e_j.

    e_a = 1 is left out of the sum because it would swallow a small rest: 1 + 1e-20 is 1, but
    log1p(1e-20) is 1e-20. The rest is nan where no softmax exists: x has a NaN or +inf, or
    nothing but -inf.
    """
    cdef Py_ssize_t j, a = row_argmax(x, C)
    cdef double m = x[a], rest
    for j in range(C):
        e[j] = exponential(x[j] - m, x[a])
    e[a] = 0
    rest = row_sum(e, C) + (m - m)   # m - m is 0, or nan when m is infinite
    e[a] = 1
    largest[0] = a
    return rest
