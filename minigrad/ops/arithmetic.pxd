cimport numpy as cnp

from .._kernels.elementwise cimport ADD, DIV, MUL, SUB, Operation


cdef cnp.ndarray combine(str name, Operation operation, cnp.ndarray a, cnp.ndarray b, cnp.ndarray out)
