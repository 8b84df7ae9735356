"""What claims of the lab are made of: layers of their own, and a divergence."""

import math

import numpy as np
import pytest

import minigrad
from minigrad.lab.b16_ghost_batches import Ghosts
from minigrad.lab.b17_layer_norm import Unbiased
from minigrad.lab.c5_shaken import Shaken
from minigrad.lab.training import divergence


@pytest.fixture
def rng():
    return np.random.default_rng(17)


def test_ghosts(rng):
    """Each is normalized by itself in training, and by the memory in evaluation."""
    layer, x = Ghosts(3, 4), minigrad.tensor(rng.normal(2, 3, (8, 3)).astype(np.float32))
    y = layer(x).detach().numpy().reshape(2, 4, 3)
    assert np.abs(y.mean(axis=1)).max() < 1e-6 and np.abs(y.std(axis=1) - 1).max() < 1e-4
    memory = (x - layer.running_mean) / (layer.running_var + layer.eps).sqrt()
    np.testing.assert_allclose(layer.eval()(x).detach().numpy(), memory.numpy(), atol=1e-5)


def test_unbiased(rng):
    """Its batches have the standard deviation 1 if that divides by m − 1."""
    layer, x = Unbiased(3, eps=0.1).double(), rng.normal(2, 3, (4, 3))
    y = layer(minigrad.tensor(x)).detach().numpy()
    expected = (x - x.mean(0)) / np.sqrt(x.var(0, ddof=1) + 0.1)
    np.testing.assert_allclose(y, expected, rtol=1e-12)
    np.testing.assert_allclose(layer.running_var.numpy(), 0.9 + 0.1 * x.var(0, ddof=1))
    evaluated = layer.eval()(minigrad.tensor(x)).detach().numpy()
    by_memory = (x - layer.running_mean.numpy()) / np.sqrt(layer.running_var.numpy() + 0.1)
    np.testing.assert_allclose(evaluated, by_memory, rtol=1e-12)


def test_shaken_only_in_training(rng):
    """Every unit is stretched and moved as a whole, by other numbers in every batch."""
    layer, x = Shaken(), minigrad.tensor(rng.normal(size=(100, 3)))
    assert layer.eval()(x) is x
    y, again = layer.train()(x), layer(x)
    slopes = (y[1:] - y[:1]) / (x[1:] - x[:1])
    assert slopes.std(0).max().item() < 1e-9 < abs(slopes[0, 0].item() - 1)
    assert slopes[0].std().item() > 1e-3 and (y - again).abs().min().item() > 0


def test_the_divergence():
    """Against the integral of p log(p/q)."""
    x = np.linspace(-30, 30, 60001)

    def density(mean, var):
        return np.exp(-((x - mean) ** 2) / (2 * var)) / math.sqrt(2 * math.pi * var)

    p, q = density(0.5, 2.0), density(-1.0, 3.0)
    integral = (p * np.log(p / q)).sum() * (x[1] - x[0])
    p, q = ([np.array([number]) for number in each] for each in ((0.5, 2.0), (-1.0, 3.0)))
    assert divergence(*p, *q) == pytest.approx(integral, rel=1e-9)
    assert divergence(*p, *p) == 0
