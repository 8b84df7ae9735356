from typing import Any

import numpy as np

from ..._checks import Number
from ..._size import Shape
from ...devices import DeviceLike
from ...dtypes import DTypeLike
from ...tensor import Tensor

def tensor(
    data: Any,
    dtype: DTypeLike | None = None,
    requires_grad: bool = False,
    *,
    device: DeviceLike | None = None,
) -> Tensor:
    """A new leaf with a copy of `data`: a number, nested lists, an array or a tensor. torch.tensor.

    Python floats become the default dtype, ints int64, bools bool; what NumPy made keeps its dtype.
    Data that requires a gradient loses its history here, with a warning.
    Errors: TypeError, ShapeError (ragged), ValueError (too large), DTypeError.
    """

def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor:
    """A tensor on the memory of a NumPy array: a change of either shows in both. torch.from_numpy.

    A read-only array stays read-only. Errors: TypeError, DTypeError, ValueError (not aligned, or
    of the other byte order).
    """

def as_tensor(
    data: Any, dtype: DTypeLike | None = None, device: DeviceLike | None = None
) -> Tensor:
    """`data` as a tensor that shares its memory where that is possible. torch.as_tensor."""

def from_arguments(arguments: Any) -> Tensor:
    """What `Tensor(…)` holds: zeros of a shape, or data in the default dtype."""

def zeros(
    *shape: Shape,
    size: Shape | None = None,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Zeros of the shape given as zeros(2, 3) or zeros((2, 3)). torch.zeros."""

def ones(
    *shape: Shape,
    size: Shape | None = None,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Ones of the shape given as ones(2, 3) or ones((2, 3)). torch.ones."""

def empty(
    *shape: Shape,
    size: Shape | None = None,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor whose values are whatever the memory held. torch.empty."""

def full(
    size: Shape | None,
    fill_value: Number,
    *,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """`fill_value` everywhere, in `dtype` or the dtype that `tensor` would give it. torch.full."""

def zeros_like(
    input: Tensor,
    *,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Zeros of the shape and dtype of `input`. torch.zeros_like."""

def ones_like(
    input: Tensor,
    *,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Ones of the shape and dtype of `input`. torch.ones_like."""

def empty_like(
    input: Tensor,
    *,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """A tensor of the shape and dtype of `input`, values undefined. torch.empty_like."""

def full_like(
    input: Tensor,
    fill_value: Number,
    *,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """`fill_value` in the shape and dtype of `input`. torch.full_like."""

def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The (n, m) matrix with ones on its diagonal; m = n unless given. torch.eye."""

def arange(
    start: float = 0,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """start, start + step, … below `end`: arange(end), arange(start, end[, step]). torch.arange.

    int64 if all three are integers, else the default dtype.
    """

def linspace(
    start: float,
    end: float | None,
    steps: int,
    *,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """`steps` numbers at equal distances from `start` to `end`, both included. torch.linspace."""

def fill_evenly(array: np.ndarray[Any, Any], start: float, end: float, count: int) -> None:
    """`count` numbers at equal distances into `array`."""
