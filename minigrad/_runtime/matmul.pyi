from typing import Any

import numpy as np

def use(name: str) -> str:
    """Take products from "mkl", "minigrad" (our loops, and "openblas" for what they leave),
    "openblas" (NumPy's own) or "numpy" (its matmul) from now on.

    Returns which it was before. ValueError for another name, ImportError if it is not installed.
    """

def provider() -> str:
    """Which products are in use: "mkl", "minigrad", "openblas" or "numpy"."""

def linear_forward(
    x: np.ndarray, weight: np.ndarray, bias: np.ndarray | None, y: np.ndarray, turned: bool
) -> int:
    """Y = X Wᵀ + b for matrices X and W, a row b or None, and a C-ordered Y; of one float dtype.

    turned: `weight` is Wᵀ already, so that Y = A B is a linear layer without a bias.
    """

def products(a: np.ndarray, b: np.ndarray, y: np.ndarray | None) -> Any:
    """y = a b for each pair of matrices of two stacks (n, groups, …) of aligned floats.

    A stack of n = 1 is repeated. Without y (None), a new array.
    """
