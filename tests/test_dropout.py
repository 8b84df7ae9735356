"""Dropout: the kernel against its NumPy twin, the share of kept elements, the edges p = 0 and 1."""

import numpy as np
import pytest

from minigrad._kernels import dropout, reference

floats = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def forward(kernels, x, u, p):
    y, mask = np.empty_like(x), np.empty(x.shape, np.uint8)
    kernels.dropout_forward(x, u, y, mask, p)
    return y, mask


def backward(kernels, dy, mask, p):
    dx = np.empty_like(dy)
    kernels.dropout_backward(dy, mask, dx, p)
    return dx


@floats
@pytest.mark.parametrize("p", [0.0, 0.3, 1 / 3, 1.0])
def test_kernel_equals_reference(dtype, p):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 1001)).astype(dtype)
    u = rng.random(1001, dtype)
    y, mask = forward(dropout, x, u, p)
    twin, twin_mask = forward(reference, x, u, p)
    np.testing.assert_array_equal(y, twin)
    np.testing.assert_array_equal(mask, twin_mask)
    np.testing.assert_array_equal(backward(dropout, dy, mask, p), backward(reference, dy, mask, p))


def test_none_and_all():
    rng = np.random.default_rng(1)
    x, u = rng.standard_normal(100), rng.random(100)
    np.testing.assert_array_equal(forward(dropout, x, u, 0.0)[0], x)
    np.testing.assert_array_equal(forward(dropout, x, u, 1.0)[0], 0 * x)


def test_gradient_passes_where_the_number_passed():
    rng = np.random.default_rng(2)
    x, dy = rng.standard_normal((2, 1000))
    y, mask = forward(dropout, x, rng.random(1000), 0.4)
    np.testing.assert_allclose(y, x * mask / 0.6, rtol=1e-14)
    np.testing.assert_allclose(backward(dropout, dy, mask, 0.4), dy * mask / 0.6, rtol=1e-14)
    assert abs(mask.mean() - 0.6) < 0.05


def test_nonsense_raises():
    x, mask = np.ones(4, np.float32), np.ones(4, np.uint8)
    with pytest.raises(ValueError, match="dropout_forward: arrays of 4, 3 and 4 elements"):
        dropout.dropout_forward(x, x[:3].copy(), x, mask, 0.5)
    with pytest.raises(ValueError, match="dropout_forward: arrays of 4, 3 and 4 elements"):
        dropout.dropout_forward(x, x, x, mask[:3].copy(), 0.5)
    with pytest.raises(ValueError, match="dropout_backward: arrays of 4, 3 and 4 elements"):
        dropout.dropout_backward(x, mask[:3].copy(), x, 0.5)
    with pytest.raises(ValueError, match="dtype mismatch"):
        dropout.dropout_forward(x, x, x, x, 0.5)


@floats
def test_empty(dtype):
    empty = np.empty(0, dtype)
    y, mask = forward(dropout, empty, empty, 0.5)
    assert y.shape == mask.shape == backward(dropout, empty, mask, 0.5).shape == (0,)
