from ...tensor cimport Tensor


cdef Tensor scaled(str operation, Tensor b, object alpha)
