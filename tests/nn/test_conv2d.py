"""Conv2d as a layer: its looks, its start, its state."""

import copy

import numpy as np
import pytest
from helpers.pooling_reference import convolution_call

import minigrad
from minigrad import ShapeError, nn, tensor

LAYERS = [
    dict(kernel_size=3),
    dict(kernel_size=(3, 2), stride=2, padding=1),
    dict(kernel_size=[1, 5], stride=(1, 2), padding=[0, 2], dilation=3),
    dict(kernel_size=3, padding="same", groups=2, bias=False),
    dict(kernel_size=1, padding="valid", groups=4),
    dict(kernel_size=3, dilation=(1, 2), groups=4, bias=False),
]


@pytest.mark.parametrize("options", LAYERS, ids=str)
def test_looks_like_torch(torch, options):
    ours, theirs = nn.Conv2d(4, 8, **options), torch.nn.Conv2d(4, 8, **options)
    assert repr(ours) == repr(theirs)
    expected = theirs.state_dict()
    assert list(ours.state_dict()) == list(expected)
    for key, value in ours.state_dict().items():
        assert tuple(value.shape) == tuple(expected[key].shape)
    for name in ("kernel_size", "stride", "padding", "dilation", "groups", "padding_mode"):
        assert getattr(ours, name) == getattr(theirs, name)
    sequential = nn.Sequential(nn.Conv2d(4, 8, **options), nn.ReLU())
    twin = torch.nn.Sequential(torch.nn.Conv2d(4, 8, **options), torch.nn.ReLU())
    assert repr(sequential) == repr(twin)


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")  # torch's
def test_lives_like_torch(torch):
    for seed in range(60):
        x, weight, bias, options = convolution_call(seed)
        sizes = (weight.shape[1] * options["groups"], weight.shape[0], tuple(weight.shape[2:]))
        ours = nn.Conv2d(*sizes, bias=bias is not None, dtype=minigrad.float64, **options)
        theirs = torch.nn.Conv2d(*sizes, bias=bias is not None, dtype=torch.float64, **options)
        theirs.load_state_dict(
            {k: torch.as_tensor(np.array(v.numpy())) for k, v in ours.state_dict().items()}
        )
        y, z = ours(tensor(x)), theirs(torch.from_numpy(x.copy()))
        np.testing.assert_allclose(y.detach().numpy(), z.detach().numpy(), rtol=1e-10, atol=1e-10)
        dy = np.random.default_rng(seed).standard_normal(y.shape)
        y.backward(tensor(dy))
        z.backward(torch.from_numpy(dy))
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            np.testing.assert_allclose(a.grad.numpy(), b.grad.numpy(), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("groups", [1, 4])
def test_start(groups):
    minigrad.manual_seed(0)
    layer = nn.Conv2d(16, 64, (3, 5), groups=groups)
    bound = 1 / np.sqrt(16 // groups * 15)
    for parameter in layer.parameters():
        values = parameter.detach().numpy()
        assert 0.9 * bound < np.abs(values).max() <= bound
    assert abs(layer.weight.detach().numpy().var() * 3 / bound**2 - 1) < 0.05
    before = layer.weight.detach().numpy().copy()
    layer.reset_parameters()
    assert np.abs(layer.weight.detach().numpy() - before).max() > bound / 2


def test_the_start_is_torchs_distribution(torch):
    ours, theirs = nn.Conv2d(8, 64, 3), torch.nn.Conv2d(8, 64, 3)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        largest = np.abs(a.detach().numpy()).max(), b.detach().abs().max().item()
        np.testing.assert_allclose(*largest, rtol=0.15)


def test_dtypes_and_copies():
    layer = nn.Conv2d(2, 3, 2, dtype=minigrad.float64)
    assert layer.weight.dtype is minigrad.float64
    twin = copy.deepcopy(layer).float()
    assert layer.bias.dtype is minigrad.float64 and twin.bias.dtype is minigrad.float32
    assert twin(minigrad.zeros(1, 2, 4, 4)).dtype is minigrad.float32


def test_no_input_channels():
    layer = nn.Conv2d(0, 3, 2)
    assert layer(minigrad.zeros(1, 0, 4, 4)).shape == (1, 3, 3, 3)


def test_wrong_input_names_the_layer():
    layer = nn.Conv2d(4, 8, 3)
    with pytest.raises(ShapeError, match=r"Conv2d\(4, 8, kernel_size=\(3, 3\).*input has 3 chan"):
        layer(minigrad.zeros(2, 3, 5, 5))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(in_channels=-1), ValueError, "in_channels must be >= 0, got -1"),
        (dict(in_channels=2.5), TypeError, "in_channels must be an integer, got 2.5"),
        (dict(out_channels=True), TypeError, "out_channels must be an integer, got True"),
        (dict(kernel_size=0), ValueError, "kernel_size must be >= 1, got 0"),
        (dict(kernel_size=(3,)), TypeError, "kernel_size must be an integer or a pair"),
        (dict(kernel_size="3"), TypeError, "kernel_size must be an integer or a pair"),
        (dict(stride=0), ValueError, "stride must be >= 1, got 0"),
        (dict(padding=-1), ValueError, "padding must be >= 0, got -1"),
        (dict(padding="full"), ValueError, "padding must be 'same', 'valid', .*, got 'full'"),
        (dict(padding="same", stride=2), ValueError, "padding='same' needs stride 1, got stride 2"),
        (dict(padding=None), TypeError, "padding must be .*, got None"),
        (dict(dilation=0), ValueError, "dilation must be >= 1, got 0"),
        (dict(groups=0), ValueError, "groups must be >= 1, got 0"),
        (dict(groups=3), ValueError, "in_channels 4 must be divisible by groups 3"),
        (dict(in_channels=3, groups=3), ValueError, "out_channels 8 must be divisible by groups 3"),
        (dict(bias=1), TypeError, "bias must be True or False, got 1"),
        (dict(padding_mode="reflect"), ValueError, "padding_mode must be 'zeros', .*'reflect'"),
        (dict(device="cuda"), Exception, "cuda"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=message):
        nn.Conv2d(**{"in_channels": 4, "out_channels": 8, "kernel_size": 3, **arguments})


TRANSPOSED = [
    dict(kernel_size=3),
    dict(kernel_size=(3, 2), stride=2, padding=1, output_padding=1),
    dict(kernel_size=3, groups=2, bias=False, dilation=2, stride=(1, 2)),
]


@pytest.mark.parametrize("options", TRANSPOSED, ids=str)
def test_transposed_is_like_torch(torch, options):
    ours = nn.ConvTranspose2d(4, 8, **options, dtype=minigrad.float64)
    theirs = torch.nn.ConvTranspose2d(4, 8, **options, dtype=torch.float64)
    assert repr(ours) == repr(theirs)
    theirs.load_state_dict(
        {k: torch.as_tensor(np.array(v.numpy())) for k, v in ours.state_dict().items()}
    )
    x = np.random.default_rng(0).standard_normal((2, 4, 3, 5))
    np.testing.assert_allclose(
        ours(tensor(x)).detach().numpy(), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-10
    )
    bound = 1 / np.sqrt(np.prod(ours.weight.shape[1:]))
    assert 0.5 * bound < abs(ours.weight.detach().numpy()).max() <= bound


def test_transposed_arguments():
    with pytest.raises(ValueError, match="ConvTranspose2d: in_channels 3 must be divisible"):
        nn.ConvTranspose2d(3, 4, 2, groups=2)
    with pytest.raises(ValueError, match="ConvTranspose2d: padding_mode must be 'zeros'"):
        nn.ConvTranspose2d(2, 4, 2, padding_mode="circular")
    with pytest.raises(TypeError, match="ConvTranspose2d: padding must be an integer or a pair"):
        nn.ConvTranspose2d(2, 4, 2, padding="same")
    with pytest.raises(ShapeError, match=r"ConvTranspose2d\(2, 4.*input has 3 channels"):
        nn.ConvTranspose2d(2, 4, 2)(minigrad.zeros(1, 3, 4, 4))
