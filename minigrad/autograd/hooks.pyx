"""What a tensor does when its gradient is computed: hooks, and keeping the gradient of a non-leaf.

The engine runs them; here they are registered.
"""

import weakref

from .._checks import function
from ..errors import GraphError
from ..tensor cimport Function, Tensor
from ..tensor import method


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


method("register_hook", register_hook)
method("retain_grad", retain_grad)
