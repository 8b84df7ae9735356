from ...tensor import Tensor, _Operand

def gather(input: Tensor, dim: int, index: Tensor) -> Tensor: ...
def scatter_(
    self: Tensor,
    dim: int,
    index: Tensor,
    src: _Operand | None = None,
    *,
    value: _Operand | None = None,
) -> Tensor: ...
def scatter(
    input: Tensor,
    dim: int,
    index: Tensor,
    src: _Operand | None = None,
    *,
    value: _Operand | None = None,
) -> Tensor: ...
def index_select(input: Tensor, dim: int, index: Tensor) -> Tensor: ...
def masked_fill(input: Tensor, mask: Tensor, value: _Operand) -> Tensor: ...
def masked_fill_(self: Tensor, mask: Tensor, value: _Operand) -> Tensor: ...
