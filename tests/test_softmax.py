import numpy as np
import pytest
from rounding import ulps
from rows import IMPOSSIBLE, INF, SHAPES, exact_softmax, logits, sure

from minigrad._kernels import active, use_kernels


@pytest.fixture(params=["compiled", "reference"])
def kernels(request):
    with use_kernels(request.param):
        yield active


def forward(kernels, x):
    x = np.array(x)
    x.flags.writeable = False
    y = np.full_like(x, 7)
    kernels.softmax_forward(x, y, np.empty(x.shape[1]))
    return y


def backward(kernels, dy, y):
    dx = np.full_like(y, 7)
    kernels.softmax_backward(dy, y, dx)
    return dx


@pytest.mark.parametrize("shape", SHAPES)
def test_kernel_is_the_definition(kernels, shape):
    x = logits(shape, np.float64)
    np.testing.assert_allclose(forward(kernels, x), exact_softmax(x), rtol=1e-13, atol=1e-300)


@pytest.mark.parametrize("shape", SHAPES)
def test_kernel_float32_is_rounded_once(kernels, shape):
    x = logits(shape, np.float32)
    assert ulps(forward(kernels, x), exact_softmax(x)) <= 0.51
    assert ulps(forward(kernels, sure()), exact_softmax(sure())) <= 0.51


def test_kernel_finds_the_largest_wherever_it_is(kernels):
    for columns in (1, 4, 7, 64, 67, 200):
        x = np.zeros((columns, columns), np.float32)
        np.fill_diagonal(x, 1000)
        np.testing.assert_array_equal(forward(kernels, x), np.eye(columns))


def test_kernel_offset_does_not_matter(kernels):
    x = np.random.default_rng(0).integers(-20, 20, (5, 10)).astype(np.float32)
    np.testing.assert_array_equal(forward(kernels, x), forward(kernels, x + 1e7))


def test_kernel_extremes(kernels):
    x = np.array([[1e4, 0], [-1e4, 1e4], [-INF, 3], [3e38, -3e38]], np.float32)
    np.testing.assert_array_equal(forward(kernels, x), [[1, 0], [0, 1], [0, 1], [1, 0]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_rows_without_softmax_are_nan_and_alone(kernels, dtype):
    x = np.array([*IMPOSSIBLE, [0.0, 0.0, -INF]], dtype)
    y = forward(kernels, x)
    assert np.isnan(y[:-1]).all()
    np.testing.assert_array_equal(y[-1], [0.5, 0.5, 0])
    assert np.isnan(forward(kernels, np.array([[-INF], [INF], [np.nan]], dtype))).all()
    long = np.zeros((3, 200), dtype)
    long[0, 150], long[1, 150], long[2, :] = np.nan, INF, -INF
    assert np.isnan(forward(kernels, long)).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_backward_is_the_jacobian(kernels, dtype):
    rng = np.random.default_rng(1)
    for shape in SHAPES:
        y = exact_softmax(logits(shape, dtype)).astype(dtype)
        dy = rng.standard_normal(shape).astype(dtype)
        wide = y.astype(np.float64)
        jacobian = np.stack([np.diag(row) - np.outer(row, row) for row in wide])
        dx = np.einsum("ni,nij->nj", dy.astype(np.float64), jacobian)
        if dtype == np.float64:
            np.testing.assert_allclose(backward(kernels, dy, y), dx, rtol=1e-11, atol=1e-15)
        else:
            np.testing.assert_allclose(backward(kernels, dy, y), dx, rtol=1e-6, atol=1e-10)


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
        (x.astype(np.int32), np.zeros((2, 3), np.float32), scratch),
        (x.T, np.zeros((3, 2)), scratch),
        (x[0], np.zeros(3), scratch),
    ]:
        with pytest.raises(ValueError, match="softmax_forward|Buffer|buffer|contiguous"):
            active.softmax_forward(*arguments)
    for arguments in [(x[:1], x, x), (x, x, x[:1]), (x[:, :1].copy(), x, x)]:
        with pytest.raises(ValueError, match="softmax_backward"):
            active.softmax_backward(*arguments)
    with pytest.raises(TypeError, match="None"):
        active.softmax_forward(x, None, scratch)
