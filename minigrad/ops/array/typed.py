"""Torch's older constructors, one per dtype: FloatTensor and its kin; and is_tensor."""

from collections.abc import Callable
from typing import Any, TypeAlias

from ... import dtypes
from ...tensor import Tensor
from .creation import tensor, zeros

Constructor: TypeAlias = Callable[..., Tensor]


def _constructor(name: str, dtype: dtypes.dtype) -> Constructor:
    def construct(*data: Any) -> Tensor:
        if len(data) == 1 and not isinstance(data[0], int):
            return tensor(data[0], dtype=dtype)
        return zeros(*data or (0,), dtype=dtype)

    construct.__name__ = construct.__qualname__ = name
    construct.__doc__ = (
        f"A {dtype.name} tensor of these values, or zeros of these sizes. torch.{name}."
    )
    return construct


FloatTensor: Constructor = _constructor("FloatTensor", dtypes.float32)
DoubleTensor: Constructor = _constructor("DoubleTensor", dtypes.float64)
LongTensor: Constructor = _constructor("LongTensor", dtypes.int64)
IntTensor: Constructor = _constructor("IntTensor", dtypes.int32)
ByteTensor: Constructor = _constructor("ByteTensor", dtypes.uint8)
BoolTensor: Constructor = _constructor("BoolTensor", dtypes.bool)


def is_tensor(obj: object) -> bool:
    """Whether `obj` is a Tensor. torch.is_tensor."""
    return isinstance(obj, Tensor)
