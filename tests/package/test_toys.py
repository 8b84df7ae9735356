"""The toy data: shapes, labels, formulas, what is refused."""

import math

import numpy as np
import pytest

import minigrad
from minigrad import datasets
from minigrad.utils.data import TensorDataset

TOYS = [datasets.spirals, datasets.moons, datasets.blobs]


@pytest.mark.parametrize("toy", TOYS)
def test_toys(toy):
    data = toy(samples=101, generator=minigrad.Generator().manual_seed(1))
    x, y = data.tensors
    assert isinstance(data, TensorDataset)
    assert tuple(x.shape) == (101, 2) and x.dtype is minigrad.float32
    assert tuple(y.shape) == (101,) and y.dtype is minigrad.int64
    again = toy(samples=101, generator=minigrad.Generator().manual_seed(1)).tensors[0]
    other = toy(samples=101, generator=minigrad.Generator().manual_seed(2)).tensors[0]
    assert np.array_equal(x.numpy(), again.numpy()) and not np.array_equal(x.numpy(), other.numpy())
    minigrad.manual_seed(3)
    first = toy().tensors[0].numpy()
    minigrad.manual_seed(3)
    assert np.array_equal(first, toy().tensors[0].numpy())


@pytest.mark.parametrize("toy", TOYS)
@pytest.mark.parametrize(
    "arguments, error",
    [
        ({"samples": 0}, ValueError),
        ({"samples": 2.5}, TypeError),
        ({"samples": True}, TypeError),
        ({"noise": -1}, ValueError),
        ({"noise": math.nan}, ValueError),
        ({"noise": "much"}, TypeError),
    ],
)
def test_toys_wrong_arguments(toy, arguments, error):
    with pytest.raises(error, match=f"{toy.__name__}: {next(iter(arguments))} must be"):
        toy(**arguments)


def test_spirals_formula():
    x, k = (part.numpy() for part in datasets.spirals(samples=12, classes=3, noise=0).tensors)
    np.testing.assert_allclose(np.hypot(*x.T), np.repeat([0.25, 0.5, 0.75, 1], 3), rtol=1e-6)
    assert k.tolist() == [0, 1, 2] * 4
    end = x[-3:]  # the arms' ends are a third of a turn apart
    np.testing.assert_allclose(end.sum(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(end[0], [math.sin(4), math.cos(4)], rtol=1e-6)


def test_moons_formula():
    x, k = (part.numpy() for part in datasets.moons(samples=8, noise=0).tensors)
    np.testing.assert_allclose(np.hypot(*x[k == 0].T), 1, rtol=1e-6)
    np.testing.assert_allclose(np.hypot(*(x[k == 1] - [1, 0.5]).T), 1, rtol=1e-6)
    assert (x[k == 0][:, 1] > -1e-6).all() and (x[k == 1][:, 1] < 0.5 + 1e-6).all()


def test_blobs_spread():
    x, k = (part.numpy() for part in datasets.blobs(samples=30_000, classes=2, noise=0.5).tensors)
    for cloud in range(2):
        np.testing.assert_allclose(x[k == cloud].std(axis=0), 0.5, rtol=0.05)
        assert (np.abs(x[k == cloud].mean(axis=0)) <= 10.1).all()
