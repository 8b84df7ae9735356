from ...dtypes import DTypeLike
from ...tensor import Tensor

def softmax(input: Tensor, dim: int | None = None, dtype: DTypeLike | None = None) -> Tensor:
    """y_j = exp(x_j) / Σ_k exp(x_k) along `dim`: positive numbers whose sum is 1.

    float32 or float64, any shape; dtype: convert the input first. A slice that is all −inf, or
    has +inf or nan, gives nan. Errors: DTypeError, IndexError; TypeError without dim, which torch
    guesses with a warning. torch.softmax.
    In the book: python -m minigrad book softmax
    """
