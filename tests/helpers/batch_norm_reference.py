"""Batch normalization in NumPy and double, and random calls of it, for the tests."""

import numpy as np
from helpers.layouts import rows_laid_out as laid_out

EPS = 1e-5
SHAPES = [(2, 1), (7, 3), (40, 1), (3, 2, 1), (5, 4, 3), (2, 3, 300), (4, 3, 2, 3), (2, 2, 2, 1, 2)]


def axes(x):
    return (0, *range(2, x.ndim))


def spread(u, x):
    return np.asarray(u).reshape(-1, *[1] * (x.ndim - 2))


def exact(x, eps=EPS):
    """x_hat, mean, var and 1/√(var + eps) of x in double."""
    wide = np.asarray(x, np.float64)
    mean = wide.mean(axes(x), keepdims=True)
    var = ((wide - mean) ** 2).mean(axes(x), keepdims=True)
    inv_std = 1 / np.sqrt(var + eps)
    return (wide - mean) * inv_std, mean.ravel(), var.ravel(), inv_std


def exact_dx(dy, x, gamma, eps=EPS):
    x_hat, _, _, inv_std = exact(x, eps)
    dy = np.asarray(dy, np.float64)

    def mean(u):
        return u.mean(axes(x), keepdims=True)

    return spread(gamma, x) * inv_std * (dy - mean(dy) - x_hat * mean(dy * x_hat))


def configuration(seed):
    rng = np.random.default_rng(seed)
    ndim = rng.integers(2, 5)
    while True:
        shape = tuple(int(n) for n in rng.integers(1, (12, 7, 6, 5)[:ndim]))
        if np.prod(shape) > shape[1]:
            break
    C = shape[1]
    x = laid_out(rng, rng.uniform(0.1, 5) * rng.standard_normal(shape) + 3 * rng.standard_normal())
    dy = laid_out(rng, rng.standard_normal(shape))
    if rng.integers(4) == 0:
        dy = np.broadcast_to(dy[:1], shape)
    values = dict(
        x=x,
        running_mean=rng.standard_normal(C),
        running_var=rng.uniform(0.1, 3, C),
        weight=rng.standard_normal(C),
        bias=rng.standard_normal(C),
    )
    if rng.integers(3) == 0:
        values["weight"] = None
    if rng.integers(3) == 0:
        values["bias"] = None
    training = bool(rng.integers(2))
    if training and rng.integers(3) == 0:
        values["running_mean"] = values["running_var"] = None
    momentum, eps = float(rng.uniform(0, 1)), float(10 ** rng.uniform(-5, -0.3))
    return values, dy, dict(training=training, momentum=momentum, eps=eps)
