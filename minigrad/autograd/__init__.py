"""The public API of differentiation; the machinery is beside it, and in `tensor.pyx`.

`backward(tensors, grad_tensors)` is `Tensor.backward` for several tensors in one pass: their
gradients add up in the `.grad` of each leaf. `grad(outputs, inputs)` returns gradients instead. It
stops at the inputs and leaves their own history as it is, so a pass may be made in pieces. A graph
is freed node by node: only a node whose saved values are gone refuses a second pass.

In reading order:

    engine       the backward pass: `topological_order`, `propagate`, `backward`, `grad`
    grad_mode    no_grad, enable_grad: whether operations are recorded
    in_place     what a write into a tensor does to its history
    function     operations of your own
    hooks        functions that see a gradient on its way
    anomaly      the line where a NaN was born
    gradcheck    gradients beside differences
    explanation  what `gradcheck(…, explain=True)` says of a wrong one
    differences  slopes from values alone, and how far each can be trusted
    transaction  several tensors written, or none of them
    variable     Variable, an older name for Tensor
"""

from .._runtime import deallocation  # noqa: F401  destructors
from . import hooks  # noqa: F401  destructors
from .anomaly import detect_anomaly
from .engine import backward, grad
from .function import Function
from .grad_mode import enable_grad, is_grad_enabled, no_grad, set_grad_enabled
from .gradcheck import gradcheck, gradgradcheck
from .variable import Variable

__all__ = [
    "Function",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "is_grad_enabled",
    "no_grad",
    "set_grad_enabled",
]
