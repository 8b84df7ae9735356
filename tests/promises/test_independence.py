"""What is computed side by side does not know of each other: a part has its bits in any company.

A channel of batch norm, a group of group norm, a row of softmax, an element of an activation, a
parameter of an optimizer: whatever its neighbors hold, wherever it lies, however many there are.
"""

import numpy as np
import pytest
from helpers.batch_norm_reference import axes
from helpers.layouts import normal

import minigrad
from minigrad import nn, optim, tensor
from minigrad.autograd import grad
from minigrad.nn import functional as F
from minigrad.ops.nn.batch_norm import batch_norm
from minigrad.ops.nn.batch_renorm import batch_renorm

DTYPES = [np.float32, np.float64]
dtypes = pytest.mark.parametrize("dtype", DTYPES)


def assert_same_bits(found, expected, message):
    """Also of zeros, which have a sign; one NaN is as good as another."""
    found, expected = np.ascontiguousarray(found), np.ascontiguousarray(expected)
    assert found.dtype == expected.dtype and found.shape == expected.shape
    word = f"u{found.itemsize}"
    same = (found.view(word) == expected.view(word)) | (np.isnan(found) & np.isnan(expected))
    assert same.all(), f"{message}: {(~same).sum()} of {same.size} have other bits"


def differentiated(function, arrays, dy):
    """y and the gradients of all arrays."""
    leaves = [tensor(np.ascontiguousarray(array), requires_grad=True) for array in arrays]
    y = function(*leaves)
    gradients = grad(y, leaves, tensor(np.ascontiguousarray(dy)))
    return [y.detach().numpy(), *[gradient.numpy() for gradient in gradients]]


# --- channels ------------------------------------------------------------------------------------

# Rows in one panel of 1,024 columns and in two; planes worked as columns, in one panel and in
# several, up to L = 64; planes worked as planes.
SHAPES = [(9, 5), (33, 20), (3, 1030), (4, 7, 3), (2, 40, 60), (2, 5, 64), (2, 5, 65), (2, 4, 5, 6)]


def channels_of_a_call(operation, given, training):
    """Everything that a call computes, the channels first; its arguments are in `given`."""
    x, dy, weight, bias = (given[name] for name in ("x", "dy", "weight", "bias"))
    mean, var = tensor(given["mean"]), tensor(given["var"])

    def call(x, weight, bias):
        return operation(x, mean, var, weight, bias, training)

    y, dx, dweight, dbias = differentiated(call, (x, weight, bias), dy)
    found = dict(dweight=dweight, dbias=dbias, mean=mean.numpy(), var=var.numpy())
    return found | dict(y=np.moveaxis(y, 1, 0), dx=np.moveaxis(dx, 1, 0))


def odd_channels(rng, shape, dtype):
    """Arguments in which every third channel holds what float32 can hardly hold, or nonsense."""
    C = shape[1]
    given = dict(
        x=3 * rng.standard_normal(shape) + 10,
        dy=rng.standard_normal(shape),
        weight=rng.standard_normal(C),
        bias=rng.standard_normal(C),
        mean=rng.standard_normal(C),
        var=rng.uniform(0.1, 4, C),
    )
    x, weight, mean, var = (given[name] for name in ("x", "weight", "mean", "var"))
    odd = np.arange(1, C, 3)
    for c, kind in zip(odd, rng.permutation(np.arange(len(odd)) % 9), strict=True):
        if kind < 3:
            x[0, c] = (np.nan, np.inf, -np.inf)[kind]
            mean[c] = (np.nan, np.inf, 0)[kind]
        elif kind == 3:
            x[:, c] = 3
        elif kind == 4:
            x[:, c] *= 1e30
            mean[c], var[c] = 1e31, 1e38
        elif kind == 5:
            x[:, c] += 1e32
            mean[c] = -1e32
        elif kind == 6:
            weight[c] = 1e36
        elif kind == 7:
            weight[c] = 1e-36
        else:
            x[0, c] = var[c] = np.inf
    return {name: array.astype(dtype) for name, array in given.items()}, odd


@dtypes
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("operation", [batch_norm, batch_renorm])
def test_a_channel_of_batch_norm_has_its_bits_in_any_company(kernels, operation, training, dtype):
    rng = np.random.default_rng(0)
    singles = minigrad.use_kernels.current == "compiled"
    for shape in SHAPES:
        given, odd = odd_channels(rng, shape, dtype)
        C = shape[1]
        ordinary = np.setdiff1d(np.arange(C), odd)
        companies = [ordinary, odd, np.arange(C)[::-1], rng.permutation(C)[: C // 2 + 1]]
        if singles:  # NumPy, in the reference kernels, sums an array of one channel differently
            companies += [[c] for c in (0, 1, C - 1)]
        whole = channels_of_a_call(operation, given, training)
        for company in companies:
            part = {
                name: np.take(array, company, 1 if name in ("x", "dy") else 0)
                for name, array in given.items()
            }
            for name, found in channels_of_a_call(operation, part, training).items():
                message = f"{name}, {shape}, channels {list(company[:9])}"
                assert_same_bits(found, whole[name][company], message)


def test_a_channel_that_float32_does_not_hold_is_still_exact(kernels):
    """Beside ordinary ones in the same panel, which are worked in float32."""
    for shape in [(60, 7), (5, 7, 12), (5, 7, 70)]:
        x, dy = normal(*shape, seed=0, dtype=np.float32), normal(*shape, seed=1, dtype=np.float32)
        x[:, 3] *= np.float32(1e32)
        y, dx = differentiated(lambda x: batch_norm(x, None, None, training=True), [x], dy)
        wide = x.astype(np.float64)
        std = np.sqrt(wide.var(axes(x), keepdims=True) + 1e-5)
        x_hat = (wide - wide.mean(axes(x), keepdims=True)) / std
        expected = dy - dy.mean(axes(x), np.float64, keepdims=True)
        expected = (expected - x_hat * (dy * x_hat).mean(axes(x), keepdims=True)) / std
        np.testing.assert_allclose(y, x_hat, rtol=1e-6, atol=1e-6)
        for c in range(7):
            scale = np.abs(expected[:, c]).max()
            np.testing.assert_allclose(dx[:, c] / scale, expected[:, c] / scale, atol=1e-6)


@dtypes
def test_a_group_of_group_norm_has_its_bits_in_any_company(kernels, dtype):
    def of_groups(x, dy, weight, bias):
        def call(x, weight, bias):
            return F.group_norm(x, x.shape[1] // 2, weight, bias)

        y, dx, dweight, dbias = differentiated(call, (x, weight, bias), dy)
        return [y, dx], [dweight, dbias]

    for shape in [(3, 6, 5), (2, 8, 40), (4, 6)]:
        x, dy = (normal(*shape, seed=seed) + 5 * seed for seed in (1, 0))
        weight, bias = normal(2, shape[1], seed=2)
        x[1, :2], x[2:, 4:6], x[0, 2:4] = np.nan, 1e32, 7
        x, dy, weight, bias = (array.astype(dtype) for array in (x, dy, weight, bias))
        by_value, by_channel = of_groups(x, dy, weight, bias)
        for c in range(0, shape[1], 2):
            group = slice(c, c + 2)
            found = of_groups(x[:, group], dy[:, group], weight[group], bias[group])
            for a, b in zip(found[0], by_value, strict=True):
                assert_same_bits(a, b[:, group], f"{shape}, channels {c} and {c + 1}")
            for a, b in zip(found[1], by_channel, strict=True):
                assert_same_bits(a, b[group], f"{shape}, channels {c} and {c + 1}")
        for n in range(shape[0]):
            found, _ = of_groups(x[n : n + 1], dy[n : n + 1], weight, bias)
            for a, b in zip(found, by_value, strict=True):
                assert_same_bits(a, b[n : n + 1], f"{shape}, sample {n}")


# --- rows and columns ----------------------------------------------------------------------------

OF_ROWS = {
    "softmax": lambda x: F.softmax(x, 1),
    "log_softmax": lambda x: F.log_softmax(x, 1),
    "cross_entropy": lambda x: F.cross_entropy(
        x, tensor(np.full(len(x), 1)), reduction="none", label_smoothing=0.1
    ),
    "layer_norm": lambda x: F.layer_norm(x, x.shape[1:]),
    "sum": lambda x: x.sum(1),
    "mean": lambda x: x.mean(1),
    "var": lambda x: x.var(1),
    "std": lambda x: x.std(1),
    "norm": lambda x: minigrad.norm(x, 2, 1),
    "amax": lambda x: x.amax(1),
}


@dtypes
@pytest.mark.parametrize("name", OF_ROWS)
def test_a_row_has_its_bits_in_any_company(kernels, name, dtype):
    rng = np.random.default_rng(0)
    for shape in [(7, 5), (9, 37), (5, 1025)]:
        x = (3 * rng.standard_normal(shape) + 1).astype(dtype)
        x[1, 3], x[3, 2], x[4, 1] = np.nan, np.inf, 1e32
        dy = rng.standard_normal(OF_ROWS[name](tensor(x)).shape).astype(dtype)
        whole = differentiated(OF_ROWS[name], [x], dy)
        ordinary = np.setdiff1d(np.arange(len(x)), (1, 3, 4))
        for company in (ordinary, [4, 1], np.arange(len(x))[::-1], [0], [4], [len(x) - 1]):
            part = differentiated(OF_ROWS[name], [x[company]], dy[company])
            for found, expected in zip(part, whole, strict=True):
                assert_same_bits(found, expected[company], f"{name}, {shape}, rows {company}")


@dtypes
@pytest.mark.parametrize("name", ["sum", "mean", "var", "std", "amax"])
def test_a_column_has_its_bits_in_any_company(kernels, name, dtype):
    for shape in [(5, 7), (37, 600), (9, 300_000)]:  # the last: more than one chunk
        x = normal(*shape, seed=0).astype(dtype)
        x[2, 1] = np.nan
        whole = getattr(tensor(x), name)(0).numpy()
        for company in ([0, 2, 3], [4, 1], [6, 5, 3]):
            found = getattr(tensor(x[:, company]), name)(0).numpy()
            assert_same_bits(found, whole[company], f"{name}, {shape}, columns {company}")


# --- samples -------------------------------------------------------------------------------------


@dtypes
@pytest.mark.parametrize(
    ("C", "side", "outputs", "kernel", "options"),
    [(3, 11, 33, 3, {}), (1, 28, 32, 3, dict(padding=1)), (6, 9, 6, 3, dict(stride=2, groups=6)),
     (8, 7, 5, 1, {}), (4, 40, 24, 5, dict(padding=2))],
)  # fmt: skip
def test_a_sample_of_a_convolution_has_its_bits_in_any_company(
    kernels, C, side, outputs, kernel, options, dtype
):
    x = normal(5, C, side, side, seed=0).astype(dtype)
    x[1, 0, 2, 3], x[3] = np.nan, 1e32
    weight = normal(outputs, C // options.get("groups", 1), kernel, kernel, seed=1).astype(dtype)
    bias = normal(outputs, seed=2).astype(dtype)

    def call(x):
        return F.conv2d(x, tensor(weight), tensor(bias), **options)

    dy = normal(*call(tensor(x)).shape, seed=3).astype(dtype)
    whole = differentiated(call, [x], dy)
    for company in ([0, 2, 4], [3, 1], [4], [0]):
        part = differentiated(call, [x[company]], dy[company])
        for found, expected in zip(part, whole, strict=True):
            assert_same_bits(found, expected[company], f"samples {company}")


# --- elements ------------------------------------------------------------------------------------

ELEMENTWISE = {
    "relu": F.relu,
    "leaky_relu": F.leaky_relu,
    "sigmoid": minigrad.sigmoid,
    "tanh": minigrad.tanh,
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, "tanh"),
    "exp": minigrad.exp,
    "log": lambda x: minigrad.log(abs(x) + 0.1),
    "sqrt": lambda x: minigrad.sqrt(abs(x)),
    "sin": minigrad.sin,
    "cos": minigrad.cos,
    "power": lambda x: (abs(x) + 0.1) ** 2.5,
    "arithmetic": lambda x: (x * 1.7 - 0.3) / (x * x + 0.1),
}


@dtypes
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_an_element_has_its_bits_at_every_place(kernels, name, dtype):
    """In a loop's vectors and in what is left over at its end, whatever its address."""
    x, dy = 2 * normal(77, seed=0).astype(dtype), normal(77, seed=1).astype(dtype)
    x[3::7], x[5::11] = np.nan, 1e-42  # denormal in float32
    whole = differentiated(ELEMENTWISE[name], [x], dy)
    ordinary = np.flatnonzero(x > 1e-9)
    parts = [slice(first, 77) for first in range(1, 19)] + [slice(0, n) for n in range(1, 40, 3)]
    for part in [*parts, [40], [76], slice(None, None, 2), ordinary]:
        for found, expected in zip(
            differentiated(ELEMENTWISE[name], [x[part]], dy[part]), whole, strict=True
        ):
            assert_same_bits(found, expected[part], f"{name}, {part}")


STEPS = {
    "SGD": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.01),
    "Nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True),
    "Adam": lambda p: optim.Adam(p, lr=0.1, weight_decay=0.01),
    "AMSGrad": lambda p: optim.Adam(p, lr=0.1, amsgrad=True),
    "AdamW": lambda p: optim.AdamW(p, lr=0.1),
}


@dtypes
@pytest.mark.parametrize("name", STEPS)
def test_a_parameter_has_its_bits_in_any_company(kernels, name, dtype):
    p, gradients = normal(77, seed=0).astype(dtype), normal(3, 77, seed=1).astype(dtype)
    gradients[:, 3::7], gradients[:, 5::11] = np.nan, 1e30

    def after(part):
        parameter = nn.Parameter(tensor(p[part]))
        optimizer = STEPS[name]([parameter])
        for gradient in gradients:
            parameter.grad = tensor(gradient[part])
            optimizer.step()
        return parameter.detach().numpy()

    whole = after(slice(None))
    ordinary = np.flatnonzero(np.isfinite(gradients[0]) & (gradients[0] < 1e9))
    for part in [*[slice(first, 77) for first in (1, 3, 8, 17, 44)], [40], [76], ordinary]:
        assert_same_bits(after(part), whole[part], f"{name}, {part}")
