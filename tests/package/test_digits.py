"""The small digits: what they hold, how they are parted, that they are scikit-learn's."""

import numpy as np
import pytest

import minigrad
from minigrad import datasets


def test_digits():
    x, y = datasets.digits().tensors
    assert tuple(x.shape) == (1797, 1, 8, 8)
    assert x.dtype is minigrad.float32 and y.dtype is minigrad.int64
    assert np.bincount(y.numpy()).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert x.numpy().min() == 0 and x.numpy().max() == 1
    assert (x.numpy().sum(dtype=np.float64) * 16) == 561718


def test_digits_parts():
    """The parts share no image, miss none, and hold every digit in the same proportion."""
    whole, train, test = (
        datasets.digits(),
        datasets.digits(train=True),
        datasets.digits(train=False),
    )
    assert (len(train), len(test)) == (1442, 355)

    def rows(part):
        x, y = part.tensors
        pairs = zip(x.numpy(), y.numpy(), strict=True)
        return sorted((*image.ravel(), digit) for image, digit in pairs)

    assert sorted(rows(train) + rows(test)) == rows(whole)
    share = np.bincount(test.tensors[1].numpy()) / np.bincount(whole.tensors[1].numpy())
    assert share.min() > 0.19 and share.max() <= 0.2
    with pytest.raises(TypeError, match="digits: train must be"):
        datasets.digits(train="yes")


@pytest.mark.slow  # importing scikit-learn takes seconds
def test_digits_are_scikit_learns():
    sklearn = pytest.importorskip("sklearn.datasets")
    x, y = datasets.digits().tensors
    expected = sklearn.load_digits()
    np.testing.assert_array_equal(x.numpy()[:, 0] * 16, expected.images)
    np.testing.assert_array_equal(y.numpy(), expected.target)
