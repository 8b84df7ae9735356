from ...tensor import Tensor, _Operand

def batch_renorm(
    input: _Operand,
    running_mean: Tensor,
    running_var: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    r_max: float = 3.0,
    d_max: float = 5.0,
    *,
    axis: int = 1,
    unbiased_running_var: bool = True,
) -> Tensor: ...
