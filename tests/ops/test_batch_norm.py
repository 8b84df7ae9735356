"""functional.batch_norm: its properties, its statistics, bad input.

What it agrees with is in test_batch_norm_derivatives.py, the kernels are in
kernels/test_batch_norm.py, the layer is in nn/test_batch_norm.py.
"""

import tracemalloc

import numpy as np
import pytest
from helpers.batch_norm_reference import EPS, SHAPES, axes, exact, exact_dx
from helpers.layouts import leaf, normal

import minigrad
from minigrad import DTypeError, GraphError, ShapeError, tensor
from minigrad.ops.nn.batch_norm import batch_norm, batch_statistics

# --- properties ----------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", SHAPES)
def test_dx_sums_to_zero(kernels, shape):
    x, gamma = leaf(3 * normal(*shape, seed=0) + 7), tensor(normal(shape[1], seed=1))
    dy = normal(*shape, seed=2)
    batch_norm(x, None, None, gamma, training=True).backward(tensor(dy))
    dx = x.grad.numpy()
    assert np.abs(dx.sum(axes(dx))).max() <= 1e-12 * max(1, np.abs(dx).sum())
    x_hat, _, var, inv_std = exact(x.detach().numpy())
    along = (dx * x_hat).sum(axes(dx))
    dgamma = (dy * x_hat).sum(axes(dx))
    expected = gamma.numpy() * inv_std.ravel() * dgamma * EPS / (var + EPS)
    np.testing.assert_allclose(along, expected, rtol=1e-3, atol=1e-11)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_sum_sends_no_gradient(kernels, shape, dtype):
    x = leaf(normal(*shape, seed=0, dtype=dtype))
    batch_norm(x, None, None, training=True).sum().backward()
    assert np.abs(x.grad.numpy()).max() <= (1e-6 if dtype == np.float32 else 1e-12)


def test_a_bias_before_it_gets_no_gradient():
    a, w, b = tensor(normal(20, 5, seed=0)), leaf(normal(5, 3, seed=1)), leaf(normal(3, seed=2))
    batch_norm(a @ w + b, None, None, training=True).backward(tensor(normal(20, 3, seed=3)))
    assert np.abs(b.grad.numpy()).max() <= 1e-12
    assert np.abs(w.grad.numpy()).max() > 1e-2
    along = (w.grad.numpy() * w.detach().numpy()).sum(0)
    assert np.abs(along).max() <= 1e-4  # only eps is left of it


def test_longer_weights_change_nothing_but_the_gradient():
    a, dy = tensor(normal(20, 5, seed=0)), tensor(normal(20, 3, seed=3))
    w, longer = leaf(normal(5, 3, seed=1)), leaf(10 * normal(5, 3, seed=1))
    y = batch_norm(a @ w, None, None, training=True, eps=1e-12)
    y_longer = batch_norm(a @ longer, None, None, training=True, eps=1e-12)
    np.testing.assert_allclose(y.detach().numpy(), y_longer.detach().numpy(), atol=1e-9)
    y.backward(dy)
    y_longer.backward(dy)
    np.testing.assert_allclose(longer.grad.numpy(), w.grad.numpy() / 10, rtol=1e-7, atol=1e-10)


def test_two_values_per_channel(kernels):
    x = leaf(normal(2, 4, seed=0))
    y = batch_norm(x, None, None, training=True)
    np.testing.assert_allclose(np.abs(y.detach().numpy()), np.ones((2, 4)), atol=1e-4)
    y.backward(tensor(normal(2, 4, seed=1)))
    expected = exact_dx(normal(2, 4, seed=1), x.detach().numpy(), np.ones(4))
    np.testing.assert_allclose(x.grad.numpy(), expected, atol=1e-12)
    assert 0 < np.abs(x.grad.numpy()).max() < 1e-2


def test_gamma_and_beta_can_give_the_input_back(kernels):
    x = normal(30, 4, seed=0) * [1, 2, 3, 4] + [5, -6, 7, 8]
    gamma, beta = np.sqrt(x.var(0) + EPS), x.mean(0)
    y = batch_norm(tensor(x), None, None, tensor(gamma), tensor(beta), training=True)
    np.testing.assert_allclose(y.numpy(), x, atol=3e-15 * 40)


def ways_to_lie(x):
    """The same values, laid out differently in memory."""
    larger = np.zeros((*(2 * n for n in x.shape),), x.dtype)
    larger[tuple(slice(None, None, 2) for _ in x.shape)] = x
    yield "sliced", larger[tuple(slice(None, None, 2) for _ in x.shape)]
    yield "transposed", np.ascontiguousarray(x.T).T
    yield "reversed", np.ascontiguousarray(x[::-1, ::-1])[::-1, ::-1]
    yield "channels last", np.moveaxis(np.ascontiguousarray(np.moveaxis(x, 1, -1)), -1, 1)
    frozen = x.copy()
    frozen.flags.writeable = False
    yield "read-only", frozen


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(6, 4), (3, 4, 5), (2, 3, 4, 5), (4, 3, 1, 7), (3, 2, 1, 1)])
def test_memory_layout_does_not_matter(kernels, shape, training):
    C = shape[1]
    values = normal(*shape, seed=0, dtype=np.float32), normal(*shape, seed=1, dtype=np.float32)
    gamma = normal(C, seed=2, dtype=np.float32)

    def whole(x, dy, gamma):
        mean, var = tensor(gamma), tensor(gamma**2)
        x, gamma = (minigrad.as_tensor(u).requires_grad_() for u in (x, gamma))
        y = batch_norm(x, mean, var, gamma, gamma, training)
        y.backward(minigrad.as_tensor(dy))
        assert y.is_contiguous() and x.grad.is_contiguous()
        return [a.detach().numpy().tobytes() for a in (y, x.grad, gamma.grad, mean, var)]

    expected = whole(*values, gamma)
    for (name, x), (_, dy) in zip(*map(ways_to_lie, values), strict=True):
        for _, strided in ways_to_lie(np.stack([gamma, gamma])):
            assert whole(x, dy, strided[0]) == expected, name


@pytest.mark.parametrize("training", [True, False])
def test_stride_zero_does_not_matter(kernels, training):
    row, gamma = normal(1, 4, seed=0, dtype=np.float32), normal(4, seed=2, dtype=np.float32)
    spread_out = np.broadcast_to(row, (6, 4))

    def whole(x, dy):
        x = minigrad.as_tensor(x).requires_grad_()
        y = batch_norm(x, tensor(gamma), tensor(gamma**2), tensor(gamma), None, training)
        y.backward(minigrad.as_tensor(dy))
        return y.detach().numpy().tobytes() + x.grad.numpy().tobytes()

    dense, other = spread_out.copy(), normal(6, 4, seed=1, dtype=np.float32)
    assert whole(spread_out, other) == whole(dense, other)
    assert whole(other, spread_out) == whole(other, dense)


def test_a_nan_stays_in_its_channel(kernels):
    for bad in (np.nan, np.inf, -np.inf):
        x = normal(8, 3, seed=0)
        clean = batch_norm(tensor(x), None, None, training=True).numpy()
        x[2, 1] = bad
        mean, var = minigrad.zeros(3).double(), minigrad.ones(3).double()
        t = leaf(x)
        y = batch_norm(t, mean, var, training=True)
        y.backward(tensor(normal(8, 3, seed=1)))
        assert np.isnan(y.detach().numpy()[:, 1]).all()
        np.testing.assert_array_equal(y.detach().numpy()[:, ::2], clean[:, ::2])
        assert np.isfinite(t.grad.numpy()[:, ::2]).all()
        assert np.isfinite(mean.numpy()[::2]).all() and not np.isfinite(mean.numpy()[1])


# --- evaluation and running statistics -----------------------------------------------------------


def test_evaluation_remembers_its_own_statistics(kernels):
    """Training between forward and backward moves the statistics, but y was not made from them."""
    mean, var = tensor(normal(3, seed=0)), tensor(np.array([0.5, 1, 2]))
    before = mean.numpy().copy(), var.numpy().copy()
    x, gamma, dy = leaf(normal(6, 3, seed=1)), leaf(normal(3, seed=2)), normal(6, 3, seed=3)
    y = batch_norm(x, mean, var, gamma)
    batch_norm(tensor(normal(9, 3, seed=4) * 5 + 3), mean, var, training=True, momentum=0.9)
    assert np.abs(var.numpy() - before[1]).max() > 1
    y.backward(tensor(dy))
    inv_std = 1 / np.sqrt(before[1] + EPS)
    np.testing.assert_allclose(x.grad.numpy(), gamma.detach().numpy() * inv_std * dy, rtol=1e-12)
    x_hat = (x.detach().numpy() - before[0]) * inv_std
    np.testing.assert_allclose(gamma.grad.numpy(), (dy * x_hat).sum(0), rtol=1e-12)


def test_two_forwards_then_the_backward_of_the_first(kernels):
    x, other, dy = (
        leaf(normal(6, 3, seed=0)),
        leaf(normal(6, 3, seed=1)),
        tensor(normal(6, 3, seed=2)),
    )
    mean, var = tensor(np.zeros(3)), tensor(np.ones(3))
    y = batch_norm(x, mean, var, training=True)
    batch_norm(other, mean, var, training=True)
    y.backward(dy)
    np.testing.assert_allclose(
        x.grad.numpy(), exact_dx(dy.numpy(), x.detach().numpy(), np.ones(3)), atol=1e-12
    )
    assert other.grad is None


@pytest.mark.parametrize("shape", [(5, 3), (2, 3, 4), (2, 3, 2, 2)])
def test_running_statistics(kernels, shape):
    x = 3 * normal(*shape, seed=0) + 2
    mean, var = tensor(normal(3, seed=1)), tensor(np.array([0.5, 1, 2]))
    old_mean, old_var = mean.numpy().copy(), var.numpy().copy()
    y = batch_norm(tensor(x), mean, var, training=True, momentum=0.25)
    np.testing.assert_allclose(mean.numpy(), 0.75 * old_mean + 0.25 * x.mean(axes(x)), rtol=1e-14)
    unbiased = x.var(axes(x), ddof=1)
    np.testing.assert_allclose(var.numpy(), 0.75 * old_var + 0.25 * unbiased, rtol=1e-14)
    np.testing.assert_allclose(y.numpy(), exact(x)[0], atol=1e-14)  # normalized with the biased one
    after = mean.numpy().copy(), var.numpy().copy()
    batch_norm(tensor(x), mean, var)
    np.testing.assert_array_equal((mean.numpy(), var.numpy()), after)
    for momentum, expected in [(0.0, after), (1, (x.mean(axes(x)), unbiased))]:
        batch_norm(tensor(x), mean, var, training=True, momentum=momentum)
        np.testing.assert_allclose((mean.numpy(), var.numpy()), expected, rtol=1e-14)


def test_running_statistics_may_be_strided(kernels):
    both = np.stack([np.zeros(3), np.ones(3)], axis=1)
    shared = minigrad.from_numpy(both)
    x = normal(5, 3, seed=0)
    batch_norm(tensor(x), shared[:, 0], shared[:, 1], training=True, momentum=1.0)
    np.testing.assert_allclose(both, np.stack([x.mean(0), x.var(0, ddof=1)], axis=1), rtol=1e-14)


def test_a_change_of_the_running_statistics_is_counted(kernels):
    mean, var = tensor(np.zeros(3)), tensor(np.ones(3))
    x = tensor(normal(5, 3, seed=0))
    batch_norm(x, mean, var)
    assert (mean._version, var._version) == (0, 0)
    batch_norm(x, mean, var, training=True)
    assert (mean._version, var._version) == (1, 1)
    for statistic in (mean, var):
        w = leaf(np.ones(3))
        product = w * statistic
        batch_norm(x, mean, var, training=True)
        with pytest.raises(GraphError, match="changed in place by batch_norm"):
            product.sum().backward()


def test_a_changed_input_is_noticed():
    x = leaf(normal(5, 3, seed=0))
    inner, gamma = x * 2, leaf(np.ones(3))
    y = batch_norm(inner, None, None, gamma, training=True)
    inner.mul_(3)
    with pytest.raises(GraphError, match="mul"):
        y.sum().backward()


@pytest.mark.parametrize("axis", [0, 1, 2, -1])
def test_statistics_of_a_batch(kernels, axis):
    x = (normal(3, 4, 5, seed=0) + 1e6).astype(np.float32)
    over = tuple(d for d in range(3) if d != axis % 3)
    mean, var, m = batch_statistics(tensor(x), axis)
    assert m == 60 // x.shape[axis] and mean.dtype == var.dtype == np.float64
    np.testing.assert_allclose(mean, x.astype(float).mean(over), rtol=1e-12)
    np.testing.assert_allclose(var, x.astype(float).var(over), rtol=1e-9)
    with pytest.raises(IndexError, match="axis 3 is out of range"):
        batch_statistics(x, 3)


# --- bad input -----------------------------------------------------------------------------------


def arguments():
    return dict(
        input=leaf(normal(4, 3, seed=0, dtype=np.float32)),
        running_mean=tensor(normal(3, seed=1, dtype=np.float32)),
        running_var=tensor(np.array([0.5, 1, 2], np.float32)),
        weight=leaf(np.ones(3, np.float32)),
        bias=leaf(np.zeros(3, np.float32)),
        training=True,
        momentum=0.1,
        eps=1e-5,
    )


def f32(*shape):
    return minigrad.zeros(*shape)


BAD = [
    (dict(input=f32(3)), ShapeError, r"\(N, C, ...\), got \(3,\)"),
    (dict(input=f32(())), ShapeError, r"got \(\)"),
    (dict(input=f32(4, 2)), ShapeError, r"running_mean has shape \(3,\), expected \(2,\)"),
    (dict(input=f32(4, 3).long()), DTypeError, "input must be float32 or float64, got .*int64"),
    (dict(input=f32(4, 3).double()), DTypeError, "running_mean is .*32, but input is .*64"),
    (dict(input=None), TypeError, "input must be a Tensor"),
    (dict(input="x"), TypeError, "input must be a Tensor"),
    (dict(input=[[1.0]]), TypeError, "input must be a Tensor"),
    (dict(input=f32(1, 3)), ValueError, r"more than 1 value per channel.* \(1, 3\)"),
    (dict(input=f32(1, 3, 1, 1)), ValueError, r"more than 1 value per channel.* \(1, 3, 1, 1\)"),
    (dict(momentum=-0.1), ValueError, "momentum must be .*>= 0 and <= 1, got -0.1"),
    (dict(momentum=1.5), ValueError, "momentum must be .*got 1.5"),
    (dict(momentum=float("nan")), ValueError, "momentum must be .*got nan"),
    (dict(momentum=None), TypeError, "momentum must be a number, got None"),
    (dict(momentum=True), TypeError, "momentum must be a number, got True"),
    (dict(eps=0), ValueError, "eps must be finite and > 0, got 0"),
    (dict(eps=0.0), ValueError, "eps must be finite and > 0, got 0.0"),
    (dict(eps=-1e-5), ValueError, "eps must be .*got -1e-05"),
    (dict(eps=float("nan")), ValueError, "eps must be .*got nan"),
    (dict(eps=float("inf")), ValueError, "eps must be .*got inf"),
    (dict(eps=None), TypeError, "eps must be a number"),
    (dict(axis=2), IndexError, r"axis 2 is out of range for input of shape \(4, 3\) .*-2 to 1"),
    (dict(axis=-3), IndexError, "axis -3 is out of range"),
    (dict(axis=0), ShapeError, r"expected \(4,\).*the channels are dimension 0"),
    (dict(axis=1.0), TypeError, "axis must be an integer, got 1.0"),
    (dict(axis=True), TypeError, "axis must be an integer, got True"),
    (dict(axis=None), TypeError, "axis must be an integer, got None"),
    (dict(unbiased_running_var=1), TypeError, "unbiased_running_var must be True or False, got 1"),
    (dict(unbiased_running_var=None), TypeError, "unbiased_running_var must be True or False"),
    (dict(training=1), TypeError, "training must be True or False, got 1"),
    (dict(training=None), TypeError, "training must be True or False"),
    (dict(running_mean=None), ValueError, "running_mean and running_var must be given both"),
    (dict(running_var=None), ValueError, "running_mean and running_var must be given both"),
    (dict(running_mean=None, running_var=None, training=False), ValueError,
     "running_mean and running_var must be given when training is False"),
    (dict(running_var=tensor([1.0, -0.25, 1.0])), ValueError, "running_var of channel 1 is -0.25"),
    (dict(running_var=tensor([1.0, 1.0, -2.0]), training=False), ValueError, "channel 2 is -2.0"),
]  # fmt: skip
for name in ("running_mean", "running_var", "weight", "bias"):
    BAD += [
        (dict([(name, f32(size))]), ShapeError, rf"{name} has shape \({size},\), expected \(3,\)")
        for size in (0, 2, 4)
    ]
    BAD += [
        (dict([(name, f32(3, 1))]), ShapeError, rf"{name} has shape \(3, 1\)"),
        (dict([(name, f32(()))]), ShapeError, rf"{name} has shape \(\)"),
        (dict([(name, f32(3).double())]), DTypeError, f"{name} is minigrad.float64, but input is"),
        (dict([(name, f32(3).long())]), DTypeError, f"{name} "),
        (dict([(name, "ones")]), TypeError, f"{name} must be a Tensor"),
        (dict([(name, [1, 1, 1])]), TypeError, f"{name} must be a Tensor"),
    ]
for name in ("running_mean", "running_var"):
    BAD += [
        (dict([(name, leaf(np.ones(3, np.float32)))]), GraphError, f"{name} requires a gradient"),
        (dict([(name, np.ones(3, np.float32))]), TypeError, f"{name} must be a Tensor or None"),
        (dict([(name, f32(1).expand(3))]), ValueError, "read-only"),
    ]


def state(call):
    tensors = [call[k] for k in ("input", "running_mean", "running_var", "weight", "bias")]
    return [
        (t.detach().numpy().tobytes(), t._version, t.grad)
        for t in tensors
        if isinstance(t, minigrad.Tensor)
    ]


@pytest.mark.parametrize(
    ("change", "error", "message"), BAD, ids=[f"{n}-{list(b[0])[-1]}" for n, b in enumerate(BAD)]
)
def test_bad_input(change, error, message):
    good = arguments()
    call = {**good, **change}
    before = state(good), state(call)
    with pytest.raises(error, match=f"^batch_norm: .*{message}") as caught:
        batch_norm(**call)
    assert caught.type is error
    assert (state(good), state(call)) == before
    batch_norm(**good)
    assert good["running_mean"]._version == 1


def test_a_single_value_is_enough_in_evaluation(kernels):
    call = {**arguments(), "input": f32(1, 3), "training": False}
    expected = -call["running_mean"].numpy() / np.sqrt(call["running_var"].numpy() + EPS)
    np.testing.assert_allclose(batch_norm(**call).detach().numpy()[0], expected, rtol=1e-6)
    several = batch_norm(f32(1, 3, 2, 2), None, None, training=True)
    assert several.shape == (1, 3, 2, 2)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 4), (2, 3, 0), (0, 3, 2, 2), (2, 3, 0, 2)])
def test_empty_batch(kernels, shape, training):
    call = {**arguments(), "input": leaf(np.zeros(shape, np.float32)), "training": training}
    before = [call[k].numpy().copy() for k in ("running_mean", "running_var")]
    y = batch_norm(**call)
    assert y.shape == shape
    y.backward(minigrad.zeros(*shape))
    assert call["input"].grad.shape == shape
    np.testing.assert_array_equal(call["weight"].grad.numpy(), np.zeros(3))
    np.testing.assert_array_equal(call["bias"].grad.numpy(), np.zeros(3))
    after = [call[k].numpy() for k in ("running_mean", "running_var")]
    np.testing.assert_array_equal(after, before)
    assert call["running_mean"]._version == 0


def test_no_channels(kernels):
    empty = minigrad.zeros(0)
    y = batch_norm(minigrad.zeros(4, 0), empty, empty.clone(), training=True)
    assert y.shape == (4, 0)


def test_numpy_arrays_will_do(kernels):
    x, gamma = normal(5, 3, seed=0), normal(3, seed=1)
    y = batch_norm(x, None, None, gamma, training=True)
    np.testing.assert_allclose(y.numpy(), exact(x)[0] * gamma, atol=1e-14)


def test_only_wanted_gradients(kernels):
    x, gamma, beta = normal(5, 3, seed=0), normal(3, seed=1), normal(3, seed=2)
    dy = normal(5, 3, seed=3)
    for wanted in ([0], [1], [2], [0, 2], [1, 2], [0, 1]):
        tensors = [tensor(a, requires_grad=i in wanted) for i, a in enumerate((x, gamma, beta))]
        y = batch_norm(tensors[0], None, None, *tensors[1:], training=True)
        y.backward(tensor(dy))
        expected = exact_dx(dy, x, gamma), (dy * exact(x)[0]).sum(0), dy.sum(0)
        for i, each in enumerate(tensors):
            if i in wanted:
                np.testing.assert_allclose(each.grad.numpy(), expected[i], rtol=1e-9, atol=1e-12)
            else:
                assert each.grad is None
    with minigrad.no_grad():
        assert batch_norm(leaf(x), None, None, training=True).grad_fn is None


def test_saved_memory_is_the_input_alone():
    """No normalized copy is kept: backward makes x_hat anew."""
    x, gamma = leaf(normal(2000, 100, seed=0)), leaf(normal(100, seed=1))
    batch_norm(x, None, None, gamma, training=True)
    tracemalloc.start()
    y = batch_norm(x, None, None, gamma, training=True)
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held < y.numel() * 8 + 20_000
