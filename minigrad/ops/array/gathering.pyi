from ...tensor import Tensor, _Operand

def gather(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """y[i, j, …] = input[i, j, …], with index[i, j, …] in place of the index of `dim`.

    index: int64 or int32, no larger than input in the other dimensions. Errors: IndexError,
    ShapeError, DTypeError. torch.gather.
    """

def scatter_(
    self: Tensor,
    dim: int,
    index: Tensor,
    src: _Operand | None = None,
    *,
    value: _Operand | None = None,
) -> Tensor:
    """self[i, j, …] ← src[i, j, …], with index[i, j, …] in place of the index of `dim`.

    src (or value): a number, or a tensor no smaller than index. torch.Tensor.scatter_.
    """

def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: _Operand | None = None,
    *,
    value: _Operand | None = None,
) -> Tensor:
    """A copy of `input` into which `scatter_` wrote. torch.scatter."""

def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor:
    """The parts of `input` at the positions `index` (1-d, int64 or int32) along `dim`, as a copy.

    torch.index_select.
    """

def masked_fill(input: Tensor, mask: Tensor, value: _Operand) -> Tensor:
    """y = value where mask holds, else input, in input's dtype. torch.masked_fill."""

def masked_fill_(self: Tensor, mask: Tensor, value: _Operand) -> Tensor:
    """self ← value where mask holds. torch.Tensor.masked_fill_."""
