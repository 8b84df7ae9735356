"""Gradients at ±∞, NaN, 0 and where values are equal: a table of what is right.

Where a function has no derivative, the row says what was chosen, as torch does where torch gives a
number. A limit decides before that: the probability of 0 beside ∞ is 0.
"""

import numpy as np
import pytest
from helpers.grids import for_each

import minigrad
from minigrad.autograd import grad
from minigrad.nn import functional as F

INF, NAN = np.inf, np.nan
HALF = 0.5**0.5
dtypes = for_each("dtype", [np.float32, np.float64])


def float32_leaf(array, dtype):
    return minigrad.tensor(np.array(array, dtype), requires_grad=True)


def clamped(low, high):
    return lambda x: x.clamp(low, high)


def powers(p):
    return lambda x: x**p


def normed(p):
    return lambda x: x.norm(p)


def gelu_tanh(x):
    return F.gelu(x, approximate="tanh")


def first_of_softmax(x):
    return x.softmax(0)[0]


def nested(x):
    return minigrad.logsumexp(x, (0, 1))


def rows(x):
    return minigrad.logsumexp(x, 1)


def over(x):
    return minigrad.logsumexp(x, 0)


def named(name, **options):
    return lambda *xs: getattr(minigrad, name)(*xs, **options)


# (name, operation, inputs, dy/dx of each input where y is a number or of the input's shape)
TABLE = [
    ("exp", named("exp"), [[-INF, INF, 0, NAN]], [[0, INF, 1, NAN]]),
    ("log", named("log"), [[0, -0.0, INF]], [[INF, -INF, 0]]),
    ("sqrt", named("sqrt"), [[0, INF]], [[INF, 0]]),
    ("abs", named("abs"), [[0, -0.0, INF, -INF]], [[0, 0, 1, -1]]),
    ("sigmoid", named("sigmoid"), [[-INF, INF, NAN]], [[0, 0, NAN]]),
    ("tanh", named("tanh"), [[-INF, INF, NAN]], [[0, 0, NAN]]),
    ("relu", F.relu, [[-INF, -0.0, 0, INF]], [[0, 0, 0, 1]]),
    ("leaky_relu", F.leaky_relu, [[-INF, 0, INF]], [[0.01, 0.01, 1]]),
    ("leaky_relu 0", lambda x: F.leaky_relu(x, 0), [[-INF, 0, INF]], [[0, 0, 1]]),
    ("gelu", F.gelu, [[-INF, INF, -1e30, 1e30, NAN]], [[0, 1, 0, 1, NAN]]),
    ("gelu tanh", gelu_tanh, [[-INF, INF, -1e30, 1e30, NAN]], [[0, 1, 0, 1, NAN]]),
    ("clamp", clamped(-1, 1), [[-INF, -1, 1, INF, NAN]], [[0, 1, 1, 0, 0]]),
    ("clamp at inf", clamped(-INF, INF), [[-INF, 2, INF, NAN]], [[1, 1, 1, 0]]),
    ("clamp at nan", clamped(NAN, None), [[-INF, 2, NAN]], [[0, 0, 0]]),
    ("clamp by a tensor", lambda x, low: x.clamp(low), [[NAN, 1, 3], [2, 2, 2]],
     [[0, 0, 1], [0, 1, 0]]),
    ("pow 0", powers(0), [[0, -0.0, INF, -INF, 2]], [[0, 0, 0, 0, 0]]),
    ("pow 1", powers(1), [[0, INF, -INF]], [[1, 1, 1]]),
    ("pow 2", powers(2), [[0, INF, -INF]], [[0, INF, -INF]]),
    ("pow 0.5", powers(0.5), [[0, INF]], [[INF, 0]]),
    ("pow -1", powers(-1), [[0, INF, -INF]], [[-INF, 0, 0]]),
    ("pow", named("pow"), [[0, 0, INF, 0], [0, 2, 0, -1]], [[0, 0, 0, -INF], [0, 0, INF, -INF]]),
    ("pow of inf", named("pow"), [[2, 0.5, 0, INF, -2.5], [-INF, INF, INF, -INF, -INF]],
     [[0] * 5, [0, 0, 0, 0, NAN]]),
    ("pow below 0 of inf", named("pow"), [[INF, INF, -INF], [-1, -0.5, -2]],
     [[0, 0, 0], [0, 0, NAN]]),
    ("pow of a large exponent", named("pow"), [[0, 0.5], [3e38, 3e38]], [[0, 0], [0, 0]]),
    ("mul", named("mul"), [[INF, 2], [3, 0]], [[3, 0], [INF, 2]]),
    ("div", named("div"), [[0, 1, 2, INF], [INF, 0, -INF, 2]],
     [[0, INF, 0, 0.5], [0, -INF, 0, -INF]]),
    ("maximum", named("maximum"), [[1, INF, -INF, INF], [1, 2, -INF, INF]],
     [[0.5, 1, 0.5, 0.5], [0.5, 0, 0.5, 0.5]]),
    ("minimum", named("minimum"), [[1, INF, -INF, INF], [1, 2, -INF, INF]],
     [[0.5, 0, 0.5, 0.5], [0.5, 1, 0.5, 0.5]]),
    ("where", lambda x: minigrad.where(x > 0, x, x * 0), [[INF, 1]], [[1, 1]]),
    ("max", named("max"), [[INF, 1, INF, -INF]], [[0.5, 0, 0.5, 0]]),
    ("max of nan", named("max"), [[NAN, 1, NAN]], [[0.5, 0, 0.5]]),
    ("amin", named("amin"), [[-INF, 1, 2]], [[1, 0, 0]]),
    ("sum", named("sum"), [[INF, 1]], [[1, 1]]),
    ("mean", named("mean"), [[INF, -INF]], [[0.5, 0.5]]),
    ("var of equal ones", named("var"), [[3, 3, 3]], [[0, 0, 0]]),
    ("var of one", named("var", correction=0), [[3]], [[0]]),
    ("var of one inf", named("var"), [[-INF, 1, 2]], [[NAN, INF, INF]]),
    ("std of equal ones", named("std"), [[3, 3, 3]], [[0, 0, 0]]),
    ("std of one", named("std", correction=0), [[3]], [[0]]),
    *((f"norm {p} of 0", normed(p), [[0, -0.0]], [[0, 0]]) for p in (0, 0.5, 1, 2, 3, -1, -INF)),
    ("norm inf of 0", normed(INF), [[0, 0]], [[0, 0]]),
    ("norm of one inf", normed(2), [[INF, 1, 0]], [[1, 0, 0]]),
    ("norm of two infs", normed(2), [[INF, -INF, 5]], [[HALF, -HALF, 0]]),
    ("norm 1 of infs", normed(1), [[INF, -INF, 5]], [[1, -1, 1]]),
    ("norm 3 of one inf", normed(3), [[-INF, 1, 0]], [[-1, 0, 0]]),
    ("norm inf of infs", normed(INF), [[INF, -INF, 5]], [[0.5, -0.5, 0]]),
    ("norm -1 of one inf", normed(-1), [[INF, 2]], [[0, 1]]),
    ("norm of large ones", normed(2), [[3e38, 1e38]], [[0.9**0.5, 0.1**0.5]]),
    ("logsumexp of inf", over, [[INF, 0, -INF]], [[1, 0, 0]]),
    ("logsumexp of two infs", over, [[INF, INF, 3]], [[0.5, 0.5, 0]]),
    ("logsumexp of -inf", over, [[-INF, 0, 0]], [[0, 0.5, 0.5]]),
    ("logsumexp of nothing else", over, [[-INF, -INF]], [[0, 0]]),
    ("logsumexp of nan", over, [[NAN, 0, INF]], [[NAN, NAN, NAN]]),
    ("logsumexp of nested rows", nested, [[[-INF, -INF], [0, -INF]]], [[[0, 0], [1, 0]]]),
    ("logsumexp of nested inf", nested, [[[INF, 0], [2, -INF]]], [[[1, 0], [0, 0]]]),
    ("softmax of -inf", first_of_softmax, [[0, -INF, 0]], [[0.25, 0, -0.25]]),
    ("softmax of far ones", first_of_softmax, [[3e38, -3e38]], [[0, 0]]),
]  # fmt: skip
table = pytest.mark.parametrize(
    ("operation", "inputs", "slopes"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE]
)


@pytest.mark.usefixtures("kernels")
@dtypes
@table
def test_gradients_at_special_values(operation, inputs, slopes, dtype):
    xs = [float32_leaf(x, dtype) for x in inputs]
    y = operation(*xs)
    dy = np.random.default_rng(0).uniform(0.5, 2, y.shape) * -1
    dxs = grad(y, xs, minigrad.tensor(np.asarray(dy, dtype)))
    for dx, slope in zip(dxs, slopes, strict=True):
        assert dx.dtype.numpy == dtype
        expected = np.asarray(dy, dtype) * np.array(slope, dtype)
        np.testing.assert_allclose(dx.numpy(), expected, rtol=2e-6, atol=1e-30)


@pytest.mark.usefixtures("kernels")
@dtypes
def test_rows_of_logsumexp_do_not_meet(dtype):
    x = float32_leaf([[INF, 0], [1, 1], [-INF, -INF], [NAN, 0]], dtype)
    dy = np.array([2, -3, 5, 7], dtype)
    rows(x).backward(minigrad.tensor(dy))
    np.testing.assert_allclose(x.grad.numpy(), [[2, 0], [-1.5, -1.5], [0, 0], [NAN, NAN]])


# (name, operation, input, d(dy · slope)/dx for dy = 1): the second derivative's diagonal
SECOND = [
    ("gelu", F.gelu, [-INF, INF, 1e20, -1e30], [0, 0, 0, 0]),
    ("gelu tanh", gelu_tanh, [-INF, INF, 1e20, -1e30], [0, 0, 0, 0]),
    ("sigmoid", named("sigmoid"), [-INF, INF], [0, 0]),
    ("tanh", named("tanh"), [-INF, INF], [0, 0]),
    ("relu", F.relu, [-INF, 0, INF], [0, 0, 0]),
    ("leaky_relu", F.leaky_relu, [-INF, 0, INF], [0, 0, 0]),
    ("pow 2", powers(2), [0, INF], [2, 2]),
    ("norm of 0", normed(2), [0, 0], [0, 0]),
    ("norm 3 of 0", normed(3), [0, 0], [0, 0]),
    ("std of equal ones", named("std"), [2, 2, 2], [0, 0, 0]),
    ("logsumexp of inf", over, [INF, 0], [0, 0]),
    ("logsumexp of -inf", over, [-INF, 0], [0, 0]),
]


@pytest.mark.usefixtures("kernels")
@dtypes
@pytest.mark.parametrize(
    ("operation", "array", "curvature"), [row[1:] for row in SECOND], ids=[r[0] for r in SECOND]
)
def test_second_derivatives_at_special_values(operation, array, curvature, dtype):
    x = float32_leaf(array, dtype)
    y = operation(x)
    dy = minigrad.tensor(np.full(y.shape, 1.5, dtype), requires_grad=True)
    (dx,) = grad(y, x, dy, create_graph=True)
    v = np.random.default_rng(1).uniform(0.5, 2, x.shape).astype(dtype)
    (ddx,) = grad(dx, x, minigrad.tensor(v), allow_unused=True)
    found = np.zeros_like(v) if ddx is None else ddx.numpy()
    np.testing.assert_allclose(found, 1.5 * v * np.array(curvature), rtol=2e-6, atol=1e-30)


@pytest.mark.usefixtures("kernels")
def test_a_slope_of_zero_leaves_nothing_of_minus_infinity():
    x = minigrad.tensor([-INF, -3.0, 0.0, INF, NAN])
    np.testing.assert_array_equal(F.leaky_relu(x, 0).numpy(), [0, 0, 0, INF, NAN])


@pytest.mark.parametrize("operation", [F.relu, F.leaky_relu])
def test_a_flat_second_derivative_is_zero_for_infinite_gradients(operation):
    x = float32_leaf([1.0, -1.0], np.float64)
    dy = minigrad.tensor([1.0, 1.0]).double().requires_grad_()
    (dx,) = grad(operation(x * 1), x, dy, create_graph=True)
    (ddx,) = grad(dx, x, minigrad.tensor([INF, NAN]).double(), allow_unused=True)
    assert ddx is None or ddx.tolist() == [0, 0]
