"""What a tensor does when its gradient is computed: hooks, and keeping the gradient of a non-leaf.

The engine runs them; here they are registered.
"""

import weakref

from cpython.ref cimport PyObject

from ._dropping cimport Pending, drop_all, drop_later, pending_here
from .checks import function
from .errors import GraphError
from .tensor cimport Function, Tensor
from .tensor import method


class HookHandle:
    """What a register function returns: `.remove()` takes the hook away again."""

    def __init__(self, hooks, hook):
        self.hooks = hooks
        self.key = object()
        hooks[self.key] = hook

    def remove(self):
        self.hooks.pop(self.key, None)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.remove()


def register_hook(Tensor self not None, hook):
    """Call hook(gradient) whenever this tensor's gradient is computed; it may return a replacement.

    Returns a handle whose `.remove()` takes the hook away. torch: Tensor.register_hook.
    """
    cdef Tensor x = self
    cdef Function node
    function("register_hook", "hook", hook)
    if not x.wants_grad():
        raise GraphError("register_hook: this tensor does not require a gradient")
    if x.is_grad_leaf:
        if x.hooks is None:
            x.hooks = {}
        return HookHandle(x.hooks, hook)
    node = x.history()
    if node.hooks is None:
        node.hooks = {}
    return HookHandle(node.hooks, hook)


def retain_grad(Tensor self not None):
    """Make backward write `.grad` here though this is not a leaf. torch: Tensor.retain_grad."""
    cdef Tensor x = self
    if not x.wants_grad():
        raise GraphError("retain_grad: this tensor does not require a gradient")
    if not x.is_grad_leaf:
        x.history().retainer = weakref.ref(x)


# Gradients and hooks may lead from tensor to tensor with no node between them, so the destructor of
# Tensor drops them in the loop of _dropping.pyx. As its `__dealloc__` this would cost every
# temporary value 5 ns; here it looks at two pointers.

cdef extern from "Python.h":
    ctypedef void (*destructor)(PyObject *) noexcept
    ctypedef struct PyTypeObject:
        destructor tp_dealloc
    void PyObject_GC_UnTrack(PyObject *)

cdef destructor free_tensor = (<PyTypeObject *>Tensor).tp_dealloc


cdef void destroy(PyObject *x) noexcept:
    cdef Pending *pending = NULL
    if (<Tensor>x).gradient is not None or (<Tensor>x).hooks is not None:
        PyObject_GC_UnTrack(x)
        pending = pending_here()
        drop_later(pending, <PyObject *>(<Tensor>x).gradient)
        drop_later(pending, <PyObject *>(<Tensor>x).hooks)
        (<Tensor>x).gradient = (<Tensor>x).hooks = None
    free_tensor(x)
    if pending != NULL:
        drop_all(pending)


(<PyTypeObject *>Tensor).tp_dealloc = destroy

method("register_hook", register_hook)
method("retain_grad", retain_grad)
