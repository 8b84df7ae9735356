# What every kernel shares: the fused type `real`, and an answer to Ctrl-C.

cimport numpy as cnp
from cpython.exc cimport PyErr_CheckSignals

ctypedef fused real:
    float
    double

cdef enum:
    SIGNAL_INTERVAL = 1048576   # elements between two checks for Ctrl-C: a few milliseconds


cdef inline int check_interrupt() except -1 nogil:
    """Raise KeyboardInterrupt if the user pressed Ctrl-C. Once per SIGNAL_INTERVAL."""
    with gil:
        PyErr_CheckSignals()
    return 0


cdef inline int check_signals_every(Py_ssize_t *done, Py_ssize_t elements) except -1 nogil:
    """Check for Ctrl-C whenever another SIGNAL_INTERVAL of elements is done."""
    done[0] += elements
    if done[0] >= SIGNAL_INTERVAL:
        done[0] = 0
        check_interrupt()
    return 0


cdef inline Py_ssize_t chunk_end(Py_ssize_t start, Py_ssize_t size) except -1 nogil:
    """Where the chunk that begins at `start` ends; from the second chunk on, checks for Ctrl-C."""
    if start > 0:
        check_interrupt()
    return min(start + SIGNAL_INTERVAL, size)


cdef inline int check_sizes(str kernel, Py_ssize_t a, Py_ssize_t b, Py_ssize_t c) except -1:
    """Raise ValueError unless three arrays of a kernel that works element by element fit."""
    if not a == b == c:
        raise ValueError(f"{kernel}: arrays of {a}, {b} and {c} elements")
    return 0


cdef inline object an_array(str kernel, object x):
    """x, if it is an array at all; the memoryviews look at dtype, dimensions and layout."""
    if not isinstance(x, cnp.ndarray):
        raise TypeError(f"{kernel}: expected NumPy arrays, got {type(x).__name__}")
    return x


cdef inline bint in_float32(str kernel, object x) except -1:
    """Which of its two forms a kernel takes for this array."""
    return an_array(kernel, x).itemsize == 4


cdef extern from *:
    """
    #if defined(__GNUC__)  /* and Clang */
    #define prefetch(address) __builtin_prefetch(address)
    #else
    #define prefetch(address) ((void) 0)
    #endif
    """
    void prefetch(const void *address) noexcept nogil  # into the cache: a hint, no result needs it
