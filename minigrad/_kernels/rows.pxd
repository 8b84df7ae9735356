# What the kernels over rows share. A row is C numbers, C >= 1; all sums are taken in double.
#
# A sum runs in four partial sums: a single one would wait four cycles for each addition, and the
# compiler may not reorder it (no -ffast-math). Four short sums also round less than one long one.
# Where several are taken at once, LANES of them become vector instructions.

from libc.math cimport fabs

from .exponential cimport exponential
from .types cimport real


cdef enum:
    BLOCK = 64   # row_argmax looks closely at this many numbers of a row
    LANES = 16  # partial sums that a normalization runs side by side


cdef inline double row_max(const real *x, Py_ssize_t C) noexcept nogil:
    """max_j x_j"""
    cdef real m0 = x[0], m1 = m0, m2 = m0, m3 = m0
    cdef Py_ssize_t j, blocks = C - C % 4
    for j in range(0, blocks, 4):
        m0 = x[j] if x[j] > m0 else m0
        m1 = x[j + 1] if x[j + 1] > m1 else m1
        m2 = x[j + 2] if x[j + 2] > m2 else m2
        m3 = x[j + 3] if x[j + 3] > m3 else m3
    for j in range(blocks, C):
        m0 = x[j] if x[j] > m0 else m0
    m0 = m1 if m1 > m0 else m0
    m2 = m3 if m3 > m2 else m2
    return m2 if m2 > m0 else m0


cdef inline Py_ssize_t row_argmax(const real *x, Py_ssize_t C) noexcept nogil:
    """The first j with the largest x_j: of a long row, first the block that holds it."""
    cdef Py_ssize_t start = 0, b = 0, j, a
    cdef double m = x[0], block_max
    if C > BLOCK:
        while b < C:
            block_max = row_max(&x[b], min(BLOCK, C - b))
            if block_max > m:
                m = block_max
                start = b
            b += BLOCK
    a = start
    for j in range(start + 1, min(start + BLOCK, C)):
        if x[j] > x[a]:
            a = j
    return a


cdef inline double row_sum(const real *x, Py_ssize_t C) noexcept nogil:
    """Σ_j x_j"""
    cdef double s0 = 0, s1 = 0, s2 = 0, s3 = 0
    cdef Py_ssize_t j, blocks = C - C % 4
    for j in range(0, blocks, 4):
        s0 += x[j]
        s1 += x[j + 1]
        s2 += x[j + 2]
        s3 += x[j + 3]
    for j in range(blocks, C):
        s0 += x[j]
    return (s0 + s1) + (s2 + s3)


cdef inline double row_dot(const real *x, const real *y, Py_ssize_t C) noexcept nogil:
    """Σ_j x_j · y_j"""
    cdef double s0 = 0, s1 = 0, s2 = 0, s3 = 0
    cdef Py_ssize_t j, blocks = C - C % 4
    for j in range(0, blocks, 4):
        s0 += <double> x[j] * y[j]
        s1 += <double> x[j + 1] * y[j + 1]
        s2 += <double> x[j + 2] * y[j + 2]
        s3 += <double> x[j + 3] * y[j + 3]
    for j in range(blocks, C):
        s0 += <double> x[j] * y[j]
    return (s0 + s1) + (s2 + s3)


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
    for k in range(LANES):
        total += lane[k]
    return start + total / C


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
    for k in range(LANES):
        total += lane[k]
    return total / C


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
