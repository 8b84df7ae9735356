"""max_pool2d: its kernels against their twins and the definition; the function against torch."""

import signal
import time

import numpy as np
import pytest
from helpers.layouts import laid_out, leaf, normal
from helpers.pooling_reference import both, cotangent, pooling_call
from helpers.rest_slow import rest_slow

import minigrad
from minigrad import DTypeError, ShapeError, tensor
from minigrad._kernels import active, reference, use_kernels
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.nn.functional import max_pool2d


@pytest.fixture(params=["compiled", "reference"])
def kernels(request):
    with use_kernels(request.param):
        yield active


# --- kernels -------------------------------------------------------------------------------------


def geometry(seed):
    """Shapes of x and y, and the window; windows may lie anywhere, also far outside."""
    rng = np.random.default_rng(seed)
    planes, H, W, P, Q = (int(n) for n in rng.integers(1, 9, 5))
    window = [*rng.integers(1, 5, 4), *rng.integers(-5, 9, 2), *rng.integers(1, 4, 2)]
    if rng.integers(3) == 0:  # the window that has a loop of its own, at its limits too
        P, Q = max(H // 2, 1), max(W // 2, 1)
        window = [2, 2, 2, 2, 0, 0, 1, 1]
    return (planes, H, W), (planes, P, Q), [int(n) for n in window]


def values(seed, shape, dtype):
    """Values with ties, infinities and NaNs."""
    rng = np.random.default_rng(seed)
    x = rng.integers(-3, 4, shape).astype(dtype) if rng.integers(2) else normal(*shape, seed=seed)
    x = x.astype(dtype)
    for odd in (np.nan, np.inf, -np.inf):
        if rng.integers(3) == 0:
            x[rng.random(shape) < 0.3] = odd
    return x


@pytest.mark.parametrize("block", rest_slow(range(3), [0]))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_is_its_reference(dtype, block):
    for seed in range(100 * block, 100 * block + 100):
        x_shape, shape, window = geometry(seed)
        x = values(seed, x_shape, dtype)
        x.flags.writeable = False
        y, y_twin = np.full((2, *shape), 7, dtype)
        index, index_twin = np.full((2, *shape), 7)
        active.max_pool2d_forward(x, y, index, *window)
        reference.max_pool2d_forward(x, y_twin, index_twin, *window)
        np.testing.assert_array_equal(y, y_twin, err_msg=f"seed {seed}")
        np.testing.assert_array_equal(index, index_twin, err_msg=f"seed {seed}")

        planes, windows, size = shape[0], shape[1] * shape[2], x_shape[1] * x_shape[2]
        dy, index = normal(planes, windows, seed=seed, dtype=dtype), index.reshape(planes, windows)
        dx, dx_twin = np.full((2, planes, size), np.nan, dtype)
        active.max_pool2d_scatter(dy, index, dx)
        reference.max_pool2d_scatter(dy, index, dx_twin)
        np.testing.assert_allclose(dx, dx_twin, rtol=1e-6, atol=1e-6)
        v = normal(planes, size, seed=seed, dtype=dtype)
        ddy, ddy_twin = np.empty((2, *dy.shape), dtype)
        active.max_pool2d_gather(v, index, ddy)
        reference.max_pool2d_gather(v, index, ddy_twin)
        np.testing.assert_array_equal(ddy, ddy_twin)
        np.testing.assert_allclose((v * dx).sum(), (ddy * dy).sum(), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("block", rest_slow(range(2), [0]))
def test_kernel_is_its_definition(kernels, block):
    for seed in range(50 * block, 50 * block + 50):
        x_shape, shape, window = geometry(seed)
        k_h, k_w, s_h, s_w, top, left, d_h, d_w = window
        x = values(seed, x_shape, np.float64)
        y, index = np.empty(shape), np.empty(shape, np.int64)
        kernels.max_pool2d_forward(x, y, index, *window)
        for n, p, q in np.ndindex(shape):
            best, winner = -np.inf, -1
            for i, j in np.ndindex(k_h, k_w):
                h, w = p * s_h + i * d_h - top, q * s_w + j * d_w - left
                if not (0 <= h < x_shape[1] and 0 <= w < x_shape[2]):
                    continue
                value = x[n, h, w]
                if winner == -1 or value > best or np.isnan(value):
                    best, winner = value, h * x_shape[2] + w
            np.testing.assert_equal((y[n, p, q], index[n, p, q]), (best, winner))


def test_kernel_of_nothing(kernels):
    window = [2, 2, 2, 2, 0, 0, 1, 1]
    for shape in ((0, 2, 2), (3, 0, 2), (3, 2, 0)):
        y, index = np.empty(shape), np.empty(shape, np.int64)
        kernels.max_pool2d_forward(np.ones((shape[0], 4, 4)), y, index, *window)
    for x_shape in ((3, 0, 2), (3, 2, 0)):
        y, index = np.empty((3, 2, 2)), np.empty((3, 2, 2), np.int64)
        kernels.max_pool2d_forward(np.ones(x_shape), y, index, *window)
        assert (y == -np.inf).all() and (index == -1).all()
    nowhere = np.full((2, 3), -1)
    dx, ddy = np.full((2, 5), np.nan), np.full((2, 3), np.nan)
    kernels.max_pool2d_scatter(np.ones((2, 3)), nowhere, dx)
    kernels.max_pool2d_gather(np.ones((2, 5)), nowhere, ddy)
    assert not dx.any() and not ddy.any()


def test_kernel_refuses_nonsense():
    """The compiled loops read and write without looking: what does not fit must not reach them."""
    window = [2, 2, 2, 2, 0, 0, 1, 1]
    arrays = [np.ones((3, 4, 4)), np.ones((3, 2, 2)), np.ones((3, 2, 2), np.int64)]
    flat = [np.ones((3, 4)), np.ones((3, 4), np.int64), np.ones((3, 16))]
    back = [np.ones((3, 16)), np.ones((3, 4), np.int64), np.ones((3, 4))]
    active.max_pool2d_forward(*arrays, *window)
    for call, good, rest in (
        (active.max_pool2d_forward, arrays, window),
        (active.max_pool2d_scatter, flat, []),
        (active.max_pool2d_gather, back, []),
    ):
        call(*good, *rest)
        for place, array in enumerate(good):
            wrong = [array[:2], array[0], array.T, array.astype(np.float16), None, "x", 3]
            wrong += [np.zeros((3, 0), array.dtype)]
            if place:
                wrong += [array[:, :1].copy()] if array is not flat[2] else []
            for value in wrong:
                changed = [*good[:place], value, *good[place + 1 :]]
                with pytest.raises((ValueError, TypeError, AttributeError)):
                    call(*changed, *rest)
    for place in range(8):
        for value in [2**62, -(2**62), 2**80, None, "1"] + [0, -1] * (place not in (4, 5)):
            changed = [*window[:place], value, *window[place + 1 :]]
            with pytest.raises((ValueError, TypeError, OverflowError)):
                active.max_pool2d_forward(*arrays, *changed)
    for place in (16, -2, 2**62, -(2**62)):
        flat[1][1, 2] = back[1][1, 2] = place
        for call, good in ((active.max_pool2d_scatter, flat), (active.max_pool2d_gather, back)):
            with pytest.raises(ValueError, match=f"index {place} is outside a plane of 16"):
                call(*good)


def test_kernel_never_leaves_its_arrays():
    """Steps as large as they may be lead outside, which is padding."""
    largest = 2**31 - 1
    for seed in range(50):
        rng = np.random.default_rng(seed)
        choices = [1, 2, largest // 2, largest]
        window = [
            *rng.integers(1, 4, 2), *rng.choice(choices, 2),
            *rng.choice([-largest, -1, 0, 1, largest], 2), *rng.choice(choices, 2),
        ]  # fmt: skip
        window = [int(n) for n in window]
        x, shape = normal(2, 4, 4, seed=seed), (2, 3, 3)
        found, expected = np.empty((2, *shape))
        index, index_twin = np.empty((2, *shape), np.int64)
        active.max_pool2d_forward(x, found, index, *window)
        reference.max_pool2d_forward(x, expected, index_twin, *window)
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(index, index_twin)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signal.setitimer")
@pytest.mark.parametrize("kernel", [2, 3])
def test_kernel_answers_ctrl_c(kernel):
    class Interrupt(Exception):
        pass

    def interrupt(*_):
        raise Interrupt

    x = np.ones((200, 300, 300), np.float32)
    y = np.full((200, 149, 149), 7, np.float32)
    index = np.zeros(y.shape, np.int64)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(Interrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            active.max_pool2d_forward(x, y, index, kernel, kernel, 2, 2, 0, 0, 1, 1)
            time.sleep(1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert y.ravel()[-1] == 7  # the kernel was left before its end


# --- the function --------------------------------------------------------------------------------


@pytest.mark.parametrize("block", rest_slow(range(3), [0]))
def test_agrees_with_torch(torch, kernels, block):
    for seed in range(100 * block, 100 * block + 100):
        x, options = pooling_call(seed)
        theirs = torch.from_numpy(x.copy()).requires_grad_()
        try:
            z, z_index = torch.nn.functional.max_pool2d(theirs, return_indices=True, **options)
        except RuntimeError:
            with pytest.raises(ValueError, match="max_pool2d: (no window|padding)"):
                max_pool2d(tensor(x), **options)
            continue
        ours = leaf(x)
        y, index = max_pool2d(ours, return_indices=True, **options)
        assert index.dtype is minigrad.int64 and not index.requires_grad
        np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy(), f"seed {seed}")
        np.testing.assert_array_equal(index.numpy(), z_index.numpy(), f"seed {seed}")
        dy = cotangent(seed, y.shape)
        y.backward(tensor(dy))
        z.backward(torch.from_numpy(dy.copy()))
        np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), atol=1e-12)


def composed(x, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False):
    """The same from indexing and a maximum along a dimension."""
    kernel, padding, dilation = both(kernel_size), both(padding), both(dilation)
    stride = kernel if stride is None else both(stride)
    places = []
    for size, k, s, p, d in zip(x.shape[-2:], kernel, stride, padding, dilation, strict=True):
        room = size + 2 * p - d * (k - 1) - 1
        count = (-(-room // s) if ceil_mode else room // s) + 1
        if ceil_mode and (count - 1) * s >= size + p:
            count -= 1
        place = np.arange(count) * s + np.arange(k)[:, None] * d - p
        places.append(np.where((place < 0) | (place >= size), size, place))
    H, W = x.shape[-2:]
    wide = minigrad.full((*x.shape[:-2], H + 1, W + 1), -np.inf, dtype=x.dtype)
    wide[..., :H, :W] = x
    under = wide[..., places[0][:, None, :, None], places[1][None, :, None, :]]
    out = tuple(under.shape[-2:])
    return under.reshape(*x.shape[:-2], -1, *out).max(-3).values


def test_agrees_with_primitives(kernels):
    tried = 0
    for seed in range(80):
        x, options = pooling_call(seed)
        x = normal(*x.shape, seed=seed)  # without ties, which a maximum may resolve in another way
        ours, theirs = leaf(x), leaf(x)
        try:
            y = max_pool2d(ours, **options)
        except ShapeError:
            continue
        tried += 1
        z = composed(theirs, **options)
        np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy())
        dy = tensor(cotangent(seed, y.shape))
        y.backward(dy)
        z.backward(dy)
        np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), atol=1e-12)
    assert tried > 40


@pytest.mark.parametrize(
    "options",
    [
        dict(kernel_size=2),
        dict(kernel_size=3, stride=1, padding=1),
        dict(kernel_size=(3, 2), stride=(1, 2), padding=(1, 0), dilation=(1, 2), ceil_mode=True),
    ],
    ids=str,
)
@pytest.mark.parametrize("shape", [(2, 2, 5, 6), (3, 5, 4)])
def test_derivatives(torch, options, shape):
    x = leaf(np.random.default_rng(0).permutation(np.prod(shape)).reshape(shape) / 7.0)
    assert gradcheck(lambda x: max_pool2d(x, **options), (x,))
    assert gradgradcheck(lambda x: max_pool2d(x, **options), (x,))

    def thrice(library, function):
        x = library.as_tensor(normal(*shape, seed=0)).requires_grad_()
        y = function(x, **options)
        dy = library.as_tensor(normal(*y.shape, seed=1)).requires_grad_()
        (dx,) = library.autograd.grad(y, x, dy, create_graph=True)
        w = library.as_tensor(normal(*shape, seed=2))
        (ddy,) = library.autograd.grad((dx**3 * w).sum(), dy, create_graph=True)
        third = library.autograd.grad((ddy**2).sum(), dy)
        return [each.detach().numpy() for each in (dx, ddy, *third)]

    for a, b in zip(
        thrice(minigrad, max_pool2d), thrice(torch, torch.nn.functional.max_pool2d), strict=True
    ):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


def test_nan_infinity_and_ties(torch, kernels):
    for seed in range(60):
        x = values(seed, (2, 3, 6, 7), np.float64)
        for options in (dict(kernel_size=2), dict(kernel_size=3, stride=2, padding=1)):
            y, index = max_pool2d(tensor(x), return_indices=True, **options)
            z, z_index = torch.nn.functional.max_pool2d(
                torch.from_numpy(x.copy()), return_indices=True, **options
            )
            np.testing.assert_array_equal(y.numpy(), z.numpy())
            np.testing.assert_array_equal(index.numpy(), z_index.numpy())


def test_a_window_that_sees_padding_only(kernels):
    x = leaf(normal(1, 1, 2, 2, seed=0))
    y, index = max_pool2d(x, 2, padding=1, dilation=3, return_indices=True)
    assert y.item() == -np.inf and index.item() == -1
    y.sum().backward()
    assert not x.grad.numpy().any()


def test_layout_does_not_matter():
    for seed in range(60):
        x, options = pooling_call(seed)
        rng = np.random.default_rng(seed)
        plain, odd = leaf(np.array(x, order="C")), leaf(laid_out(rng, np.array(x, order="C")))
        try:
            y = max_pool2d(plain, **options)
        except ShapeError:
            continue
        z = max_pool2d(odd, **options)
        np.testing.assert_array_equal(y.detach().numpy(), z.detach().numpy())
        dy = normal(*y.shape, seed=seed)
        y.backward(tensor(dy))
        z.backward(minigrad.from_numpy(laid_out(rng, dy)))
        np.testing.assert_array_equal(plain.grad.numpy(), odd.grad.numpy())


def test_empty_batch():
    x = minigrad.zeros(0, 3, 4, 4, requires_grad=True)
    y, index = max_pool2d(x, 2, return_indices=True)
    assert y.shape == index.shape == (0, 3, 2, 2)
    y.sum().backward()
    assert x.grad.shape == (0, 3, 4, 4)


def test_a_changed_index_is_noticed():
    x = leaf(normal(1, 1, 4, 4, seed=0))
    y, index = max_pool2d(x, 2, return_indices=True)
    index.zero_()
    with pytest.raises(minigrad.GraphError, match="MaxPool2D"):
        y.sum().backward()


# --- bad arguments -------------------------------------------------------------------------------

ONES = np.ones((2, 3, 5, 5))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((ONES[0, 0], 2), ShapeError, r"input must have shape .*, got \(5, 5\)"),
        ((ONES[None], 2), ShapeError, r"input must .*, got \(1, 2, 3, 5, 5\)"),
        ((ONES[:, :0], 2), ShapeError, r"only N may be 0, got \(2, 0, 5, 5\)"),
        ((ONES[..., :0], 2), ShapeError, r"only N may be 0, got \(2, 3, 5, 0\)"),
        ((ONES, 6), ShapeError, r"no window of kernel_size 6 .* fits into .*\(2, 3, 5, 5\)"),
        ((ONES, (1, 3), 1, 0, 3), ShapeError, r"no window of kernel_size \(1, 3\) with dilation 3"),
        ((ONES, 0), ValueError, "kernel_size must be >= 1, got 0"),
        ((ONES, (2, -1)), ValueError, r"kernel_size must be >= 1, got \(2, -1\)"),
        ((ONES, 2.0), TypeError, "kernel_size must be an integer or a pair of integers, got 2.0"),
        ((ONES, True), TypeError, "kernel_size must be .*, got True"),
        ((ONES, None), TypeError, "kernel_size must be .*, got None"),
        ((ONES, (2, 2, 2)), TypeError, "kernel_size must be an integer or a pair"),
        ((ONES, 2, 0), ValueError, "stride must be >= 1, got 0"),
        ((ONES, 2, []), TypeError, r"stride must be .*, got \[\]"),
        ((ONES, 2, 2**31), ValueError, "stride must be <= 2147483647"),
        ((ONES, 3, 1, -1), ValueError, "padding must be >= 0, got -1"),
        ((ONES, 4, 1, 3), ValueError, "padding 3 is more than half of kernel_size 4"),
        ((ONES, 3, 1, 2), ValueError, "padding 2 is more than half of kernel_size 3"),
        ((ONES, 3, 1, (0, 2)), ValueError, r"padding \(0, 2\) is more than half"),
        ((ONES, 2, 1, 0, 0), ValueError, "dilation must be >= 1, got 0"),
        ((ONES, 2, 1, 0, 1, 1), TypeError, "ceil_mode must be True or False, got 1"),
        ((ONES, 2, 1, 0, 1, True, 0), TypeError, "return_indices must be True or False, got 0"),
        ((ONES.astype(int), 2), DTypeError, "input must be float32 or float64, got .*int64"),
        ((None, 2), TypeError, "input must be a Tensor"),
        (([[[1.0]]], 1), TypeError, "input must be a Tensor"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=f"^max_pool2d: .*{message}") as caught:
        max_pool2d(*arguments)
    assert caught.type is error
