"""docs/ladder.md: batch normalization in training, forward."""

import numpy as np

PAGE = "ladder.md"
FUNCTION = "forward"
KERNEL = "8. The kernel"
SHAPES = [(64, 128), (1024, 256), (8192, 512)]
SLOW = ("1. ", "3. ")  # several seconds per call where the array is too large
TOO_LARGE = SHAPES[2:]
FAR = 1000  # the mean, in standard deviations, of the data by which errors are measured
EPS = 1e-5


def kernel(x, gamma, beta, y, mean, var, eps):
    """Minigrad's, which hands over 1 / √(var + eps) as well."""
    from minigrad._kernels import active

    active.batch_norm_forward(x, gamma, beta, y, mean, var, np.empty_like(var), eps, True)


def problem(shape, mean=0):
    """Arguments for a rung."""
    rng = np.random.default_rng(0)
    x = (mean + rng.standard_normal(shape)).astype(np.float32)
    gamma, beta = rng.standard_normal((2, shape[1])).astype(np.float32)
    return [x, gamma, beta, np.empty_like(x), *np.empty((2, shape[1])), EPS]


def error(forward, shape, mean=FAR):
    """The largest error of y."""
    arguments = problem(shape, mean)
    forward(*arguments)
    x, gamma, beta, y = arguments[:4]
    wide = x.astype(float)
    wide -= wide.mean(axis=0)
    expected = gamma * (wide / np.sqrt((wide**2).mean(axis=0) + EPS)) + beta
    return np.abs(y - expected).max()


def check(rungs, shapes=SHAPES[:1]):
    """Every rung is right to rounding, also far from 0, where the one not taken is not.

    Rungs 4 and 5 differ in the order of their loops, and in no bit.
    """
    for title, function in rungs.items():
        for shape in shapes:
            assert error(function, shape, 0) < 5e-6, f"{title}, {shape}"
            far = error(function, shape)
            taken = title[0].isdigit()
            assert (far < 5e-6) == taken, f"{title}, {shape}, mean {FAR}: error {far:.1e}"
    results = []
    for title, function in rungs.items():
        if title.startswith(("4. ", "5. ")):
            arguments = problem(shapes[0], FAR)
            function(*arguments)
            results.append(b"".join(array.tobytes() for array in arguments[3:6]))
    assert len(set(results)) <= 1


def limits(arguments):
    x = arguments[0]
    copy = np.empty_like(x)
    return {"a copy of x": lambda: np.copyto(copy, x)}
