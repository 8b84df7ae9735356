cimport numpy as cnp

from ..tensor cimport Tensor


cdef cnp.ndarray allocated(str operation, tuple shape, object numpy_dtype)
cdef tuple new_shape(str operation, tuple shape, object size)
cdef Tensor finished(str operation, cnp.ndarray array, object device, object requires_grad)
cdef object float_dtype(str operation, object dtype)
