from collections.abc import Sequence
from typing import Any, NamedTuple

from ...tensor import Tensor

class Sorted(NamedTuple):
    values: Tensor
    indices: Tensor

class Top(NamedTuple):
    values: Tensor
    indices: Tensor

def flip(input: Tensor, *dims: int | Sequence[int]) -> Tensor: ...
def sort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False
) -> Sorted: ...
def argsort(
    input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False
) -> Tensor: ...
def topk(
    input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True
) -> Top: ...
def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: None = None,
) -> Any: ...
def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any: ...
