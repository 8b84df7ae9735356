import numpy as np
import pytest
from helpers.layouts import LAYOUTS
from helpers.logits import DIMENSIONS, IMPOSSIBLE, INF, SHAPES, exact_log_softmax, logits, sure
from helpers.ulps import ulps

import minigrad
from minigrad._kernels import active
from minigrad.autograd import gradcheck, gradgradcheck


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


# --- the rules -----------------------------------------------------------------------------------


def tensor(array, requires_grad=True):
    return minigrad.tensor(np.asarray(array), requires_grad=requires_grad)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize(("shape", "dim"), DIMENSIONS)
def test_log_softmax_is_torchs_and_the_composition(torch, shape, dim):
    rng = np.random.default_rng(3)
    array, dy = rng.standard_normal(shape), rng.standard_normal(shape)
    x, composed = tensor(array), tensor(array)
    y = minigrad.log_softmax(x, dim)
    z = composed - composed.exp().sum(dim, keepdim=True).log()
    tx = torch.tensor(array, requires_grad=True)
    ty = torch.log_softmax(tx, dim)
    for result in (y, z):
        result.backward(tensor(dy, False))
    ty.backward(torch.tensor(dy))
    for other in (z.detach().numpy(), ty.detach().numpy()):
        np.testing.assert_allclose(y.detach().numpy(), other, rtol=1e-12, atol=1e-14)
    for other in (composed.grad.numpy(), tx.grad.numpy()):
        np.testing.assert_allclose(x.grad.numpy(), other, rtol=1e-11, atol=1e-13)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize(("shape", "dim"), DIMENSIONS)
def test_log_softmax_gradients(shape, dim):
    x = tensor(np.random.default_rng(4).standard_normal(shape))
    if len(shape) == 0 or shape[dim] == 1:
        minigrad.log_softmax(x, dim).backward(tensor(np.full(shape, 3.0), False))
        np.testing.assert_array_equal(x.grad.numpy(), np.zeros(shape))
        return
    assert gradcheck(lambda x: minigrad.log_softmax(x, dim), x)
    assert gradgradcheck(lambda x: minigrad.log_softmax(x, dim), x)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_log_softmax_layout_does_not_matter(layout):
    for shape, dim in DIMENSIONS:
        array = logits((1, int(np.prod(shape, dtype=int))), np.float32).reshape(shape)
        y = minigrad.log_softmax(minigrad.from_numpy(LAYOUTS[layout](array)), dim)
        z = minigrad.log_softmax(tensor(array, False), dim)
        np.testing.assert_array_equal(y.numpy(), z.numpy())


def test_log_softmax_dtype_and_method():
    y = minigrad.tensor(np.array([[1, 2, 3]])).log_softmax(-1, dtype=minigrad.float32)
    assert y.dtype is minigrad.float32
    assert ulps(y.numpy(), exact_log_softmax([[1.0, 2, 3]])) <= 0.51
    assert minigrad.Tensor.log_softmax is minigrad.log_softmax
    assert minigrad.nn.functional.log_softmax is minigrad.log_softmax


@pytest.mark.parametrize(
    ("shape", "dim"),
    [*DIMENSIONS, ((2, 3, 4), (0, 2)), ((2, 3, 4), (-1, 1, 0)), ((0, 3), 0), ((3, 0), 1)],
)
@pytest.mark.parametrize("keepdim", [False, True])
def test_logsumexp_is_torchs(torch, shape, dim, keepdim):
    array = np.random.default_rng(5).standard_normal(shape)
    x, tx = tensor(array), torch.tensor(array, requires_grad=True)
    y, ty = minigrad.logsumexp(x, dim, keepdim), torch.logsumexp(tx, dim, keepdim)
    dy = np.random.default_rng(6).standard_normal(ty.shape)
    y.backward(tensor(dy, False))
    ty.backward(torch.tensor(dy))
    assert y.shape == ty.shape
    np.testing.assert_allclose(y.detach().numpy(), ty.detach().numpy(), rtol=1e-13)
    np.testing.assert_allclose(x.grad.numpy(), tx.grad.numpy(), rtol=1e-12)
    if shape == (2, 3, 4):
        assert gradcheck(lambda x: minigrad.logsumexp(x, dim, keepdim), x)
        assert gradgradcheck(lambda x: minigrad.logsumexp(x, dim, keepdim), x)


def test_logsumexp_extremes():
    x = np.array(
        [[1e4, 0], [-INF, -INF], [INF, 1], [INF, -INF], [0, np.nan], [INF, np.nan]], np.float32
    )
    y = minigrad.logsumexp(tensor(x, False), 1).numpy()
    np.testing.assert_array_equal(y, [1e4, -INF, INF, INF, np.nan, np.nan])
    assert minigrad.logsumexp(np.array([1, 2]), 0).dtype is minigrad.float32
    big = tensor(np.array([[1e7, 1e7 + 1]], np.float32))
    big.logsumexp(1).sum().backward()
    assert ulps(big.grad.numpy(), np.exp(exact_log_softmax([[0.0, 1.0]]))) <= 1


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("x", 0), TypeError, "logsumexp: input must be a Tensor"),
        ((np.zeros((2, 3)), 2), IndexError, "logsumexp: dim 2 is out of range"),
        ((np.zeros((2, 3)), (1, -1)), ValueError, "logsumexp: dim .* twice"),
    ],
)
def test_logsumexp_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        minigrad.logsumexp(*arguments)
