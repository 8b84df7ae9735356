from ..tensor import Tensor, _DType

def sum(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: _DType | None = None
) -> Tensor: ...
