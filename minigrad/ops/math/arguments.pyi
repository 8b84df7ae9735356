from typing import Any

import numpy as np

from ...tensor import _Operand

def plain_array(operation: str, argument: str, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """An array that a tensor can hold: one of our dtypes, this machine's byte order, aligned."""

def number_array(operation: str, argument: str, value: _Operand) -> np.ndarray[Any, Any]:
    """A Python or NumPy number as a 0-d array of the dtype that Python numbers have here."""

def foreign_array(owner: str, value: Any) -> np.ndarray[Any, Any]:
    """The values of another library's array or tensor, without history; bfloat16 as float32."""
