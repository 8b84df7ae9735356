from ..tensor cimport Tensor

cdef bint grad_mode() noexcept nogil
cdef bint set_grad_mode(bint enabled) noexcept nogil
cdef bint recording(Tensor a, Tensor b=*, Tensor c=*)
