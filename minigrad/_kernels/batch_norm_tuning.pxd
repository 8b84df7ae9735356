# What makes the loops of batch norm fast and changes no bit of their results.
#
# Rows outside, columns inside: neighboring channels are independent sums, so the inner loop becomes
# vector instructions without any sum being reordered. What a loop needs of each column (sums,
# constants) lies in arrays on the stack, PANEL columns at a time. They stay in the first-level
# cache, and the compiler knows that nothing else points at them. docs/ladder.md measures each step.

from .._runtime.workers cimport enough_parts
from .types cimport an_array, prefetch, real

cdef enum:
    PANEL = 1024   # columns computed at a time
    NARROW = 64    # up to this L, planes are computed as columns
    LANES = 128    # of a plane, which is one channel: sums that run side by side over its values
    AHEAD = 2048   # how many values before its turn a row is fetched into the cache
    SHARE = 524288   # values for a thread: 200 µs, since handing over the GIL takes some 50
    STEP = 16     # channels: a part begins where a cache line of a row may
    MANY = 2097152   # values; fewer are likely to be in a cache already


cdef inline Py_ssize_t neighbors(object x) except -1:
    """How many neighboring columns belong to a channel of x; 0: x is computed by planes."""
    if x.ndim == 2:
        return 1
    return x.shape[2] if x.ndim == 3 and x.shape[2] <= NARROW else 0


cdef inline int parts_of(object x) except -1:
    """In how many parts, each some channels, x is computed: on several threads if it is large."""
    return enough_parts(x.size, SHARE)


cdef inline object as_rows(object x, str argument, int ndim):
    """(N, C, L) as (N, C · L), in the same memory; (rows, C) as it is; ndim: which of the two."""
    if an_array("batch_norm", x).ndim != ndim or ndim == 3 and not x.flags.c_contiguous:
        expected = "(rows, C)" if ndim == 2 else "(N, C, L)"
        raise ValueError(f"batch_norm: {argument} is not a contiguous {expected}")
    return x if ndim == 2 else x.reshape(x.shape[0], x.shape[1] * x.shape[2])


cdef inline object as_planes(object x, Py_ssize_t L):
    """(N, C · L) as (N, C, L), in the same memory."""
    return x.reshape(x.shape[0], x.shape[1] // L, L)


cdef inline void repeat(real *u, Py_ssize_t L) noexcept nogil:
    """Copy the first of L neighbors to all of them."""
    cdef Py_ssize_t k
    for k in range(1, L):
        u[k] = u[0]


cdef inline double total(double *sums, Py_ssize_t L) noexcept nogil:
    """Return the sum of L neighbors, and set them to 0."""
    cdef double result = 0
    cdef Py_ssize_t k
    for k in range(L):
        result += sums[k]
        sums[k] = 0
    return result


cdef inline Py_ssize_t rows_ahead(Py_ssize_t rows, Py_ssize_t width) noexcept nogil:
    """How many rows ahead to fetch: as many as there are, which fetches none, if they are few."""
    return 1 + AHEAD // width if rows * width > MANY else rows


cdef inline void fetch_row(
    const real[:, ::1] x, Py_ssize_t n, Py_ssize_t start, Py_ssize_t width
) noexcept nogil:
    """Ask for row n, if there is one, to be brought into the cache; do not wait for it."""
    cdef Py_ssize_t k
    if n < x.shape[0]:
        for k in range(0, width, 16):
            prefetch(&x[n, start + k])
