"""A copy of a model that runs in its place, so that the model itself cannot change."""

import copy
from typing import Any, TypeVar

from ...tensor import Tensor
from ..module import Module

Model = TypeVar("Model", bound=Module)


def detached_copy(model: Model) -> Model:
    """A deep copy of `model` without gradients, whose hooks are the model's own.

    Values that a forward left in attributes come along without their history.
    """
    memo: dict[int, Any] = {}
    for module in model.modules():
        for value in vars(module).values():
            if isinstance(value, Tensor) and value.grad_fn is not None:
                memo[id(value)] = value.detach().clone()
    other = copy.deepcopy(model, memo)
    for module, copied in zip(model.modules(), other.modules(), strict=True):
        copied._forward_hooks = dict(module._forward_hooks)
        copied._forward_pre_hooks = dict(module._forward_pre_hooks)
    return other
