# A part of some work, done without the GIL: 0, or −1 with an exception set. It is declared as one
# without exceptions, so that its caller can wait for the others before the exception is raised.
ctypedef int (*Part)(void *task, int number, int parts) noexcept nogil

cdef int enough_parts(double size, double share) except -1
cdef int in_parts(Part part, void *task, int parts) except -1 nogil
