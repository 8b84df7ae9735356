"""The kernels of batch normalization: against their twins, and their accuracy."""

import signal
import time

import numpy as np
import pytest
from helpers.batch_norm_reference import EPS, exact, exact_dx
from helpers.grids import for_each
from helpers.layouts import leaf, normal

from minigrad import get_num_threads, set_num_threads, tensor
from minigrad._kernels import active, reference
from minigrad.ops.nn.batch_norm import batch_norm


def run(kernels, x, dy, gamma, beta, eps, training, mean=None, var=None):
    """All outputs of forward and backward; inputs are read-only, outputs start as NaN."""
    C = x.shape[1]
    for array in (x, dy, gamma, beta):
        array.flags.writeable = False
    y, dx = np.full_like(x, np.nan), np.full_like(x, np.nan)
    dgamma, dbeta = np.full_like(gamma, np.nan), np.full_like(gamma, np.nan)
    inv_std = np.full(C, np.nan)
    mean = np.full(C, np.nan) if training else mean.copy()
    var = np.full(C, np.nan) if training else var.copy()
    kernels.batch_norm_forward(x, gamma, beta, y, mean, var, inv_std, eps, training)
    kernels.batch_norm_backward(dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training)
    return dict(y=y, dx=dx, dgamma=dgamma, dbeta=dbeta, mean=mean, var=var, inv_std=inv_std)


@pytest.mark.parametrize("training", [True, False])
@for_each("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    "shape",
    [(2, 1), (9, 5), (3, 1030), (70, 64), (1, 4, 2), (3, 2, 7), (2, 3, 128), (2, 2, 129),
     (4, 700, 3), (3, 40, 60), (2, 17, 64), (2, 17, 65)],
)  # fmt: skip
def test_kernel_is_its_reference(shape, dtype, training):
    rng = np.random.default_rng(0)
    C = shape[1]
    x = (3 * rng.standard_normal(shape) + 10).astype(dtype)
    dy = rng.standard_normal(shape).astype(dtype)
    gamma, beta = rng.standard_normal((2, C)).astype(dtype)
    mean, var = rng.standard_normal(C), rng.uniform(0.1, 4, C)
    compiled = run(active, x, dy, gamma, beta, 0.01, training, mean, var)
    expected = run(reference, x, dy, gamma, beta, 0.01, training, mean, var)
    tolerance = 1e-12 if dtype == np.float64 else 2e-6
    for name, values in expected.items():
        np.testing.assert_allclose(
            compiled[name], values, rtol=tolerance, atol=tolerance, err_msg=name
        )


def test_rows_that_are_fetched_ahead():
    x, dy = (
        normal(64_000, 33, seed=0).astype(np.float32) + 10,
        normal(64_000, 33, seed=1).astype(np.float32),
    )
    gamma, beta = normal(33, seed=2).astype(np.float32), normal(33, seed=3).astype(np.float32)
    expected = run(reference, x, dy, gamma, beta, 0.01, True)
    for name, values in run(active, x, dy, gamma, beta, 0.01, True).items():
        np.testing.assert_allclose(values, expected[name], rtol=2e-6, atol=2e-6, err_msg=name)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(9, 5), (3, 1030), (4, 700, 3), (2, 17, 65), (0, 3), (2, 3, 0)])
def test_kernel_of_statistics_alone(kernels, shape, dtype):
    x = (3 * normal(*shape, seed=0) + 10).astype(dtype)
    x.flags.writeable = False
    per_channel = np.ones(shape[1], dtype)
    whole = run(kernels, x, x, per_channel, per_channel, 0.1, True)
    mean, var = np.full((2, shape[1]), np.nan)
    kernels.batch_norm_statistics(x, mean, var)
    np.testing.assert_array_equal(mean, whole["mean"])
    np.testing.assert_array_equal(var, whole["var"])


def test_kernel_layouts_agree(kernels):
    x, dy, gamma, beta = (
        normal(6, 3, seed=1),
        normal(6, 3, seed=2),
        normal(3, seed=3),
        normal(3, seed=4),
    )
    rows = run(kernels, x, dy, gamma, beta, 0.1, True)
    for planes in [(6, 3, 1), (1, 3, 6), (2, 3, 3)]:

        def layout(u, planes=planes):
            u = u.reshape(planes[0], planes[2], 3)
            return np.ascontiguousarray(np.moveaxis(u, 2, 1))

        found = run(kernels, layout(x), layout(dy), gamma, beta, 0.1, True)
        for name in rows:
            expected = layout(rows[name]) if name in ("y", "dx") else rows[name]
            np.testing.assert_allclose(found[name], expected, rtol=1e-12, atol=1e-12)


def test_kernel_without_dx(kernels):
    x, dy, gamma = normal(6, 3, seed=1), normal(6, 3, seed=2), normal(3, seed=3)
    whole = run(kernels, x, dy, gamma, gamma, 0.1, True)
    dgamma, dbeta = np.empty((2, 3))
    for data in (x, dy), (x[:, :, None], dy[:, :, None]):
        kernels.batch_norm_backward(
            data[1], data[0], gamma, whole["mean"], whole["inv_std"], None, dgamma, dbeta, True
        )
        np.testing.assert_allclose(dgamma, whole["dgamma"], rtol=1e-12)
        np.testing.assert_allclose(dbeta, whole["dbeta"], rtol=1e-12)


@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 2), (2, 3, 0), (4, 0)])
@pytest.mark.parametrize("training", [True, False])
def test_kernel_of_nothing(kernels, shape, training):
    C = shape[1]
    x, per_channel = np.zeros(shape), np.ones(C)
    found = run(kernels, x, x.copy(), per_channel, per_channel, 1.0, training, *np.ones((2, C)))
    np.testing.assert_array_equal(found["dgamma"], np.zeros(C))
    np.testing.assert_array_equal(found["dbeta"], np.zeros(C))
    np.testing.assert_array_equal(found["mean"], np.zeros(C) if training else np.ones(C))
    np.testing.assert_array_equal(found["var"], np.zeros(C) if training else np.ones(C))


@pytest.mark.parametrize("unbiased", [True, False])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_update(kernels, dtype, unbiased):
    batch = normal(5, 3, seed=0)
    mean, var = normal(3, seed=1).astype(dtype), np.array([0.5, 1, 2], dtype)
    expected_mean = 0.7 * mean + 0.3 * batch.mean(0)
    expected_var = 0.7 * var + 0.3 * batch.var(0, ddof=1 if unbiased else 0)
    kernels.batch_norm_update(batch.mean(0), batch.var(0), mean, var, 0.3, 5, unbiased)
    tolerance = 1e-14 if dtype == np.float64 else 1e-7
    np.testing.assert_allclose(mean, expected_mean, rtol=tolerance, atol=tolerance)
    np.testing.assert_allclose(var, expected_var, rtol=tolerance)


def test_kernel_refuses_nonsense():
    """The compiled loops read and write without looking: what does not fit must not reach them."""

    def arguments(shape=(4, 3)):
        per_channel = ("gamma", "beta", "mean", "var", "inv_std", "dgamma", "dbeta")
        arrays = {name: np.ones(3) for name in per_channel}
        return arrays | {name: np.ones(shape) for name in ("x", "y", "dy", "dx")}

    def forward(a):
        active.batch_norm_forward(
            *(a[k] for k in ("x", "gamma", "beta", "y", "mean", "var", "inv_std")), EPS, True
        )

    def backward(a):
        names = ("dy", "x", "gamma", "mean", "inv_std", "dx", "dgamma", "dbeta")
        active.batch_norm_backward(*(a[k] for k in names), True)

    def statistics(a):
        active.batch_norm_statistics(a["x"], a["mean"], a["var"])

    tried = 0
    for shape in [(4, 3), (4, 3, 2), (4, 3, 70)]:
        for call, names in [
            (statistics, "mean var"),
            (forward, "x gamma beta y mean var inv_std"),
            (backward, "dy x gamma mean inv_std dx dgamma dbeta"),
        ]:
            call(arguments(shape))
            for name in names.split():
                good = arguments(shape)[name]
                wrong = [good[:-1], np.ones(()), good.astype(np.float32), good.astype(int), "x"]
                wrong += [np.ones(good.shape[:-1] + (good.shape[-1] + 1,)), None]
                if good.ndim > 1:  # the same values, otherwise arranged
                    wrong += [good.reshape(4, -1) if good.ndim == 3 else good[:, :, None]]
                wrong += [good[::-1]] if good.ndim == 1 else [np.asfortranarray(good)]
                for value in wrong:
                    if name == "dx" and value is None:
                        continue
                    with pytest.raises((ValueError, TypeError, AttributeError)):
                        call({**arguments(shape), name: value})
                    tried += 1
    assert tried == 3 * (2 * 8 + 7 * 8 + 8 * 8 - 1 + 2 + 3)
    for x in [np.ones(()), np.ones(3), np.ones((4, 3), int), np.ones((6, 4)).T, "x", None]:
        with pytest.raises((ValueError, TypeError, AttributeError)):
            active.batch_norm_statistics(x, np.ones(3), np.ones(3))
    for wrong in [np.ones(2), np.ones(4), np.ones((3, 1)), None]:
        for position in range(4):
            per_channel = [np.ones(3) for _ in range(4)]
            per_channel[position] = wrong
            with pytest.raises((ValueError, TypeError)):
                active.batch_norm_update(*per_channel, 0.1, 5, True)
    for m in (0, 1):
        with pytest.raises(ValueError, match="batch_norm_update: the unbiased variance needs 2"):
            active.batch_norm_update(*np.ones((4, 3)), 0.1, m, True)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signal.setitimer")
@pytest.mark.parametrize("shape", [(20_000, 600), (20, 600, 1000)])
@pytest.mark.parametrize("backward", [False, True])
def test_kernel_answers_ctrl_c(shape, backward):
    class Interrupt(Exception):
        pass

    def interrupt(*_):
        raise Interrupt

    x = np.ones(shape, np.float32)
    out = np.full(shape, 7, np.float32)
    per_channel = np.ones((3, 600), np.float32)
    statistics = np.ones((3, 600))
    before, threads = signal.signal(signal.SIGALRM, interrupt), get_num_threads()
    set_num_threads(1)  # a worker would finish its part
    try:
        with pytest.raises(Interrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.001)
            if backward:
                active.batch_norm_backward(
                    x, x, per_channel[0], *statistics[:2], out, *per_channel[1:], True
                )
            else:
                active.batch_norm_forward(x, *per_channel[:2], out, *statistics, EPS, True)
            time.sleep(1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        set_num_threads(threads)
    assert out.ravel()[-1] == 7  # the kernel was left before its end


# --- accuracy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1024, 16), (4, 16, 256), (4, 16, 16, 16)])
@for_each("offset", [0, 1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7])
def test_accuracy_at_any_offset(kernels, shape, offset):
    x = (normal(*shape, seed=0) + offset).astype(np.float32)
    dy = normal(*shape, seed=1, dtype=np.float32)
    t = leaf(x)
    y = batch_norm(t, None, None, training=True)
    assert np.abs(y.detach().numpy() - exact(x)[0]).max() <= 1e-6
    y.backward(tensor(dy))
    if offset <= 1e6:
        assert np.abs(t.grad.numpy() - exact_dx(dy, x, np.ones(16))).max() <= 1e-6


@pytest.mark.parametrize("offset", [0, 1e4, 1e7])
def test_accuracy_of_evaluation(kernels, offset):
    x = (normal(512, 8, seed=0) + offset).astype(np.float32)
    mean, var = (normal(8, seed=1) + offset).astype(np.float32), np.full(8, 1.5, np.float32)
    y = batch_norm(tensor(x), tensor(mean), tensor(var))
    expected = (x - mean.astype(float)) / np.sqrt(var.astype(float) + EPS)
    assert np.abs(y.numpy() - expected).max() <= 1e-6


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(1000, 1), (10, 1, 100)])
@for_each("value", [0.0, 0.1, 1 / 3, 100, 1e4, 1e8, -1e30, 3.4e38, 1e-40])
def test_a_constant_channel_is_exactly_beta(kernels, dtype, shape, value):
    x = tensor(np.full(shape, value, dtype))
    mean, var = tensor(np.zeros(1, dtype)), tensor(np.ones(1, dtype))
    beta = tensor(np.array([0.3], dtype))
    y = batch_norm(x, mean, var, tensor(np.array([-1.7], dtype)), beta, training=True)
    np.testing.assert_array_equal(y.numpy(), np.full(shape, dtype(0.3)))
    assert var.item() == dtype(0.9)
    np.testing.assert_allclose(mean.item(), 0.1 * float(dtype(value)), rtol=1e-6, atol=1e-45)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(2, 1), (1, 1, 2)])
@pytest.mark.parametrize("size", [1e30, 1e37, 3.4e38])
def test_huge_values(kernels, dtype, shape, size):
    x = np.array([size, -size], dtype).reshape(shape)
    y = batch_norm(tensor(x), None, None, training=True).numpy().ravel()
    np.testing.assert_allclose(y, [1, -1], rtol=1e-6)
    lopsided = np.array([size] * 3 + [-size], dtype).reshape(-1, 1)
    y = batch_norm(tensor(lopsided), None, None, training=True).numpy().ravel()
    np.testing.assert_allclose(y, np.array([1, 1, 1, -3]) / np.sqrt(3), rtol=1e-6)


@pytest.mark.parametrize("shape", [(200, 1), (2, 1, 100)])
@pytest.mark.parametrize(("gamma", "spread"), [(1e38, 0.07), (1e-30, 1e20), (-1e30, 1e-3)])
def test_a_scale_that_float32_does_not_have(kernels, shape, gamma, spread):
    """gamma / std leaves its range, gamma · x_hat does not."""
    x = (spread * normal(*shape, seed=0)).astype(np.float32)
    dy = normal(*shape, seed=1, dtype=np.float32)
    t, g = leaf(x), tensor(np.array([gamma], np.float32))
    y = batch_norm(t, None, None, g, training=True, eps=1e-30)
    x_hat, _, _, _ = exact(x, 1e-30)
    expected = float(g.numpy()[0]) * x_hat
    assert np.abs(y.detach().numpy() - expected).max() <= 1e-6 * np.abs(expected).max()
    y.backward(tensor(dy))
    expected = exact_dx(dy, x, g.numpy().astype(float), 1e-30)
    with np.errstate(over="ignore"):
        expected, size = expected.astype(np.float32), np.abs(expected).max()
    np.testing.assert_allclose(t.grad.numpy(), expected, rtol=1e-5, atol=1e-6 * size)


def test_tiny_values_and_eps(kernels):
    x = np.array([[1e-40], [-1e-40]], np.float32)
    y = batch_norm(tensor(x), None, None, training=True, eps=1e-300)
    np.testing.assert_allclose(y.numpy(), [[1], [-1]], rtol=1e-6)
    constant = tensor(np.full((3, 1), 0.1, np.float32))
    np.testing.assert_array_equal(
        batch_norm(constant, None, None, training=True, eps=1e-300).numpy(), np.zeros((3, 1))
    )
