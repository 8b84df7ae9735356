from collections.abc import Sequence

from ...tensor import Tensor, _DType

_Dim = int | Sequence[int] | None

def sum(
    input: Tensor, dim: _Dim = None, keepdim: bool = False, *, dtype: _DType | None = None
) -> Tensor: ...
def mean(
    input: Tensor, dim: _Dim = None, keepdim: bool = False, *, dtype: _DType | None = None
) -> Tensor: ...
def var(
    input: Tensor,
    dim: _Dim | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor: ...
def std(
    input: Tensor,
    dim: _Dim | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor: ...
def prod(
    input: Tensor, dim: int | None = None, keepdim: bool = False, *, dtype: _DType | None = None
) -> Tensor: ...
def cumsum(input: Tensor, dim: int, *, dtype: _DType | None = None) -> Tensor: ...
def norm(
    input: Tensor,
    p: float | str = "fro",
    dim: _Dim = None,
    keepdim: bool = False,
    dtype: _DType | None = None,
) -> Tensor: ...
