"""docs/matrix_product.md: Y = A B in float32."""

import numpy as np

PAGE = "matrix_product.md"
FUNCTION = "multiply"
KERNEL = "6. The kernel"
SHAPES = [(64, 784, 128), (256, 784, 128), (1024, 1024, 1024)]  # N, K, M
SLOW = ("1. ",)  # minutes per call where the matrices are too large
TOO_LARGE = SHAPES[1:]


def kernel(a, b, y):
    from minigrad._kernels import linear

    linear.matmul(a, b, y)


def problem(shape):
    N, K, M = shape
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((N, K)), rng.standard_normal((K, M))
    return [a.astype(np.float32), b.astype(np.float32), np.empty((N, M), np.float32)]


def error(multiply, shape):
    """The largest error of an element of Y, relative to |a| · |b| of its row and column."""
    N, K, M = shape
    a, b, y = problem((min(N, 16), K, M))  # enough, and rung 1 is soon done
    multiply(a, b, y)
    exact = a.astype(float) @ b.astype(float)
    lengths = np.linalg.norm(a.astype(float), axis=1)[:, None] * np.linalg.norm(b, axis=0)
    return float(np.abs((y - exact) / lengths).max())


def check(rungs, shapes=((16, 300, 64), (64, 784, 128))):
    """Every rung is right to the rounding of its sums of K terms."""
    for title, function in rungs.items():
        for shape in shapes:
            assert error(function, shape) < 5e-7, f"{title}, {shape}"


def limits(arguments):
    a, b, y = arguments
    return {"NumPy's BLAS": lambda: np.matmul(a, b, out=y)}
