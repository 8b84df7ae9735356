ctypedef struct Matrix:
    void *data
    Py_ssize_t rows, columns
    Py_ssize_t down, along   # to the element below and the one beside it, in elements

cdef bint fills_tiles(Matrix a, Matrix b, bint single) noexcept nogil
cdef int multiply(Matrix a, Matrix b, Matrix y, bint single) except -1 nogil
