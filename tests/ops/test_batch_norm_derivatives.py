"""functional.batch_norm agrees: with torch, ONNX, primitives, finite differences.

Its properties and its answers to bad input are in test_batch_norm.py.
"""

import numpy as np
import pytest
from helpers.batch_norm_reference import SHAPES, axes, configuration
from helpers.layouts import leaf, normal
from helpers.rest_slow import rest_slow

import minigrad
from minigrad import tensor
from minigrad.autograd import grad, gradcheck, gradgradcheck
from minigrad.ops.nn.batch_norm import batch_norm


def differentiated(library, function, values, dy, options):
    """y, the gradients and the running statistics; `library` is minigrad or torch."""
    t = {k: None if v is None else library.as_tensor(v) for k, v in values.items()}
    for name in ("running_mean", "running_var"):
        t[name] = None if t[name] is None else t[name].clone()
    leaves = [t[name] for name in ("x", "weight", "bias") if t[name] is not None]
    for each in leaves:
        each.requires_grad_()
    y = function(
        t["x"], t["running_mean"], t["running_var"], t["weight"], t["bias"], **options
    )
    y.backward(library.as_tensor(dy))
    results = [y.detach(), *[each.grad for each in leaves]]
    statistics = [t[k] for k in ("running_mean", "running_var") if t[k] is not None]
    return [result.numpy() for result in results + statistics]


@pytest.mark.parametrize("block", rest_slow(range(4), [0]))
def test_agrees_with_torch(torch, kernels, block):
    for seed in range(100 * block, 100 * block + 100):
        values, dy, options = configuration(seed)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("warnings.warn", lambda *_, **__: None)
            expected = differentiated(
                torch,
                torch.nn.functional.batch_norm,
                {k: None if v is None else v.copy() for k, v in values.items()},
                dy.copy(),
                options,
            )
        found = differentiated(minigrad, batch_norm, values, dy, options)
        assert len(found) == len(expected) >= 2
        for a, b in zip(found, expected, strict=True):
            scale = max(1, np.abs(b).max())
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * scale, err_msg=f"seed {seed}")


@pytest.mark.parametrize("training", [True, False])
def test_any_axis_is_kept(kernels, training):
    """The same call with the channels moved to dimension 1, where torch has them."""
    rng = np.random.default_rng(0)
    for _ in range(100):
        shape = rng.integers(1, 6, rng.integers(2, 6))
        axis = int(rng.integers(-len(shape), len(shape)))
        shape[(axis + 1) % len(shape)] += 1  # each channel has two values at least
        C = int(shape[axis])
        x, dy = rng.standard_normal((2, *shape))
        call = dict(
            x=x,
            running_mean=rng.standard_normal(C),
            running_var=rng.uniform(0.1, 3, C),
            weight=rng.standard_normal(C) if rng.integers(3) else None,
            bias=rng.standard_normal(C) if rng.integers(3) else None,
        )
        options = {"training": training, "momentum": 0.3, "eps": float(rng.uniform(0.001, 0.3))}
        moved = {**call, "x": np.moveaxis(x, axis, 1)}
        expected = differentiated(minigrad, batch_norm, moved, np.moveaxis(dy, axis, 1), options)
        found = differentiated(minigrad, batch_norm, call, dy, {**options, "axis": axis})
        expected[:2] = [np.moveaxis(result, 1, axis) for result in expected[:2]]  # y and dx
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-11, err_msg=f"{shape} {axis}")


def composed(x, running_mean, running_var, weight, bias, training, momentum, eps):
    """The same from primitives, whose rules know nothing of batch normalization."""
    m = x.numel() // x.shape[1]
    shape = (1, -1, *[1] * (x.ndim - 2))
    mean, var = running_mean, running_var
    if training:
        mean = x.sum(axes(x)) / m
        var = ((x - mean.reshape(shape)) ** 2).sum(axes(x)) / m
    y = (x - mean.reshape(shape)) / (var.reshape(shape) + eps).sqrt()
    y = y if weight is None else y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


def test_agrees_with_primitives(kernels):
    for seed in range(40):
        values, dy, options = configuration(seed)
        found = differentiated(minigrad, batch_norm, values, dy, options)
        expected = differentiated(minigrad, composed, values, dy, options)
        leaves = 1 + sum(values[k] is not None for k in ("x", "weight", "bias"))
        for a, b in list(zip(found, expected, strict=True))[:leaves]:
            np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * max(1, np.abs(b).max()))


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("order", [(0, 2, 3, 1), (0, 3, 2, 1)])
def test_a_cotangent_with_its_channels_last_may_have_a_dimension_of_size_1(
    kernels, order, training
):
    """Where a dimension has one element its stride says nothing. torch 2.13's dx is wrong there."""
    back = np.argsort(order)
    options = dict(training=training, momentum=0.1, eps=0.01)

    def then_channels_last(x, *arguments, **options):
        return batch_norm(x, *arguments, **options).permute(*order)

    for shape in [(4, 3, 1, 6), (4, 3, 5, 1), (6, 3, 1, 1), (1, 3, 4, 5), (4, 1, 1, 6)]:
        C = shape[1]
        values = dict(
            x=normal(*shape, seed=0),
            running_mean=normal(C, seed=1),
            running_var=normal(C, seed=2) ** 2,
            weight=normal(C, seed=3),
            bias=normal(C, seed=4),
        )
        channels_last = normal(*[shape[d] for d in order], seed=5)
        dy = channels_last.transpose(back)
        expected = differentiated(minigrad, composed, values, dy.copy(), options)
        handed = differentiated(minigrad, batch_norm, values, dy, options)
        arrived = differentiated(minigrad, then_channels_last, values, channels_last, options)
        arrived[0] = arrived[0].transpose(back)
        for a, b, c in list(zip(expected, handed, arrived, strict=True))[:4]:
            np.testing.assert_allclose(b, a, rtol=1e-10, atol=1e-11)
            np.testing.assert_allclose(c, a, rtol=1e-10, atol=1e-11)


def onnx_training(x, scale, bias, input_mean, input_var, epsilon, momentum):
    """BatchNormalization-15 with training_mode=1, as its page defines it."""
    over = (0, *range(2, x.ndim))
    shape = (1, -1, *[1] * (x.ndim - 2))
    current_mean, current_var = x.mean(over), x.var(over)  # "the population variance": over N
    running_mean = input_mean * momentum + current_mean * (1 - momentum)
    running_var = input_var * momentum + current_var * (1 - momentum)
    normalized = (x - current_mean.reshape(shape)) / np.sqrt(current_var.reshape(shape) + epsilon)
    return normalized * scale.reshape(shape) + bias.reshape(shape), running_mean, running_var


@pytest.mark.parametrize("shape", SHAPES)
def test_the_biased_mode_is_that_of_onnx(kernels, shape):
    C = shape[1]
    x, scale, bias, mean = (
        normal(*shape, seed=0),
        normal(C, seed=1),
        normal(C, seed=2),
        normal(C, seed=3),
    )
    var = normal(C, seed=4) ** 2
    expected = onnx_training(x, scale, bias, mean, var, 1e-3, 0.9)
    run_mean, run_var = tensor(mean), tensor(var)
    y = batch_norm(
        tensor(x), run_mean, run_var, tensor(scale), tensor(bias), True, 1 - 0.9, 1e-3,
        unbiased_running_var=False,
    )  # fmt: skip
    for found, values in zip((y, run_mean, run_var), expected, strict=True):
        np.testing.assert_allclose(found.numpy(), values, rtol=1e-12, atol=1e-12)


def differentiable(shape, training, axis=1):
    rng = np.random.default_rng(5)
    C = shape[axis]
    x = leaf(2 * rng.standard_normal(shape) + 1)
    w, b = leaf(rng.standard_normal(C)), leaf(rng.standard_normal(C))
    mean, var = tensor(rng.standard_normal(C)), tensor(rng.uniform(0.5, 2, C))
    statistics = (None, None) if training else (mean, var)

    def function(x, w, b):
        return batch_norm(x, *statistics, w, b, training, 0.1, 0.1, axis=axis)

    return function, (x, w, b)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    ("shape", "axis"),
    [((5, 3), 1), ((4, 2, 1), 1), ((3, 2, 3), 1), ((2, 2, 2, 2), 1),
     ((2, 5), 0), ((3, 2, 3), -1), ((2, 3, 2), 0), ((2, 2, 3, 2), 2)],
)  # fmt: skip
def test_derivatives(kernels, shape, axis, training):
    function, inputs = differentiable(shape, training, axis)
    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


@pytest.mark.parametrize("shape", [(5, 3), (3, 2, 3)])
def test_third_derivatives(shape):
    function, (x, w, b) = differentiable(shape, True)
    b = b.detach()

    def gradient(x, w, dy):
        return grad(function(x, w, b), (x, w), dy, create_graph=True)

    assert gradgradcheck(gradient, (x, w, leaf(normal(*shape, seed=8))))


def test_second_derivatives_are_accurate_in_float32():
    """The mean is 10,000 standard deviations away: float32 differences from it would not do."""
    shape = (64, 4)
    wide = (normal(*shape, seed=0) + 1e4).astype(np.float32)
    dy, v = normal(*shape, seed=1, dtype=np.float32), normal(*shape, seed=2, dtype=np.float32)

    def second(dtype):
        x, cotangent = leaf(wide.astype(dtype)), leaf(dy.astype(dtype))
        y = batch_norm(x, None, None, training=True)
        (dx,) = grad(y, x, cotangent, create_graph=True)
        return [g.numpy() for g in grad(dx, (x, cotangent), tensor(v.astype(dtype)))]

    for found, expected in zip(second(np.float32), second(np.float64), strict=True):
        np.testing.assert_allclose(found, expected, atol=1e-6 * np.abs(expected).max())
