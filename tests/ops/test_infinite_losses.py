"""0 · ∞ in losses: what has no weight, no target or no probability takes no part; ∞ where wrong."""

import itertools

import numpy as np
import pytest
from helpers.grids import for_each

import minigrad
from minigrad.autograd import grad
from minigrad.nn.functional import (
    binary_cross_entropy_with_logits,
    cross_entropy,
    log_softmax,
    mse_loss,
    nll_loss,
)

INF, NAN = np.inf, np.nan
REDUCTIONS = ["none", "mean", "sum"]
dtypes = for_each("dtype", [np.float32, np.float64])
reductions = for_each("reduction", REDUCTIONS)


def float32_leaf(array, dtype):
    return minigrad.tensor(np.asarray(array, dtype), requires_grad=True)


def times(a, b):
    """a · b with 0 · ∞ = 0; a NaN stays one."""
    with np.errstate(invalid="ignore"):
        product = np.multiply(a, b)
    return np.where(np.isnan(product) & ~np.isnan(a) & ~np.isnan(b), 0.0, product)


def reduced(losses, reduction, total=None):
    if reduction == "none":
        return losses
    return losses.sum() / ((total or losses.size) if reduction == "mean" else 1)


def cotangent(y):
    """Random and far from 0, in the dtype and shape of y."""
    array = np.random.default_rng(1).uniform(0.5, 2, y.shape)
    return minigrad.tensor(np.asarray(array, y.dtype.numpy), requires_grad=True)


def close(found, expected, dtype):
    found = found.detach().numpy()
    assert found.dtype == dtype
    rtol, atol = (2e-6, 1e-6) if dtype == np.float32 else (1e-12, 1e-13)
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=atol)


# --- binary cross-entropy ------------------------------------------------------------------------


BINARY = [(x, t) for x in (-INF, -1.5, 2.0, INF) for t in (0.0, 0.25, 1.0)]
X, T = np.array(BINARY).T
FACTORS = np.resize([0.0, 0.5, 2.0, 0.0, 3.0], len(BINARY))


def softplus(x):
    return np.logaddexp(0, x)


def sigmoid(x):
    return np.exp(-softplus(-x))


@pytest.mark.usefixtures("kernels")
@dtypes
@reductions
@pytest.mark.parametrize(
    ("weight", "pos_weight"),
    list(itertools.product([None, 0.0, FACTORS], [None, 0.0, FACTORS[::-1]])),
    ids=lambda factor: "none" if factor is None else "zero" if np.ndim(factor) == 0 else "some",
)
def test_binary_cross_entropy_of_certain_logits(dtype, reduction, weight, pos_weight):
    """0 where right or without weight, ∞ where wrong; dx = σ(x) − t (weighted), finite anywhere."""
    w = np.broadcast_to(1.0 if weight is None else weight, X.shape)
    p = np.broadcast_to(1.0 if pos_weight is None else pos_weight, X.shape)
    positive, negative = times(p, times(T, softplus(-X))), times(1 - T, softplus(X))
    losses = times(w, positive + negative)
    slope = w * ((1 - T) * sigmoid(X) - p * T * sigmoid(-X))
    by_t = times(w, times(p, softplus(-X)) - softplus(X))

    x, t = float32_leaf(X, dtype), float32_leaf(T, dtype)
    options = {} if weight is None else {"weight": minigrad.tensor(w.astype(dtype))}
    if pos_weight is not None:
        options["pos_weight"] = minigrad.tensor(p.astype(dtype))
    loss = binary_cross_entropy_with_logits(x, t, reduction=reduction, **options)
    close(loss, reduced(losses, reduction), dtype)
    dloss = cotangent(loss)
    dx, dt = grad(loss, [x, t], dloss, create_graph=True)
    each = np.broadcast_to(dloss.detach().numpy() / (X.size if reduction == "mean" else 1), X.shape)
    close(dx, each * slope, dtype)
    close(dt, each * by_t, dtype)

    v = np.random.default_rng(2).uniform(0.5, 2, X.shape)
    ddx, ddloss = grad(dx, [x, dloss], minigrad.tensor(v.astype(dtype)))
    curvature = w * ((1 - T) + p * T) * sigmoid(X) * sigmoid(-X)
    close(ddx, v * each * curvature, dtype)
    close(ddloss, v * slope if reduction == "none" else reduced(v * slope, reduction), dtype)


def test_the_certain_logits_of_the_report():
    for x, t, right in [(-INF, 0, 0), (INF, 1, 0), (INF, 0, INF), (-INF, 1, INF)]:
        x = minigrad.tensor([x], requires_grad=True)
        loss = binary_cross_entropy_with_logits(x, minigrad.tensor([float(t)]))
        loss.backward()
        assert (loss.item(), x.grad.item()) == (right, 0 if right == 0 else 1 - 2 * t)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_nan_is_not_hidden_by_a_factor_of_zero(weight):
    w = minigrad.tensor([weight])
    for x, t in [(NAN, 0.0), (0.0, NAN)]:
        x, t = minigrad.tensor([x]), minigrad.tensor([t])
        assert np.isnan(binary_cross_entropy_with_logits(x, t, w).item())
        assert np.isnan(mse_loss(x, t, weight=w, reduction="sum").item())


# --- mean squared error --------------------------------------------------------------------------


@dtypes
@reductions
def test_mse_loss_without_weight_has_no_part(dtype, reduction):
    """(∞ − 1)² · 0 is 0, and so are its gradients; with a weight both are infinite."""
    a, b = np.array([INF, INF, -INF, 3.0, 1.0]), np.array([1.0, 2.0, INF, 1.0, -INF])
    w = np.array([0.0, 0.5, 0.0, 2.0, 0.0])
    x, t, weight = float32_leaf(a, dtype), float32_leaf(b, dtype), minigrad.tensor(w.astype(dtype))
    loss = mse_loss(x, t, weight=weight, reduction=reduction)
    close(loss, reduced(times(w, (a - b) ** 2), reduction, w.sum()), dtype)
    dloss = cotangent(loss)
    dx, dt = grad(loss, [x, t], dloss)
    each = dloss.detach().numpy() / (w.sum() if reduction == "mean" else 1)
    expected = times(each * 2 * w, a - b)
    close(dx, expected, dtype)
    close(dt, -expected, dtype)


# --- cross-entropy -------------------------------------------------------------------------------


MASKED = np.array(
    [[0.5, -INF, 2.0, 1.0], [-INF, -INF, 3.0, -INF], [1.0, 2.0, -INF, 0.5], [0.0, 1.0, -1.0, 0.2]]
)
RIGHT, WRONG = np.array([0, 2, 1, 3]), np.array([1, 0, 2, 3])  # of finite and of infinite log p
WEIGHT = np.array([0.0, 0.0, 0.5, 2.0])


def log_probabilities(x):
    with np.errstate(divide="ignore"):
        return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def check_against_target(x, q, loss, reduction, total):
    """loss of the logits x against the target q: Σ q_c h_c with 0 · ∞ = 0; dx = y Σ q − q."""
    dtype = x.dtype.numpy
    values = x.detach().numpy().astype(np.float64)
    y = np.exp(log_probabilities(values))
    error = y * q.sum(axis=1, keepdims=True) - q
    losses = times(q, -log_probabilities(values)).sum(axis=1)
    close(loss, reduced(losses, reduction, total), dtype)
    dloss = cotangent(loss)
    (dx,) = grad(loss, x, dloss, create_graph=True)
    each = dloss.detach().numpy() / (total if reduction == "mean" else 1)
    each = np.broadcast_to(each, len(q))[:, None]
    close(dx, each * error, dtype)
    v = np.random.default_rng(2).uniform(0.5, 2, values.shape)
    ddx, ddloss = grad(dx, [x, dloss], minigrad.tensor(v.astype(dtype)))
    curvature = q.sum(axis=1, keepdims=True) * y * (v - (v * y).sum(axis=1, keepdims=True))
    close(ddx, each * curvature, dtype)
    by_row = (v * error).sum(axis=1)
    close(ddloss, by_row if reduction == "none" else reduced(by_row, reduction, total), dtype)


@pytest.mark.usefixtures("kernels")
@dtypes
@reductions
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@for_each("label_smoothing", [0.0, 0.2, 1.0])
@for_each("labels", [RIGHT, WRONG])
def test_cross_entropy_of_masked_classes(dtype, reduction, weight, label_smoothing, labels):
    w = np.ones(4) if weight is None else weight
    q = w * ((1 - label_smoothing) * np.eye(4)[labels] + label_smoothing / 4)
    x = float32_leaf(MASKED, dtype)
    given = None if weight is None else minigrad.tensor(w.astype(dtype))
    options = {"reduction": reduction, "label_smoothing": label_smoothing}
    loss = cross_entropy(x, labels, given, **options)
    check_against_target(x, q, loss, reduction, w[labels].sum())


@pytest.mark.usefixtures("kernels")
@dtypes
@reductions
@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.2])
def test_cross_entropy_of_probabilities_that_are_zero(dtype, reduction, weight, label_smoothing):
    """A class that the target rules out may have any probability, also 0."""
    target = np.array([[0.3, 0, 0.7, 0], [0, 0, 1, 0], [0, 0.5, 0.25, 0.25], [0.1, 0.2, 0.3, 0.4]])
    w = np.ones(4) if weight is None else weight
    q = w * ((1 - label_smoothing) * target + label_smoothing / 4)
    x, t = float32_leaf(MASKED, dtype), float32_leaf(target, dtype)
    given = None if weight is None else minigrad.tensor(w.astype(dtype))
    options = {"reduction": reduction, "label_smoothing": label_smoothing}
    loss = cross_entropy(x, t, given, **options)
    check_against_target(x, q, loss, reduction, len(q))
    if reduction == "sum":
        (dt,) = grad(cross_entropy(x, t, given, **options), t)
        h = -log_probabilities(MASKED)
        close(dt, (1 - label_smoothing) * times(np.broadcast_to(w, h.shape), h), dtype)


@pytest.mark.usefixtures("kernels")
@dtypes
@reductions
@pytest.mark.parametrize("junk", [[NAN, 0, 1, 2], [INF, 0, 1, 2], [-INF] * 4, [NAN] * 4], ids=str)
@pytest.mark.parametrize("function", [cross_entropy, nll_loss])
def test_an_ignored_row_may_hold_anything(dtype, reduction, junk, function):
    """Its loss, gradient and second derivatives are 0; the other rows' are those without it."""
    rows, labels = np.array([[0.5, -1, 2, 1], junk, [1, 2, -INF, 0.5]]), np.array([0, -100, 2])
    results = []
    for kept in (slice(None), np.array([0, 2])):
        x, t = float32_leaf(rows[kept], dtype), labels[kept]
        if function is cross_entropy:
            loss = cross_entropy(x, t, reduction=reduction, label_smoothing=0.1)
        else:
            loss = nll_loss(x, t, reduction=reduction)
        dloss = minigrad.tensor(np.full(loss.shape, 1.5, dtype), requires_grad=True)
        (dx,) = grad(loss, x, dloss, create_graph=True)
        v = minigrad.tensor(np.array([[1, -2, 3, 0.5]], dtype).repeat(len(t), 0))
        ddx, ddloss = grad(dx, [x, dloss], v, allow_unused=True)
        results.append([loss, dx, minigrad.zeros_like(x) if ddx is None else ddx, ddloss])
    for found, expected in zip(*results, strict=True):
        a, b = found.detach().numpy(), expected.detach().numpy()
        if a.ndim and function is cross_entropy:
            assert (a[1] == 0).all()
        np.testing.assert_array_equal(a[[0, 2]] if a.ndim else a, b)


@dtypes
@reductions
def test_nll_loss_of_impossible_classes(dtype, reduction):
    """−0 · log 0 is 0; with a weight it is ∞, and the gradient is −w."""
    x = float32_leaf([[-INF, -0.5], [-0.25, -INF], [-INF, -1.0]], dtype)
    w, t = np.array([0.0, 2.0]), np.array([0, 1, 1])
    loss = nll_loss(x, t, minigrad.tensor(w.astype(dtype)), reduction=reduction)
    close(loss, reduced(np.array([0, INF, 2.0]), reduction, 4), dtype)
    dloss = cotangent(loss)
    (dx,) = grad(loss, x, dloss)
    each = np.broadcast_to(dloss.detach().numpy() / (4 if reduction == "mean" else 1), 3)
    close(dx, each[:, None] * np.array([[0, 0], [0, -2], [0, -2]]), dtype)


@pytest.mark.usefixtures("kernels")
def test_a_row_without_any_class_is_undefined_and_stays_alone():
    x = float32_leaf([[-INF, -INF], [0.0, 1.0]], np.float64)
    y = log_softmax(x, 1)
    dy = np.array([[0.5, -1.5], [2.0, 1.0]])
    y.backward(minigrad.tensor(dy))
    assert np.isnan(y.detach().numpy()[0]).all() and np.isnan(x.grad.numpy()[0]).all()
    p = np.exp(log_probabilities(np.array([[0.0, 1.0]])))
    close(y[1:], np.log(p), np.float64)
    close(x.grad[1:], dy[1:] - p * dy[1:].sum(), np.float64)
