from typing import Any

import numpy as np

def laid_out_as(strides: Any, array: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]: ...
