"""Layer normalization: kernels, function and layer; against twins, torch, primitives, limits."""

import copy
import signal
import time

import numpy as np
import pytest
from helpers.batch_norm_reference import EPS
from helpers.grids import for_each
from helpers.layouts import leaf, normal
from helpers.layouts import rows_laid_out as laid_out
from helpers.rest_slow import rest_slow
from helpers.row_norm_reference import (
    all_derivatives,
    assert_agree,
    assert_is_torchs,
    assert_only_wanted_gradients,
    assert_refuses_nonsense,
    exact,
)

import minigrad
from minigrad import DTypeError, ShapeError, tensor
from minigrad._kernels import active, reference
from minigrad.autograd import grad, gradcheck, gradgradcheck
from minigrad.nn import LayerNorm
from minigrad.nn.functional import layer_norm

# --- kernels -------------------------------------------------------------------------------------


def run(kernels, x, dy, gamma, beta, eps, with_dx=True):
    """All outputs of forward and backward; inputs are read-only, outputs start as NaN."""
    for array in (x, dy, gamma, beta):
        array.flags.writeable = False
    y, dx = np.full_like(x, np.nan), np.full_like(x, np.nan)
    mean, inv_std = np.full((2, len(x)), np.nan)
    dgamma, dbeta = np.full((2, len(gamma)), np.nan)
    kernels.layer_norm_forward(x, gamma, beta, y, mean, inv_std, eps)
    kernels.layer_norm_backward(dy, x, gamma, mean, inv_std, dx if with_dx else None, dgamma, dbeta)
    return dict(y=y, dx=dx, dgamma=dgamma, dbeta=dbeta, mean=mean, inv_std=inv_std)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape", [(1, 1), (5, 2), (3, 15), (3, 16), (4, 17), (9, 33), (70, 64), (2, 1030)]
)
def test_kernel_is_its_reference(shape, dtype):
    rng = np.random.default_rng(0)
    x = (3 * rng.standard_normal(shape) + 10).astype(dtype)
    dy = rng.standard_normal(shape).astype(dtype)
    gamma, beta = rng.standard_normal((2, shape[1])).astype(dtype)
    compiled = run(active, x, dy, gamma, beta, 0.01)
    tolerance = 1e-12 if dtype == np.float64 else 2e-6
    for name, values in run(reference, x, dy, gamma, beta, 0.01).items():
        np.testing.assert_allclose(
            compiled[name], values, rtol=tolerance, atol=tolerance, err_msg=name
        )


def test_kernel_without_dx(kernels):
    x, dy, gamma = normal(6, 19, seed=1), normal(6, 19, seed=2), normal(19, seed=3)
    whole = run(kernels, x, dy, gamma, gamma, 0.1)
    part = run(kernels, x, dy, gamma, gamma, 0.1, with_dx=False)
    assert np.isnan(part["dx"]).all()
    for name in ("dgamma", "dbeta"):
        np.testing.assert_array_equal(part[name], whole[name])


@pytest.mark.parametrize("shape", [(0, 3), (4, 0), (0, 0)])
def test_kernel_of_nothing(kernels, shape):
    x, gamma = np.zeros(shape), np.ones(shape[1])
    found = run(kernels, x, x.copy(), gamma, gamma, 1.0)
    np.testing.assert_array_equal(found["dgamma"], np.zeros(shape[1]))
    np.testing.assert_array_equal(found["dbeta"], np.zeros(shape[1]))


def test_kernel_refuses_nonsense():
    data, row, feature = np.ones((4, 3)), np.ones(4), np.ones(3)
    forward = dict(x=data, gamma=feature, beta=feature, y=data, mean=row, inv_std=row)
    assert_refuses_nonsense("layer_norm_forward", forward, [EPS])
    backward = dict(dy=data, x=data, gamma=feature, mean=row, inv_std=row)
    backward |= dict(dx=data, dgamma=feature, dbeta=feature)
    assert_refuses_nonsense("layer_norm_backward", backward, [], optional=["dx"])


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signal.setitimer")
@pytest.mark.parametrize("backward", [False, True])
def test_kernel_answers_ctrl_c(backward):
    class Interrupt(Exception):
        pass

    def interrupt(*_):
        raise Interrupt

    x, out = np.ones((20_000, 600), np.float32), np.full((20_000, 600), 7, np.float32)
    row, feature, sums = np.ones((2, 20_000)), np.ones((2, 600), np.float32), np.ones((2, 600))
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(Interrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            if backward:
                active.layer_norm_backward(x, x, feature[0], *row, out, *sums)
            else:
                active.layer_norm_forward(x, *feature, out, *row, EPS)
            time.sleep(1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert out[-1, -1] == 7  # the kernel was left before its end


# --- accuracy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(16, 1024), (300, 40)])
@for_each("offset", [0, 1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7])
def test_accuracy_at_any_offset(kernels, shape, offset):
    x = (normal(*shape, seed=0) + offset).astype(np.float32)
    dy = normal(*shape, seed=1, dtype=np.float32)
    t, gamma = leaf(x), leaf(np.ones(shape[1], np.float32))
    y = layer_norm(t, shape[1:], gamma)
    x_hat, dx = exact(x, dy)
    assert np.abs(y.detach().numpy() - x_hat).max() <= 1e-6
    y.backward(tensor(dy))
    np.testing.assert_allclose(gamma.grad.numpy(), (dy * x_hat).sum(0), rtol=1e-6, atol=1e-5)
    if offset <= 1e6:
        assert np.abs(t.grad.numpy() - dx).max() <= 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@for_each("value", [0.0, 0.1, 1 / 3, 100, 1e4, 1e8, -1e30, 3.4e38, 1e-40])
def test_a_constant_row_is_exactly_beta(kernels, dtype, value):
    gamma, beta = normal(37, seed=0, dtype=dtype), normal(37, seed=1, dtype=dtype)
    y = layer_norm(tensor(np.full((3, 37), value, dtype)), (37,), tensor(gamma), tensor(beta))
    np.testing.assert_array_equal(y.numpy(), np.broadcast_to(beta, (3, 37)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e30, 1e37, 3.4e38])
def test_huge_values(kernels, dtype, size):
    x = np.array([[size, -size], [-size, size]], dtype)
    y = layer_norm(tensor(x), (2,)).numpy()
    np.testing.assert_allclose(y, [[1, -1], [-1, 1]], rtol=1e-6)
    y = layer_norm(tensor(np.array([size] * 3 + [-size], dtype)), (4,)).numpy()
    np.testing.assert_allclose(y, np.array([1, 1, 1, -3]) / np.sqrt(3), rtol=1e-6)


def test_tiny_values_and_eps(kernels):
    x = np.array([[1e-40, -1e-40]], np.float32)
    y = layer_norm(tensor(x), (2,), eps=1e-300).numpy()
    np.testing.assert_allclose(y, [[1, -1]], rtol=1e-6)


def test_second_derivatives_are_accurate_in_float32():
    wide = (normal(8, 64, seed=0) + 1e4).astype(np.float32)
    dy, v = normal(8, 64, seed=1, dtype=np.float32), normal(8, 64, seed=2, dtype=np.float32)

    def second(dtype):
        x, cotangent = leaf(wide.astype(dtype)), leaf(dy.astype(dtype))
        (dx,) = grad(layer_norm(x, (64,)), x, cotangent, create_graph=True)
        return [g.numpy() for g in grad(dx, (x, cotangent), tensor(v.astype(dtype)))]

    for found, expected in zip(second(np.float32), second(np.float64), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())


# --- the function --------------------------------------------------------------------------------


def configuration(seed):
    """Input, weight, bias (None: absent), cotangent, eps."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(n) for n in rng.integers(1, 6, rng.integers(1, 5)))
    normalized = shape[int(rng.integers(len(shape))) :]
    if rng.integers(4) == 0:
        shape = normalized = (*shape[:-1], int(rng.integers(14, 40)))
        normalized = shape[-1:]
    x = laid_out(rng, rng.uniform(0.1, 5) * rng.standard_normal(shape) + 3 * rng.standard_normal())
    dy = laid_out(rng, rng.standard_normal(shape))
    if rng.integers(4) == 0:
        dy = np.broadcast_to(dy[:1], shape)
    weight, bias = rng.standard_normal((2, *normalized))
    weight = None if rng.integers(3) == 0 else laid_out(rng, weight)
    bias = None if rng.integers(3) == 0 else bias
    return x, weight, bias, dy, normalized, float(10 ** rng.uniform(-5, -0.3))


@pytest.mark.parametrize("block", rest_slow(range(5), [0]))
def test_agrees_with_torch(torch, kernels, block):
    for seed in range(60 * block, 60 * block + 60):
        chosen = configuration(seed)
        found = all_derivatives(minigrad, layer_norm, chosen)
        expected = all_derivatives(torch, torch.nn.functional.layer_norm, chosen)
        assert_agree(found, expected, message=f"seed {seed}")


def composed(x, normalized, weight, bias, eps):
    """The same from primitives, whose rules know nothing of normalization."""
    axes = tuple(range(x.ndim - len(normalized), x.ndim))
    centered = x - x.mean(axes, keepdim=True)
    y = centered / ((centered**2).mean(axes, keepdim=True) + eps).sqrt()
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


@pytest.mark.parametrize("block", rest_slow(range(2), [0]))
def test_agrees_with_primitives(kernels, block):
    for seed in range(30 * block, 30 * block + 30):
        chosen = configuration(seed)
        found = all_derivatives(minigrad, layer_norm, chosen)
        assert_agree(found, all_derivatives(minigrad, composed, chosen), message=f"seed {seed}")


@pytest.mark.parametrize(
    ("shape", "normalized"), [((5, 3), (3,)), ((4,), (4,)), ((2, 3, 2), (3, 2)), ((2, 2, 3), (3,))]
)
def test_derivatives(kernels, shape, normalized):
    inputs = (
        leaf(normal(*shape, seed=0)),
        leaf(normal(*normalized, seed=1)),
        leaf(normal(*normalized, seed=2)),
    )

    def function(x, w, b):
        return layer_norm(x, normalized, w, b, 0.1)

    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_third_derivatives():
    b = tensor(normal(3, seed=2))

    def gradient(x, w, dy):
        return grad(layer_norm(x, (3,), w, b, 0.1), (x, w), dy, create_graph=True)

    assert gradgradcheck(
        gradient, (leaf(normal(2, 3, seed=0)), leaf(normal(3, seed=1)), leaf(normal(2, 3, seed=3)))
    )


def test_dx_sums_to_zero(kernels):
    for D in (1, 2, 7, 64):
        x, gamma, dy = leaf(3 * normal(9, D, seed=0) + 7), normal(D, seed=1), normal(9, D, seed=2)
        layer_norm(x, (D,), tensor(gamma)).backward(tensor(dy))
        dx = x.grad.numpy()
        assert np.abs(dx.sum(1)).max() <= 1e-12 * max(1, np.abs(dx).sum())
        np.testing.assert_allclose(dx, exact(x.detach().numpy(), dy, gamma)[1], atol=1e-10)


def test_the_projection_is_one_as_eps_goes_to_0(kernels):
    x, dy = leaf(normal(6, 9, seed=0)), normal(6, 9, seed=1)
    y = layer_norm(x, (9,), eps=1e-14)
    (once,) = grad(y, x, tensor(dy), retain_graph=True)
    std = x.detach().numpy().std(1, keepdims=True)
    (twice,) = grad(y, x, once * tensor(std))
    np.testing.assert_allclose(twice.numpy(), once.numpy(), atol=1e-12)
    assert np.abs(once.numpy()).max() > 0.1


def test_ones_are_lost_until_gamma_differs():
    x, ones = leaf(normal(5, 6, seed=0)), np.ones(6)
    for gamma, lost in [(ones, True), (3 * ones, True), (normal(6, seed=1), False)]:
        (dx,) = grad(layer_norm(x, (6,), tensor(gamma)).sum(), x)
        assert (np.abs(dx.numpy()).max() <= 1e-12) == lost


def test_gamma_and_beta_can_give_the_input_back(kernels):
    x = 4 * normal(30, seed=0) + 5
    gamma, beta = np.full(30, np.sqrt(x.var() + EPS)), np.full(30, x.mean())
    y = layer_norm(tensor(x), (30,), tensor(gamma), tensor(beta))
    np.testing.assert_allclose(y.numpy(), x, atol=1e-14)


def test_samples_do_not_know_of_each_other(kernels):
    x, dy, gamma = normal(8, 5, seed=0), normal(8, 5, seed=1), tensor(normal(5, seed=2))
    for bad in (np.nan, np.inf):
        spoilt = x.copy()
        spoilt[3, 1] = bad
        t, clean = leaf(spoilt), leaf(x)
        for each in (t, clean):
            layer_norm(each, (5,), gamma).backward(tensor(dy))
        others = np.arange(8) != 3
        np.testing.assert_array_equal(t.grad.numpy()[others], clean.grad.numpy()[others])
        assert np.isnan(t.grad.numpy()[3]).all()


@pytest.mark.parametrize("shape", [(0, 4), (3, 0), (0, 2, 4), (2, 0, 4)])
def test_empty_input(kernels, shape):
    x, weight = leaf(np.zeros(shape)), leaf(np.ones(shape[-1]))
    y = layer_norm(x, shape[-1:], weight)
    assert y.shape == shape
    dx, dweight = grad(y, (x, weight), leaf(np.zeros(shape)), create_graph=True)
    assert dx.shape == shape
    np.testing.assert_array_equal(dweight.detach().numpy(), np.zeros(shape[-1]))
    grad(dx, x, tensor(np.zeros(shape)))


def test_only_wanted_gradients(kernels):
    arrays, dy = (normal(5, 3, seed=0), normal(3, seed=1), normal(3, seed=2)), normal(5, 3, seed=3)
    x_hat, dx = exact(arrays[0], dy, arrays[1])
    expected = dx, (dy * x_hat).sum(0), dy.sum(0)
    assert_only_wanted_gradients(lambda x, w, b: layer_norm(x, (3,), w, b), arrays, dy, expected)
    with minigrad.no_grad():
        assert layer_norm(leaf(arrays[0]), (3,)).grad_fn is None


F32 = minigrad.zeros
BAD = [
    (dict(input=None), TypeError, "input must be a Tensor"),
    (dict(input=[[1.0]]), TypeError, "input must be a Tensor"),
    (dict(input=F32(4, 3).long()), DTypeError, "input must be float32 or float64, got .*int64"),
    (dict(input=F32(4, 2)), ShapeError, r"normalized_shape is \(3,\), .*\(…, 3\), got \(4, 2\)"),
    (dict(input=F32(())), ShapeError, r"normalized_shape is \(3,\).* got \(\)"),
    (dict(input=F32(4, 3).double()), DTypeError, "weight is minigrad.float32, but input is .*64"),
    (dict(normalized_shape=3), TypeError, "normalized_shape must be a tuple or list .*, got 3"),
    (dict(normalized_shape=None), TypeError, "normalized_shape must be a tuple or list"),
    (dict(normalized_shape=()), ValueError, r"normalized_shape must name at least one .*\(\)"),
    (dict(normalized_shape=(3.0,)), TypeError, "normalized_shape must be an integer, got 3.0"),
    (dict(normalized_shape=(-3,)), ValueError, "normalized_shape must be >= 0, got -3"),
    (dict(normalized_shape=(2, 4, 3)), ShapeError, r"\(…, 2, 4, 3\), got \(4, 3\)"),
    (dict(normalized_shape=(4, 3)), ShapeError, r"weight has shape \(3,\), .* \(4, 3\)"),
    (dict(eps=0.0), ValueError, "eps must be finite and > 0, got 0.0"),
    (dict(eps=float("nan")), ValueError, "eps must be .*got nan"),
    (dict(eps=None), TypeError, "eps must be a number, got None"),
    *[
        (dict([(name, value)]), error, message)
        for name in ("weight", "bias")
        for value, error, message in [
            (F32(4), ShapeError, rf"{name} has shape \(4,\), expected normalized_shape \(3,\)"),
            (F32(1, 3), ShapeError, rf"{name} has shape \(1, 3\)"),
            (F32(()), ShapeError, rf"{name} has shape \(\)"),
            (F32(3).double(), DTypeError, f"{name} is minigrad.float64, but input is .*float32"),
            (F32(3).long(), DTypeError, f"{name} must be float32"),
            ("ones", TypeError, f"{name} must be a Tensor"),
        ]
    ],
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_bad_input(change, error, message):
    good = dict(input=F32(4, 3), normalized_shape=(3,), weight=F32(3), bias=F32(3), eps=EPS)
    layer_norm(**good)
    with pytest.raises(error, match=f"^layer_norm: .*{message}") as caught:
        layer_norm(**{**good, **change})
    assert caught.type is error


def test_a_changed_input_is_noticed():
    inner = leaf(normal(5, 3, seed=0)) * 2
    y = layer_norm(inner, (3,), leaf(np.ones(3)))
    inner.mul_(3)
    with pytest.raises(minigrad.GraphError, match="mul"):
        y.sum().backward()


# --- the layer -----------------------------------------------------------------------------------

OPTIONS = [
    {},
    {"normalized_shape": (4,)},
    {"normalized_shape": [2, 4], "eps": 0.1},
    {"bias": False},
    {"elementwise_affine": False},
    {"normalized_shape": (3, 2, 4), "bias": False, "eps": 1e-3},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_layer_is_torchs(torch, options):
    options = {"normalized_shape": 4, **options}
    ours, theirs = LayerNorm(**options).double(), torch.nn.LayerNorm(**options).double()
    x, dy = normal(5, 3, 2, 4, seed=0), normal(5, 3, 2, 4, seed=1)
    assert_is_torchs(torch, ours, theirs, x, dy)


def test_reset_parameters_and_dtype():
    layer = LayerNorm((2, 3), dtype=minigrad.float64)
    assert {parameter.dtype for parameter in layer.parameters()} == {minigrad.float64}
    for parameter in layer.parameters():
        minigrad.nn.init.constant_(parameter, 3)
    twin = copy.deepcopy(layer)
    layer.reset_parameters()
    np.testing.assert_array_equal(layer.weight.detach().numpy(), np.ones((2, 3)))
    np.testing.assert_array_equal(layer.bias.detach().numpy(), np.zeros((2, 3)))
    np.testing.assert_array_equal(twin.weight.detach().numpy(), np.full((2, 3), 3.0))
    LayerNorm(3, elementwise_affine=False).reset_parameters()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"normalized_shape": ()}, ValueError, "normalized_shape must name at least one"),
        ({"normalized_shape": 2.5}, TypeError, "normalized_shape must be an integer, got 2.5"),
        ({"normalized_shape": None}, TypeError, "normalized_shape must be an integer, got None"),
        ({"normalized_shape": True}, TypeError, "normalized_shape must be an integer, got True"),
        ({"normalized_shape": (3, -1)}, ValueError, "normalized_shape must be >= 0, got -1"),
        ({"eps": 0}, ValueError, "eps must be finite and > 0, got 0"),
        ({"eps": "small"}, TypeError, "eps must be a number"),
        ({"elementwise_affine": 1}, TypeError, "elementwise_affine must be True or False, got 1"),
        ({"bias": None}, TypeError, "bias must be True or False, got None"),
        ({"device": "cuda"}, Exception, "cuda"),
    ],
)
def test_bad_arguments_of_the_layer(arguments, error, message):
    with pytest.raises(error, match=message):
        LayerNorm(**{"normalized_shape": 4, **arguments})


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: None, TypeError, "LayerNorm: input must be a Tensor, got NoneType"),
        (lambda: F32(3), ShapeError, r"expected input of shape \(…, 4\), got \(3,\)"),
        (lambda: F32(2, 4).double(), DTypeError, "weight is minigrad.float32, but input is .*64"),
    ],
)
def test_bad_input_of_the_layer(make, error, message):
    with pytest.raises(error, match=message):
        LayerNorm(4)(make())
