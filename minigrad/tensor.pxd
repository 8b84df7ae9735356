cimport numpy as cnp

from ._runtime.versions cimport Step, Version


cdef class Function:
    # Written by `record` when the operation runs, and by `save`:
    cdef readonly tuple inputs    # per input what made it, the leaf itself, or None: no gradient
    cdef tuple saved_values       # of the forward pass, for backward; `commit` frees them
    cdef object value             # of the output, for the picture: its array if small, or its shape
    cdef tuple constants          # of the inputs without a history, likewise; None: there are none
    # Written later, by whoever asks for it:
    cdef cnp.ndarray gradient     # of the output, for the picture; written by `commit`
    cdef object hooks             # {key: function of dy} or None; written by `register_hook`
    cdef object retainer          # a weak reference to the output, where `retain_grad` was called
    cdef Py_ssize_t mark          # the last walk that came here; `topological_order` writes it
    cdef readonly object called_at  # the lines of the call; `detect_anomaly` writes it
    cdef backward(self, Tensor dy)
    cdef Function save(self, tuple tensors)
    cdef object saved_value(self, Tensor x)
    cdef tuple saved(self)
    cdef Tensor unpack(self, object saved)
    cdef bint needs(self, Py_ssize_t i)


cdef class Tensor:
    cdef cnp.ndarray array        # the values; `wrap` puts them here, and `.data = …` others
    cdef Function node            # what made this tensor, or None; by `record`. Read `history()`
    cdef bint is_grad_leaf        # a leaf that collects `.grad`; written by `requires_grad`
    cdef int gradient_use         # whether a step has used `.grad`: see autograd/gradient_use.pxd
    cdef Tensor gradient          # `.grad`; `commit` writes it after a backward pass, or the user
    cdef Version version          # counts writes to the memory; made when first needed
    cdef object hooks             # of a leaf: {key: function of dy} or None; see `register_hook`
    # Of a view, written by `view_of`:
    cdef Tensor base              # the tensor whose memory this one shares; None: not a view
    cdef object view_function     # the last step from the base to this view,
    cdef tuple view_arguments
    cdef Step steps_before        # and those before it
    cdef Py_ssize_t seen          # the version at which `node` was right; `history()` renews both
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
