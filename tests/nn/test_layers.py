"""Layers: outputs and gradients are torch's, and what is refused."""

import math

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.errors import DTypeError, ShapeError

LAYERS = [
    ("Identity", (54,), {"unused": 1}, (3, 4)),
    ("Flatten", (), {}, (2, 3, 4)),
    ("Flatten", (0, 1), {}, (2, 3, 4)),
    ("Flatten", (), {"start_dim": -2}, (2, 3, 4)),
    ("Linear", (4, 3), {}, (5, 4)),
    ("Linear", (4, 3), {"bias": False}, (4,)),
    ("Linear", (4, 0), {}, (2, 3, 4)),
    ("Linear", (0, 2), {}, (5, 0)),
    ("ReLU", (), {}, (3, 4)),
    ("ReLU", (), {"inplace": False}, (3, 4)),
    ("LeakyReLU", (), {}, (3, 4)),
    ("LeakyReLU", (0.3,), {}, (3, 4)),
    ("Sigmoid", (), {}, (3, 4)),
    ("Tanh", (), {}, (3, 4)),
    ("GELU", (), {}, (3, 4)),
    ("GELU", (), {"approximate": "tanh"}, (3, 4)),
    ("Softmax", (), {"dim": 1}, (3, 4)),
    ("Softmax", (-2,), {}, (3, 4)),
    ("LogSoftmax", (1,), {}, (3, 4, 2)),
    ("Dropout", (), {"p": 0.0}, (3, 4)),
    ("Dropout", (1.0,), {}, (3, 4)),
]


@pytest.mark.parametrize(("name", "args", "options", "shape"), LAYERS)
def test_layers_are_torchs(torch, name, args, options, shape):
    rng = np.random.default_rng(0)
    ours = getattr(nn, name)(*args, **options).double()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("warnings.warn", lambda *a, **k: None)  # torch's, about zero-size weights
        theirs = getattr(torch.nn, name)(*args, **options).double()
    assert repr(ours) == repr(theirs)
    state = theirs.state_dict()
    shapes = {k: tuple(v.shape) for k, v in ours.state_dict().items()}
    assert shapes == {k: tuple(v.shape) for k, v in state.items()}
    ours.load_state_dict({k: minigrad.tensor(v.numpy()) for k, v in state.items()})
    x = rng.standard_normal(shape)
    one, other = minigrad.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    y, z = ours(one), theirs(other)
    dy = rng.standard_normal(tuple(z.shape))
    y.backward(minigrad.tensor(dy))
    z.backward(torch.tensor(dy))
    compare = {"rtol": 1e-9, "atol": 1e-12}
    np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), **compare)
    np.testing.assert_allclose(one.grad.numpy(), other.grad.numpy(), **compare)
    for (key, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), **compare, err_msg=key)


def test_inplace(torch):
    for name in ("ReLU", "LeakyReLU", "Dropout"):
        ours, theirs = getattr(nn, name)(inplace=True), getattr(torch.nn, name)(inplace=True)
        assert repr(ours) == repr(theirs)
        if name == "Dropout":
            ours, theirs = nn.Dropout(1.0, inplace=True), torch.nn.Dropout(1.0, inplace=True)
        x, z = minigrad.tensor([-1.0, 2.0]), torch.tensor([-1.0, 2.0])
        assert ours(x) is x
        theirs(z)
        assert x.tolist() == z.tolist()


def test_linear_starts_as_torchs(torch):
    minigrad.manual_seed(0)
    ours, theirs = nn.Linear(100, 300), torch.nn.Linear(100, 300)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        for values in (a.detach().numpy(), b.detach().numpy()):
            assert values.dtype == np.float32
            assert 0.09 < np.abs(values).max() <= 0.1 * (1 + 1e-6)
            assert values.std() == pytest.approx(0.1 / math.sqrt(3), rel=0.15)
    before = ours.weight.tolist()
    ours.reset_parameters()
    assert ours.weight.tolist() != before


def test_linear_dtype():
    layer = nn.Linear(2, 3, dtype=minigrad.float64)
    assert layer.weight.dtype is layer.bias.dtype is minigrad.float64
    minigrad.set_default_dtype(minigrad.float64)
    try:
        assert nn.Linear(2, 3).weight.dtype is minigrad.float64
    finally:
        minigrad.set_default_dtype(minigrad.float32)
    with pytest.raises(TypeError):
        nn.Linear(2, 3, dtype=minigrad.int64)


@pytest.mark.parametrize("shape", [(5, 3), (3,), (), (4, 2, 5)])
def test_linear_names_itself_and_the_sizes(shape):
    layer = nn.Linear(4, 2)
    message = r"Linear\(in_features=4, out_features=2, bias=True\): expected .*\(…, 4\), got "
    with pytest.raises(ShapeError, match=message) as error:
        layer(minigrad.zeros(shape))
    assert str(shape) in str(error.value)


def test_linear_names_the_dtypes():
    with pytest.raises(DTypeError, match="weight is minigrad.float32, but input is .*float64"):
        nn.Linear(4, 2)(minigrad.zeros(3, 4, dtype=minigrad.float64))
    with pytest.raises(DTypeError, match="linear: input must be float32 or float64, got"):
        nn.Linear(4, 2)(minigrad.zeros(3, 4, dtype=minigrad.int64))
    for wrong in (None, "x", [[1.0] * 4]):
        with pytest.raises(TypeError, match="linear: input"):
            nn.Linear(4, 2)(wrong)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: nn.Linear(-1, 2), ValueError, "Linear: in_features must be >= 0, got -1"),
        (lambda: nn.Linear(2, -1), ValueError, "Linear: out_features must be >= 0, got -1"),
        (lambda: nn.Linear(2.5, 2), TypeError, "Linear: in_features must be an integer, got 2.5"),
        (lambda: nn.Linear(2, "3"), TypeError, "Linear: out_features must be an integer"),
        (lambda: nn.Linear(True, 2), TypeError, "Linear: in_features must be an integer, got Tr"),
        (lambda: nn.Linear(2, 2, bias=1), TypeError, "Linear: bias must be True or False"),
        (lambda: nn.Linear(10**6, 10**9), MemoryError, ""),
        (lambda: nn.Linear(2**40, 2**40), (MemoryError, ValueError), ""),
        (lambda: nn.Dropout(1.5), ValueError, "Dropout: p must be finite and >= 0 and <= 1"),
        (lambda: nn.Dropout(-0.1), ValueError, "Dropout: p"),
        (lambda: nn.Dropout(math.nan), ValueError, "Dropout: p"),
        (lambda: nn.Dropout("0.5"), TypeError, "Dropout: p"),
        (lambda: nn.Dropout(True), TypeError, "Dropout: p"),
        (lambda: nn.LeakyReLU(math.nan), ValueError, "LeakyReLU: negative_slope"),
        (lambda: nn.LeakyReLU(None), TypeError, "LeakyReLU: negative_slope"),
        (lambda: nn.ReLU(inplace=1), TypeError, "ReLU: inplace must be True or False"),
        (lambda: nn.GELU("fast"), ValueError, "GELU: approximate must be 'none' or 'tanh'"),
        (lambda: nn.Softmax(1.0), TypeError, "Softmax: dim must be an integer"),
        (lambda: nn.LogSoftmax(True), TypeError, "LogSoftmax: dim must be an integer"),
        (lambda: nn.Flatten(0.5), TypeError, "Flatten: start_dim must be an integer"),
        (lambda: nn.Flatten(1, None), TypeError, "Flatten: end_dim must be an integer"),
    ],
)
def test_bad_arguments(make, error, message):
    with pytest.raises(error, match=message or None):
        make()


def test_dropout_only_in_training():
    minigrad.manual_seed(0)
    layer, x = nn.Dropout(0.25), minigrad.ones(100, 100)
    y = layer(x)
    assert set(np.unique(y.numpy())) == {np.float32(0), np.float32(1 / 0.75)}
    assert (y.numpy() == 0).mean() == pytest.approx(0.25, abs=0.03)
    assert layer(x).tolist() != y.tolist()
    assert layer.eval()(x).tolist() == x.tolist()


def test_an_mlp_is_torchs(torch):
    def build(nn):
        return nn.Sequential(
            nn.Flatten(), nn.Linear(6, 5), nn.GELU(), nn.Linear(5, 4), nn.Tanh(), nn.LogSoftmax(1)
        )

    ours, theirs = build(nn), build(torch.nn)
    assert repr(ours) == repr(theirs)
    ours.load_state_dict({k: minigrad.tensor(v.numpy()) for k, v in theirs.state_dict().items()})
    x = np.random.default_rng(0).standard_normal((7, 2, 3)).astype(np.float32)
    np.testing.assert_allclose(
        ours(minigrad.tensor(x)).tolist(), theirs(torch.tensor(x)).tolist(), rtol=1e-5, atol=1e-6
    )
