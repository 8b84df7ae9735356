from typing import NamedTuple

from ...tensor import Tensor, _Operand
from .reductions import _Dim

class Largest(NamedTuple):
    values: Tensor
    indices: Tensor

class Smallest(NamedTuple):
    values: Tensor
    indices: Tensor

def amax(input: Tensor, dim: _Dim = (), keepdim: bool = False) -> Tensor: ...
def amin(input: Tensor, dim: _Dim = (), keepdim: bool = False) -> Tensor: ...
def argmax(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor: ...
def argmin(input: Tensor, dim: int | None = None, keepdim: bool = False) -> Tensor: ...
def max(
    input: Tensor,
    dim: int | Tensor | None = None,
    keepdim: bool = False,
    *,
    other: _Operand | None = None,
) -> Tensor | Largest: ...
def min(
    input: Tensor,
    dim: int | Tensor | None = None,
    keepdim: bool = False,
    *,
    other: _Operand | None = None,
) -> Tensor | Smallest: ...
def any(input: Tensor, dim: _Dim = None, keepdim: bool = False) -> Tensor: ...
def all(input: Tensor, dim: _Dim = None, keepdim: bool = False) -> Tensor: ...
