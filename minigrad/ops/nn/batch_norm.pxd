cimport numpy as cnp

from ...tensor cimport Function, Tensor


cdef class BatchNorm(Function):
    cdef readonly cnp.ndarray mean
    cdef readonly cnp.ndarray var
    cdef cnp.ndarray inv_std
    cdef readonly double eps
    cdef readonly Py_ssize_t axis
    cdef str operation   # who calls, for messages
    cdef readonly bint training   # whether mean and var came from x; else they are constants


cdef tuple row_second_gradients(Tensor v, Tensor h, Tensor x, double eps, bint with_x)
cdef Tensor batch_normalized(
    str operation, object input, object running_mean, object running_var, object weight,
    object bias, object training, object momentum, object eps, object axis,
    object unbiased_running_var, object corrected)
