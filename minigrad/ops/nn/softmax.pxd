cimport numpy as cnp

from ...tensor cimport Tensor


cdef cnp.ndarray along(object kernel, tuple inputs, Py_ssize_t dim, bint with_scratch)
cdef Py_ssize_t chosen(str operation, object dim, Tensor x) except -1
cdef Tensor softmax_backward(Tensor dy, Tensor y, Py_ssize_t dim)
