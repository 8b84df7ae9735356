import numpy as np
import pytest
from rounding import ulps
from rows import IMPOSSIBLE, INF, SHAPES, exact_log_softmax, logits, sure

from minigrad._kernels import active, use_kernels


@pytest.fixture(params=["compiled", "reference"])
def kernels(request):
    with use_kernels(request.param):
        yield active


def forward(kernels, x):
    x = np.array(x)
    x.flags.writeable = False
    y = np.full_like(x, 7)
    kernels.log_softmax_forward(x, y, np.empty(x.shape[1]))
    return y


def backward(kernels, dy, y):
    dx = np.full_like(y, 7)
    kernels.log_softmax_backward(dy, y, dx)
    return dx


@pytest.mark.parametrize("shape", SHAPES[:-1])
def test_kernel_is_the_definition(kernels, shape):
    x = logits(shape, np.float64)
    np.testing.assert_allclose(forward(kernels, x), exact_log_softmax(x), rtol=1e-12, atol=0)


@pytest.mark.parametrize("shape", SHAPES[:-1])
def test_kernel_float32_is_rounded_once(kernels, shape):
    x = logits(shape, np.float32)
    assert ulps(forward(kernels, x), exact_log_softmax(x)) <= 0.51


def test_kernel_float32_is_right_next_to_zero(kernels):
    y = forward(kernels, sure())
    assert ulps(y, exact_log_softmax(sure())) <= 0.51
    assert -1e-40 < y.max() < 0


def test_kernel_offset_does_not_matter(kernels):
    x = np.random.default_rng(0).integers(-20, 20, (5, 10)).astype(np.float32)
    np.testing.assert_array_equal(forward(kernels, x), forward(kernels, x + 1e7))


def test_kernel_extremes(kernels):
    x = np.array([[1e4, 0], [-1e4, 1e4], [-INF, 3]], np.float32)
    np.testing.assert_array_equal(forward(kernels, x), [[0, -1e4], [-2e4, 0], [-INF, 0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_rows_without_softmax_are_nan_and_alone(kernels, dtype):
    y = forward(kernels, np.array([*IMPOSSIBLE, [0.0, 0.0, -INF]], dtype))
    assert np.isnan(y[:-1]).all()
    np.testing.assert_allclose(y[-1], [-np.log(2), -np.log(2), -INF], rtol=1e-7)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_backward_is_the_jacobian(kernels, dtype):
    rng = np.random.default_rng(1)
    for shape in SHAPES[:-1]:
        y = exact_log_softmax(logits(shape, dtype)).astype(dtype)
        dy = rng.standard_normal(shape).astype(dtype)
        p = np.exp(y.astype(np.float64))
        jacobian = np.eye(shape[1]) - p[:, None, :]
        dx = np.einsum("ni,nij->nj", dy.astype(np.float64), jacobian)
        if dtype == np.float64:
            np.testing.assert_allclose(backward(kernels, dy, y), dx, rtol=1e-12, atol=1e-14)
        else:
            np.testing.assert_allclose(backward(kernels, dy, y), dx, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("shape", [(0, 10), (10, 0), (0, 0)])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_empty(kernels, shape, dtype):
    x = np.empty(shape, dtype)
    assert forward(kernels, x).shape == shape
    assert backward(kernels, x, x).shape == shape


def test_kernel_refuses_what_does_not_fit():
    x, scratch = np.zeros((2, 3)), np.empty(3)
    for arguments in [
        (x, np.zeros((3, 3)), scratch),
        (x, np.zeros((2, 2)), scratch),
        (x, np.zeros((2, 3)), np.empty(2)),
        (x, np.zeros((2, 3), np.float32), scratch),
        (x.T, np.zeros((3, 2)), scratch),
    ]:
        with pytest.raises(ValueError, match="log_softmax_forward|Buffer|buffer|contiguous"):
            active.log_softmax_forward(*arguments)
    for arguments in [(x[:1], x, x), (x, x, x[:1]), (x[:, :1].copy(), x, x)]:
        with pytest.raises(ValueError, match="log_softmax_backward"):
            active.log_softmax_backward(*arguments)
