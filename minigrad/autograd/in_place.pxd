from ..tensor cimport Tensor


cdef int may_write(str operation, Tensor x) except -1
cdef int has_writable_memory(str operation, Tensor x) except -1
cdef Tensor overwrite(str operation, Tensor x, Tensor y)
