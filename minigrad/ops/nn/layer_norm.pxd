cimport numpy as cnp

from ...tensor cimport Function, Tensor


cdef class RowNorm(Function):
    cdef readonly cnp.ndarray mean
    cdef cnp.ndarray inv_std
    cdef readonly double eps


cdef RowNorm with_row_statistics_of(RowNorm call, RowNorm node)
cdef tuple gradients_of_projection(RowNorm call, Tensor v, Tensor h, Tensor x, bint with_dx)
