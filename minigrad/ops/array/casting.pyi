from collections.abc import Callable
from typing import Any

from ...devices import DeviceLike
from ...dtypes import DTypeLike
from ...tensor import Tensor

def clone(input: Tensor) -> Tensor:
    """A copy with memory of its own; the gradient passes through. torch.clone."""

def contiguous(self: Tensor) -> Tensor:
    """The tensor, or a clone if its elements are not in one block. torch.Tensor.contiguous."""

def is_contiguous(self: Tensor) -> bool:
    """Whether the elements lie in one block, in order. torch.Tensor.is_contiguous."""

def to(
    self: Tensor,
    *target: Tensor | DTypeLike | DeviceLike | bool,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    non_blocking: bool = False,
    copy: bool = False,
) -> Tensor:
    """The values in another dtype; the tensor itself if there is nothing to do. torch.Tensor.to.

    target: a dtype, a device ("cpu" is the only one), both, or a Tensor whose dtype is meant.
    """

def type_(self: Tensor, dtype: DTypeLike | None = None) -> Any:
    """The values in `dtype`; without it, the name of this type of tensor. torch.Tensor.type."""

def cpu(self: Tensor) -> Tensor:
    """The tensor itself: it lives on the CPU. torch.Tensor.cpu."""

def converter(name: str, dtype: DTypeLike) -> Callable[..., Tensor]: ...
