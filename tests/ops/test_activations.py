"""The activations: kernels against NumPy and float64, operations against primitives and torch."""

import math

import numpy as np
import pytest

import minigrad as mg
from minigrad._kernels import activations, reference, use_kernels
from minigrad.autograd import grad
from minigrad.autograd.gradcheck import gradcheck, gradgradcheck
from minigrad.ops.nn.activations import gelu, leaky_relu, relu, sigmoid, tanh

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
    for kind in ("gelu", "gelu_tanh"):
        y, dx = forward(activations, kind, x), backward(activations, kind, dy, x)
        np.testing.assert_array_equal(y, np.array([0, 0, 0, 0, 0, 1e4, 1e38, np.inf], dtype))
        np.testing.assert_array_equal(dx, np.array([0, 0, 0, half, half, one, one, one], dtype))


@floats
@pytest.mark.parametrize("kind", ["relu", "tanh"])
@pytest.mark.parametrize("kernels", [activations, reference])
def test_the_sign_of_zero_stays(kernels, kind, dtype):
    y = forward(kernels, kind, np.array([-0.0, 0.0], dtype))
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
def test_more_than_one_chunk(kind):
    size = 2**20 + 3
    x = np.random.default_rng(2).standard_normal(size).astype(np.float32)
    buffer = np.full(size + 1, 7, np.float32)
    getattr(activations, f"{kind}_forward")(x, buffer[:size], *numbers(kind))
    np.testing.assert_array_equal(buffer[size - 9 : size], forward(activations, kind, x[-9:]))
    getattr(activations, f"{kind}_backward")(x, x, buffer[:size], *numbers(kind))
    assert np.isfinite(buffer).all() and buffer[size] == 7


@kinds
def test_nonsense_raises(kind):
    x = np.ones(4, np.float32)
    run = getattr(activations, f"{kind}_forward")
    back = getattr(activations, f"{kind}_backward")
    with pytest.raises(ValueError, match=f"{kind}_forward: arrays of 4, 4 and 3 elements"):
        run(x, x[:3].copy(), *numbers(kind))
    with pytest.raises(ValueError, match=f"{kind}_backward: arrays of 4, 4 and 3 elements"):
        back(x, x, x[:3].copy(), *numbers(kind))
    with pytest.raises(ValueError, match=f"{kind}_backward: arrays of 4, 3 and 4 elements"):
        back(x, x[:3].copy(), x, *numbers(kind))
    with pytest.raises(TypeError, match=f"{kind}_forward: arrays of int32, int32 and float32"):
        run(np.ones(4, np.int32), x, *numbers(kind))
    with pytest.raises(TypeError, match="expected one dtype, float32 or float64"):
        run(np.ones(4, np.int32), np.ones(4, np.int32), *numbers(kind))
    with pytest.raises(TypeError, match=f"{kind}_backward: arrays of float32, float64 and float32"):
        back(x, np.ones(4), x, *numbers(kind))
    with pytest.raises(TypeError, match=f"{kind}_forward: arrays of float32, float32 and float64"):
        run(x, np.ones(4), *numbers(kind))
    gaps, swapped, unaligned = np.ones(8, np.float32)[::2], x.astype(">f4"), np.ones(17, np.uint8)
    unaligned = unaligned[1:].view(np.float32)
    for wrong in (gaps, swapped, unaligned):
        for arguments in ((wrong, x, x), (x, wrong, x), (x, x, wrong)):
            with pytest.raises(ValueError, match=f"{kind}_backward: an array is not C-contiguous"):
                back(*arguments, *numbers(kind))
    read_only = np.ones(4, np.float32)
    read_only.flags.writeable = False
    with pytest.raises(ValueError, match=f"{kind}_forward: the array to write is read-only"):
        run(x, read_only, *numbers(kind))
    for arguments in ((None, x), (x, None), ([1.0], x)):
        with pytest.raises(TypeError):
            run(*arguments, *numbers(kind))


@kinds
@floats
def test_any_shape(kind, dtype):
    x = np.random.default_rng(4).standard_normal((3, 1, 4)).astype(dtype)
    for shape in ((3, 1, 4), (12,), (2, 6)):
        shaped = x.reshape(shape)
        assert forward(activations, kind, shaped).tobytes() == (
            forward(activations, kind, x.ravel()).tobytes()
        )
        assert backward(activations, kind, shaped, shaped).tobytes() == (
            backward(activations, kind, x.ravel(), x.ravel()).tobytes()
        )
    for kernels in (activations, reference):
        assert forward(kernels, kind, np.array(0.5, dtype)).shape == ()


# --- operations ---------------------------------------------------------------------------------

OPERATIONS = {
    "relu": relu,
    "leaky_relu": lambda x: leaky_relu(x, 0.3),
    "sigmoid": sigmoid,
    "tanh": tanh,
    "gelu": gelu,
    "gelu_tanh": lambda x: gelu(x, approximate="tanh"),
}
COMPOSED = {
    "relu": lambda x: mg.where(x > 0, x, 0.0),
    "leaky_relu": lambda x: mg.where(x > 0, x, 0.3 * x),
    "sigmoid": lambda x: 1 / (1 + mg.exp(-x)),
    "tanh": lambda x: (mg.exp(x) - mg.exp(-x)) / (mg.exp(x) + mg.exp(-x)),
    "gelu_tanh": lambda x: x * (1 + tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))) / 2,
}


def in_torch(torch, kind):
    functional = torch.nn.functional
    return {
        "leaky_relu": lambda x: functional.leaky_relu(x, 0.3),
        "gelu_tanh": lambda x: functional.gelu(x, approximate="tanh"),
    }.get(kind) or getattr(functional, kind)


def value_and_gradient(function, x, dy):
    """Of a function of Tensors, as arrays, for an input and a cotangent given as arrays."""
    x = mg.tensor(x, requires_grad=True)
    y = function(x)
    y.backward(mg.tensor(dy))
    return y.detach().numpy(), x.grad.numpy()


def random_case(shape=(4, 5), dtype=np.float64, seed=0):
    rng = np.random.default_rng(seed)
    return [(2 * rng.standard_normal(shape)).astype(dtype) for _ in range(2)]


@pytest.mark.parametrize("kind", COMPOSED)
def test_operation_equals_its_composition(kind):
    x, dy = random_case()
    for fused, composed in zip(
        value_and_gradient(OPERATIONS[kind], x, dy),
        value_and_gradient(COMPOSED[kind], x, dy),
        strict=True,
    ):
        np.testing.assert_allclose(fused, composed, rtol=1e-11, atol=1e-13)


@kinds
@floats
def test_operation_equals_torch(kind, dtype, torch):
    x, dy = random_case(dtype=dtype)
    x[0] = [0.0, -0.0, 1e4, -1e4, 1e-30]
    x[1, 0] = np.nan
    y, dx = value_and_gradient(OPERATIONS[kind], x, dy)
    torch_x = torch.tensor(x, requires_grad=True)
    torch_y = in_torch(torch, kind)(torch_x)
    torch_y.backward(torch.tensor(dy))
    rtol, atol = (1e-5, 1e-6) if dtype is np.float32 else (1e-10, 1e-12)
    np.testing.assert_allclose(y, torch_y.detach().numpy(), rtol=rtol, atol=atol)
    np.testing.assert_allclose(dx, torch_x.grad.numpy(), rtol=rtol, atol=atol)
    assert y.dtype == dx.dtype == dtype


@kinds
@pytest.mark.parametrize("shape", [(3, 4), (), (1, 1), (2, 0)])
def test_first_and_second_derivative(kind, shape):
    x, dy = random_case(shape)
    x = mg.tensor(x, requires_grad=True)
    if x.numel() == 0:
        assert grad(OPERATIONS[kind](x), x, mg.tensor(dy))[0].shape == shape
        return
    assert gradcheck(OPERATIONS[kind], (x,), rtol=1e-7)
    assert gradgradcheck(OPERATIONS[kind], (x,))


@kinds
def test_third_derivative(kind):
    if kind in ("relu", "leaky_relu"):
        pytest.skip("0 everywhere")
    x = mg.tensor(random_case()[0], requires_grad=True)

    def slope(x):
        return grad(OPERATIONS[kind](x).sum(), x, create_graph=True)[0]

    assert gradgradcheck(slope, (x,))


def test_second_derivative_of_relu_is_zero_and_not_missing():
    x = mg.tensor([1.5, -2.0], requires_grad=True)
    for function in (relu, leaky_relu):
        (slope,) = grad(function(x).sum(), x, create_graph=True)
        (curvature,) = grad(slope.sum(), x)
        assert curvature.tolist() == [0, 0]


@kinds
def test_any_layout_gives_the_same_bits(kind):
    x, dy = random_case((4, 6), np.float32)
    y, dx = value_and_gradient(OPERATIONS[kind], x, dy)

    def through(view, back):
        """The same elements reached through a view of a leaf, cotangent laid out like the view."""
        leaf = mg.tensor(back(x), requires_grad=True)
        result = OPERATIONS[kind](view(leaf))
        result.backward(view(mg.tensor(back(dy))))
        np.testing.assert_array_equal(result.detach().numpy(), y)
        np.testing.assert_array_equal(view(leaf.grad).numpy(), dx)

    through(lambda t: t.transpose(0, 1), lambda a: a.T)
    through(lambda t: t[:, ::2], lambda a: np.repeat(a, 2, axis=1))
    through(lambda t: t[1:-1], lambda a: np.pad(a, ((1, 1), (0, 0))))


@kinds
def test_one_element_that_stands_for_many(kind):
    leaf = mg.tensor([[0.7], [-1.2]], requires_grad=True)
    OPERATIONS[kind](leaf.expand(2, 3)).sum().backward()  # cotangent of stride 0, too
    once = mg.tensor([[0.7], [-1.2]], requires_grad=True)
    OPERATIONS[kind](once).sum().backward()
    np.testing.assert_allclose(leaf.grad.numpy(), 3 * once.grad.numpy(), rtol=1e-6)


@kinds
def test_reference_kernels_give_the_same(kind):
    x, dy = random_case()
    compiled = value_and_gradient(OPERATIONS[kind], x, dy)
    with use_kernels("reference"):
        twin = value_and_gradient(OPERATIONS[kind], x, dy)
    for one, other in zip(compiled, twin, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_integers_as_in_torch(dtype, torch):
    x, torch_x = mg.tensor([0, 1, 1, 0]).to(getattr(mg, dtype)), torch.tensor([0, 1, 1, 0])
    torch_x = torch_x.to(getattr(torch, dtype))
    for function in (sigmoid, tanh):
        y = function(x)
        assert y.dtype is mg.float32
        np.testing.assert_allclose(y.numpy(), getattr(torch, function.__name__)(torch_x).numpy())
    if dtype == "bool":
        with pytest.raises(mg.DTypeError, match="relu: input must be numbers"):
            relu(x)
    else:
        assert relu(x).dtype is x.dtype
        assert relu(x).tolist() == torch.relu(torch_x).tolist()
    for function in (leaky_relu, gelu):
        with pytest.raises(mg.DTypeError, match=f"{function.__name__}: input must be float32"):
            function(x)


def test_negative_integers():
    assert relu(mg.tensor([-3, 4])).tolist() == [0, 4]


@pytest.mark.parametrize("function", [relu, leaky_relu, sigmoid, tanh, gelu])
@pytest.mark.parametrize("wrong", [None, "x", [1.0]])
def test_wrong_kinds_are_named(function, wrong):
    with pytest.raises(TypeError, match=f"{function.__name__}: input must be"):
        function(wrong)


def test_wrong_options_are_named():
    x = mg.tensor([1.0])
    with pytest.raises(ValueError, match="gelu: approximate must be 'none' or 'tanh', got 'erf'"):
        gelu(x, approximate="erf")
    with pytest.raises(TypeError, match="leaky_relu: negative_slope must be a number"):
        leaky_relu(x, "0.1")
    with pytest.raises(ValueError, match="leaky_relu: negative_slope must be finite"):
        leaky_relu(x, math.nan)


def test_methods_are_the_functions():
    assert (mg.Tensor.relu, mg.Tensor.sigmoid, mg.Tensor.tanh) == (relu, sigmoid, tanh)


@pytest.mark.parametrize("function", [relu, leaky_relu])
def test_in_place(function):
    leaf = mg.tensor([-2.0, 3.0], requires_grad=True)
    plain = mg.tensor([-2.0, 3.0], requires_grad=True)
    x = leaf * 1.0
    assert function(x, inplace=True) is x
    dy = mg.tensor([5.0, 7.0])
    x.backward(dy)
    function(plain * 1.0).backward(dy)
    assert leaf.grad.tolist() == plain.grad.tolist()
    with pytest.raises(mg.GraphError, match=function.__name__):
        function(leaf, inplace=True)


def test_inputs_are_not_written():
    x, dy = random_case()
    for function in OPERATIONS.values():
        before, cotangent = mg.tensor(x, requires_grad=True), mg.tensor(dy)
        function(before).backward(cotangent)
        np.testing.assert_array_equal(before.detach().numpy(), x)
        np.testing.assert_array_equal(cotangent.numpy(), dy)


def test_a_changed_value_is_noticed():
    """relu, sigmoid and tanh keep their output, the others their input."""
    for kind, function in OPERATIONS.items():
        x = mg.tensor([1.0, 2.0], requires_grad=True) * 1.0
        y = function(x)
        (y if BACKWARD_FROM[kind] == "y" else x).detach().add_(1.0)
        with pytest.raises(mg.GraphError, match="changed in place by add_"):
            y.sum().backward()
