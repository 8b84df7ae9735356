from collections.abc import Sequence
from typing import Any, NamedTuple

from ...tensor import Tensor

class Sorted(NamedTuple):
    values: Tensor
    indices: Tensor

class Top(NamedTuple):
    values: Tensor
    indices: Tensor

def flip(input: Tensor, *dims: int | Sequence[int]) -> Tensor:
    """A copy with the order reversed along each of `dims`: flip(x, 0, 1) or flip(x, (0, 1)).

    torch.flip.
    """

def sort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Sorted:
    """(values, indices): the elements in order along `dim`, and where each came from.

    Equal elements keep their order, whatever `stable` says; NaN counts as the largest. torch.sort.
    """

def argsort(input: Tensor, dim: int = -1, descending: bool = False, stable: bool = False) -> Tensor:
    """The indices that `sort` gives. torch.argsort."""

def topk(input: Tensor, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Top:
    """(values, indices): the k largest elements along `dim` (or smallest), in order. torch.topk."""

def unique(
    input: Tensor,
    sorted: bool = True,
    return_inverse: bool = False,
    return_counts: bool = False,
    dim: None = None,
) -> Any:
    """The different elements, in order.

    return_inverse: also where each element of `input` is among them; return_counts: also how often
    each occurs. dim: None, since only single elements are compared. torch.unique.
    """

def nonzero(input: Tensor, *, as_tuple: bool = False) -> Any:
    """The indices of the elements that are not 0: int64, a row per element.

    as_tuple: one tensor per dimension instead, as of where(input). torch.nonzero.
    """
