from typing import NamedTuple, overload

from ...tensor import Tensor, _Operand
from .reductions import _Dim

class Largest(NamedTuple):
    values: Tensor
    indices: Tensor

class Smallest(NamedTuple):
    values: Tensor
    indices: Tensor

def amax(input: Tensor, dim: _Dim = (), keepdim: bool = False) -> Tensor:
    """y = the largest element over `dim` (an integer, a tuple, (): all).

    Equal ones share the gradient. Of no elements: ValueError. torch.amax.
    """

def amin(input: Tensor, dim: _Dim = (), keepdim: bool = False) -> Tensor:
    """y = the smallest element over `dim` (an integer, a tuple, (): all).

    Equal ones share the gradient. Of no elements: ValueError. torch.amin.
    """

def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the first largest element along `dim`, int64.

    dim None: the index in the flattened tensor. Of no elements: ValueError. torch.argmax.
    """

def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor:
    """The index of the first smallest element along `dim`, int64.

    dim None: the index in the flattened tensor. Of no elements: ValueError. torch.argmin.
    """

@overload
def max(
    input: Tensor,
    dim: Tensor | None = None,
    keepdim: bool = False,
    *,
    other: _Operand | None = None,
) -> Tensor:
    """The largest element; equal ones share the gradient. Of no elements: ValueError.

    max(input, dim) is (values, indices): the first largest along a dimension gets the gradient.
    max(input, other) is maximum(input, other). torch.max.
    """

@overload
def max(input: Tensor, dim: int, keepdim: bool = False) -> Largest: ...
@overload
def min(
    input: Tensor,
    dim: Tensor | None = None,
    keepdim: bool = False,
    *,
    other: _Operand | None = None,
) -> Tensor:
    """The smallest element; equal ones share the gradient. Of no elements: ValueError.

    min(input, dim) is (values, indices): the first smallest along a dimension gets the gradient.
    min(input, other) is minimum(input, other). torch.min.
    """

@overload
def min(input: Tensor, dim: int, keepdim: bool = False) -> Smallest: ...
def any(input: Tensor, dim: _Dim = None, keepdim: bool = False) -> Tensor:
    """Whether an element over `dim` (an integer, a tuple, None: all) is not 0.

    bool, but uint8 for uint8. torch.any.
    """

def all(input: Tensor, dim: _Dim = None, keepdim: bool = False) -> Tensor:
    """Whether no element over `dim` (an integer, a tuple, None: all) is 0.

    bool, but uint8 for uint8. torch.all.
    """
