from ...tensor cimport Tensor


cdef tuple shape_argument(str operation, tuple shape)
