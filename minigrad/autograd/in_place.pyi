from typing import Any

import numpy as np

def laid_out_as(strides: Any, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """A copy whose dimensions lie in memory in the order of these strides.

    So a reshape that is a view of one is a view of the other.
    """
