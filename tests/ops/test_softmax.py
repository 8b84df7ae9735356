import numpy as np
import pytest
from helpers.layouts import LAYOUTS
from helpers.logits import DIMENSIONS, IMPOSSIBLE, INF, SHAPES, exact_softmax, logits, sure
from helpers.ulps import ulps

import minigrad
from minigrad import DTypeError
from minigrad._kernels import active
from minigrad.autograd import gradcheck, gradgradcheck


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
    places = [0, 2047, 2048, 2049, 4095, 4096, 4099]  # a long row is searched in blocks of 2,048
    x = np.zeros((len(places), 4100), np.float32)
    x[range(len(places)), places] = 1000
    np.testing.assert_array_equal(forward(kernels, x), x / 1000)


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


# --- the rule ------------------------------------------------------------------------------------


def tensor(array, requires_grad=True):
    return minigrad.tensor(np.asarray(array), requires_grad=requires_grad)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize(("shape", "dim"), DIMENSIONS)
def test_softmax_is_torchs_and_the_composition(torch, shape, dim):
    rng = np.random.default_rng(3)
    array, dy = rng.standard_normal(shape), rng.standard_normal(shape)
    x, composed = tensor(array), tensor(array)
    y = minigrad.softmax(x, dim)
    e = composed.exp()
    z = e / e.sum(dim, keepdim=True)
    tx = torch.tensor(array, requires_grad=True)
    ty = torch.softmax(tx, dim)
    for result in (y, z):
        result.backward(tensor(dy, False))
    ty.backward(torch.tensor(dy))
    for other in (z.detach().numpy(), ty.detach().numpy()):
        np.testing.assert_allclose(y.detach().numpy(), other, rtol=1e-12, atol=1e-14)
    for other in (composed.grad.numpy(), tx.grad.numpy()):
        np.testing.assert_allclose(x.grad.numpy(), other, rtol=1e-11, atol=1e-13)


@pytest.mark.usefixtures("kernels")
@pytest.mark.parametrize(("shape", "dim"), DIMENSIONS)
def test_softmax_gradients(shape, dim):
    x = tensor(np.random.default_rng(4).standard_normal(shape))
    if len(shape) == 0 or shape[dim] == 1:
        minigrad.softmax(x, dim).backward(tensor(np.full(shape, 3.0), False))
        np.testing.assert_array_equal(x.grad.numpy(), np.zeros(shape))
        return
    assert gradcheck(lambda x: minigrad.softmax(x, dim), x)
    assert gradgradcheck(lambda x: minigrad.softmax(x, dim), x)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_softmax_layout_does_not_matter(layout, dtype):
    for shape, dim in DIMENSIONS:
        array = logits((1, int(np.prod(shape, dtype=int))), dtype).reshape(shape)
        odd = LAYOUTS[layout](array)
        np.testing.assert_array_equal(odd, array)
        y, z = minigrad.softmax(minigrad.from_numpy(odd), dim), minigrad.softmax(tensor(array), dim)
        np.testing.assert_array_equal(y.numpy(), z.detach().numpy())
        assert y.is_contiguous()


def test_softmax_takes_a_repeated_gradient():
    x = tensor(np.random.default_rng(5).standard_normal((4, 5)))
    minigrad.softmax(x, 1).sum().backward()
    assert np.abs(x.grad.numpy()).max() <= 1e-15
    x.grad = None
    row = tensor(np.random.default_rng(6).standard_normal((1, 5)), False)
    minigrad.softmax(x, 1).backward(row.expand(4, 5))
    repeated = x.grad.numpy().copy()
    x.grad = None
    minigrad.softmax(x, 1).backward(row.expand(4, 5).clone())
    np.testing.assert_array_equal(repeated, x.grad.numpy())


def test_softmax_dtype_and_method():
    x = minigrad.tensor(np.array([[1, 2, 3]]))
    y = x.softmax(1, dtype=minigrad.float64)
    assert y.dtype is minigrad.float64
    np.testing.assert_allclose(y.numpy(), exact_softmax([[1.0, 2, 3]]), rtol=1e-15)
    half = tensor(np.zeros((2, 2), np.float32))
    minigrad.softmax(half, 0, minigrad.float64).sum().backward()
    assert half.grad.dtype is minigrad.float32
    assert minigrad.Tensor.softmax is minigrad.softmax is minigrad.nn.functional.softmax


def test_softmax_saved_result_is_guarded():
    x = tensor(np.random.default_rng(7).standard_normal((2, 3)))
    y = minigrad.softmax(x, 1)
    with minigrad.no_grad():
        y.mul_(2)
    with pytest.raises(minigrad.GraphError, match="Softmax"):
        y.backward(tensor(np.ones((2, 3)), False))


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([[1.0, 2]], 1), TypeError, "input must be a Tensor"),
        ((None, 1), TypeError, "input must be a Tensor"),
        (
            (np.array([1, 2]), 0),
            DTypeError,
            "input must be float32 or float64, got .*int64",
        ),
        (
            (np.array([True]), 0),
            DTypeError,
            "input must be float32 or float64, got .*bool",
        ),
        ((np.zeros((2, 3)), 2), IndexError, "dim 2 is out of range for a 2-d tensor"),
        ((np.zeros((2, 3)), -3), IndexError, "dim -3 is out of range for a 2-d tensor"),
        ((np.zeros(()), 1), IndexError, "dim 1 is out of range for a 0-d tensor"),
        ((np.zeros((2, 3)), 1.0), TypeError, "dim must be an integer"),
        ((np.zeros((2, 3)), True), TypeError, "dim must be an integer"),
        ((np.zeros((2, 3)), None), TypeError, "dim is missing"),
        ((np.zeros((2, 3)), 1, "complex64"), DTypeError, "complex64"),
    ],
)
def test_bad_arguments(name, arguments, error, message):
    with pytest.raises(error, match=f"^{name}: .*{message}|^dtype: .*{message}"):
        getattr(minigrad, name)(*arguments)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4)])
def test_a_dim_that_is_missing_is_asked_for_and_says_what_torch_would_take(torch, name, shape):
    x = minigrad.zeros(shape)
    layer = {"softmax": minigrad.nn.Softmax, "log_softmax": minigrad.nn.LogSoftmax}[name]()
    functional = getattr(minigrad.nn.functional, name)
    for call in (lambda: functional(x), lambda: getattr(x, name)(), lambda: layer(x)):
        with pytest.raises(TypeError) as caught:
            call()
        message = str(caught.value)
        assert message.startswith(f"{name}: dim is missing: along which dimension of the input")
        assert str(shape) in message and "write dim=1" in message
        assert "0 for 0-d, 1-d and 3-d inputs, 1 for others" in message
    values = np.random.default_rng(0).standard_normal(shape)
    with pytest.warns(UserWarning, match="Implicit dimension"):
        guessed = getattr(torch.nn.functional, name)(torch.tensor(values))
    ours = functional(minigrad.tensor(values), dim=0 if len(shape) in (0, 1, 3) else 1)
    np.testing.assert_allclose(ours.numpy(), guessed.numpy(), rtol=1e-12)
