"""The layer BatchNorm1d: its state, its modes, its promises; against torch's."""

import copy
import threading

import numpy as np
import pytest
from helpers.batch_norm_reference import exact, exact_dx
from helpers.grids import for_each
from helpers.layouts import leaf, normal
from helpers.rest_slow import rest_slow

import minigrad
from minigrad import DTypeError, ShapeError, tensor
from minigrad.nn import BatchNorm1d, BatchNorm2d

OPTIONS = [
    {},
    {"eps": 0.1, "momentum": 0.3},
    {"momentum": None},
    {"momentum": 0},
    {"affine": False},
    {"bias": False},
    {"affine": False, "bias": False, "track_running_stats": False},
    {"track_running_stats": False},
    {"momentum": None, "affine": False, "eps": 1e-3},
]
options = pytest.mark.parametrize("options", OPTIONS, ids=str)


def state(layer):
    """Everything that a failing call must leave alone."""
    found = [(k, v.numpy().tobytes(), v._version) for k, v in layer.state_dict().items()]
    return found + [(k, p.grad) for k, p in layer.named_parameters()]


def trained(batches=3, **options):
    layer = BatchNorm1d(4, **options).double()
    for seed in range(batches):
        layer(tensor(3 * normal(10, 4, seed=seed) + 5))
    return layer


@options
@pytest.mark.parametrize("name", ["BatchNorm1d", "BatchNorm2d"])
def test_looks_like_torch(torch, name, options):
    ours, theirs = getattr(minigrad.nn, name)(4, **options), getattr(torch.nn, name)(4, **options)
    assert repr(ours) == repr(theirs)
    expected = theirs.state_dict()
    assert list(ours.state_dict()) == list(expected)
    for key, value in ours.state_dict().items():
        assert str(value.dtype).split(".")[1] == str(expected[key].dtype).split(".")[1]
        np.testing.assert_array_equal(value.numpy(), expected[key].numpy())
    assert [k for k, _ in ours.named_parameters()] == [k for k, _ in theirs.named_parameters()]
    assert [k for k, _ in ours.named_buffers()] == [k for k, _ in theirs.named_buffers()]


def step(library, layer, x, dy, train):
    """One call and its backward: y, the gradients and every buffer, as arrays."""
    layer.train(train)
    x = library.as_tensor(x).requires_grad_()
    for parameter in layer.parameters():
        parameter.grad = None
    y = layer(x)
    y.backward(library.as_tensor(dy))
    gradients = [x.grad, *(parameter.grad for parameter in layer.parameters())]
    tensors = [y.detach(), *gradients, *layer.state_dict().values()]
    return [np.array(t.detach().numpy(), np.float64) for t in tensors]


@pytest.mark.parametrize("name", ["BatchNorm1d", "BatchNorm2d"])
@pytest.mark.parametrize("block", rest_slow(range(12), [0]))
def test_lives_like_torch(torch, name, block):
    """Random layers through random lives of training and evaluation."""
    for seed in range(25 * block, 25 * block + 25):
        rng = np.random.default_rng(seed)
        chosen = {
            "eps": float(10 ** rng.uniform(-5, -0.3)),
            "momentum": None if rng.integers(3) == 0 else float(rng.uniform(0, 1)),
            "affine": bool(rng.integers(4)),
            "track_running_stats": bool(rng.integers(4)),
            "bias": bool(rng.integers(4)),
        }
        C = int(rng.integers(1, 7))
        ours = getattr(minigrad.nn, name)(C, **chosen).double()
        theirs = getattr(torch.nn, name)(C, **chosen).double()
        for (_, a), (_, b) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
            start = rng.standard_normal(C)
            a.data, b.data = tensor(start), torch.as_tensor(start.copy())
        for _ in range(8):
            N, H, W = int(rng.integers(2, 12)), int(rng.integers(1, 6)), int(rng.integers(1, 6))
            shape = (N, C, H) if rng.integers(2) else (N, C)
            shape = (N, C, H, W) if name == "BatchNorm2d" else shape
            x = rng.uniform(0.2, 4) * rng.standard_normal(shape) + rng.standard_normal()
            dy, train = rng.standard_normal(shape), bool(rng.integers(3))
            expected = step(torch, theirs, x.copy(), dy.copy(), train)
            for a, b in zip(step(minigrad, ours, x, dy, train), expected, strict=True):
                scale = max(1, np.abs(b).max(initial=0))
                np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * scale, err_msg=str(seed))


def test_weights_move_both_ways(torch):
    ours, theirs = trained(), torch.nn.BatchNorm1d(4).double()
    theirs.load_state_dict(
        {k: torch.as_tensor(np.array(v.numpy())) for k, v in ours.state_dict().items()}
    )
    x = normal(6, 4, seed=9)
    expected = theirs.eval()(torch.as_tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours.eval()(tensor(x)).detach().numpy(), expected, rtol=1e-12)
    theirs.train()(torch.as_tensor(normal(5, 4, seed=8)))
    ours.load_state_dict({k: tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    assert ours.num_batches_tracked.item() == 4
    expected = theirs.eval()(torch.as_tensor(x)).detach().numpy()
    np.testing.assert_allclose(ours(tensor(x)).detach().numpy(), expected, rtol=1e-12)


# --- accuracy ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(1024, 8), (16, 8, 64), (16, 8, 4, 4), (4, 8, 16, 16)])
@for_each("offset", [0, 1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7])
def test_accuracy(shape, offset):
    x = (normal(*shape, seed=0) + offset).astype(np.float32)
    layer = BatchNorm2d(8) if x.ndim == 4 else BatchNorm1d(8)
    x = leaf(x)
    y = layer(x)
    assert np.abs(y.detach().numpy() - exact(x.detach().numpy())[0]).max() <= 1e-6
    if offset <= 1e6:
        dy = normal(*shape, seed=1, dtype=np.float32)
        y.backward(tensor(dy))
        expected = exact_dx(dy, x.detach().numpy(), np.ones(8))
        assert np.abs(x.grad.numpy() - expected).max() <= 1e-6


@pytest.mark.parametrize("value", [0.1, 100, 1e4, 1e8])
def test_constant_channel(value):
    layer = BatchNorm1d(1)
    minigrad.nn.init.constant_(layer.bias, 0.7)
    y = layer(tensor(np.full((1024, 1), value, np.float32)))
    np.testing.assert_array_equal(y.detach().numpy(), np.full((1024, 1), 0.7, np.float32))
    assert layer.running_var.item() == np.float32(0.9)


def test_cumulative_average():
    layer = BatchNorm1d(3, momentum=None)
    batches = [(normal(20, 3, seed=seed) + 2).astype(np.float32) for seed in range(30)]
    for batch in batches:
        layer(tensor(batch))
    means = np.mean([b.astype(float).mean(0) for b in batches], axis=0)
    variances = np.mean([b.astype(float).var(0, ddof=1) for b in batches], axis=0)
    np.testing.assert_allclose(layer.running_mean.numpy(), means, atol=1e-6)
    np.testing.assert_allclose(layer.running_var.numpy(), variances, atol=1e-6)


# --- other conventions ---------------------------------------------------------------------------


def test_channels_last():
    """(N, H, W, C) with axis=-1 is (N, C, H, W), moved; buffers and gradients agree."""
    first, last = BatchNorm2d(3).double(), BatchNorm2d(3, axis=-1).double()
    images, dy = normal(4, 3, 5, 2, seed=0), normal(4, 3, 5, 2, seed=1)
    x, moved = leaf(images), leaf(np.moveaxis(images, 1, -1))
    y, y_moved = first(x), last(moved)
    y.backward(tensor(dy))
    y_moved.backward(tensor(np.moveaxis(dy, 1, -1)))

    def agree(a, b):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-13)

    agree(np.moveaxis(y_moved.detach().numpy(), -1, 1), y.detach().numpy())
    agree(np.moveaxis(moved.grad.numpy(), -1, 1), x.grad.numpy())
    for a, b in zip(last.parameters(), first.parameters(), strict=True):
        agree(a.grad.numpy(), b.grad.numpy())
    for a, b in zip(last.buffers(), first.buffers(), strict=True):
        agree(a.numpy(), b.numpy())
    with pytest.raises(ShapeError, match=r"3 channels .* along axis -1, got 2 .*\(4, 3, 5, 2\)"):
        last(x)


def test_an_axis_that_the_input_lacks():
    layer = BatchNorm1d(4, axis=2)
    before = state(layer)
    with pytest.raises(ShapeError, match=r"\(3, 4\) has no axis 2"):
        layer(minigrad.zeros(3, 4))
    assert state(layer) == before
    layer(minigrad.zeros(3, 2, 4))


def test_every_pixel_counts():
    """m = N · H · W, and m - 1 divides in the running variance."""
    x = normal(2, 3, 4, 5, seed=0)
    for unbiased in (True, False):
        layer = BatchNorm2d(3, momentum=1.0, unbiased_running_var=unbiased).double()
        layer(tensor(x))
        by_hand = ((x - x.mean((0, 2, 3), keepdims=True)) ** 2).sum((0, 2, 3)) / (40 - unbiased)
        np.testing.assert_allclose(layer.running_var.numpy(), by_hand, rtol=1e-13)
    assert BatchNorm2d(3)(minigrad.randn(1, 3, 1, 2)).shape == (1, 3, 1, 2)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        BatchNorm2d(3)(minigrad.randn(1, 3, 1, 1))


@pytest.mark.parametrize("axis", [-1, 1])
@pytest.mark.parametrize("center", [True, False])
@pytest.mark.parametrize("scale", [True, False])
def test_from_keras(axis, center, scale):
    """Three steps and an evaluation, against what Keras' documentation says."""
    momentum, epsilon = 0.7, 0.01
    layer = BatchNorm1d.from_keras(3, axis, momentum, epsilon, center, scale).double()
    gamma, beta = normal(3, seed=5), normal(3, seed=6)
    assert [k for k, _ in layer.named_parameters()] == ["weight"] * scale + ["bias"] * center
    if scale:
        layer.weight.data = tensor(gamma)
    if center:
        layer.bias.data = tensor(beta)
    moving_mean, moving_var = np.zeros(3), np.ones(3)

    def keras(x, mean, var):
        x_hat = (x - mean) / np.sqrt(var + epsilon)
        return x_hat * (gamma if scale else 1) + (beta if center else 0)

    def moved(x):
        return x if axis == -1 else np.moveaxis(x, -1, 1)

    for seed in range(3):
        x = 2 * normal(4, 5, 3, seed=seed) + 1
        mean, var = x.mean((0, 1)), x.var((0, 1))
        y = layer(tensor(moved(x))).detach().numpy()
        np.testing.assert_allclose(y, moved(keras(x, mean, var)), rtol=1e-12, atol=1e-12)
        moving_mean = moving_mean * momentum + mean * (1 - momentum)
        moving_var = moving_var * momentum + var * (1 - momentum)
    np.testing.assert_allclose(layer.running_mean.numpy(), moving_mean, rtol=1e-13)
    np.testing.assert_allclose(layer.running_var.numpy(), moving_var, rtol=1e-13)
    y = layer.eval()(tensor(moved(x))).detach().numpy()
    np.testing.assert_allclose(y, moved(keras(x, moving_mean, moving_var)), atol=1e-12)


def test_keras_defaults_and_what_they_print():
    assert repr(BatchNorm2d.from_keras(8)) == (
        "BatchNorm2d(8, eps=0.001, momentum=0.01, affine=True, bias=True, "
        "track_running_stats=True, axis=-1, unbiased_running_var=False)"
    )
    assert "weight=False" in repr(BatchNorm1d.from_keras(8, scale=False))
    assert "bias=False" in repr(BatchNorm1d.from_keras(8, center=False))
    layer = BatchNorm1d.from_keras(2, scale=False)
    layer.reset_parameters()
    assert [key for key, _ in layer.named_parameters()] == ["bias"]


# --- modes and state -----------------------------------------------------------------------------


def test_evaluation_changes_nothing():
    layer = trained().eval()
    before = state(layer)
    x = tensor(normal(5, 4, seed=7))
    y = layer(x)
    np.testing.assert_array_equal(layer(x).detach().numpy(), y.detach().numpy())
    one = layer(tensor(normal(5, 4, seed=7)[:1]))
    np.testing.assert_array_equal(one.detach().numpy(), y.detach().numpy()[:1])
    assert state(layer) == before


def test_without_statistics_evaluation_asks_the_batch():
    layer = BatchNorm1d(4, track_running_stats=False).double().eval()
    x = normal(6, 4, seed=0)
    np.testing.assert_allclose(layer(tensor(x)).detach().numpy(), exact(x)[0], atol=1e-13)
    with pytest.raises(ValueError, match="more than 1 value per channel"):
        layer(tensor(x[:1]))


def test_tracking_can_be_switched_off_later():
    layer = trained()
    before = state(layer)
    layer.track_running_stats = False
    x = normal(6, 4, seed=0)
    np.testing.assert_allclose(layer(tensor(x)).detach().numpy(), exact(x)[0], atol=1e-13)
    assert state(layer) == before
    mean, var = layer.running_mean.numpy(), layer.running_var.numpy()
    expected = (x - mean) / np.sqrt(var + layer.eps)
    np.testing.assert_allclose(layer.eval()(tensor(x)).detach().numpy(), expected, rtol=1e-12)
    layer.running_mean = layer.running_var = None
    np.testing.assert_allclose(layer(tensor(x)).detach().numpy(), exact(x)[0], atol=1e-13)


def test_evaluation_gradient_after_more_training():
    layer = trained().eval()
    var = layer.running_var.numpy().copy()
    x, dy = leaf(normal(6, 4, seed=5)), normal(6, 4, seed=6)
    y = layer(x)
    layer.train()(tensor(normal(30, 4, seed=1) * 10))
    assert np.abs(layer.running_var.numpy() - var).max() > 1
    y.backward(tensor(dy))
    np.testing.assert_allclose(x.grad.numpy(), dy / np.sqrt(var + layer.eps), rtol=1e-12)


def test_weights_loaded_between_forward_and_backward_are_noticed():
    layer = trained()
    y = layer(tensor(normal(6, 4, seed=5)))
    layer.load_state_dict(trained(1).state_dict())
    with pytest.raises(minigrad.GraphError, match="load_state_dict"):
        y.sum().backward()


def test_reset():
    layer = trained()
    minigrad.nn.init.constant_(layer.weight, 3)
    minigrad.nn.init.constant_(layer.bias, 3)
    layer.reset_running_stats()
    assert layer.num_batches_tracked.item() == 0
    np.testing.assert_array_equal(layer.running_mean.numpy(), np.zeros(4))
    np.testing.assert_array_equal(layer.running_var.numpy(), np.ones(4))
    assert layer.weight.detach().numpy()[0] == 3
    layer(tensor(normal(10, 4, seed=0)))
    layer.reset_parameters()
    fresh = BatchNorm1d(4).double()
    for key, value in layer.state_dict().items():
        np.testing.assert_array_equal(value.numpy(), fresh.state_dict()[key].numpy())
    BatchNorm1d(4, affine=False, track_running_stats=False).reset_parameters()


def test_dtypes():
    layer = BatchNorm1d(4, dtype=minigrad.float64)
    assert {str(v.dtype) for v in layer.parameters()} == {"minigrad.float64"}
    assert layer.running_var.dtype is minigrad.float64
    assert layer.num_batches_tracked.dtype is minigrad.int64
    layer.float()
    assert layer.running_var.dtype is minigrad.float32
    assert layer.num_batches_tracked.dtype is minigrad.int64
    assert layer(minigrad.zeros(3, 4)).dtype is minigrad.float32


def test_a_copy_is_independent():
    layer = trained()
    twin = copy.deepcopy(layer)
    before = state(layer)
    twin(tensor(normal(5, 4, seed=0)))
    assert state(layer) == before
    assert twin.num_batches_tracked.item() == layer.num_batches_tracked.item() + 1


def test_threads_may_share_a_layer():
    """Each call is whole; in which order they count is up to the threads."""
    layer = BatchNorm1d(4, momentum=1.0).double()
    batches = [normal(50, 4, seed=seed) for seed in range(4)]

    def train(batch):
        for _ in range(50):
            layer(tensor(batch))

    threads = [threading.Thread(target=train, args=(batch,)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = layer.running_mean.numpy()
    assert any(np.allclose(found, batch.mean(0), rtol=1e-12) for batch in batches)


# --- bad input -----------------------------------------------------------------------------------

BAD_INPUT = [
    (lambda: minigrad.zeros(1, 4), ValueError, r"more than 1 value per channel.*\(1, 4\)"),
    (lambda: minigrad.zeros(1, 4, 1), ValueError, r"more than 1 value per channel.*\(1, 4, 1\)"),
    (lambda: minigrad.zeros(4), ShapeError, r"expected 2D or 3D input \(got 1D input\)"),
    (lambda: minigrad.zeros(()), ShapeError, r"expected 2D or 3D input \(got 0D input\)"),
    (lambda: minigrad.zeros(2, 4, 3, 3), ShapeError, r"expected 2D or 3D input \(got 4D input\)"),
    (lambda: minigrad.zeros(2, 3), ShapeError, r"expected 4 channels .*, got 3 .*\(2, 3\)"),
    (lambda: minigrad.zeros(4, 5, 4), ShapeError, r"expected 4 channels .*, got 5"),
    (lambda: minigrad.zeros(3, 4).long(), DTypeError, "float32 or float64, got minigrad.int64"),
    (lambda: minigrad.zeros(3, 4).double(), DTypeError, "is minigrad.float32, but input is .*64"),
    (lambda: None, TypeError, "input must be a Tensor, got NoneType"),
    (lambda: [[1.0] * 4] * 3, TypeError, "input must be a Tensor, got list"),
    (lambda: "x", TypeError, "input must be a Tensor, got str"),
]


@pytest.mark.parametrize(("make", "error", "message"), BAD_INPUT)
@pytest.mark.parametrize("momentum", [0.1, None])
def test_a_refused_call_counts_nothing(make, error, message, momentum):
    layer = BatchNorm1d(4, momentum=momentum)
    layer(tensor(normal(5, 4, seed=0, dtype=np.float32)))
    before = state(layer)
    with pytest.raises(error, match=message) as caught:
        layer(make())
    assert caught.type is error
    assert state(layer) == before
    layer(tensor(normal(5, 4, seed=1, dtype=np.float32)))
    assert layer.num_batches_tracked.item() == 2


@pytest.mark.parametrize(
    ("attribute", "value", "error"),
    [("eps", 0.0, ValueError), ("eps", None, TypeError), ("momentum", 2.0, ValueError)],
)
def test_a_number_made_wrong_later(attribute, value, error):
    layer = trained()
    setattr(layer, attribute, value)
    before = state(layer)
    with pytest.raises(error, match=f"batch_norm: {attribute} must be"):
        layer(tensor(normal(5, 4, seed=0)))
    assert state(layer) == before


def test_a_negative_variance_is_noticed():
    layer = trained().eval()
    layer.running_var.copy_(tensor([1.0, 1.0, -1.5, 1.0]).double())
    before = state(layer)
    for mode in (True, False):
        with pytest.raises(ValueError, match="running_var of channel 2 is -1.5"):
            layer.train(mode)(tensor(normal(5, 4, seed=0)))
    assert state(layer) == before


@pytest.mark.parametrize("shape", [(0, 4), (0, 4, 3), (2, 4, 0)])
@pytest.mark.parametrize("momentum", [0.1, None])
def test_an_empty_batch_counts_nothing(shape, momentum):
    layer = BatchNorm1d(4, momentum=momentum)
    for mode in (True, False):
        before = state(layer)
        x = minigrad.zeros(*shape, requires_grad=True)
        y = layer.train(mode)(x)
        assert y.shape == shape
        assert state(layer) == before
        y.sum().backward()
        np.testing.assert_array_equal(layer.weight.grad.numpy(), np.zeros(4))
        np.testing.assert_array_equal(layer.bias.grad.numpy(), np.zeros(4))
        assert x.grad.shape == shape
        layer.zero_grad()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"num_features": 0}, ValueError, "num_features must be >= 1, got 0"),
        ({"num_features": -3}, ValueError, "num_features must be >= 1, got -3"),
        ({"num_features": 2.5}, TypeError, "num_features must be an integer, got 2.5"),
        ({"num_features": True}, TypeError, "num_features must be an integer, got True"),
        ({"num_features": None}, TypeError, "num_features must be an integer, got None"),
        ({"eps": 0}, ValueError, "eps must be finite and > 0, got 0"),
        ({"eps": -1e-5}, ValueError, "eps must be"),
        ({"eps": float("nan")}, ValueError, "eps must be"),
        ({"eps": float("inf")}, ValueError, "eps must be"),
        ({"eps": "small"}, TypeError, "eps must be a number"),
        ({"momentum": 1.01}, ValueError, "momentum must be finite and >= 0 and <= 1, got 1.01"),
        ({"momentum": -1.2}, ValueError, "momentum must be"),
        ({"momentum": float("nan")}, ValueError, "momentum must be"),
        ({"momentum": True}, TypeError, "momentum must be a number"),
        ({"affine": 1}, TypeError, "affine must be True or False, got 1"),
        ({"track_running_stats": None}, TypeError, "track_running_stats must be True or False"),
        ({"bias": "no"}, TypeError, "bias must be True or False"),
        ({"device": "cuda"}, Exception, "cuda"),
        ({"axis": 3}, ValueError, "BatchNorm1d: axis must be below 3, got 3"),
        ({"axis": -4}, ValueError, "axis must be >= -3, got -4"),
        ({"axis": None}, TypeError, "axis must be an integer, got None"),
        ({"axis": [1]}, TypeError, "axis must be an integer, got"),
        ({"unbiased_running_var": 0}, TypeError, "unbiased_running_var must be True or False"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        BatchNorm1d(**{"num_features": 4, **arguments})


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"momentum": 1.5}, ValueError, "from_keras: momentum must be .* <= 1, got 1.5"),
        ({"momentum": None}, TypeError, "from_keras: momentum must be a number"),
        ({"epsilon": 0}, ValueError, "from_keras: epsilon must be"),
        ({"center": 1}, TypeError, "from_keras: center must be True or False"),
        ({"scale": None}, TypeError, "from_keras: scale must be True or False"),
        ({"axis": 4}, ValueError, "BatchNorm2d: axis must be below 4, got 4"),
        ({"num_features": 0}, ValueError, "num_features must be >= 1"),
    ],
)
def test_bad_arguments_from_keras(arguments, error, message):
    with pytest.raises(error, match=message):
        BatchNorm2d.from_keras(**{"num_features": 4, **arguments})


def test_a_tensor_may_stand_in_for_a_parameter():
    """As torch's weight and spectral norm do it: the layer computes with what its name holds."""
    layer = BatchNorm1d(2).double()
    v = minigrad.tensor([1.5, -2.0], dtype=minigrad.float64, requires_grad=True)
    del layer.weight
    layer.weight = v * v
    x = minigrad.tensor([[1.0, 2.0], [3.0, -4.0]], dtype=minigrad.float64)
    layer(x).backward(minigrad.tensor([[1.0, 2.0], [-1.0, 0.5]], dtype=minigrad.float64))
    np.testing.assert_allclose(v.grad.numpy(), [-6.0, -6.0], rtol=1e-4)
