from collections.abc import Sequence
from typing import overload

from ..._size import Shape
from ...tensor import Size, Tensor, _Operand

def reshape(input: Tensor, *shape: Shape) -> Tensor:
    """The same elements in order, in another shape; one size may be −1. torch.reshape.

    A view where that is possible. Errors: ShapeError, ValueError (−1 twice, or ambiguous).
    """

def view(self: Tensor, *shape: Shape) -> Tensor:
    """As reshape, but an error where the elements would have to be copied. torch.Tensor.view."""

def view_as(self: Tensor, other: _Operand) -> Tensor:
    """self in the shape of `other`. torch.Tensor.view_as."""

def flatten(input: Tensor, start_dim: int = 0, end_dim: int = -1) -> Tensor:
    """The dimensions from start_dim to end_dim made one; 0-d becomes 1-d. torch.flatten."""

def squeeze(input: Tensor, dim: int | Sequence[int] | None = None) -> Tensor:
    """A view without the dimensions of size 1: all of them, or those among `dim`. torch.squeeze."""

def unsqueeze(input: Tensor, dim: int) -> Tensor:
    """A view with a new dimension of size 1 at `dim`. torch.unsqueeze."""

def transpose(input: Tensor, dim0: int, dim1: int) -> Tensor:
    """A view with dimensions dim0 and dim1 swapped. torch.transpose."""

def t(input: Tensor) -> Tensor:
    """The transpose of a matrix, as a view; a tensor of fewer dimensions as it is. torch.t."""

def matrix_transpose(self: Tensor) -> Tensor:
    """The last two dimensions swapped, as a view. torch.Tensor.mT."""

def permute(input: Tensor, *dims: Shape) -> Tensor:
    """A view whose dimension i is dimension dims[i] of the input. torch.permute."""

def reversed_dimensions(self: Tensor) -> Tensor:
    """The dimensions in reverse order, as a view: of a matrix, its transpose. torch.Tensor.T."""

def expand(input: Tensor, *size: Shape) -> Tensor:
    """A view with size-1 dimensions (and new ones in front) repeated. torch.Tensor.expand.

    −1 keeps a size. Where it repeats, the view is read-only. Errors: ShapeError, ValueError.
    """

def broadcast_to(input: Tensor, *size: Shape) -> Tensor:
    """`input` expanded to `size`. torch.broadcast_to."""

def expand_as(self: Tensor, other: _Operand) -> Tensor:
    """self expanded to the shape of `other`. torch.Tensor.expand_as."""

def repeat(self: Tensor, *repeats: Shape) -> Tensor:
    """self laid side by side, repeats[i] times along dimension i, as a copy. torch.Tensor.repeat.

    More repeats than dimensions make new dimensions in front. Errors: ShapeError, ValueError.
    """

@overload
def size(self: Tensor, dim: None = None) -> Size:
    """The shape, or the size of one dimension. torch.Tensor.size."""

@overload
def size(self: Tensor, dim: int) -> int: ...
@overload
def stride(self: Tensor, dim: None = None) -> tuple[int, ...]:
    """How many elements apart neighbors are, along each dimension. torch.Tensor.stride."""

@overload
def stride(self: Tensor, dim: int) -> int: ...
def dim(self: Tensor) -> int:
    """The number of dimensions. torch.Tensor.dim."""

def numel(input: Tensor) -> int:
    """The number of elements. torch.numel."""
