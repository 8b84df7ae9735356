from collections.abc import Callable, Sequence
from typing import Any, Self, TypeVar

from .tensor import Tensor

_F = TypeVar("_F", bound=Callable[..., Any])
_Tensors = Tensor | Sequence[Tensor]

def is_grad_enabled() -> bool: ...

class set_grad_enabled:
    mode: bool
    def __init__(self, mode: bool) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...
    def __call__(self, function: _F) -> _F: ...

class grad_switch:
    mode: bool
    def __new__(cls, function: Callable[..., Any] | None = None) -> Any: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *exception: object) -> None: ...
    def __call__(self, function: _F) -> _F: ...

class no_grad(grad_switch): ...
class enable_grad(grad_switch): ...

def decorated(manager: Callable[[], Any], function: _F) -> _F: ...
def backward(
    tensors: _Tensors,
    grad_tensors: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: _Tensors | None = None,
) -> None: ...
def tensor_backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: _Tensors | None = None,
) -> None: ...
def grad(
    outputs: _Tensors,
    inputs: _Tensors,
    grad_outputs: Tensor | Sequence[Tensor | None] | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
) -> tuple[Tensor, ...]: ...
