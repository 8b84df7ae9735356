from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

_F = TypeVar("_F", bound=Callable[..., Any])

def broadcast_call(name: str, function: Callable[..., Any], *arrays: Any) -> np.ndarray[Any, Any]:
    """Call a NumPy function of arrays that must broadcast together; the error is in our words."""

def numpy_names(function: _F) -> _F:
    """Let `function` take NumPy's `axis` and `keepdims` for `dim` and `keepdim`, as torch's do.

    np.std(tensor) calls tensor.std(axis=None, dtype=None, out=None, ddof=0): what is None is
    dropped, and `ddof` is the correction.
    """
