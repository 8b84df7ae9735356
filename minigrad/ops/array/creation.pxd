cimport numpy as cnp

from ...tensor cimport Tensor


cdef object allocated(str operation, tuple shape, object numpy_dtype, object make=*)
cdef tuple new_shape(str operation, tuple shape, object size)
cdef Tensor finished(str operation, cnp.ndarray array, object device, object requires_grad)
cdef object float_dtype(str operation, object dtype)
