from ...tensor import Tensor, _Operand

def group_norm(
    input: _Operand,
    num_groups: int,
    weight: _Operand | None = None,
    bias: _Operand | None = None,
    eps: float = 1e-5,
) -> Tensor: ...
