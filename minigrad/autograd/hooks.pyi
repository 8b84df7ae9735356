from collections.abc import Callable
from typing import Any, Self

from ..tensor import Tensor

class HookHandle:
    """What a register function returns: `.remove()` takes the hook away again."""

    key: object
    hooks: dict[object, Any]
    def __init__(self, hooks: dict[object, Any], hook: Callable[..., Any]) -> None: ...
    def remove(self) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...

def register_hook(self: Tensor, hook: Callable[[Tensor], Tensor | None]) -> HookHandle:
    """Call hook(gradient) whenever this tensor's gradient is computed; it may return a replacement.

    Returns a handle whose `.remove()` takes the hook away. torch: Tensor.register_hook.
    """

def retain_grad(self: Tensor) -> None:
    """Make backward write `.grad` here though this is not a leaf. torch: Tensor.retain_grad."""
