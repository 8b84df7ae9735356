"""Batch renormalization: the correction, the function, the layer and its schedule."""

import copy
import math

import numpy as np
import pytest
from helpers.batch_norm_reference import EPS
from helpers.layouts import leaf, normal
from helpers.layouts import rows_laid_out as laid_out
from helpers.rest_slow import rest_slow
from helpers.row_norm_reference import assert_agree, derivatives

import minigrad
from minigrad import DTypeError, GraphError, ShapeError, nn, tensor
from minigrad._kernels import active, reference
from minigrad.autograd import grad, gradcheck, gradgradcheck
from minigrad.nn import BatchNorm1d, BatchNorm2d, BatchRenorm1d, BatchRenorm2d
from minigrad.nn.functional import batch_norm, batch_renorm

INF = math.inf
CONSTANT = dict(r_max_steps=None, d_max_steps=None)


# --- the kernel ----------------------------------------------------------------------------------


def correction(kernels, arrays, *numbers):
    R, D = np.full((2, len(arrays[0])), np.nan, arrays[2].dtype)
    kernels.batch_renorm_correction(*arrays, R, D, *numbers)
    return R, D


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_is_its_reference(dtype):
    for seed in range(100):
        rng = np.random.default_rng(seed)
        C = int(rng.integers(0, 9))
        running_mean, running_var = normal(C, seed=seed).astype(dtype), rng.uniform(0, 2, C)
        arrays = (
            normal(C, seed=seed + 1),
            rng.uniform(0, 5, C),
            running_mean,
            running_var.astype(dtype),
        )
        limits = rng.choice([1, 1.1, 3, INF]), rng.choice([0, 0.5, 5, INF])
        numbers = float(10 ** rng.uniform(-12, 0)), *map(float, limits)
        expected = correction(reference, arrays, *numbers)
        np.testing.assert_allclose(correction(active, arrays, *numbers), expected, rtol=1e-7)


def test_kernel_keeps_its_limits(kernels):
    """The divisor is never 0, the limits hold, and NaN is no number within them."""
    mean = np.array([0, 1e30, -1e30, 0, 0, np.nan, 0.5])
    var = np.array([0, 0, 1e60, 1, 1, 1, 1])
    running_mean = np.array([0, 0, 0, 0, np.nan, 0, 0.0])
    running_var = np.array([0, 0, 0, 1e60, 1, 1, 1])
    R, D = correction(kernels, (mean, var, running_mean, running_var), 1e-300, 4.0, 5.0)
    np.testing.assert_array_equal(R, [1, 1, 4, 0.25, 1, 1, 1])
    np.testing.assert_array_equal(D, [0, 5, -5, 0, np.nan, np.nan, 0.5])
    R, D = correction(kernels, (mean, var, running_mean, running_var), 1.0, 1.0, 0.0)
    np.testing.assert_array_equal(R, np.ones(7))
    np.testing.assert_array_equal(D[[0, 1, 2, 3, 6]], np.zeros(5))


def test_kernel_refuses_nonsense():
    arrays = [np.ones(3) for _ in range(6)]
    active.batch_renorm_correction(*arrays, EPS, 3.0, 5.0)
    for i in range(6):
        for wrong in [np.ones(2), np.ones(4), np.ones((3, 1)), np.ones(6)[::2], None, "x",
                      np.ones(3, int), np.ones(3, np.float32)]:  # fmt: skip
            given = [*arrays[:i], wrong, *arrays[i + 1 :]]
            with pytest.raises((ValueError, TypeError, AttributeError)):
                active.batch_renorm_correction(*given, EPS, 3.0, 5.0)


# --- the function --------------------------------------------------------------------------------


def configuration(seed):
    """Arrays (x, weight, bias; None: absent), running statistics, cotangent and options."""
    rng = np.random.default_rng(seed)
    ndim = int(rng.integers(2, 5))
    axis = int(rng.choice([1, -1, 0]))
    while True:
        shape = tuple(int(n) for n in rng.integers(1, (9, 5, 4, 4)[:ndim]))
        C = shape[axis]
        if np.prod(shape) > C:
            break
    x = laid_out(rng, rng.uniform(0.1, 5) * rng.standard_normal(shape) + 2 * rng.standard_normal())
    dy = laid_out(rng, rng.standard_normal(shape))
    if rng.integers(4) == 0:
        dy = np.broadcast_to(dy[:1], shape)
    weight, bias = rng.standard_normal((2, C))
    weight = None if rng.integers(3) == 0 else weight
    bias = None if rng.integers(3) == 0 else bias
    statistics = rng.standard_normal(C), rng.uniform(0.1, 5, C)
    options = dict(
        momentum=float(rng.uniform()), eps=float(10 ** rng.uniform(-5, -0.3)), axis=axis,
        unbiased_running_var=bool(rng.integers(2)), r_max=float(rng.choice([1, 1.3, 3, INF])),
        d_max=float(rng.choice([0, 0.4, 5, INF])),
    )  # fmt: skip
    return x, weight, bias, statistics, dy, options


def whole(function, configuration):
    """y, all first and second derivatives of a training call, and the statistics after it."""
    x, weight, bias, statistics, dy, options = configuration
    arrays = [each for each in (x, weight, bias) if each is not None]
    after = []

    def call(x, *rest):
        rest = list(rest)
        w = None if weight is None else rest.pop(0)
        b = None if bias is None else rest.pop(0)
        after[:] = [tensor(each) for each in statistics]
        return function(x, *after, w, b, training=True, **options)

    return derivatives(minigrad, call, arrays, dy) + [each.numpy() for each in after]


def composed(
    x, running_mean, running_var, weight, bias, training, momentum, eps, r_max, d_max, axis,
    unbiased_running_var
):  # fmt: skip
    """The definition from primitives, with R and D detached."""
    axes = tuple(i for i in range(x.ndim) if i != axis % x.ndim)
    shape = [-1 if i == axis % x.ndim else 1 for i in range(x.ndim)]
    m = x.numel() // x.shape[axis]
    mean = x.mean(axes)
    var = ((x - mean.reshape(shape)) ** 2).mean(axes)
    sigma, sigma_run = (var + eps).sqrt(), (running_var + eps).sqrt()
    R = (sigma / sigma_run).detach().clamp(1 / r_max, r_max)
    D = ((mean - running_mean) / sigma_run).detach().clamp(-d_max, d_max)
    y = (x - mean.reshape(shape)) / sigma.reshape(shape) * R.reshape(shape) + D.reshape(shape)
    y = y if weight is None else y * weight.reshape(shape)
    y = y if bias is None else y + bias.reshape(shape)
    factor = m / (m - 1) if unbiased_running_var else 1
    running_mean.copy_((1 - momentum) * running_mean + momentum * mean.detach())
    running_var.copy_((1 - momentum) * running_var + momentum * factor * var.detach())
    return y


@pytest.mark.parametrize("block", rest_slow(range(5), [0]))
def test_agrees_with_primitives(kernels, block):
    for seed in range(60 * block, 60 * block + 60):
        chosen = configuration(seed)
        assert_agree(whole(batch_renorm, chosen), whole(composed, chosen), message=f"seed {seed}")


def without_limits(options):
    return {k: v for k, v in options.items() if k not in ("r_max", "d_max")}


def test_limits_of_1_and_0_are_batch_norm(kernels):
    """To the last bit: output, derivatives, running statistics."""
    for seed in range(60):
        *arrays, options = configuration(seed)
        found = whole(batch_renorm, (*arrays, {**options, "r_max": 1.0, "d_max": 0}))
        expected = whole(batch_norm, (*arrays, without_limits(options)))
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b, err_msg=f"seed {seed}")


def test_without_limits_training_gives_what_evaluation_gives(kernels):
    for seed in range(60):
        x, weight, bias, statistics, _, options = configuration(seed)
        affine = [None if each is None else tensor(each) for each in (weight, bias)]
        options = {**options, "r_max": INF, "d_max": INF}
        expected = batch_renorm(x, *map(tensor, statistics), *affine, **options)
        found = batch_renorm(x, *map(tensor, statistics), *affine, training=True, **options)
        np.testing.assert_allclose(found.numpy(), expected.numpy(), rtol=1e-10, atol=1e-10)


def test_evaluation_is_batch_norms(kernels):
    for seed in range(30):
        x, weight, bias, statistics, dy, options = configuration(seed)
        results = []
        for function, chosen in ((batch_renorm, options), (batch_norm, without_limits(options))):
            t, mean, var = leaf(x), *map(tensor, statistics)
            y = function(t, mean, var, tensor(statistics[0]), **chosen)
            y.backward(tensor(dy))
            results.append([each.detach().numpy().tobytes() for each in (y, t.grad, mean, var)])
        assert results[0] == results[1]


@pytest.mark.parametrize("shape", [(5, 3), (3, 3, 2), (2, 3, 2, 2)])
def test_derivatives_at_the_limits(kernels, shape):
    """Where R and D stand at their limits, finite differences hold them, too."""
    inputs = leaf(2 * normal(*shape, seed=0)), leaf(normal(3, seed=1)), leaf(normal(3, seed=2))

    def function(x, w, b):
        mean, var = tensor([9.0, -9.0, 9.0]).double(), tensor([0.01, 50.0, 0.01]).double()
        return batch_renorm(x, mean, var, w, b, True, 0.1, 0.1, 1.5, 0.3)

    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_no_gradient_goes_through_the_correction(kernels):
    """dx = γ·R·r·P(dy): it sums to 0 over the batch, though y is what evaluation gives."""
    x, gamma, dy = leaf(3 * normal(20, 4, seed=0) + 1), normal(4, seed=1), normal(20, 4, seed=2)
    mean, var = tensor(normal(4, seed=3)), tensor(np.full(4, 2.0))
    batch_renorm(x, mean, var, tensor(gamma), None, True, r_max=INF, d_max=INF).backward(tensor(dy))
    assert np.abs(x.grad.numpy().sum(0)).max() <= 1e-12
    values = x.detach().numpy()
    x_hat = (values - values.mean(0)) / np.sqrt(values.var(0) + EPS)
    P = dy - dy.mean(0) - x_hat * (dy * x_hat).mean(0)
    np.testing.assert_allclose(x.grad.numpy(), gamma / np.sqrt(2 + EPS) * P, atol=1e-12)


@pytest.mark.parametrize("offset", [0, 1e2, 1e4, 1e7])
def test_accuracy_at_any_offset(kernels, offset):
    x = (normal(256, 8, seed=0) + offset).astype(np.float32)
    running_mean, running_var = (normal(8, seed=1) + offset).astype(np.float32), np.full(8, 2, "f")
    y = batch_renorm(tensor(x), tensor(running_mean), tensor(running_var), training=True)
    wide = x.astype(np.float64)
    sigma, sigma_run = np.sqrt(wide.var(0) + EPS), math.sqrt(2 + EPS)
    D = (wide.mean(0) - running_mean.astype(np.float64)) / sigma_run
    expected = sigma / sigma_run * ((wide - wide.mean(0)) / sigma) + D
    assert np.abs(D).max() < 5
    assert np.abs(y.numpy() - expected).max() <= 1e-6


@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 2), (2, 3, 0)])
def test_empty_batch(kernels, shape):
    x, weight = leaf(np.zeros(shape)), leaf(np.ones(3))
    mean, var = tensor(normal(3, seed=0)), tensor(np.ones(3))
    y = batch_renorm(x, mean, var, weight, None, True)
    assert y.shape == shape
    y.backward(tensor(np.zeros(shape)))
    np.testing.assert_array_equal(weight.grad.numpy(), np.zeros(3))
    assert (mean._version, var._version) == (0, 0)


def f32(*shape):
    return minigrad.zeros(*shape)


BAD = [
    (dict(input=f32(3)), ShapeError, r"\(N, C, ...\), got \(3,\)"),
    (dict(input=f32(4, 2)), ShapeError, r"running_mean has shape \(3,\), expected \(2,\)"),
    (dict(input=f32(4, 3).long()), DTypeError, "input must be float32 or float64"),
    (dict(input=None), TypeError, "input must be a Tensor"),
    (dict(input=f32(1, 3)), ValueError, r"more than 1 value per channel.* \(1, 3\)"),
    (dict(axis=2), IndexError, "axis 2 is out of range"),
    (dict(axis=None), TypeError, "axis must be an integer"),
    (dict(momentum=1.5), ValueError, "momentum must be .*got 1.5"),
    (dict(eps=0.0), ValueError, "eps must be finite and > 0, got 0.0"),
    (dict(training=1), TypeError, "training must be True or False, got 1"),
    (dict(unbiased_running_var=None), TypeError, "unbiased_running_var must be True or False"),
    (dict(running_mean=None), ValueError, "running_mean and running_var must be given"),
    (dict(running_var=None), ValueError, "running_mean and running_var must be given"),
    (dict(running_var=tensor([1.0, -0.25, 1.0])), ValueError, "running_var of channel 1 is -0.25"),
    (dict(running_mean=f32(4)), ShapeError, r"running_mean has shape \(4,\)"),
    (dict(running_mean=[0.0] * 3), TypeError, "running_mean must be a Tensor or None, got list"),
    (dict(running_var=leaf(np.ones(3, "f"))), GraphError, "running_var requires a gradient"),
    (dict(running_var=f32(1).expand(3)), ValueError, "read-only"),
    (dict(weight=f32(4)), ShapeError, r"weight has shape \(4,\)"),
    (dict(bias=f32(3).double()), DTypeError, "bias is minigrad.float64, but input is .*float32"),
    (dict(r_max=0.9), ValueError, "r_max must be finite and >= 1, got 0.9"),
    (dict(r_max=float("nan")), ValueError, "r_max must be .*got nan"),
    (dict(r_max=-INF), ValueError, "r_max must be .*got -inf"),
    (dict(r_max=None), TypeError, "r_max must be a number, got None"),
    (dict(d_max=-0.1), ValueError, "d_max must be finite and >= 0, got -0.1"),
    (dict(d_max=True), TypeError, "d_max must be a number, got True"),
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_bad_input(change, error, message):
    good = dict(
        input=tensor(normal(4, 3, seed=0, dtype="f")), running_mean=f32(3), running_var=f32(3) + 1,
        weight=f32(3) + 1, bias=f32(3), training=True,
    )  # fmt: skip
    before = [good[k].numpy().tobytes() for k in ("running_mean", "running_var")]
    with pytest.raises(error, match=f"^batch_renorm: .*{message}") as caught:
        batch_renorm(**{**good, **change})
    assert caught.type is error
    assert [good[k].numpy().tobytes() for k in ("running_mean", "running_var")] == before
    batch_renorm(**good)
    assert good["running_mean"]._version == 1


def test_a_change_of_the_statistics_is_named():
    mean, w = tensor(np.zeros(3)), leaf(np.ones(3))
    product = w * mean
    batch_renorm(tensor(normal(5, 3, seed=0)), mean, tensor(np.ones(3)), training=True)
    with pytest.raises(GraphError, match="changed in place by batch_renorm"):
        product.sum().backward()


# --- the layer -----------------------------------------------------------------------------------


def state(layer):
    found = [(k, v.numpy().tobytes(), v._version) for k, v in layer.state_dict().items()]
    return found + [(k, p.grad) for k, p in layer.named_parameters()]


def test_the_schedule_of_the_paper():
    """r_max is 1 for 5,000 steps and 3 from step 40,000 on, d_max 0 and 5 from step 25,000 on."""
    layer = BatchRenorm1d(2)
    for step, expected in [
        (0, (1, 0)), (4_999, (1, 0)), (5_000, (1, 0)), (15_000, (1 + 2 / 3.5, 2.5)),
        (22_500, (2, 4.375)), (25_000, (1 + 2 * 20 / 35, 5)), (39_999, (3, 5)), (40_000, (3, 5)),
        (10**9, (3, 5)),
    ]:  # fmt: skip
        layer.num_batches_tracked.fill_(step)
        np.testing.assert_allclose(layer.limits(), expected, atol=1e-4)
    assert layer.limits() == (3.0, 5.0)


def test_schedules_of_ones_own():
    def limits(step, **options):
        layer = BatchRenorm1d(2, r_max=5, d_max=8, **options)
        layer.num_batches_tracked.fill_(step)
        return layer.limits()

    assert limits(0, **CONSTANT) == (5, 8)
    assert limits(0, warmup_steps=0, r_max_steps=0, d_max_steps=0) == (5, 8)
    assert limits(0, warmup_steps=0, r_max_steps=4, d_max_steps=8) == (1, 0)
    assert limits(2, warmup_steps=0, r_max_steps=4, d_max_steps=8) == (3, 2)
    assert limits(3, warmup_steps=2, r_max_steps=4, d_max_steps=None) == (3, 8)
    assert limits(1, warmup_steps=2, r_max_steps=2, d_max_steps=2) == (1, 0)
    assert limits(2, warmup_steps=2, r_max_steps=2, d_max_steps=2) == (5, 8)
    infinite = BatchRenorm1d(2, r_max=INF, d_max=INF, **CONSTANT)
    assert infinite.limits() == (INF, INF)


def test_the_layer_uses_its_limits_and_the_old_statistics():
    layer = BatchRenorm1d(3, warmup_steps=1, r_max_steps=3, d_max_steps=2, momentum=0.5).double()
    plain = BatchNorm1d(3, momentum=0.5).double()
    mean, var = np.zeros(3), np.ones(3)
    for step, (r_max, d_max) in enumerate([(1, 0), (1, 0), (2, 5), (3, 5), (3, 5)]):
        x = 2 * normal(6, 3, seed=step) + step
        assert layer.limits() == (r_max, d_max)
        sigma, sigma_run = np.sqrt(x.var(0) + EPS), np.sqrt(var + EPS)
        R = np.clip(sigma / sigma_run, 1 / r_max, r_max)
        D = np.clip((x.mean(0) - mean) / sigma_run, -d_max, d_max)
        y = layer(tensor(x)).detach().numpy()
        np.testing.assert_allclose(y, R * (x - x.mean(0)) / sigma + D, rtol=1e-10, atol=1e-12)
        y_plain = plain(tensor(x)).detach().numpy()
        assert np.allclose(y, y_plain) == (step < 2)
        mean, var = (mean + x.mean(0)) / 2, (var + x.var(0, ddof=1)) / 2
        for key, value in plain.state_dict().items():  # both remember the same
            np.testing.assert_array_equal(layer.state_dict()[key].numpy(), value.numpy())
        np.testing.assert_allclose(layer.running_var.numpy(), var, rtol=1e-12)
    assert layer.num_batches_tracked.item() == 5


@pytest.mark.parametrize(
    ("kind", "plain", "shape"),
    [(BatchRenorm1d, BatchNorm1d, (6, 4)), (BatchRenorm1d, BatchNorm1d, (3, 4, 5)),
     (BatchRenorm2d, BatchNorm2d, (2, 4, 3, 2))],
)  # fmt: skip
@pytest.mark.parametrize("options", [{}, {"momentum": None}, {"affine": False}, {"bias": False}])
def test_state_is_batch_norms(torch, kind, plain, shape, options):
    layer = kind(4, r_max=2, d_max=1, **options, **CONSTANT).double()
    for seed in range(3):
        layer(tensor(3 * normal(*shape, seed=seed) + 5))
    state_dict = layer.state_dict()
    other = plain(4, **options).double()
    theirs = getattr(torch.nn, plain.__name__)(4, **options).double()
    assert list(state_dict) == list(theirs.state_dict())
    other.load_state_dict(state_dict)
    theirs.load_state_dict({k: torch.as_tensor(np.array(v.numpy())) for k, v in state_dict.items()})
    x = normal(*shape, seed=9)
    y = layer.eval()(tensor(x)).detach().numpy()
    np.testing.assert_array_equal(y, other.eval()(tensor(x)).detach().numpy())
    expected = theirs.eval()(torch.as_tensor(x.copy())).detach().numpy()
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-12)
    back = {k: tensor(v.numpy()) for k, v in theirs.state_dict().items()}
    twin = kind(4, **options).double()
    twin.load_state_dict(back)
    np.testing.assert_array_equal(twin.eval()(tensor(x)).detach().numpy(), y)


def test_evaluation_changes_nothing():
    layer = BatchRenorm1d(4, **CONSTANT).double()
    layer(tensor(normal(9, 4, seed=0)))
    before = state(layer.eval())
    layer(tensor(normal(1, 4, seed=1)))
    assert state(layer) == before


def test_small_batches_train_as_they_are_evaluated():
    """With batches of two, batch norm's training says ±1 whatever comes in; this layer does not."""
    layer = BatchRenorm1d(3, r_max=INF, d_max=INF, **CONSTANT).double()
    layer.running_mean.fill_(0.5)
    batch = tensor(9 * normal(2, 3, seed=0))
    expected = copy.deepcopy(layer).eval()(batch).detach().numpy()
    np.testing.assert_allclose(layer(batch).detach().numpy(), expected, rtol=1e-9)
    assert np.abs(np.abs(BatchNorm1d(3).double()(batch).detach().numpy()) - 1).max() < 1e-2


def test_helpers_know_it():
    model = nn.Sequential(nn.Linear(5, 4), BatchRenorm1d(4, **CONSTANT)).double()
    batches = [tensor(2 * normal(8, 5, seed=seed) + 1) for seed in range(3)]
    nn.utils.recalibrate(model, batches)
    outputs = np.concatenate([model[0](batch).detach().numpy() for batch in batches])
    np.testing.assert_allclose(model[1].running_mean.numpy(), outputs.mean(0), rtol=1e-10)
    x = tensor(normal(6, 5, seed=7))
    expected = model.eval()(x).detach().numpy()
    nn.utils.fold_batch_norm(model)
    np.testing.assert_allclose(model(x).detach().numpy(), expected, rtol=1e-10, atol=1e-12)


def test_from_keras_and_axis():
    layer = BatchRenorm1d.from_keras(4, momentum=0.9)
    assert (layer.axis, layer.momentum, layer.unbiased_running_var) == (-1, 0.1, False)
    last = BatchRenorm2d(4, axis=-1, **CONSTANT).double()
    first = BatchRenorm2d(4, **CONSTANT).double()
    x = normal(2, 3, 5, 4, seed=0)
    y = first(tensor(np.moveaxis(x, -1, 1))).detach().numpy()
    np.testing.assert_allclose(last(tensor(x)).detach().numpy(), np.moveaxis(y, 1, -1), rtol=1e-12)


def test_looks():
    assert repr(BatchRenorm1d(4)) == (
        "BatchRenorm1d(4, eps=1e-05, momentum=0.1, affine=True, bias=True, "
        "track_running_stats=True, r_max=3.0, d_max=5.0, warmup_steps=5000, r_max_steps=40000, "
        "d_max_steps=25000)"
    )
    assert repr(BatchRenorm2d(4, r_max=2, affine=False, **CONSTANT)) == (
        "BatchRenorm2d(4, eps=1e-05, momentum=0.1, affine=False, bias=False, "
        "track_running_stats=True, r_max=2, d_max=5.0)"
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_features": 0}, ValueError, "num_features must be >= 1, got 0"),
        ({"r_max": 0.5}, ValueError, "r_max must be finite and >= 1, got 0.5"),
        ({"r_max": None}, TypeError, "r_max must be a number, got None"),
        ({"d_max": -1}, ValueError, "d_max must be finite and >= 0, got -1"),
        ({"d_max": float("nan")}, ValueError, "d_max must be .*got nan"),
        ({"warmup_steps": -1}, ValueError, "warmup_steps must be >= 0, got -1"),
        ({"warmup_steps": 1.5}, TypeError, "warmup_steps must be an integer, got 1.5"),
        ({"warmup_steps": None}, TypeError, "warmup_steps must be an integer, got None"),
        (
            {"r_max_steps": 4_999},
            ValueError,
            r"r_max_steps must be >= warmup_steps \(5000\), got 4999",
        ),
        ({"d_max_steps": True}, TypeError, "d_max_steps must be an integer, got True"),
        ({"r_max": INF}, ValueError, "no number of steps leads to r_max=inf; use r_max_steps=None"),
        ({"d_max": INF}, ValueError, "no number of steps leads to d_max=inf"),
        ({"momentum": 2}, ValueError, "momentum must be"),
        ({"axis": 3}, ValueError, "axis must be below 3, got 3"),
    ],
)
def test_bad_arguments_of_the_layer(arguments, error, message):
    with pytest.raises(error, match=f"BatchRenorm1d: {message}"):
        BatchRenorm1d(**{"num_features": 4, **arguments})


@pytest.mark.parametrize(
    "make", [lambda: f32(1, 4), lambda: f32(5, 3), lambda: None, lambda: f32(4)]
)
def test_a_refused_call_counts_nothing(make):
    layer = BatchRenorm1d(4)
    layer(tensor(normal(5, 4, seed=0, dtype="f")))
    before = state(layer)
    with pytest.raises((ValueError, TypeError)):
        layer(make())
    assert state(layer) == before


def test_without_statistics_it_cannot_be():
    layer = BatchRenorm1d(4)
    layer.track_running_stats = False
    with pytest.raises(ValueError, match="running_mean and running_var must be given"):
        layer(tensor(normal(5, 4, seed=0, dtype="f")))


def test_gradients_reach_the_parameters():
    layer = BatchRenorm1d(4, r_max=1.2, d_max=0.5, **CONSTANT).double()
    x, dy = leaf(3 * normal(7, 4, seed=0) + 2), normal(7, 4, seed=1)
    dx, dweight, dbias = grad(layer(x), (x, layer.weight, layer.bias), tensor(dy))
    values = x.detach().numpy()
    x_hat = (values - values.mean(0)) / np.sqrt(values.var(0) + EPS)
    sigma_run = math.sqrt(1 + EPS)
    R = np.clip(np.sqrt(values.var(0) + EPS) / sigma_run, 1 / 1.2, 1.2)
    D = np.clip(values.mean(0) / sigma_run, -0.5, 0.5)
    np.testing.assert_allclose(dweight.numpy(), (dy * (R * x_hat + D)).sum(0), rtol=1e-10)
    np.testing.assert_allclose(dbias.numpy(), dy.sum(0), rtol=1e-12)
    assert np.abs(dx.numpy().sum(0)).max() <= 1e-12
