from collections.abc import Sequence

from ..._size import Shape
from ...tensor import Tensor

def cat(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors one after the other along `dim`; their other sizes must agree. torch.cat.

    Tensors of shape (0,) join any. Dtypes promote. Errors: ShapeError, TypeError, ValueError.
    """

def stack(tensors: Sequence[Tensor], dim: int = 0) -> Tensor:
    """The tensors, all of one shape, along a new dimension `dim`. torch.stack."""

def split(input: Tensor, split_size_or_sections: Shape, dim: int = 0) -> tuple[Tensor, ...]:
    """Views of `input` along `dim`: of one size (the last may be smaller), or of listed sizes.

    Errors: ValueError (sizes that do not add up). torch.split.
    """

def chunk(input: Tensor, chunks: int, dim: int = 0) -> tuple[Tensor, ...]:
    """At most `chunks` views of equal size along `dim` (the last may be smaller). torch.chunk."""

def unbind(input: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """The parts of `input` along `dim`, each a view without that dimension. torch.unbind."""
