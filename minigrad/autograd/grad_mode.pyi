from collections.abc import Callable
from typing import Any, Self, TypeVar

_F = TypeVar("_F", bound=Callable[..., Any])

def is_grad_enabled() -> bool:
    """Whether operations of this thread are recorded for backward."""

class set_grad_enabled:
    """Switch recording on or off: at once, as a context manager, or as a decorator."""

    mode: bool
    def __init__(self, mode: bool) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...
    def __call__(self, function: _F) -> _F: ...

class grad_switch:
    """Context manager and decorator that sets the grad mode to `mode`: no_grad, enable_grad."""

    mode: bool
    def __new__(cls, function: Callable[..., Any] | None = None) -> Any: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...
    def __call__(self, function: _F) -> _F: ...

class no_grad(grad_switch):
    """Nothing is recorded, and leaves may be changed: `with no_grad(): w -= lr * w.grad`."""

class enable_grad(grad_switch):
    """Inside it operations are recorded, even within `no_grad`."""

def decorated(manager: Callable[[], Any], function: _F) -> _F:
    """`function` run under `manager()`; a generator gets the mode in its steps, not between."""
