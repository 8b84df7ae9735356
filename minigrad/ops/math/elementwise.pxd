cimport numpy as cnp

from ..._kernels.elementwise cimport ADD, DIV, MUL, SUB, Operation
from ...tensor cimport Tensor


cdef cnp.ndarray broadcast_binary(
    str name, Operation operation, cnp.ndarray a, cnp.ndarray b, cnp.ndarray out)
cdef Tensor mapped(object ufunc, Tensor x)
cdef cnp.ndarray without_gaps(Tensor x)
