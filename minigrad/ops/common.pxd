cimport numpy as cnp

from ..tensor cimport Tensor


cdef bint is_number(object value)
cdef Tensor operand(str operation, str argument, object value)
cdef Tensor floating(str operation, str argument, object value)
cdef tuple operands(str operation, object a, object b)
cdef Tensor scalar_like(str operation, object value, int type_number)
cdef object shape_if_broadcast(cnp.ndarray a, cnp.ndarray y)
cdef Tensor unbroadcast(Tensor dy, object shape)
cdef int check_count(str operation, Py_ssize_t ndim) except -1
cdef Py_ssize_t dimension(str operation, object dim, Py_ssize_t ndim) except -1
cdef tuple dimensions(str operation, object dim, Py_ssize_t ndim)
cdef cnp.ndarray contiguous(Tensor x)
cdef cnp.ndarray flat(Tensor x)
cdef cnp.ndarray empty_like(cnp.ndarray array)
cdef bint same_shape(cnp.ndarray a, cnp.ndarray b) noexcept
cdef int may_write(str operation, Tensor x) except -1
cdef int has_writable_memory(str operation, Tensor x) except -1
cdef Tensor overwrite(str operation, Tensor x, Tensor y)
