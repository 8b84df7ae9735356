from collections.abc import Callable, Iterable
from typing import Any

from numpy import ndarray

from ..tensor import Tensor

def assign(operation: str, tensors: Iterable[Tensor], arrays: list[ndarray[Any, Any]]) -> None:
    """Copy each array into its tensor; both have the same shape and dtype."""

def step(
    operation: str,
    kernel: Callable[[list[tuple[Any, ...]]], None],
    updates: list[tuple[Any, ...]],
    state: dict[Tensor, dict[str, Any]],
    fresh: dict[Tensor, dict[str, Any]],
    counts: list[tuple[dict[str, Any], int]],
) -> bool:
    """Run an optimizer kernel on all parameters.

    `updates` holds the kernel's arguments with Tensors for arrays: the gradient, the parameter, its
    buffers (Tensor or None), then whatever else the kernel takes. `fresh` is state that the
    optimizer adds to its `state`; `counts` are pairs (state of a parameter, its number of steps
    afterwards). Returns whether there was a gradient that zero_grad() had not just filled with
    zeros; for `nn.lint`.
    """

def clear_gradients(tensors: Iterable[Tensor], set_to_none: bool) -> None:
    """Set the gradient of each tensor to None, or fill those that exist with zeros."""

def gradient_use(x: Tensor) -> str:
    """What became of x.grad, as autograd/gradient_use.pxd says; for `nn.lint`."""

def last_writer(x: Tensor) -> str:
    """The operation that changed x in place last, or an empty string; for `nn.lint`."""
