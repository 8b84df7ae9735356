from ...tensor cimport Tensor


cdef str reduction_named(str operation, object reduction, object size_average, object reduce)
cdef Tensor reduced_loss(Tensor losses, str reduction)
cdef Tensor weighed_product(Tensor a, Tensor b)
