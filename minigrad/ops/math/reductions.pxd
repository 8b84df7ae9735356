cimport numpy as cnp

from ...tensor cimport Function, Tensor


cdef class Reduction(Function):
    cdef readonly tuple axes
    cdef readonly tuple kept_shape
    cdef tuple shape
    cdef Tensor spread(self, Tensor dy)


cdef tuple all_dimensions(str operation, object dim, Py_ssize_t ndim)
cdef tuple kept_shape(cnp.ndarray x, tuple axes)
cdef Py_ssize_t count(cnp.ndarray x, tuple axes)
cdef Reduction record_reduction(Reduction node, Tensor y, Tensor x, tuple axes)
cdef Tensor summed(Tensor x, tuple axes, bint keepdim)
