cdef int observe_backward(object function) except -1
