from ..tensor cimport Tensor


cdef tuple sizes(str operation, tuple shape)
