from .tensor cimport Tensor

cdef bint grad_mode() noexcept nogil
cdef bint set_grad_mode(bint enabled) noexcept nogil
cdef int observe_backward(object function) except -1
cdef bint recording(Tensor a, Tensor b=*, Tensor c=*)
