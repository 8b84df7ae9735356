# What every kernel shares: the fused type `real`, and an answer to Ctrl-C.

from cpython.exc cimport PyErr_CheckSignals

ctypedef fused real:
    float
    double

cdef enum:
    CHUNK = 1048576   # elements between two looks at the keyboard: a few milliseconds


cdef inline int check_interrupt() except -1 nogil:
    """Raise KeyboardInterrupt if the user pressed Ctrl-C. Called once a CHUNK, never inside."""
    with gil:
        PyErr_CheckSignals()
    return 0
