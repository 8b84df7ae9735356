from ...tensor cimport Tensor

cdef object ALL   # the slice of a whole dimension, known by identity

cdef object positions(array, Py_ssize_t dim, Py_ssize_t size)
cdef Tensor assignable(str operation, Tensor x, value)
cdef int write_at(
    str operation, Tensor x, tuple basic, tuple advanced, Tensor value
) except -1
