"""The activations: kernels against their NumPy twins and float64, at the edges of float32 too."""

import math

import numpy as np
import pytest

from minigrad._kernels import activations, reference

BACKWARD_FROM = {  # forward kernel -> what its backward takes beside dy
    "relu": "y",
    "leaky_relu": "x",
    "sigmoid": "y",
    "tanh": "y",
    "gelu": "x",
    "gelu_tanh": "x",
}
kinds = pytest.mark.parametrize("kind", BACKWARD_FROM)
floats = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def numbers(kind):
    return (0.3,) if kind == "leaky_relu" else ()


def forward(kernels, kind, x):
    y = np.empty_like(x)
    getattr(kernels, f"{kind}_forward")(x, y, *numbers(kind))
    return y


def backward(kernels, kind, dy, x):
    dx = np.empty_like(x)
    saved = x if BACKWARD_FROM[kind] == "x" else forward(reference, kind, x)
    getattr(kernels, f"{kind}_backward")(dy, saved, dx, *numbers(kind))
    return dx


def exact(kind, x):
    """The function in float64, one element at a time, without the forms that the kernels use."""
    x = float(x)
    if kind == "sigmoid":
        return math.exp(min(x, 0)) / (math.exp(-abs(x)) + 1)
    if kind == "tanh":
        return math.tanh(x)
    if kind == "gelu":
        return x * math.erfc(-x / math.sqrt(2)) / 2
    w = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
    return x * math.exp(min(2 * w, 0)) / (math.exp(-abs(2 * w)) + 1)


def every_size(count):
    """float32 numbers of every magnitude, denormal to 1e38, and many between -20 and 20."""
    rng = np.random.default_rng(3)
    bits = rng.integers(0, 2**32, count, dtype=np.uint32).view(np.float32)
    middle = rng.uniform(-20, 20, count).astype(np.float32)
    return np.concatenate([bits[np.isfinite(bits)], middle, -middle])


@kinds
@floats
def test_kernel_equals_reference(kind, dtype):
    rng = np.random.default_rng(0)
    x = (3 * rng.standard_normal(1001)).astype(dtype)
    dy = rng.standard_normal(1001).astype(dtype)
    rtol = 1e-6 if dtype is np.float32 else 1e-13
    for compiled, twin in [
        (forward(activations, kind, x), forward(reference, kind, x)),
        (backward(activations, kind, dy, x), backward(reference, kind, dy, x)),
    ]:
        np.testing.assert_allclose(compiled, twin, rtol=rtol, atol=rtol / 10)


@pytest.mark.parametrize("kind", ["sigmoid", "tanh", "gelu", "gelu_tanh"])
def test_float32_is_the_rounded_float64_value(kind):
    x = every_size(20_000)
    y = forward(activations, kind, x)
    truth = np.array([exact(kind, value) for value in x])
    unit = np.spacing(np.abs(truth).astype(np.float32)).astype(np.float64)
    assert (np.abs(y - truth) / unit).max() < 0.51  # 0.5 is rounding alone


@kinds
@floats
def test_gradients_are_those_of_the_forward_kernel(kind, dtype):
    x = np.linspace(-6, 6, 400)  # never 0, where relu has no gradient
    dy = np.random.default_rng(1).standard_normal(400)
    h = 1e-6
    slope = (forward(activations, kind, x + h) - forward(activations, kind, x - h)) / (2 * h)
    dx = backward(activations, kind, dy.astype(dtype), x.astype(dtype))
    atol = 2e-6 if dtype is np.float32 else 1e-9
    np.testing.assert_allclose(dx, dy * slope, rtol=1e-5, atol=atol)


@kinds
@floats
def test_nan_stays_nan(kind, dtype):
    assert np.isnan(forward(activations, kind, np.array([np.nan], dtype))).all()


@floats
def test_far_ends(dtype):
    x = np.array([-np.inf, -1e38, -1e4, -0.0, 0.0, 1e4, 1e38, np.inf], dtype)
    dy = np.ones_like(x)
    half, one = 0.5, 1.0
    expected = {
        "relu": ([0, 0, 0, 0, 0, 1e4, 1e38, np.inf], [0, 0, 0, 0, 0, 1, 1, 1]),
        "sigmoid": ([0, 0, 0, half, half, 1, 1, 1], [0, 0, 0, 0.25, 0.25, 0, 0, 0]),
        "tanh": ([-1, -1, -1, -0.0, 0.0, 1, 1, 1], [0, 0, 0, 1, 1, 0, 0, 0]),
    }
    for kind, (y, dx) in expected.items():
        np.testing.assert_array_equal(forward(activations, kind, x), np.array(y, dtype))
        np.testing.assert_array_equal(backward(activations, kind, dy, x), np.array(dx, dtype))
    finite, dy = x[1:-1], dy[1:-1]
    for kind in ("gelu", "gelu_tanh"):
        y, dx = forward(activations, kind, finite), backward(activations, kind, dy, finite)
        np.testing.assert_array_equal(y, np.array([0, 0, 0, 0, 1e4, 1e38], dtype))
        np.testing.assert_array_equal(dx, np.array([0, 0, half, half, one, one], dtype))


@floats
def test_tanh_keeps_the_sign_of_zero(dtype):
    y = forward(activations, "tanh", np.array([-0.0, 0.0], dtype))
    assert np.signbit(y).tolist() == [True, False]


@kinds
@floats
def test_empty_and_read_only(kind, dtype):
    assert forward(activations, kind, np.empty(0, dtype)).shape == (0,)
    assert backward(activations, kind, np.empty(0, dtype), np.empty(0, dtype)).shape == (0,)
    x = np.ones(3, dtype)
    x.flags.writeable = False
    forward(activations, kind, x)
    backward(activations, kind, x, x)


@kinds
def test_nonsense_raises(kind):
    x = np.ones(4, np.float32)
    run = getattr(activations, f"{kind}_forward")
    back = getattr(activations, f"{kind}_backward")
    with pytest.raises(ValueError, match=f"{kind}_forward: arrays of 4, 3 and 4 elements"):
        run(x, x[:3].copy(), *numbers(kind))
    with pytest.raises(ValueError, match=f"{kind}_backward: arrays of 4, 4 and 3 elements"):
        back(x, x, x[:3].copy(), *numbers(kind))
    with pytest.raises(ValueError, match="dtype mismatch"):
        run(np.ones(4, np.int32), x, *numbers(kind))
    with pytest.raises(ValueError, match="dtype mismatch"):
        run(x, np.ones(4), *numbers(kind))
    with pytest.raises(ValueError, match="contiguous"):
        run(np.ones(8, np.float32)[::2], x, *numbers(kind))
    with pytest.raises(TypeError):
        run(None, x, *numbers(kind))
