cimport numpy as cnp

from .._kernels.elementwise cimport ADD, DIV, MUL, SUB, Operation
from ..tensor cimport Tensor


cdef cnp.ndarray combine(
    str name, Operation operation, cnp.ndarray a, cnp.ndarray b, cnp.ndarray out)
cdef Tensor scaled(str operation, Tensor b, object alpha)
