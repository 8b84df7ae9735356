from collections.abc import Sequence

from ...dtypes import DTypeLike
from ...tensor import Tensor

_Dim = int | Sequence[int] | None

def sum(
    input: Tensor, dim: _Dim = None, keepdim: bool = False, *, dtype: DTypeLike | None = None
) -> Tensor:
    """y = Σ input over `dim` (an integer, a tuple, None: all). Integers and bools give int64.

    dtype: convert the input first. torch.sum.
    """

def mean(
    input: Tensor, dim: _Dim = None, keepdim: bool = False, *, dtype: DTypeLike | None = None
) -> Tensor:
    """y = Σ input / R over the R elements along `dim` (an integer, a tuple, None: all).

    R = 0 gives NaN. Integers are refused unless dtype names a float. torch.mean.
    """

def var(
    input: Tensor,
    dim: _Dim | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """y = Σ (input − mean)² / (R − correction) over the R elements along `dim`.

    dim: an integer, a tuple, None: all. correction: 1 unless given; unbiased=False means 0.
    Where R ≤ correction the divisor is 0, which gives NaN or ∞, and a warning. torch.var.
    """

def std(
    input: Tensor,
    dim: _Dim | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """y = √var(input), with the same arguments; the gradient where y = 0 is 0. torch.std."""

def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: DTypeLike | None = None
) -> Tensor:
    """y = Π input over one dimension, or over all (None). Integers and bools give int64.

    Halves are multiplied until one element is left, so that the gradient, the product of all the
    others, is right where elements are 0, too. dtype: convert the input first. torch.prod.
    """

def cumsum(input: Tensor, dim: int, *, dtype: DTypeLike | None = None) -> Tensor:
    """y[i] = Σ input[j] over all j ≤ i along `dim`. Integers and bools give int64.

    dtype: convert the input first. torch.cumsum.
    """

def norm(
    input: Tensor,
    p: float | str = "fro",
    dim: _Dim = None,
    keepdim: bool = False,
    dtype: DTypeLike | None = None,
) -> Tensor:
    """y = (Σ |input|^p)^(1/p) over `dim` (an integer, a tuple, None: all).

    p: "fro" is 2; inf and -inf give the largest and the smallest |input|, 0 counts what is not 0.
    The gradient where y = 0 is 0. dtype: convert the input first, to a wider float. torch.norm.
    """
