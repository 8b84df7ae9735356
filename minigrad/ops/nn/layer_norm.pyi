from collections.abc import Sequence

from ...tensor import Tensor, _Operand

def layer_norm(
    input: _Operand,
    normalized_shape: Sequence[int],
    weight: _Operand | None = None,
    bias: _Operand | None = None,
    eps: float = 1e-5,
) -> Tensor: ...
