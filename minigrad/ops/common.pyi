from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ..tensor import _Operand

_F = TypeVar("_F", bound=Callable[..., Any])

def plain_array(
    operation: str, argument: str, array: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]: ...
def number_array(operation: str, argument: str, value: _Operand) -> np.ndarray[Any, Any]: ...
def laid_out_as(strides: Any, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]: ...
def broadcast_call(
    name: str, function: Callable[..., Any], *arrays: Any
) -> np.ndarray[Any, Any]: ...
def numpy_names(function: _F) -> _F: ...
