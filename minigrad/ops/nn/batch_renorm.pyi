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
) -> Tensor:
    """y = weight · (R · (input − mean) / √(var + eps) + D) + bias, channel by channel.

    training: mean and var are those of the batch; R = √(var + eps) / √(running_var + eps), within
    1/r_max and r_max, and D = (mean − running_mean) / √(running_var + eps), within ±d_max, bring
    them near the running statistics, as these were before the call; the gradient takes R and D as
    constants. r_max=1, d_max=0 is batch_norm; without limits (float("inf")) y is what evaluation
    gives. Otherwise it is batch_norm's evaluation. The other arguments, the update of the running
    statistics and the errors are batch_norm's; ValueError also for r_max below 1, d_max below 0 and
    without running statistics. Ioffe 2017, arXiv:1702.03275; torch has no such function.
    """
