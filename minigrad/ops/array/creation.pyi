from typing import Any

import numpy as np

from ...tensor import Tensor, _Device, _DType, _Number, _Shape

def tensor(
    data: Any,
    dtype: _DType | None = None,
    requires_grad: bool = False,
    *,
    device: _Device | None = None,
) -> Tensor: ...
def from_numpy(ndarray: np.ndarray[Any, Any]) -> Tensor: ...
def as_tensor(data: Any, dtype: _DType | None = None, device: _Device | None = None) -> Tensor: ...
def from_arguments(arguments: Any) -> Tensor: ...
def zeros(
    *shape: _Shape,
    size: _Shape | None = None,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def ones(
    *shape: _Shape,
    size: _Shape | None = None,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def empty(
    *shape: _Shape,
    size: _Shape | None = None,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def full(
    size: _Shape | None,
    fill_value: _Number,
    *,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def zeros_like(
    input: Tensor,
    *,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def ones_like(
    input: Tensor,
    *,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def empty_like(
    input: Tensor,
    *,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def full_like(
    input: Tensor,
    fill_value: _Number,
    *,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def eye(
    n: int,
    m: int | None = None,
    *,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def arange(
    start: float = 0,
    end: float | None = None,
    step: float = 1,
    *,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def linspace(
    start: float,
    end: float | None,
    steps: int,
    *,
    dtype: _DType | None = None,
    device: _Device | None = None,
    requires_grad: bool = False,
) -> Tensor: ...
def fill_evenly(
    array: np.ndarray[Any, Any], start: float, end: float, count: int
) -> None: ...
