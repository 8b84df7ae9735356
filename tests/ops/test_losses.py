import inspect
import itertools

import numpy as np
import pytest
from helpers.ulps import ulps

import minigrad
from minigrad import DTypeError, ShapeError
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.nn.functional import binary_cross_entropy, l1_loss, mse_loss, smooth_l1_loss
from minigrad.nn.functional import binary_cross_entropy_with_logits as bce

REDUCTIONS = ["none", "mean", "sum"]
SHAPES = [(), (5,), (3, 4), (2, 3, 2)]


def tensor(array, requires_grad=True):
    return minigrad.tensor(np.asarray(array), requires_grad=requires_grad)


def both_backward(torch, loss, wanted, reduction):
    """Backward of both with one random gradient, after comparing the values."""
    assert loss.shape == wanted.shape
    np.testing.assert_allclose(loss.detach().numpy(), wanted.detach().numpy(), rtol=1e-12)
    dloss = np.random.default_rng(1).standard_normal(wanted.shape)
    loss.backward(tensor(dloss, False))
    wanted.backward(torch.tensor(dloss))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
def test_mse_loss_is_torchs(torch, shape, reduction, weighted):
    rng = np.random.default_rng(0)
    a, b, w = rng.standard_normal(shape), rng.standard_normal(shape), rng.random(shape)
    x, t = tensor(a), tensor(b)
    tx, tt = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
    loss = mse_loss(x, t, reduction=reduction, weight=tensor(w, False) if weighted else None)
    wanted = torch.nn.functional.mse_loss(
        tx, tt, reduction=reduction, weight=torch.tensor(w) if weighted else None
    )
    both_backward(torch, loss, wanted, reduction)
    np.testing.assert_allclose(x.grad.numpy(), tx.grad.numpy(), rtol=1e-12)
    np.testing.assert_allclose(t.grad.numpy(), tt.grad.numpy(), rtol=1e-12)


def test_mse_loss_broadcasts_with_a_warning():
    x, t = np.arange(3.0)[:, None], np.arange(3.0)
    with pytest.warns(UserWarning, match=r"mse_loss: input has shape \(3, 1\), target \(3,\)"):
        loss = mse_loss(x, t)
    np.testing.assert_allclose(loss.item(), ((x - t) ** 2).mean())


def test_mse_loss_dtypes():
    x = np.zeros(3, np.float32)
    assert mse_loss(x, np.arange(3)).dtype is minigrad.float32
    assert mse_loss(x, np.zeros(3)).dtype is minigrad.float64


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_bce_is_torchs(torch, shape, reduction):
    rng = np.random.default_rng(0)
    a, b = 3 * rng.standard_normal(shape), rng.random(shape)
    weight, pos_weight = np.array(rng.random(shape)), np.array(rng.random(shape[-1:]))
    for w, p in itertools.product([None, weight], [None, pos_weight]):
        x, t = tensor(a), tensor(b)
        tx, tt = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
        loss = bce(x, t, w, reduction=reduction, pos_weight=p)
        wanted = torch.nn.functional.binary_cross_entropy_with_logits(
            tx,
            tt,
            None if w is None else torch.tensor(w),
            reduction=reduction,
            pos_weight=None if p is None else torch.tensor(p),
        )
        both_backward(torch, loss, wanted, reduction)
        np.testing.assert_allclose(x.grad.numpy(), tx.grad.numpy(), rtol=1e-11)
        np.testing.assert_allclose(t.grad.numpy(), tt.grad.numpy(), rtol=1e-11)


@pytest.mark.parametrize("name", ["l1_loss", "smooth_l1_loss", "binary_cross_entropy"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_at_the_edges_losses_are_torchs(torch, name, dtype):
    """Equal values, differences of just beta, probabilities 0 and 1."""
    a = np.array([0, 0, 1, 1, 0.5, 0.25, 1e-20, 0.75], dtype)
    b = np.array([0, 1, 0, 1, 0.5, 1, 1, 0], dtype)
    options = {"beta": 0.75} if name == "smooth_l1_loss" else {}
    found = []
    for library in (minigrad, torch):
        x = library.tensor(a, requires_grad=True)
        t = library.tensor(b, requires_grad=True)
        loss = getattr(library.nn.functional, name)(x, t, reduction="none", **options)
        loss.sum().backward()
        # torch bounds the logarithms of the loss, and not those of the targets' gradients.
        bounded = np.clip(t.grad.numpy(), -100, 100)
        assert library is torch or (bounded == t.grad.numpy()).all()
        found.append((loss.detach().numpy(), x.grad.numpy(), bounded))
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=3e-6)


def test_losses_of_differences_at_infinity():
    x = tensor(np.array([np.inf, -np.inf, 1e300, np.nan]))
    for loss in (l1_loss, smooth_l1_loss):
        x.grad = None
        y = loss(x, np.zeros(4), reduction="none")
        y.sum().backward()
        assert (
            y.tolist()[:2] == [np.inf, np.inf] and y.tolist()[2] == 1e300 and np.isnan(y[3].item())
        )
        assert x.grad.tolist()[:3] == [1, -1, 1]


def test_targets_of_binary_cross_entropy_have_gradients_too(torch):
    a, b = np.random.default_rng(0).random((2, 5))
    x, t = tensor(a), tensor(b)
    tx, tt = torch.tensor(a, requires_grad=True), torch.tensor(b, requires_grad=True)
    binary_cross_entropy(x, t).backward()
    torch.nn.functional.binary_cross_entropy(tx, tt).backward()
    np.testing.assert_allclose(t.grad.numpy(), tt.grad.numpy(), rtol=1e-12)


def test_gradients():
    rng = np.random.default_rng(0)
    x, t = tensor(rng.standard_normal((3, 4))), tensor(rng.random((3, 4)))
    w = rng.random(4)
    assert gradcheck(mse_loss, (x, t))
    assert gradgradcheck(mse_loss, (x, t))

    def loss(x, t):
        return bce(x, t, w, reduction="none", pos_weight=w)

    assert gradcheck(loss, (x, t))
    assert gradgradcheck(loss, (x, t))


def test_bce_keeps_its_digits():
    x = np.array([-1e4, -100, -30, -17, 0, 17, 30, 100, 1e4], np.float32)
    for label in (0.0, 1.0):
        t = np.full(9, label, np.float32)
        z = tensor(x)
        loss = bce(z, t, reduction="none")
        signed = x.astype(np.float64) * (1 - 2 * label)
        assert ulps(loss.detach().numpy(), np.logaddexp(0, signed)) <= 0.51
        loss.sum().backward()
        slope = np.exp(-np.logaddexp(0, -signed)) * (1 - 2 * label)
        assert ulps(z.grad.numpy(), slope) <= 1


@pytest.mark.parametrize("loss", [mse_loss, bce, l1_loss, smooth_l1_loss, binary_cross_entropy])
def test_empty(loss):
    x = tensor(np.empty((0, 3)))
    mean = loss(x, np.empty((0, 3)))
    assert np.isnan(mean.item())
    mean.backward()
    assert x.grad.shape == (0, 3)
    assert loss(x, np.empty((0, 3)), reduction="sum").item() == 0
    assert loss(x, np.empty((0, 3)), reduction="none").shape == (0, 3)


def test_64_dimensions():
    deep = minigrad.zeros((1,) * 64)
    for weight in (deep + 1, minigrad.ones(1)):
        loss = bce(deep, deep, weight, pos_weight=weight, reduction="none")
        assert loss.shape == deep.shape and abs(loss.item() - np.log(2)) < 1e-7
    with pytest.warns(UserWarning, match="they are broadcast"):
        assert mse_loss(deep, minigrad.ones(2)).item() == 1
    for loss, options in ((mse_loss, {}), (bce, {"weight": minigrad.ones(3)})):
        x = minigrad.zeros((1,) * 63 + (2,))
        with pytest.raises(ShapeError, match=f"{loss.__name__}: "):
            loss(x, minigrad.ones(3) if loss is mse_loss else x, **options)


X = np.zeros((2, 3), np.float32)


@pytest.mark.parametrize(
    ("loss", "arguments", "options", "error", "message"),
    [
        (mse_loss, (X, np.zeros((2, 4))), {}, ShapeError, r"\(2, 3\), target \(2, 4\)"),
        (mse_loss, (X, X), {"weight": X[0]}, ShapeError, r"shape \(2, 3\), got \(3,\)"),
        (mse_loss, (np.zeros(2, int), np.zeros(2, int)), {}, DTypeError, "float32 or float64, got"),
        (mse_loss, ("x", X), {}, TypeError, "input must be a Tensor"),
        (mse_loss, (X, None), {}, TypeError, "target must be a Tensor"),
        (mse_loss, (X, X), {"reduction": "avg"}, ValueError, "reduction must be .* got 'avg'"),
        (mse_loss, (X, X), {"size_average": True}, ValueError, "size_average"),
        (l1_loss, (X, np.zeros((2, 4))), {}, ShapeError, r"\(2, 3\), target \(2, 4\)"),
        (l1_loss, (X, X), {"reduce": False}, ValueError, "reduce"),
        (smooth_l1_loss, (X, X), {"beta": -1.0}, ValueError, "beta must be finite and >= 0"),
        (smooth_l1_loss, (X, X), {"beta": "x"}, TypeError, "beta must be a number"),
        (smooth_l1_loss, (X, None), {}, TypeError, "target must be a Tensor"),
        (binary_cross_entropy, (X + 2, X), {}, ValueError, "from 0 to 1, got 2.0; put a sigmoid"),
        (binary_cross_entropy, (X, X - 1), {}, ValueError, "target must be probabilities from 0"),
        (binary_cross_entropy, (X * np.nan, X), {}, ValueError, "probabilities .* got nan"),
        (binary_cross_entropy, (X, X[0]), {}, ShapeError, r"shape \(2, 3\), got \(3,\)"),
        (binary_cross_entropy, (X.astype(int), X), {}, DTypeError, "input must be float32"),
        (binary_cross_entropy, (X, X, np.ones(2)), {}, ShapeError, r"weight of shape \(2,\)"),
        (bce, (X, X[0]), {}, ShapeError, r"shape \(2, 3\), got \(3,\)"),
        (bce, (X.astype(int), X), {}, DTypeError, "input must be float32"),
        (bce, (X, [0]), {}, TypeError, "target must be a Tensor"),
        (bce, (X, X, np.ones(2)), {}, ShapeError, r"weight of shape \(2,\)"),
        (bce, (X, X), {"pos_weight": np.ones((4, 2, 3))}, ShapeError, "pos_weight"),
        (bce, (X, X), {"reduce": True}, ValueError, "reduce"),
        (bce, (X, X), {"reduction": 1}, ValueError, "reduction must be .* got 1"),
    ],
)  # fmt: skip
def test_bad_arguments(loss, arguments, options, error, message):
    with pytest.raises(error, match=f"{loss.__name__}: .*{message}"):
        loss(*arguments, **options)


def test_argument_order_is_torchs(torch):
    for ours in (mse_loss, bce, l1_loss, smooth_l1_loss, binary_cross_entropy):
        theirs = getattr(torch.nn.functional, ours.__name__)
        assert list(inspect.signature(ours).parameters) == list(
            inspect.signature(theirs).parameters
        )
