import numpy as np

from ...tensor import Tensor, _Operand

def batch_norm(
    input: _Operand,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *,
    axis: int = 1,
    unbiased_running_var: bool = True,
) -> Tensor: ...
def batch_statistics(input: _Operand, axis: int = 1) -> tuple[np.ndarray, np.ndarray, int]: ...
