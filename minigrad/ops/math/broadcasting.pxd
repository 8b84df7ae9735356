cimport numpy as cnp

from ...tensor cimport Tensor


cdef Tensor unbroadcast(Tensor dy, object shape)
cdef object shape_if_broadcast(cnp.ndarray a, cnp.ndarray y)
cdef int check_count(str operation, Py_ssize_t ndim) except -1
cdef Py_ssize_t dimension(str operation, object dim, Py_ssize_t ndim) except -1
cdef tuple dimensions(str operation, object dim, Py_ssize_t ndim)
cdef cnp.ndarray contiguous_array(Tensor x)
cdef cnp.ndarray flat(Tensor x)
cdef cnp.ndarray empty_array_like(cnp.ndarray array)
cdef bint all_finite(cnp.ndarray x) except -1
