"""cross_entropy and nll_loss of tensors: torch's values, gradients, what is refused."""

import inspect
import itertools

import numpy as np
import pytest
from helpers.grids import for_each
from helpers.layouts import LAYOUTS
from helpers.logits import INF, exact_loss, sure
from helpers.ulps import ulps

import minigrad
from minigrad import DTypeError, GraphError, ShapeError
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.nn.functional import cross_entropy, nll_loss


def tensor(array, requires_grad=True):
    return minigrad.tensor(np.asarray(array), requires_grad=requires_grad)


def examples(shape, seed=0):
    """Float64 logits, labels (every third ignored) and weights for logits of this shape."""
    rng = np.random.default_rng(seed)
    x = 2 * rng.standard_normal(shape)
    classes = shape[0] if len(shape) == 1 else shape[1]
    t = rng.integers(0, classes, shape[:1] + shape[2:] if len(shape) > 1 else ())
    if t.ndim:
        t.reshape(-1)[1::3] = -100
    return x, t, rng.uniform(0.2, 3, classes)


LOGITS = [(5,), (1,), (6, 5), (4, 1), (4, 3, 2), (2, 3, 2, 3)]
reductions = for_each("reduction", ["none", "mean", "sum"])


@pytest.mark.usefixtures("kernels")
@reductions
@pytest.mark.parametrize("shape", LOGITS)
def test_cross_entropy_is_torchs(torch, shape, reduction):
    array, t, weight = examples(shape)
    dloss = np.random.default_rng(1).standard_normal(t.shape if reduction == "none" else ())
    for w, smoothing in itertools.product([None, weight], [0, 0.1, 1]):
        x, tx = tensor(array), torch.tensor(array, requires_grad=True)
        options = {"reduction": reduction, "label_smoothing": smoothing}
        loss = cross_entropy(x, minigrad.tensor(t), w, **options)
        wanted = torch.nn.functional.cross_entropy(
            tx, torch.tensor(t), None if w is None else torch.tensor(w), **options
        )
        loss.backward(tensor(dloss, False))
        wanted.backward(torch.tensor(dloss))
        assert loss.shape == wanted.shape
        np.testing.assert_allclose(
            loss.detach().numpy(), wanted.detach().numpy(), rtol=1e-12, atol=1e-15
        )
        np.testing.assert_allclose(x.grad.numpy(), tx.grad.numpy(), rtol=1e-11, atol=1e-13)


@pytest.mark.usefixtures("kernels")
@reductions
@pytest.mark.parametrize("shape", [(5,), (6, 5), (4, 3, 2), (2, 3, 2, 3)])
def test_cross_entropy_of_probabilities_is_torchs(torch, shape, reduction):
    array, t, weight = examples(shape)
    q = np.random.default_rng(2).random(shape)
    dloss = np.random.default_rng(1).standard_normal(t.shape if reduction == "none" else ())
    for w, smoothing in itertools.product([None, weight], [0, 0.1, 1]):
        x, tx = tensor(array), torch.tensor(array, requires_grad=True)
        p, tp = tensor(q), torch.tensor(q, requires_grad=True)
        options = {"reduction": reduction, "label_smoothing": smoothing}
        loss = cross_entropy(x, p, w, **options)
        wanted = torch.nn.functional.cross_entropy(
            tx, tp, None if w is None else torch.tensor(w), **options
        )
        loss.backward(tensor(dloss, False))
        wanted.backward(torch.tensor(dloss))
        assert loss.shape == wanted.shape
        np.testing.assert_allclose(loss.detach().numpy(), wanted.detach().numpy(), rtol=1e-12)
        np.testing.assert_allclose(x.grad.numpy(), tx.grad.numpy(), rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(p.grad.numpy(), tp.grad.numpy(), rtol=1e-11, atol=1e-13)


@reductions
def test_labels_and_one_hot_probabilities_agree(reduction):
    array, t, weight = examples((6, 5))
    t[t == -100] = 3
    x, y = tensor(array), tensor(array)
    for smoothing in (0, 0.3):
        a = cross_entropy(x, t, reduction=reduction, label_smoothing=smoothing)
        b = cross_entropy(y, np.eye(5)[t], reduction=reduction, label_smoothing=smoothing)
        np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-13)
    (a.sum() + b.sum()).backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-12, atol=1e-15)


@pytest.mark.usefixtures("kernels")
@reductions
@pytest.mark.parametrize("shape", [(5,), (6, 5), (4, 3, 2)])
def test_cross_entropy_gradients(shape, reduction):
    array, t, weight = examples(shape)
    x = tensor(array)
    for w, smoothing in [(None, 0), (weight, 0.1)]:

        def loss(x, w=w, smoothing=smoothing):
            return cross_entropy(x, t, w, reduction=reduction, label_smoothing=smoothing)

        assert gradcheck(loss, x)
        assert gradgradcheck(loss, x)


@reductions
def test_cross_entropy_of_probabilities_gradients(reduction):
    array, _, weight = examples((4, 3, 2))
    x, q = tensor(array), tensor(np.random.default_rng(2).random((4, 3, 2)))

    def loss(x, q):
        return cross_entropy(x, q, weight, reduction=reduction, label_smoothing=0.1)

    assert gradcheck(loss, (x, q))
    assert gradgradcheck(loss, (x, q))


@pytest.mark.usefixtures("kernels")
@reductions
@pytest.mark.parametrize("shape", LOGITS)
def test_nll_loss_is_torchs_and_cross_entropy(torch, shape, reduction):
    array, t, weight = examples(shape)
    dloss = np.random.default_rng(1).standard_normal(t.shape if reduction == "none" else ())
    for w in (None, weight):
        x, y, tx = tensor(array), tensor(array), torch.tensor(array, requires_grad=True)
        p = minigrad.log_softmax(x, 0 if len(shape) == 1 else 1)
        loss = nll_loss(p, minigrad.tensor(t), w, reduction=reduction)
        fused = cross_entropy(y, t, w, reduction=reduction)
        wanted = torch.nn.functional.nll_loss(
            torch.log_softmax(tx, 0 if len(shape) == 1 else 1),
            torch.tensor(t),
            None if w is None else torch.tensor(w),
            reduction=reduction,
        )
        loss.backward(tensor(dloss, False))
        fused.backward(tensor(dloss, False))
        wanted.backward(torch.tensor(dloss))
        assert loss.shape == wanted.shape
        np.testing.assert_allclose(loss.detach().numpy(), wanted.detach().numpy(), rtol=1e-12)
        np.testing.assert_allclose(loss.detach().numpy(), fused.detach().numpy(), rtol=1e-12)
        np.testing.assert_allclose(x.grad.numpy(), tx.grad.numpy(), rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), rtol=1e-11, atol=1e-13)


@reductions
def test_nll_loss_gradients(reduction):
    array, t, weight = examples((6, 5))
    assert gradcheck(lambda x: nll_loss(x, t, weight, reduction=reduction), tensor(array))


@reductions
@pytest.mark.parametrize("loss", [cross_entropy, nll_loss])
@pytest.mark.parametrize("ignored", [2, 7, -1])
def test_a_class_can_be_ignored(torch, loss, reduction, ignored):
    array, t, weight = examples((6, 5))
    t[t == -100] = ignored
    x, tx = tensor(array), torch.tensor(array, requires_grad=True)
    y = loss(x, t, weight, ignore_index=ignored, reduction=reduction).sum()
    wanted = getattr(torch.nn.functional, loss.__name__)(
        tx, torch.tensor(t), torch.tensor(weight), ignore_index=ignored, reduction=reduction
    ).sum()
    y.backward()
    wanted.backward()
    np.testing.assert_allclose(y.item(), wanted.item(), rtol=1e-12)
    np.testing.assert_allclose(x.grad.numpy(), tx.grad.numpy(), rtol=1e-12, atol=1e-15)
    assert (x.grad.numpy()[t == ignored] == 0).all()


INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", ">i4", "<i8"]


@pytest.mark.parametrize("loss", [cross_entropy, nll_loss])
@pytest.mark.parametrize("dtype", INTEGERS)
def test_labels_of_every_integer_dtype(loss, dtype):
    x, t, _ = examples((6, 5))
    t = np.abs(t) % 5
    wanted = loss(tensor(x, False), t).item()
    assert loss(tensor(x, False), t.astype(dtype)).item() == wanted
    if dtype in ("uint8", "int32", "int64"):
        assert loss(tensor(x, False), minigrad.tensor(t.astype(dtype))).item() == wanted


@for_each("layout", LAYOUTS)
@pytest.mark.parametrize("shape", LOGITS)
def test_layout_does_not_matter(layout, shape):
    array, t, weight = examples(shape)
    change = LAYOUTS[layout]
    x, y = tensor(array), minigrad.from_numpy(change(array)).requires_grad_()
    a = cross_entropy(x, t, weight, reduction="none")
    b = cross_entropy(y, change(t), change(weight), reduction="none")
    np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    dloss = np.random.default_rng(1).standard_normal(t.shape)
    a.backward(tensor(dloss, False))
    b.backward(minigrad.from_numpy(change(dloss)))
    np.testing.assert_array_equal(x.grad.numpy(), y.grad.numpy())


def test_float32_loss_is_rounded_once():
    x = sure()
    t = x.argmax(axis=1)
    loss = cross_entropy(tensor(x), t)
    assert loss.dtype is minigrad.float32
    assert ulps(loss.detach().numpy(), exact_loss(x, t)[0]) <= 0.51


def test_cross_entropy_of_a_repeated_gradient():
    x, t, _ = examples((6, 5))
    a, b = tensor(x), tensor(x)
    cross_entropy(a, t, reduction="none").sum().backward()
    cross_entropy(b, t, reduction="sum").backward()
    np.testing.assert_array_equal(a.grad.numpy(), b.grad.numpy())


@pytest.mark.parametrize("loss", [cross_entropy, nll_loss])
def test_when_nothing_counts(loss):
    x = tensor([[0.5, 2.0], [np.nan, INF]])
    mean = loss(x, np.array([-100, -100]))
    assert np.isnan(mean.item())
    mean.backward()
    np.testing.assert_array_equal(x.grad.numpy(), np.zeros((2, 2)))
    assert loss(x, np.array([7, 7]), ignore_index=7, reduction="sum").item() == 0
    each = loss(x, np.array([0, -100]), reduction="none")
    assert each.detach().numpy()[1] == 0
    x.grad = None
    each.backward(minigrad.tensor(np.array([1.0, INF])))
    np.testing.assert_array_equal(x.grad.numpy()[1], [0, 0])


@pytest.mark.parametrize("loss", [cross_entropy, nll_loss])
@pytest.mark.parametrize("shape", [(0, 3), (0, 3, 2), (2, 3, 0)])
def test_empty_batch(loss, shape):
    labels = np.empty(shape[:1] + shape[2:], np.int64)
    for reduction, wanted in {"mean": np.nan, "sum": 0.0}.items():
        x = tensor(np.empty(shape))
        y = loss(x, labels, reduction=reduction)
        np.testing.assert_array_equal(y.item(), wanted)
        y.backward()
        assert x.grad.shape == shape
    assert loss(x, labels, reduction="none").shape == labels.shape
    if loss is cross_entropy:
        assert np.isnan(loss(x, np.empty(shape)).item())
        assert loss(x, np.empty(shape), reduction="sum").item() == 0


def test_one_class():
    x = tensor([[3.0], [-1e4]])
    loss = cross_entropy(x, np.array([0, 0]))
    assert loss.item() == 0
    loss.backward()
    np.testing.assert_array_equal(x.grad.numpy(), [[0], [0]])


def test_what_is_saved_is_guarded():
    array, t, weight = examples((6, 5))
    for changed in ("logits", "labels", "weight"):
        x, labels, w = tensor(array) * 1, minigrad.tensor(t), tensor(weight, False)
        loss = cross_entropy(x, labels, w)
        {"logits": x, "labels": labels, "weight": w}[changed].mul_(2)
        with pytest.raises(GraphError, match="CrossEntropy"):
            loss.backward()


def test_without_recording_there_is_no_node():
    x, t, _ = examples((6, 5))
    with minigrad.no_grad():
        assert cross_entropy(tensor(x), t).grad_fn is None
    assert cross_entropy(tensor(x, False), t).grad_fn is None


X = np.zeros((2, 3), np.float32)
T = np.array([0, 1])


@pytest.mark.parametrize("loss", [cross_entropy, nll_loss])
@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((X, np.array([0, 3])), {}, IndexError, "label 3 at position 1 .* 3 classes .* 0 to 2"),
        ((X, np.array([-1, 0])), {}, IndexError, "label -1 at position 0 .* 3 classes"),
        ((X, np.array([2**40, 0])), {}, IndexError, f"label {2**40} at position 0"),
        ((X, np.array([0, 2**64 - 100], np.uint64)), {}, IndexError, "label 184467440737095"),
        ((X, np.array([0, -100])), {"ignore_index": 1}, IndexError, "label -100 at position 1"),
        ((X[0], np.array(3)), {}, IndexError, "label 3 is not a class"),
        ((X[..., None], np.full((2, 1), 5)), {}, IndexError, r"label 5 at position \(0, 0\)"),
        ((X, np.array([0.0, 1])), {}, DTypeError, "labels must be integers, got float64"),
        ((X, np.array([True, False])), {}, DTypeError, "labels must be integers, got bool"),
        ((X, np.array([[0], [1]])), {}, ShapeError, r"got \(2, 1\).*squeeze\(1\)"),
        ((X, np.array([0, 1, 2])), {}, ShapeError, "batch sizes 2 and 3 differ"),
        ((X, np.array(0)), {}, ShapeError, r"labels of shape \(2,\), got \(\)"),
        ((X[0], np.array([0])), {}, ShapeError, r"labels of shape \(\), got \(1,\)"),
        ((X[..., None], np.zeros((2, 5), int)), {}, ShapeError, r"\(2, 1\), got \(2, 5\)"),
        ((np.zeros((2, 0)), T), {}, ValueError, r"\(2, 0\) has no classes"),
        ((np.zeros(()), np.array(0)), {}, ShapeError, "0-d"),
        ((np.zeros((2, 3), int), T), {}, DTypeError, "input must be float32 or float64"),
        ((X.tolist(), T), {}, TypeError, "input must be a Tensor"),
        ((X, T.tolist()), {}, TypeError, "target must be a Tensor or a NumPy array, got list"),
        ((X, None), {}, TypeError, "target must be a Tensor or a NumPy array, got NoneType"),
        ((X, np.ma.array(T)), {}, TypeError, "target must be .*MaskedArray"),
        ((X, T), {"reduction": "avg"}, ValueError, "'none', 'mean' or 'sum', got 'avg'"),
        ((X, T), {"reduction": None}, ValueError, "reduction must be .*, got None"),
        ((X, T), {"size_average": True}, ValueError, "size_average and reduce were replaced"),
        ((X, T), {"reduce": False}, ValueError, "size_average and reduce were replaced"),
        ((X, T), {"ignore_index": 1.5}, TypeError, "ignore_index must be an integer, got 1.5"),
        ((X, T), {"ignore_index": True}, TypeError, "ignore_index must be an integer, got True"),
        ((X, T), {"ignore_index": 2**63}, ValueError, "ignore_index must fit into int64"),
        ((X, T), {"weight": [1, 1, 1]}, TypeError, "weight must be a Tensor"),
        ((X, T), {"weight": X[0, :2]}, ValueError, r"weight .*shape \(3,\), .*got \(2,\)"),
        ((X, T), {"weight": X}, ValueError, r"weight .*shape \(3,\), .*got \(2, 3\)"),
        ((X, T), {"weight": np.ones(3)}, DTypeError, "weight .*float32, got .*float64"),
        ((X, T), {"weight": np.ones(3, int)}, DTypeError, "weight must be float32 or float64"),
        ((X, T), {"weight": np.array([1, -1, 1], "f")}, ValueError, r"finite, >= 0.*-1.0"),
        ((X, T), {"weight": np.array([1, np.nan, 1], "f")}, ValueError, "finite.*nan"),
        ((X, T), {"weight": np.zeros(3, "f")}, ValueError, "weight must be .* not all 0, got"),
        ((X, T), {"weight": tensor(np.ones(3, "f"))}, GraphError, r"weight.*\.detach\(\)"),
    ],
)  # fmt: skip
def test_bad_arguments(loss, arguments, options, error, message):
    with pytest.raises(error, match=f"(?s)^{loss.__name__}: .*{message}"):
        loss(*arguments, **options)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((X, np.eye(2, 3, dtype=int)), {}, DTypeError, "probabilities.* got .*int64; .*one-hot"),
        ((X, np.eye(3, dtype=bool)[:2]), {}, DTypeError, "probabilities.* got .*bool"),
        ((X, X), {"ignore_index": 0}, ValueError, "ignore_index is for labels"),
        ((X, T), {"label_smoothing": -0.1}, ValueError, "label_smoothing .*>= 0.*<= 1, got -0.1"),
        ((X, T), {"label_smoothing": 1.1}, ValueError, "label_smoothing .*<= 1, got 1.1"),
        ((X, T), {"label_smoothing": np.nan}, ValueError, "label_smoothing .*, got nan"),
        ((X, T), {"label_smoothing": "0"}, TypeError, "label_smoothing must be a number"),
        ((X, T), {"label_smoothing": None}, TypeError, "label_smoothing must be a number"),
    ],
)  # fmt: skip
def test_cross_entropy_bad_arguments(arguments, options, error, message):
    with pytest.raises(error, match=f"(?s)cross_entropy: .*{message}"):
        cross_entropy(*arguments, **options)


def test_nll_loss_takes_no_probabilities():
    with pytest.raises(DTypeError, match="nll_loss: class labels must be integers"):
        nll_loss(X, X)


def test_argument_order_is_torchs(torch):
    for ours, theirs in [
        (cross_entropy, torch.nn.functional.cross_entropy),
        (nll_loss, torch.nn.functional.nll_loss),
    ]:
        assert list(inspect.signature(ours).parameters) == list(
            inspect.signature(theirs).parameters
        )
        for name, parameter in inspect.signature(theirs).parameters.items():
            assert inspect.signature(ours).parameters[name].default == parameter.default
