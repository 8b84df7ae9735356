import itertools

import numpy as np
import pytest
from helpers.logits import IMPOSSIBLE, INF, SHAPES, exact_log_softmax, exact_loss, logits, sure
from helpers.ulps import ulps

from minigrad._kernels import active


def forward(
    kernels, x, t, weight=None, reduction="mean", label_smoothing=0.0, ignore_index=-100, keep=True
):
    """The loss and the error of the kernel, from inputs that nobody may write."""
    x, t = np.array(x), np.array(t, dtype=np.int64)
    x.flags.writeable = t.flags.writeable = False
    loss = np.full(len(x) if reduction == "none" else 1, 7, x.dtype)
    error = np.full_like(x, 7) if keep else None
    kernels.cross_entropy_forward(
        x, t, weight, loss, error, np.empty(x.shape[1]), ignore_index, label_smoothing, reduction
    )
    return loss, error


def labels(shape, seed=0):
    """Random labels; every third row is to be ignored."""
    t = np.random.default_rng(seed).integers(0, shape[1], shape[0])
    t[1::3] = -100
    return t


def settings(classes, dtype, seed=0):
    weight = np.random.default_rng(seed).uniform(0.2, 3, classes).astype(dtype)
    return itertools.product([None, weight], ["none", "mean", "sum"], [0.0, 0.1, 1.0])


@pytest.mark.parametrize("shape", SHAPES[:-1])
def test_kernel_is_the_definition(kernels, shape):
    x, t = logits(shape, np.float64), labels(shape)
    for weight, reduction, smoothing in settings(shape[1], np.float64):
        loss, _ = forward(kernels, x, t, weight, reduction, smoothing)
        wanted = exact_loss(x, t, weight, reduction, smoothing)
        np.testing.assert_allclose(loss, wanted, rtol=1e-12, atol=0)


@pytest.mark.parametrize("shape", SHAPES[:-1])
def test_kernel_float32_is_rounded_once(kernels, shape):
    x, t = logits(shape, np.float32), labels(shape)
    for weight, reduction, smoothing in settings(shape[1], np.float32):
        loss, _ = forward(kernels, x, t, weight, reduction, smoothing)
        assert ulps(loss, exact_loss(x, t, weight, reduction, smoothing)) <= 0.51


def test_kernel_float32_is_right_next_to_zero(kernels):
    x = sure()
    t = x.argmax(axis=1)
    loss, error = forward(kernels, x, t, reduction="none")
    assert 0 < loss.min() < 1e-40
    assert ulps(loss, exact_loss(x, t, reduction="none")) <= 0.51
    assert ulps(forward(kernels, x[200:], t[200:])[0], exact_loss(x[200:], t[200:])) <= 0.51
    # 1 − y of the label, without the cancellation that would leave zeros
    not_t = -np.expm1(exact_log_softmax(x)[np.arange(400), t])
    assert ulps(-error[np.arange(400), t], not_t) <= 0.51


def test_kernel_extremes(kernels):
    x = np.array([[1e4, -1e4], [-1e4, 1e4], [1e4, -1e4]], np.float32)
    loss, error = forward(kernels, x, [1, 1, 0], reduction="none")
    np.testing.assert_array_equal(loss, [20000, 0, 0])
    np.testing.assert_array_equal(error, [[1, -1], [0, 0], [0, 0]])
    loss, error = forward(kernels, np.array([[-INF, 0.0, 0.0]]), [0])
    assert loss[0] == INF
    np.testing.assert_allclose(error, [[-1, 0.5, 0.5]])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_offset_does_not_matter(kernels, dtype):
    x = np.random.default_rng(0).integers(-20, 20, (5, 10)).astype(dtype)
    t = labels((5, 10))
    for a, b in zip(forward(kernels, x, t), forward(kernels, x + dtype(1e7), t), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_rows_without_softmax_are_nan_and_alone(kernels, dtype):
    x = np.array([*IMPOSSIBLE, [0.0, 0.0, -INF]], dtype)
    t = np.arange(len(x)) % 3
    t[-1] = 1
    loss, error = forward(kernels, x, t, reduction="none")
    assert np.isnan(loss[:-1]).all()
    assert np.isnan(error[:-1]).all()
    np.testing.assert_allclose(loss[-1], np.log(2), rtol=1e-7)
    np.testing.assert_array_equal(error[-1], [0.5, -0.5, 0])


@pytest.mark.parametrize("shape", SHAPES[:-1])
def test_kernel_error_is_the_gradient_of_the_loss(kernels, shape):
    x, t = logits(shape, np.float64), labels(shape)
    p = np.exp(exact_log_softmax(x))
    for weight, reduction, smoothing in settings(shape[1], np.float64):
        _, error = forward(kernels, x, t, weight, reduction, smoothing)
        w = np.ones(shape[1]) if weight is None else weight
        onehot = t[:, None] == np.arange(shape[1])
        q = w * ((1 - smoothing) * onehot + smoothing / shape[1]) * (t != -100)[:, None]
        wanted = p * q.sum(axis=1, keepdims=True) - q
        if reduction == "mean":
            wanted /= w[t[t != -100]].sum()
        np.testing.assert_allclose(error, wanted, rtol=1e-10, atol=1e-13)


def test_kernel_float32_error_is_the_float64_one(kernels):
    for shape in SHAPES:
        x, t = logits(shape, np.float32), labels(shape)
        for weight, reduction, smoothing in settings(shape[1], np.float32):
            _, error = forward(kernels, x, t, weight, reduction, smoothing)
            wide = None if weight is None else weight.astype(np.float64)
            _, wanted = forward(kernels, x.astype(np.float64), t, wide, reduction, smoothing)
            np.testing.assert_allclose(error, wanted, rtol=2e-7, atol=1e-9)


def test_kernel_without_error_gives_the_same_loss(kernels):
    x, t = logits((6, 5), np.float32), labels((6, 5))
    for weight, reduction, smoothing in settings(5, np.float32):
        a, _ = forward(kernels, x, t, weight, reduction, smoothing)
        b, _ = forward(kernels, x, t, weight, reduction, smoothing, keep=False)
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernel_backward_scales_the_error(kernels, dtype):
    rng = np.random.default_rng(2)
    error, t = rng.standard_normal((6, 5)).astype(dtype), labels((6, 5))
    error[t == -100] = 0
    for dloss in [rng.standard_normal(6).astype(dtype), np.full(1, 0.3, dtype)]:
        dlogits = np.full_like(error, 7)
        kernels.cross_entropy_backward(dloss, error, t, dlogits, -100)
        np.testing.assert_allclose(dlogits, dloss[:, None] * error, rtol=1e-7)
    kernels.cross_entropy_backward(np.full(1, INF, dtype), error, t, dlogits, -100)
    assert (dlogits[t == -100] == 0).all()


def test_kernel_nothing_counts(kernels):
    x = np.array([[1.0, 2.0], [np.nan, INF]])
    loss, error = forward(kernels, x, [-100, -100])
    assert np.isnan(loss[0])
    assert (error == 0).all()
    loss, error = forward(kernels, x, [-100, -100], reduction="sum")
    assert loss[0] == 0
    assert (error == 0).all()
    weight = np.array([0.0, 1.0])
    loss, error = forward(kernels, x[:1], [0], weight)
    assert np.isnan(loss[0])
    assert (error == 0).all()


def test_kernel_one_class(kernels):
    loss, error = forward(kernels, np.array([[3.0], [-1e4]]), [0, 0], reduction="none")
    np.testing.assert_array_equal(loss, [0, 0])
    np.testing.assert_array_equal(error, [[0], [0]])


@pytest.mark.parametrize("shape", [(0, 10), (0, 0)])
def test_kernel_empty(kernels, shape):
    x, t = np.empty(shape), np.empty(0, np.int64)
    assert np.isnan(forward(kernels, x, t)[0][0])
    assert forward(kernels, x, t, reduction="sum")[0][0] == 0
    assert forward(kernels, x, t, reduction="none", label_smoothing=0.1)[0].shape == (0,)


def test_kernel_finds_the_first_label_outside(kernels):
    outside = kernels.label_outside
    assert outside(np.array([0, 4, -100, 2]), 5, -100) == -1
    assert outside(np.array([0, 4, -100, 5, 7]), 5, -100) == 3
    assert outside(np.array([0, -1]), 5, -100) == 1
    assert outside(np.array([2**40, -1]), 5, -1) == 0
    assert outside(np.array([-(2**63), 0]), 5, -100) == 0
    assert outside(np.array([7, -3]), 5, 7) == 1
    assert outside(np.empty(0, np.int64), 0, -100) == -1


@pytest.mark.parametrize("label", [3, -1, 2**40, -(2**63)])
@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_kernel_writes_nothing_when_a_label_is_outside(kernels, label, reduction):
    x = np.zeros((3, 3))
    loss, error = np.full(3 if reduction == "none" else 1, 7.0), np.full((3, 3), 7.0)
    with pytest.raises(IndexError, match="label"):
        kernels.cross_entropy_forward(
            x, np.array([0, 1, label]), None, loss, error, np.empty(3), -100, 0.0, reduction
        )
    assert (loss == 7).all()
    assert (error == 7).all()


def test_kernel_refuses_what_does_not_fit():
    def arguments(**changed):
        given = {
            "logits": np.zeros((2, 3)), "targets": np.zeros(2, np.int64), "weight": np.ones(3),
            "loss": np.empty(1), "error": np.empty((2, 3)), "scratch": np.empty(3),
            "ignore_index": -100, "label_smoothing": 0.0, "reduction": "mean",
        }  # fmt: skip
        return (given | changed).values()

    active.cross_entropy_forward(*arguments())
    for changed in [
        {"targets": np.zeros(3, np.int64)},
        {"targets": np.zeros(2, np.int32)},
        {"weight": np.ones(2)},
        {"weight": np.ones(3, np.float32)},
        {"loss": np.empty(2)},
        {"reduction": "none"},
        {"error": np.empty((2, 2))},
        {"error": np.empty((3, 3))},
        {"scratch": np.empty(2)},
        {"scratch": np.empty(3, np.float32)},
    ]:
        with pytest.raises(ValueError, match="cross_entropy_forward|Buffer"):
            active.cross_entropy_forward(*arguments(**changed))
    dloss, error, t = np.ones(2), np.zeros((2, 3)), np.zeros(2, np.int64)
    for wrong in [
        (np.ones(3), error, t, error),
        (dloss, error, t[:1], error),
        (dloss, error, t, error[:1]),
        (dloss, error, t, error[:, :1].copy()),
    ]:
        with pytest.raises(ValueError, match="cross_entropy_backward"):
            active.cross_entropy_backward(*wrong, -100)
