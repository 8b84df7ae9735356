# A part of some work, done without the GIL: 0, or −1 with an exception set. It is declared as one
# without exceptions, so that its caller can wait for the others before the exception is raised.
ctypedef int (*Part)(void *task, int number, int parts) noexcept nogil

cdef int enough_parts(double size, double share) except -1
cdef int in_parts(Part part, void *task, int parts) except -1 nogil
cdef bint call_in_parts(object function, tuple arguments, int parts) except -1


cdef inline Py_ssize_t begin_of(
    int part, int parts, Py_ssize_t size, Py_ssize_t step
) noexcept nogil:
    """Where a part begins of `size` rows, in whole steps; part `parts` begins at the end."""
    return min((size + step - 1) // step * part // parts * step, size)
