from ..tensor cimport Tensor


cdef str reduction_named(str operation, object reduction, object size_average, object reduce)
cdef Tensor reduced(Tensor losses, str reduction)
cdef Tensor weighed(Tensor a, Tensor b)
