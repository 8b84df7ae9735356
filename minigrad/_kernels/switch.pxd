cdef class Active:
    cdef readonly bint compiled
    cdef dict __dict__

cdef Active switch
