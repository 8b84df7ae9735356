from collections.abc import Sequence

from ..tensor import Tensor

_Tensors = Tensor | Sequence[Tensor]

def backward(
    tensors: _Tensors,
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: _Tensors | None = None,
) -> None:
    """Accumulate the gradient of all `tensors` together into the `.grad` of every leaf below.

    One pass over all of them, which takes effect as a whole or not at all.
    grad_tensors: one Tensor per tensor, of its shape and dtype; None for one-element tensors.
    retain_graph: keep the saved values for another backward (default: the value of create_graph).
    create_graph: record the pass itself, so that the gradients can be differentiated again.
    inputs: only these tensors collect. Errors: GraphError, ShapeError, DTypeError.
    torch: autograd.backward.
    """

def tensor_backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: _Tensors | None = None,
) -> None:
    """Accumulate d self / d leaf, times `gradient`, into the `.grad` of every leaf below.

    gradient: Tensor of this tensor's shape and dtype; not needed when there is one element.
    The others: see autograd.backward. torch: Tensor.backward.
    """

def grad(
    outputs: _Tensors,
    inputs: _Tensors,
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor, ...]:
    """The gradients of `outputs` with respect to `inputs`, as a tuple; no `.grad` is touched.

    grad_outputs: one Tensor per output (None: 1, for one-element outputs). allow_unused: None for
    an input that the outputs do not depend on, instead of a GraphError. torch: autograd.grad.
    """
