"""Group normalization: kernels, function and layer; against twins, torch, primitives, limits."""

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
from minigrad.nn import GroupNorm
from minigrad.nn.functional import batch_norm, group_norm, layer_norm


def exact_groups(x, dy, gamma, groups, eps=EPS):
    """x_hat and dx in double; gamma has one value per channel."""
    h = np.asarray(gamma, np.float64).reshape(-1, *[1] * (x.ndim - 2)) * dy
    found = exact(x.reshape(len(x) * groups, -1), h.reshape(len(x) * groups, -1), eps=eps)
    return [each.reshape(x.shape) for each in found]


# --- kernels -------------------------------------------------------------------------------------


def run(kernels, x, dy, gamma, beta, groups, eps, with_dx=True):
    """All outputs of forward and backward; inputs are read-only, outputs start as NaN."""
    for array in (x, dy, gamma, beta):
        array.flags.writeable = False
    y, dx = np.full_like(x, np.nan), np.full_like(x, np.nan)
    mean, inv_std = np.full((2, len(x), groups), np.nan)
    dgamma, dbeta = np.full((2, len(gamma)), np.nan)
    kernels.group_norm_forward(x, gamma, beta, y, mean, inv_std, eps)
    kernels.group_norm_backward(dy, x, gamma, mean, inv_std, dx if with_dx else None, dgamma, dbeta)
    return dict(y=y, dx=dx, dgamma=dgamma, dbeta=dbeta, mean=mean, inv_std=inv_std)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("shape", "groups"),
    [((2, 1, 1), 1), ((3, 6, 1), 2), ((2, 6, 15), 3), ((2, 4, 16), 1), ((2, 4, 33), 4),
     ((1, 8, 100), 2), ((5, 6, 2), 6)],
)  # fmt: skip
def test_kernel_is_its_reference(shape, groups, dtype):
    rng = np.random.default_rng(0)
    x = (3 * rng.standard_normal(shape) + 10).astype(dtype)
    dy = rng.standard_normal(shape).astype(dtype)
    gamma, beta = rng.standard_normal((2, shape[1])).astype(dtype)
    compiled = run(active, x, dy, gamma, beta, groups, 0.01)
    tolerance = 1e-12 if dtype == np.float64 else 2e-6
    for name, values in run(reference, x, dy, gamma, beta, groups, 0.01).items():
        np.testing.assert_allclose(
            compiled[name], values, rtol=tolerance, atol=tolerance, err_msg=name
        )


def test_kernel_without_dx(kernels):
    x, dy, gamma = normal(3, 4, 19, seed=1), normal(3, 4, 19, seed=2), normal(4, seed=3)
    whole = run(kernels, x, dy, gamma, gamma, 2, 0.1)
    part = run(kernels, x, dy, gamma, gamma, 2, 0.1, with_dx=False)
    assert np.isnan(part["dx"]).all()
    for name in ("dgamma", "dbeta"):
        np.testing.assert_array_equal(part[name], whole[name])


@pytest.mark.parametrize("shape", [(0, 4, 3), (2, 4, 0), (2, 0, 3)])
def test_kernel_of_nothing(kernels, shape):
    x, gamma = np.zeros(shape), np.ones(shape[1])
    found = run(kernels, x, x.copy(), gamma, gamma, 2, 1.0)
    np.testing.assert_array_equal(found["dgamma"], np.zeros(shape[1]))
    np.testing.assert_array_equal(found["dbeta"], np.zeros(shape[1]))


def test_kernel_refuses_nonsense():
    data, group, channel = np.ones((4, 6, 5)), np.ones((4, 2)), np.ones(6)
    forward = dict(x=data, gamma=channel, beta=channel, y=data, mean=group, inv_std=group)
    assert_refuses_nonsense("group_norm_forward", forward, [EPS])
    backward = dict(dy=data, x=data, gamma=channel, mean=group, inv_std=group)
    backward |= dict(dx=data, dgamma=channel, dbeta=channel)
    assert_refuses_nonsense("group_norm_backward", backward, [], optional=["dx"])
    for groups in (0, 4, 5, 12):
        wrong = np.ones((4, groups))
        with pytest.raises(ValueError, match="group_norm_forward: the data has one shape"):
            active.group_norm_forward(data, channel, channel, data.copy(), wrong, wrong, EPS)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signal.setitimer")
@pytest.mark.parametrize("backward", [False, True])
def test_kernel_answers_ctrl_c(backward):
    class Interrupt(Exception):
        pass

    def interrupt(*_):
        raise Interrupt

    x, out = np.ones((2000, 60, 100), np.float32), np.full((2000, 60, 100), 7, np.float32)
    group, channel, sums = np.ones((2, 2000, 3)), np.ones((2, 60), np.float32), np.ones((2, 60))
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(Interrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            if backward:
                active.group_norm_backward(x, x, channel[0], *group, out, *sums)
            else:
                active.group_norm_forward(x, *channel, out, *group, EPS)
            time.sleep(1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert out[-1, -1, -1] == 7  # the kernel was left before its end


# --- accuracy ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("shape", "groups"), [((4, 8, 16, 16), 2), ((20, 30, 7), 3), ((9, 64), 1)])
@for_each("offset", [0, 1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7])
def test_accuracy_at_any_offset(kernels, shape, groups, offset):
    x = (normal(*shape, seed=0) + offset).astype(np.float32)
    dy = normal(*shape, seed=1, dtype=np.float32)
    t, gamma = leaf(x), leaf(np.ones(shape[1], np.float32))
    y = group_norm(t, groups, gamma)
    x_hat, dx = exact_groups(x, dy, np.ones(shape[1]), groups)
    assert np.abs(y.detach().numpy() - x_hat).max() <= 1e-6
    y.backward(tensor(dy))
    dgamma = (dy * x_hat).sum((0, *range(2, x.ndim)))
    np.testing.assert_allclose(gamma.grad.numpy(), dgamma, rtol=1e-6, atol=1e-5)
    if offset <= 1e6:
        assert np.abs(t.grad.numpy() - dx).max() <= 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@for_each("value", [0.0, 0.1, 1 / 3, 100, 1e4, 1e8, -1e30, 3.4e38, 1e-40])
def test_a_constant_group_is_exactly_beta(kernels, dtype, value):
    gamma, beta = normal(4, seed=0, dtype=dtype), normal(4, seed=1, dtype=dtype)
    x = tensor(np.full((3, 4, 19), value, dtype))
    y = group_norm(x, 2, tensor(gamma), tensor(beta))
    np.testing.assert_array_equal(y.numpy(), np.broadcast_to(beta[:, None], (3, 4, 19)))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("size", [1e30, 1e37, 3.4e38])
def test_huge_values(kernels, dtype, size):
    x = np.array([[size, -size, -size, size]], dtype)
    y = group_norm(tensor(x), 2).numpy()
    np.testing.assert_allclose(y, [[1, -1, -1, 1]], rtol=1e-6)
    x, dy = (
        leaf(np.array([[[size, -size], [-size, size]]], dtype)),
        normal(1, 2, 2, seed=0, dtype=dtype),
    )
    y = group_norm(x, 2)
    np.testing.assert_allclose(y.detach().numpy(), [[[1, -1], [-1, 1]]], rtol=1e-6)
    y.backward(tensor(dy))
    assert np.isfinite(x.grad.numpy()).all()


# --- the function --------------------------------------------------------------------------------


def configuration(seed):
    """Input, groups, weight, bias (None: absent), cotangent, eps."""
    rng = np.random.default_rng(seed)
    groups = int(rng.integers(1, 4))
    C = groups * int(rng.integers(1, 4))
    while True:
        shape = (int(rng.integers(1, 5)), C, *(int(n) for n in rng.integers(1, 7, rng.integers(3))))
        if rng.integers(4) == 0:
            shape = (*shape[:2], int(rng.integers(14, 40)))
        if np.prod(shape) > groups:
            break
    x = laid_out(rng, rng.uniform(0.1, 5) * rng.standard_normal(shape) + 3 * rng.standard_normal())
    dy = laid_out(rng, rng.standard_normal(shape))
    if rng.integers(4) == 0:
        dy = np.broadcast_to(dy[:1], shape)
    weight, bias = rng.standard_normal((2, C))
    weight = None if rng.integers(3) == 0 else laid_out(rng, weight)
    bias = None if rng.integers(3) == 0 else bias
    return x, weight, bias, dy, groups, float(10 ** rng.uniform(-5, -0.3))


@pytest.mark.parametrize("block", rest_slow(range(5), [0]))
def test_agrees_with_torch(torch, kernels, block):
    for seed in range(60 * block, 60 * block + 60):
        chosen = configuration(seed)
        found = all_derivatives(minigrad, group_norm, chosen)
        expected = all_derivatives(torch, torch.nn.functional.group_norm, chosen)
        assert_agree(found, expected, message=f"seed {seed}")


def composed(x, groups, weight, bias, eps):
    """The same from primitives, whose rules know nothing of normalization."""
    rows = x.reshape(x.shape[0], groups, -1)
    centered = rows - rows.mean(2, keepdim=True)
    y = centered / ((centered**2).mean(2, keepdim=True) + eps).sqrt()
    y = y.reshape(x.shape)
    shape = (-1, *[1] * (x.ndim - 2))
    y = y if weight is None else y * weight.reshape(shape)
    return y if bias is None else y + bias.reshape(shape)


@pytest.mark.parametrize("block", rest_slow(range(2), [0]))
def test_agrees_with_primitives(kernels, block):
    for seed in range(30 * block, 30 * block + 30):
        chosen = configuration(seed)
        found = all_derivatives(minigrad, group_norm, chosen)
        assert_agree(found, all_derivatives(minigrad, composed, chosen), message=f"seed {seed}")


@pytest.mark.parametrize(
    ("shape", "groups"), [((5, 4), 2), ((2, 3, 3), 1), ((2, 2, 3), 2), ((2, 4, 1, 2), 2)]
)
def test_derivatives(kernels, shape, groups):
    inputs = (
        leaf(normal(*shape, seed=0)),
        leaf(normal(shape[1], seed=1)),
        leaf(normal(shape[1], seed=2)),
    )

    def function(x, w, b):
        return group_norm(x, groups, w, b, 0.1)

    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_third_derivatives():
    b, inputs = (
        tensor(normal(4, seed=2)),
        (normal(2, 4, 2, seed=0), normal(4, seed=1), normal(2, 4, 2, seed=3)),
    )

    def gradient(x, w, dy):
        return grad(group_norm(x, 2, w, b, 0.1), (x, w), dy, create_graph=True)

    assert gradgradcheck(gradient, [leaf(each) for each in inputs])


def test_dx_sums_to_zero_in_each_group(kernels):
    for shape, groups in [((3, 6), 2), ((2, 6, 5), 3), ((2, 4, 3, 8), 1)]:
        x, gamma, dy = (
            leaf(3 * normal(*shape, seed=0) + 7),
            normal(shape[1], seed=1),
            normal(*shape, seed=2),
        )
        group_norm(x, groups, tensor(gamma)).backward(tensor(dy))
        dx = x.grad.numpy()
        sums = dx.reshape(shape[0], groups, -1).sum(2)
        assert np.abs(sums).max() <= 1e-12 * max(1, np.abs(dx).sum())
        expected = exact_groups(x.detach().numpy(), dy, gamma, groups)[1]
        np.testing.assert_allclose(dx, expected, atol=1e-11)


def test_relatives(kernels):
    """One group is a layer norm, one group per channel is the batch norm of a batch of one."""
    x = normal(3, 6, 4, 2, seed=0)
    layer = layer_norm(tensor(x), (6, 4, 2)).numpy()
    np.testing.assert_allclose(group_norm(tensor(x), 1).numpy(), layer, atol=1e-14)
    instance = group_norm(tensor(x), 6).numpy()
    for n in range(3):
        alone = batch_norm(tensor(x[n : n + 1]), None, None, training=True).numpy()
        np.testing.assert_allclose(instance[n : n + 1], alone, atol=1e-14)


def test_gamma_and_beta_can_give_the_input_back(kernels):
    x = 4 * normal(1, 2, 30, seed=0) + 5
    gamma, beta = np.full(2, np.sqrt(x.var() + EPS)), np.full(2, x.mean())
    y = group_norm(tensor(x), 1, tensor(gamma), tensor(beta))
    np.testing.assert_allclose(y.numpy(), x, atol=1e-14)


def test_groups_do_not_know_of_each_other(kernels):
    x, dy, gamma = normal(3, 4, 5, seed=0), normal(3, 4, 5, seed=1), tensor(normal(4, seed=2))
    for bad in (np.nan, np.inf):
        spoilt = x.copy()
        spoilt[1, 2, 3] = bad
        t, clean = leaf(spoilt), leaf(x)
        for each in (t, clean):
            group_norm(each, 2, gamma).backward(tensor(dy))
        found, expected = t.grad.numpy().copy(), clean.grad.numpy().copy()
        assert np.isnan(found[1, 2:]).all()
        found[1, 2:] = expected[1, 2:] = 0
        np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("shape", [(0, 4), (0, 4, 3), (2, 4, 0), (2, 0, 3), (2, 4, 0, 2)])
def test_empty_input(kernels, shape):
    x, weight = leaf(np.zeros(shape)), leaf(np.ones(shape[1]))
    y = group_norm(x, 2, weight)
    assert y.shape == shape
    dx, dweight = grad(y, (x, weight), leaf(np.zeros(shape)), create_graph=True)
    assert dx.shape == shape
    np.testing.assert_array_equal(dweight.detach().numpy(), np.zeros(shape[1]))
    grad(dx, x, tensor(np.zeros(shape)))


def test_only_wanted_gradients(kernels):
    arrays, dy = (
        (normal(5, 4, 3, seed=0), normal(4, seed=1), normal(4, seed=2)),
        normal(5, 4, 3, seed=3),
    )
    x_hat, dx = exact_groups(arrays[0], dy, arrays[1], 2)
    expected = dx, (dy * x_hat).sum((0, 2)), dy.sum((0, 2))
    assert_only_wanted_gradients(lambda x, w, b: group_norm(x, 2, w, b), arrays, dy, expected)
    with minigrad.no_grad():
        assert group_norm(leaf(arrays[0]), 2).grad_fn is None


def test_a_single_value(torch):
    """As in torch: refused where nothing else is there, β where other samples are."""
    for shape in [(1, 2), (1, 2, 1, 1)]:
        with pytest.raises(ValueError, match=r"group_norm: expected more than 1 value per group"):
            group_norm(minigrad.ones(*shape), 2)
        with pytest.raises(ValueError, match="Expected more than 1 value per channel"):
            torch.nn.functional.group_norm(torch.ones(shape), 2)
    y = group_norm(minigrad.ones(2, 2), 2, None, tensor([3.0, 4.0]))
    np.testing.assert_array_equal(y.numpy(), [[3, 4], [3, 4]])


F32 = minigrad.zeros
BAD = [
    (dict(input=None), TypeError, "input must be a Tensor"),
    (dict(input=[[1.0]]), TypeError, "input must be a Tensor"),
    (dict(input=F32(5, 4).long()), DTypeError, "input must be float32 or float64, got .*int64"),
    (dict(input=F32(4)), ShapeError, r"\(N, C, ...\), got \(4,\)"),
    (dict(input=F32(())), ShapeError, r"got \(\)"),
    (dict(input=F32(5, 3)), ShapeError, r"3 channels do not fall into 2 groups .*\(5, 3\)"),
    (dict(input=F32(5, 6)), ShapeError, r"weight has shape \(4,\), expected \(6,\)"),
    (dict(input=F32(5, 4).double()), DTypeError, "weight is minigrad.float32, but input is .*64"),
    (dict(num_groups=3), ShapeError, "4 channels do not fall into 3 groups"),
    (dict(num_groups=8), ShapeError, "4 channels do not fall into 8 groups"),
    (dict(num_groups=0), ValueError, "num_groups must be >= 1, got 0"),
    (dict(num_groups=-2), ValueError, "num_groups must be >= 1, got -2"),
    (dict(num_groups=2.0), TypeError, "num_groups must be an integer, got 2.0"),
    (dict(num_groups=None), TypeError, "num_groups must be an integer, got None"),
    (dict(num_groups=True), TypeError, "num_groups must be an integer, got True"),
    (dict(eps=0.0), ValueError, "eps must be finite and > 0, got 0.0"),
    (dict(eps=float("nan")), ValueError, "eps must be .*got nan"),
    (dict(eps=None), TypeError, "eps must be a number, got None"),
    *[
        (dict([(name, value)]), error, message)
        for name in ("weight", "bias")
        for value, error, message in [
            (F32(2), ShapeError, rf"{name} has shape \(2,\), expected \(4,\)"),
            (F32(4, 1), ShapeError, rf"{name} has shape \(4, 1\)"),
            (F32(()), ShapeError, rf"{name} has shape \(\)"),
            (F32(4).double(), DTypeError, f"{name} is minigrad.float64, but input is .*float32"),
            (F32(4).long(), DTypeError, f"{name} must be float32"),
            ("ones", TypeError, f"{name} must be a Tensor"),
        ]
    ],
]


@pytest.mark.parametrize(("change", "error", "message"), BAD)
def test_bad_input(change, error, message):
    good = dict(input=F32(5, 4), num_groups=2, weight=F32(4), bias=F32(4), eps=EPS)
    group_norm(**good)
    with pytest.raises(error, match=f"^group_norm: .*{message}") as caught:
        group_norm(**{**good, **change})
    assert caught.type is error


def test_a_changed_input_is_noticed():
    inner = leaf(normal(5, 4, seed=0)) * 2
    y = group_norm(inner, 2, leaf(np.ones(4)))
    inner.mul_(3)
    with pytest.raises(minigrad.GraphError, match="mul"):
        y.sum().backward()


# --- the layer -----------------------------------------------------------------------------------

OPTIONS = [
    {},
    {"num_groups": 1, "eps": 0.1},
    {"num_groups": 6, "bias": False},
    {"affine": False},
    {"num_channels": 12, "num_groups": 4},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_layer_is_torchs(torch, options):
    options = {"num_groups": 2, "num_channels": 6, **options}
    ours, theirs = GroupNorm(**options).double(), torch.nn.GroupNorm(**options).double()
    shape = (5, options["num_channels"], 2, 3)
    x, dy = normal(*shape, seed=0), normal(*shape, seed=1)
    assert_is_torchs(torch, ours, theirs, x, dy)


def test_reset_parameters_and_dtype():
    layer = GroupNorm(2, 6, dtype=minigrad.float64)
    assert {parameter.dtype for parameter in layer.parameters()} == {minigrad.float64}
    for parameter in layer.parameters():
        minigrad.nn.init.constant_(parameter, 3)
    twin = copy.deepcopy(layer)
    layer.reset_parameters()
    np.testing.assert_array_equal(layer.weight.detach().numpy(), np.ones(6))
    np.testing.assert_array_equal(layer.bias.detach().numpy(), np.zeros(6))
    np.testing.assert_array_equal(twin.weight.detach().numpy(), np.full(6, 3.0))
    GroupNorm(2, 6, affine=False).reset_parameters()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (
            {"num_groups": 4},
            ValueError,
            r"num_channels \(6\) must be divisible by num_groups \(4\)",
        ),
        ({"num_groups": 0}, ValueError, "num_groups must be >= 1, got 0"),
        ({"num_groups": 2.0}, TypeError, "num_groups must be an integer, got 2.0"),
        ({"num_channels": -6}, ValueError, "num_channels must be >= 0, got -6"),
        ({"num_channels": None}, TypeError, "num_channels must be an integer, got None"),
        ({"eps": 0}, ValueError, "eps must be finite and > 0, got 0"),
        ({"eps": "small"}, TypeError, "eps must be a number"),
        ({"affine": 1}, TypeError, "affine must be True or False, got 1"),
        ({"bias": None}, TypeError, "bias must be True or False, got None"),
        ({"device": "cuda"}, Exception, "cuda"),
    ],
)
def test_bad_arguments_of_the_layer(arguments, error, message):
    with pytest.raises(error, match=message):
        GroupNorm(**{"num_groups": 2, "num_channels": 6, **arguments})


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: None, TypeError, "GroupNorm: input must be a Tensor, got NoneType"),
        (lambda: F32(6), ShapeError, r"expected input of shape \(N, C\) .*got \(6,\)"),
        (lambda: F32(2, 4), ShapeError, r"GroupNorm: expected 6 channels .*got 4 .*\(2, 4\)"),
        (lambda: F32(2, 6).double(), DTypeError, "weight is minigrad.float32, but input is .*64"),
    ],
)
def test_bad_input_of_the_layer(make, error, message):
    with pytest.raises(error, match=message):
        GroupNorm(2, 6)(make())
