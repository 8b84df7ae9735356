"""Weights from Keras: its layers in NumPy compute what ours do with the same arrays."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import ShapeError, nn
from minigrad.nn.utils import weights_from_keras, weights_to_keras


def conv2d(x, kernel, bias=0.0):
    """keras.layers.Conv2D, padding="valid": images and kernel with the channels last."""
    height, width = kernel.shape[:2]
    windows = np.lib.stride_tricks.sliding_window_view(x, (height, width), (1, 2))
    return np.einsum("nhwcij,ijco->nhwo", windows, kernel) + bias


def normalize(x, gamma, beta, mean, var, eps=1e-3):
    return gamma * (x - mean) / np.sqrt(var + eps) + beta


def keras_model(x, w):
    """Conv2D, BatchNormalization, ReLU, Flatten, Dense, LayerNormalization, Dense."""
    h = np.maximum(normalize(conv2d(x, w[0], w[1]), *w[2:6]), 0)
    h = h.reshape(len(h), -1) @ w[6] + w[7]
    h = normalize(h, w[8], w[9], h.mean(1, keepdims=True), h.var(1, keepdims=True))
    return h @ w[10] + w[11]


SHAPES = [(3, 2, 3, 4), *[(4,)] * 5, (4 * 5 * 4, 6), (6,), (6,), (6,), (6, 2), (2,)]


class Dense(nn.Linear):
    """A subclass is what its base is."""


def model():
    return nn.Sequential(
        nn.Conv2d(3, 4, (3, 2)), nn.BatchNorm2d.from_keras(4, axis=1), nn.ReLU(), nn.Flatten(),
        Dense(80, 6), nn.LayerNorm(6, eps=1e-3), nn.Linear(6, 2),
    ).eval()  # fmt: skip


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return [rng.uniform(0.5, 1.5, shape).astype(np.float32) - (k != 5) for k, shape in
            enumerate(SHAPES)]  # fmt: skip


def test_the_same_arrays_give_the_same_numbers(arrays):
    ours = model()
    weights_from_keras(ours, arrays)
    images = np.random.default_rng(1).normal(size=(2, 6, 6, 3)).astype(np.float32)
    y = ours(mg.tensor(images.transpose(0, 3, 1, 2))).detach().numpy()
    np.testing.assert_allclose(y, keras_model(images, arrays), atol=1e-5)
    for back, array in zip(weights_to_keras(ours), arrays, strict=True):
        np.testing.assert_array_equal(back, array)
    arrays[0][:] = 0
    assert ours[0].weight.detach().numpy().any()  # copies


def test_layers_with_fewer_or_other_arrays():
    """scale=False has no gamma; averaged images have one column per channel."""
    rng = np.random.default_rng(0)
    ours = nn.ModuleList([
        nn.Embedding(7, 3), nn.ConvTranspose2d(3, 5, (2, 3), bias=False), nn.Linear(5, 2),
        nn.BatchNorm1d.from_keras(2, scale=False), nn.GroupNorm(1, 2),
    ])  # fmt: skip
    shapes = [(7, 3), (2, 3, 5, 3), (5, 2), (2,), (2,), (2,), (2,), (2,), (2,)]
    arrays = [rng.uniform(1, 2, shape).astype(np.float32) for shape in shapes]
    weights_from_keras(ours, arrays)
    np.testing.assert_array_equal(ours[0].weight.detach().numpy(), arrays[0])
    np.testing.assert_array_equal(ours[1].weight.detach().numpy()[2, 4], arrays[1][:, :, 4, 2])
    np.testing.assert_array_equal(ours[2].weight.detach().numpy(), arrays[2].T)
    np.testing.assert_array_equal(ours[3].running_var.numpy(), arrays[6])
    assert all((a == b).all() for a, b in zip(weights_to_keras(ours), arrays, strict=True))


class Own(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(mg.ones(2))


def test_what_does_not_fit_is_named_and_changes_nothing(arrays):
    ours = model()
    before = [each.tolist() for each in ours.state_dict().values()]
    turned = [*arrays[:6], arrays[6].T, *arrays[7:]]
    wrong = [*arrays[:-1], np.array(["a", "b"])]
    for error, message, weights in (
        (ValueError, r"holds 11 arrays, and the model takes 12: 0.weight, 0.bias,", arrays[:-1]),
        (ShapeError, r"weights\[6\], for 4.weight, .*\(80, 6\), got \(6, 80\)", turned),
        (TypeError, "6.bias: expected real numbers", wrong),
        (TypeError, r"must be a list, a Keras model's get_weights\(\), got NoneType", None),
    ):
        with pytest.raises(error, match=message):
            weights_from_keras(ours, weights)
    assert before == [each.tolist() for each in ours.state_dict().values()]
    with pytest.raises(TypeError, match="layer '0' is Own, with parameters that Keras does not"):
        weights_to_keras(nn.Sequential(Own()))
    with pytest.raises(TypeError, match="model must be a minigrad.nn.Module, got dict"):
        weights_from_keras({}, arrays)
