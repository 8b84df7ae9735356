from typing import overload

from ...tensor import Tensor, _Operand

@overload
def where(condition: Tensor, input: None = None, other: None = None) -> tuple[Tensor, ...]:
    """y = input where condition holds, else other, elementwise with broadcasting.

    where(condition) gives the indices where it holds: a tuple of int64 tensors, one per
    dimension. torch.where.
    """

@overload
def where(condition: Tensor, input: _Operand, other: _Operand) -> Tensor: ...
def maximum(input: Tensor, other: _Operand) -> Tensor:
    """y = the larger of both, elementwise with broadcasting; NaN wins. torch.maximum."""

def minimum(input: Tensor, other: _Operand) -> Tensor:
    """y = the smaller of both, elementwise with broadcasting; NaN wins. torch.minimum."""

def clamp(input: Tensor, min: _Operand | None = None, max: _Operand | None = None) -> Tensor:
    """y = input, moved to the nearer end of [min, max] where it lies outside; None: no bound.

    Bounds are numbers or tensors that broadcast. At a bound itself the input's gradient is 1; NaN
    stays NaN, with the gradient 0.
    torch.clamp.
    """
