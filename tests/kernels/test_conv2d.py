"""The kernels of conv2d: against their twins and the definition, with good and with bad input."""

import signal
import time

import numpy as np
import pytest
from helpers.layouts import normal

from minigrad._kernels import active, reference, use_kernels


@pytest.fixture(params=["compiled", "reference"])
def kernels(request):
    with use_kernels(request.param):
        yield active


# --- kernels -------------------------------------------------------------------------------------


def geometry(seed):
    """Shapes of x and columns, and steps; windows may lie anywhere, also far outside."""
    rng = np.random.default_rng(seed)
    N, C, H, W, kernel_h, kernel_w, P, Q = (int(n) for n in rng.integers(1, 6, 8))
    steps = [*rng.integers(1, 5, 2), *rng.integers(-6, 12, 2), *rng.integers(1, 5, 2)]
    return (N, C, H, W), (N, C, kernel_h, kernel_w, P, Q), [int(n) for n in steps]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_is_its_reference(dtype):
    for seed in range(200):
        x_shape, shape, steps = geometry(seed)
        x, columns = (
            normal(*x_shape, seed=seed, dtype=dtype),
            normal(*shape, seed=seed, dtype=dtype),
        )
        x.flags.writeable = columns.flags.writeable = False
        found, expected = np.full((2, *shape), np.nan, dtype)
        active.conv2d_gather(x, found, *steps)
        reference.conv2d_gather(x, expected, *steps)
        np.testing.assert_array_equal(found, expected, err_msg=f"seed {seed}")
        found, expected = x.copy(), x.copy()
        active.conv2d_scatter(columns, found, *steps)
        reference.conv2d_scatter(columns, expected, *steps)
        tolerance = 1e-13 if dtype == np.float64 else 1e-5
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)


def test_kernel_gather_is_its_definition(kernels):
    for seed in range(30):
        x_shape, shape, (s_h, s_w, top, left, d_h, d_w) = geometry(seed)
        x, found = normal(*x_shape, seed=seed), np.full(shape, np.nan)
        kernels.conv2d_gather(x, found, s_h, s_w, top, left, d_h, d_w)
        for n, c, i, j, p, q in np.ndindex(shape):
            h, w = p * s_h + i * d_h - top, q * s_w + j * d_w - left
            inside = 0 <= h < x_shape[2] and 0 <= w < x_shape[3]
            assert found[n, c, i, j, p, q] == (x[n, c, h, w] if inside else 0)


def test_kernels_are_adjoint(kernels):
    for seed in range(100):
        x_shape, shape, steps = geometry(seed)
        x, columns = normal(*x_shape, seed=seed), normal(*shape, seed=seed + 1)
        gathered, scattered = np.full(shape, np.nan), np.zeros(x_shape)
        kernels.conv2d_gather(x, gathered, *steps)
        kernels.conv2d_scatter(columns, scattered, *steps)
        np.testing.assert_allclose((gathered * columns).sum(), (x * scattered).sum(), atol=1e-12)


def test_kernel_scatter_adds(kernels):
    x = normal(1, 1, 2, 2, seed=0)
    before = x.copy()
    columns = np.ones((1, 1, 1, 1, 2, 2))
    for _ in range(2):
        kernels.conv2d_scatter(columns, x, 1, 1, 0, 0, 1, 1)
    np.testing.assert_allclose(x, before + 2)


@pytest.mark.parametrize("place", range(6))
def test_kernel_of_nothing(kernels, place):
    for x_shape in ((2, 3, 4, 5), (2, 3, 0, 5), (2, 3, 4, 0)):
        shape = [2, 3, 2, 2, 3, 3]
        shape[place] = 0
        x = np.ones((*shape[:2], *x_shape[2:]))
        columns = np.ones(shape)
        kernels.conv2d_gather(x, columns, 1, 1, 1, 1, 1, 1)
        kernels.conv2d_scatter(columns, x, 1, 1, 1, 1, 1, 1)
        np.testing.assert_array_equal(x, np.ones(x.shape))
        full = np.ones((2, 3, 2, 2, 3, 3))
        kernels.conv2d_gather(np.ones(x_shape), full, 1, 1, 9, 9, 1, 1)
        np.testing.assert_array_equal(full, np.zeros(full.shape))


def test_kernel_refuses_nonsense():
    """The compiled loops read and write without looking: what does not fit must not reach them."""
    x, columns, steps = np.ones((2, 3, 5, 5)), np.ones((2, 3, 2, 2, 4, 4)), [1, 1, 0, 0, 1, 1]
    for call, a, b in ((active.conv2d_gather, x, columns), (active.conv2d_scatter, columns, x)):
        call(a, b, *steps)
        for wrong in (a[:1], a[:, :1].copy(), a.astype(np.float32), a[..., 0], a.T, None, "x", 3):
            with pytest.raises((ValueError, TypeError, AttributeError)):
                call(wrong, b, *steps)
            with pytest.raises((ValueError, TypeError, AttributeError)):
                call(b, wrong, *steps)
        for position in range(6):
            bad = [2**31, 2**62, -(2**62), 2**80, None, "1", 0.5]
            for wrong in bad + ([0, -1] if position not in (2, 3) else []):
                changed = [*steps[:position], wrong, *steps[position + 1 :]]
                with pytest.raises((ValueError, TypeError, OverflowError)):
                    call(a, b, *changed)


def test_kernel_never_leaves_its_arrays():
    """Steps as large as they may be lead outside, which is padding."""
    largest = 2**31 - 1
    for seed in range(50):
        rng = np.random.default_rng(seed)
        choices = [1, 2, largest // 2, largest]
        steps = [
            *rng.choice(choices, 2), *rng.choice([-largest, -1, 0, 1, largest], 2),
            *rng.choice(choices, 2),
        ]  # fmt: skip
        steps = [int(n) for n in steps]
        x, columns = normal(1, 2, 4, 4, seed=seed), np.full((1, 2, 3, 3, 3, 3), np.nan)
        expected = columns.copy()
        active.conv2d_gather(x, columns, *steps)
        reference.conv2d_gather(x, expected, *steps)
        np.testing.assert_array_equal(columns, expected)
        found, expected = x.copy(), x.copy()
        active.conv2d_scatter(columns, found, *steps)
        reference.conv2d_scatter(columns, expected, *steps)
        np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signal.setitimer")
@pytest.mark.parametrize("gather", [True, False])
def test_kernel_answers_ctrl_c(gather):
    class Interrupt(Exception):
        pass

    def interrupt(*_):
        raise Interrupt

    x = np.ones((50, 4, 200, 200), np.float32)
    columns = np.full((50, 4, 1, 1, 200, 200), 7, np.float32)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(Interrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            if gather:
                active.conv2d_gather(x, columns, 1, 1, 0, 0, 1, 1)
            else:
                active.conv2d_scatter(columns, x, 1, 1, 0, 0, 1, 1)
            time.sleep(1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    # The kernel was left before its end.
    assert columns.ravel()[-1] == 7 and x.ravel()[-1] == 1
