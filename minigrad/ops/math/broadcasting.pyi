from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

_F = TypeVar("_F", bound=Callable[..., Any])

def broadcast_call(
    name: str, function: Callable[..., Any], *arrays: Any
) -> np.ndarray[Any, Any]: ...
def numpy_names(function: _F) -> _F: ...
