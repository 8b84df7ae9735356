from typing import Any

import numpy as np

from ...tensor import _Operand

def plain_array(
    operation: str, argument: str, array: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]: ...
def number_array(operation: str, argument: str, value: _Operand) -> np.ndarray[Any, Any]: ...
