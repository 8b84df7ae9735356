from collections.abc import Callable, Iterable
from typing import Any

from numpy import ndarray

from ..tensor import Tensor

def assign(operation: str, tensors: list[Tensor], arrays: list[ndarray]) -> None: ...
def step(
    operation: str,
    kernel: Callable[[list[tuple]], None],
    updates: list[tuple],
    state: dict[Tensor, dict[str, Any]],
    fresh: dict[Tensor, dict[str, Any]],
    counts: list[tuple[dict[str, Any], int]],
) -> bool: ...
def clear_gradients(tensors: Iterable[Tensor], set_to_none: bool) -> None: ...
def gradient_use(x: Tensor) -> str: ...
def last_writer(x: Tensor) -> str: ...
