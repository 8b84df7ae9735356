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
) -> Tensor:
    """y = weight · (input − mean) / √(var + eps) + bias, channel by channel.

    input: (N, C) or (N, C, …), float32 or float64; `axis` says which dimension the channels are
    (−1: the last), a mean is taken over all others. The others: (C,), of its dtype, or None.
    training: mean and (biased) var are those of the batch, and the running statistics, if given,
    become (1 − momentum) · running + momentum · batch in place, with the unbiased variance or, if
    unbiased_running_var is False (Keras, Flax, ONNX), with the biased one.
    Otherwise mean and var are the running ones, for the gradient as they were in this call.
    An empty batch changes nothing. Errors, all before anything changes: ShapeError, DTypeError,
    TypeError, GraphError; IndexError for an axis out of range; ValueError for one value per
    channel in training, a negative running variance, eps not above 0, momentum outside [0, 1].
    torch.nn.functional.batch_norm; axis and unbiased_running_var are additions.
    In the book: python -m minigrad book batch_norm
    """

def batch_statistics(input: _Operand, axis: int = 1) -> tuple[np.ndarray, np.ndarray, int]:
    """(mean, var, m): mean and biased variance of every channel, and how many values each has.

    mean and var are float64 arrays of shape (C,), whatever the dtype; nothing is recorded.
    """
