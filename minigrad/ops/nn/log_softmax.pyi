from ...dtypes import DTypeLike
from ...tensor import Tensor

def log_softmax(input: Tensor, dim: int | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """y_j = x_j − log Σ_k exp(x_k) along `dim`, right also where the probability is next to 0 or 1.

    float32 or float64, any shape; dtype: convert the input first. A slice that is all −inf, or
    has +inf or nan, gives nan. Errors: DTypeError, IndexError; TypeError without dim, which torch
    guesses with a warning. torch.log_softmax.
    In the book: python -m minigrad book log_softmax
    """

def logsumexp(input: Tensor, dim: int | tuple[int, ...], keepdim: bool = False) -> Tensor:
    """y = log Σ exp(input) over `dim` (an integer or a tuple), without overflow.

    Any shape; integers give the default float dtype; −inf for no elements. Infinite elements are
    what they are for max: +inf takes the gradient, −inf gets none. Errors: IndexError.
    torch.logsumexp.
    """
