cimport numpy as cnp

from ._runtime.versions cimport Step, Version


cdef class Function:
    cdef readonly tuple inputs
    cdef tuple kept
    cdef object value
    cdef cnp.ndarray gradient
    cdef tuple constants
    cdef object hooks
    cdef object retainer
    cdef Py_ssize_t mark
    cdef object called_at
    cdef backward(self, Tensor dy)
    cdef Function save(self, tuple tensors)
    cdef object keep(self, Tensor x)
    cdef tuple saved(self)
    cdef Tensor unpack(self, object kept)
    cdef bint needs(self, Py_ssize_t i)


cdef class Tensor:
    cdef cnp.ndarray array
    cdef Function node
    cdef bint is_grad_leaf
    cdef Tensor gradient
    cdef Version version
    cdef Tensor base
    cdef object view_function       # the last step from the base to this view,
    cdef tuple view_arguments
    cdef Step steps_before          # and those before it
    cdef Py_ssize_t seen
    cdef object hooks
    cdef object __weakref__
    cdef Function history(self)
    cdef Step last_step(self)
    cdef Tensor viewed(self)
    cdef bint wants_grad(self)
    cdef Version shared_version(self)
    cdef int written(self, str operation) except -1


cdef int observe_forward(object function) except -1
cdef object history_of(Tensor x)
cdef Function record(Function node, Tensor y, tuple inputs)
cdef Tensor wrap(cnp.ndarray array)
cdef Tensor view_of(Tensor x, cnp.ndarray array, object function, tuple arguments)
