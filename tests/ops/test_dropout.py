"""Dropout: the kernel against its NumPy twin, the share of kept elements, the edges p = 0 and 1."""

import numpy as np
import pytest

import minigrad as mg
from minigrad._kernels import dropout, reference, use_kernels
from minigrad.autograd.gradcheck import gradcheck, gradgradcheck
from minigrad.ops.nn import dropout as rule

floats = pytest.mark.parametrize("dtype", [np.float32, np.float64])


def forward(kernels, x, u, p):
    y, mask = np.empty_like(x), np.empty(x.shape, np.uint8)
    kernels.dropout_forward(x, u, y, mask, p)
    return y, mask


def backward(kernels, dy, mask, p):
    dx = np.empty_like(dy)
    kernels.dropout_backward(dy, mask, dx, p)
    return dx


@floats
@pytest.mark.parametrize("p", [0.0, 0.3, 1 / 3, 1.0])
def test_kernel_equals_reference(dtype, p):
    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 1001)).astype(dtype)
    u = rng.random(1001, dtype)
    y, mask = forward(dropout, x, u, p)
    twin, twin_mask = forward(reference, x, u, p)
    np.testing.assert_array_equal(y, twin)
    np.testing.assert_array_equal(mask, twin_mask)
    np.testing.assert_array_equal(backward(dropout, dy, mask, p), backward(reference, dy, mask, p))


def test_none_and_all():
    rng = np.random.default_rng(1)
    x, u = rng.standard_normal(100), rng.random(100)
    u[0] = 0  # the smallest that can be drawn: kept with p = 0
    np.testing.assert_array_equal(forward(dropout, x, u, 0.0)[0], x)
    np.testing.assert_array_equal(forward(dropout, x, u, 1.0)[0], 0 * x)


def test_gradient_passes_where_the_number_passed():
    rng = np.random.default_rng(2)
    x, dy = rng.standard_normal((2, 1000))
    y, mask = forward(dropout, x, rng.random(1000), 0.4)
    np.testing.assert_allclose(y, x * mask / 0.6, rtol=1e-14)
    np.testing.assert_allclose(backward(dropout, dy, mask, 0.4), dy * mask / 0.6, rtol=1e-14)
    assert abs(mask.mean() - 0.6) < 0.05


def test_nonsense_raises():
    x, mask = np.ones(4, np.float32), np.ones(4, np.uint8)
    with pytest.raises(ValueError, match="dropout_forward: arrays of 4, 3 and 4 elements"):
        dropout.dropout_forward(x, x[:3].copy(), x, mask, 0.5)
    with pytest.raises(ValueError, match="dropout_forward: arrays of 4, 3 and 4 elements"):
        dropout.dropout_forward(x, x, x, mask[:3].copy(), 0.5)
    with pytest.raises(ValueError, match="dropout_backward: arrays of 4, 3 and 4 elements"):
        dropout.dropout_backward(x, mask[:3].copy(), x, 0.5)
    with pytest.raises(ValueError, match="dtype mismatch"):
        dropout.dropout_forward(x, x, x, x, 0.5)


@floats
def test_empty(dtype):
    empty = np.empty(0, dtype)
    y, mask = forward(dropout, empty, empty, 0.5)
    assert y.shape == mask.shape == backward(dropout, empty, mask, 0.5).shape == (0,)


# --- operation ----------------------------------------------------------------------------------


def seeded(p=0.4, seed=7):
    """Dropout with the same mask in each call."""

    def function(x):
        mg.manual_seed(seed)
        return rule.dropout(x, p)

    return function


def test_first_and_second_derivative():
    x = mg.tensor(np.random.default_rng(0).standard_normal((3, 4)), requires_grad=True)
    assert gradcheck(seeded(), (x,), rtol=1e-7)
    assert gradgradcheck(lambda x: seeded()(x * x), (x,))


def test_share_and_mean():
    mg.manual_seed(0)
    y = rule.dropout(mg.ones(100_000), 0.25)
    values, counts = np.unique(y.numpy(), return_counts=True)
    np.testing.assert_allclose(values, [0, 1 / 0.75], rtol=1e-6)
    assert abs(counts[0] / 100_000 - 0.25) < 0.005  # 3.6 standard deviations


def test_draws_anew_and_repeats_with_the_seed():
    x = mg.ones(64)
    first, second = rule.dropout(x), rule.dropout(x)
    assert first.tolist() != second.tolist()
    assert seeded()(x).tolist() == seeded()(x).tolist() != seeded(seed=8)(x).tolist()


def test_nothing_to_drop_gives_the_input_itself():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    assert rule.dropout(x, 0.5, training=False) is x
    assert rule.dropout(x, 0.0) is x
    integers = mg.tensor([1, 2])
    assert rule.dropout(integers, 0.5, training=False) is integers


def test_everything_dropped():
    x = mg.tensor([1.0, -2.0], requires_grad=True)
    y = rule.dropout(x, 1.0)
    y.backward(mg.tensor([3.0, 4.0]))
    assert y.tolist() == [0, 0] and x.grad.tolist() == [0, 0]


@pytest.mark.parametrize("shape", [(), (0, 3), (2, 3)])
def test_shapes_and_layouts(shape):
    x = mg.ones(shape).double().requires_grad_()
    y = seeded()(x.t() if len(shape) == 2 else x)
    y.backward(mg.full(y.shape, 2.0, dtype=mg.float64))
    grad = x.grad.t() if len(shape) == 2 else x.grad
    np.testing.assert_allclose(grad.numpy(), 2 * y.detach().numpy())


def test_reference_kernels_give_the_same():
    x = mg.tensor(np.random.default_rng(0).standard_normal(100))
    compiled = seeded()(x).tolist()
    with use_kernels("reference"):
        assert seeded()(x).tolist() == compiled


def test_in_place():
    x = mg.ones(50).requires_grad_() * 1.0
    expected = seeded()(x).tolist()
    mg.manual_seed(7)
    assert rule.dropout(x, 0.4, inplace=True) is x
    assert x.tolist() == expected


def test_a_refused_call_draws_nothing():
    state = mg.get_rng_state().tolist()
    x = mg.ones(3)
    for p in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="dropout: p must be finite and >= 0 and <= 1"):
            rule.dropout(x, p)
    for p in (None, "0.5", True):
        with pytest.raises(TypeError, match="dropout: p must be a number"):
            rule.dropout(x, p)
    with pytest.raises(TypeError, match="dropout: training must be True or False"):
        rule.dropout(x, 0.5, training=None)
    with pytest.raises(TypeError, match="dropout: input must be"):
        rule.dropout(None)
    with pytest.raises(mg.DTypeError, match="dropout: input must be float32 or float64"):
        rule.dropout(mg.tensor([1, 2]))
    with pytest.raises(TypeError, match="dropout: inplace must be True or False, got 1"):
        rule.dropout(x, inplace=1)
    with pytest.raises(mg.GraphError, match="dropout: a leaf that requires a gradient"):
        rule.dropout(mg.ones(3, requires_grad=True), inplace=True)
    assert mg.get_rng_state().tolist() == state


@pytest.mark.parametrize("kind", ["leaf", "read-only", "flag"])
def test_a_refused_write_draws_nothing(kind):
    mg.manual_seed(3)
    expected = mg.rand(5).tolist()
    mg.manual_seed(3)
    x, inplace = mg.ones(5), True
    if kind == "leaf":
        x.requires_grad_()
    elif kind == "read-only":
        x = mg.ones(1).expand(5)
    else:
        inplace = mg.ones(2)
    with pytest.raises((RuntimeError, ValueError, TypeError), match="dropout: "):
        mg.nn.functional.dropout(x, inplace=inplace)
    assert mg.rand(5).tolist() == expected
