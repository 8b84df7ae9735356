"""Random calls of conv2d and max_pool2d, and convolution by its definition, for the tests."""

import numpy as np
from helpers.layouts import laid_out


def pair_of(rng, low, high):
    """An integer, or two: both forms of an argument."""
    pair = tuple(int(n) for n in rng.integers(low, high, 2))
    return pair if rng.integers(2) else pair[0]


def both(value):
    return value if isinstance(value, tuple) else (value, value)


def convolution_call(seed):
    """x, weight, bias or None, and the options of a random call that fits."""
    rng = np.random.default_rng(seed)
    groups = int(rng.choice([1, 1, 2, 3]))
    C = groups * int(rng.integers(1, 4))
    O = groups * int(rng.integers(1, 4))  # noqa: E741  the name it has everywhere
    kernel = tuple(int(n) for n in rng.integers(1, 4, 2))
    if rng.integers(6) == 0:
        kernel = (1, 1)
    options = dict(dilation=pair_of(rng, 1, 4), groups=groups)
    if rng.integers(4) == 0:
        options["padding"] = str(rng.choice(["same", "valid"]))
    else:
        options |= dict(stride=pair_of(rng, 1, 4), padding=pair_of(rng, 0, 4))
    padding = both(options["padding"]) if not isinstance(options["padding"], str) else (0, 0)
    size = [
        max(int(rng.integers(1, 9)), d * (k - 1) + 1 - 2 * p)
        for k, d, p in zip(kernel, both(options["dilation"]), padding, strict=True)
    ]
    shape = (int(rng.integers(1, 5)), C, *size)
    shape = shape[1:] if rng.integers(4) == 0 else shape
    x = laid_out(rng, rng.standard_normal(shape))
    weight = laid_out(rng, rng.standard_normal((O, C // groups, *kernel)))
    bias = rng.standard_normal(O) if rng.integers(2) else None
    return x, weight, bias, options


def pooling_call(seed):
    """x and the options of a random call that fits; values often occur twice."""
    rng = np.random.default_rng(seed)
    kernel = pair_of(rng, 1, 5)
    if rng.integers(3) == 0:
        kernel = 2
    options = dict(
        kernel_size=kernel,
        stride=None if rng.integers(2) else pair_of(rng, 1, 4),
        padding=tuple(int(rng.integers(0, k // 2 + 1)) for k in both(kernel)),
        dilation=1 if rng.integers(2) else pair_of(rng, 1, 3),
        ceil_mode=bool(rng.integers(2)),
    )
    size = [
        max(int(rng.integers(1, 12)), d * (k - 1) + 1 - p)
        for k, d, p in zip(
            both(kernel), both(options["dilation"]), options["padding"], strict=True
        )
    ]
    shape = (int(rng.integers(1, 4)), int(rng.integers(1, 4)), *size)
    shape = shape[1:] if rng.integers(4) == 0 else shape
    x = rng.integers(-4, 5, shape).astype(float) if rng.integers(2) else rng.standard_normal(shape)
    return laid_out(rng, x), options


def cotangent(seed, shape):
    """A random dy; now and then one slice of it, repeated with stride 0."""
    rng = np.random.default_rng(seed)
    dy = laid_out(rng, rng.standard_normal(shape))
    return np.broadcast_to(dy[:1], shape) if rng.integers(4) == 0 else dy
