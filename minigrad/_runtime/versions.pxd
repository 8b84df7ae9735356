cimport numpy as cnp

cdef enum:
    OWN = -1       # a saved value that no input made: it is the node's own output,
    NOWHERE = -2   # or it comes from elsewhere


cdef class Version:
    cdef Py_ssize_t count
    cdef str writer
    cdef cnp.ndarray memory


cdef class SavedTensor:
    cdef cnp.ndarray array
    cdef Version version
    cdef Py_ssize_t count
    cdef Py_ssize_t origin
    cdef int verify(self, object owner) except -1


cdef class Step:
    cdef Step before
    cdef object function
    cdef tuple arguments
