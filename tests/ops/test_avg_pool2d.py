"""Means of windows: every option as in torch, infinities where they belong, errors in words."""

import itertools

import numpy as np
import pytest

import minigrad as mg
from minigrad import DTypeError, ShapeError
from minigrad.nn import functional as F

IMAGES = np.random.default_rng(0).standard_normal((2, 3, 7, 6))


@pytest.mark.parametrize("kernel", [1, 2, 3, (2, 4)])
def test_every_option_is_torchs(torch, kernel):
    x, theirs = mg.tensor(IMAGES), torch.tensor(IMAGES)
    rest = ([None, 1, (3, 2)], [0, 1], [False, True], [True, False], [None, 5])
    for options in itertools.product(*rest):
        if options[1] and np.min(kernel) < 2:
            continue
        wanted = torch.nn.functional.avg_pool2d(theirs, kernel, *options)
        ours = F.avg_pool2d(x, kernel, *options)
        assert ours.shape == tuple(wanted.shape), options
        np.testing.assert_allclose(ours.numpy(), wanted.numpy(), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("size", [1, 2, 3, 5, (7, 6), (9, 10), (None, 4), (3, None)])
def test_adaptive_sizes_are_torchs(torch, size):
    wanted = torch.nn.functional.adaptive_avg_pool2d(torch.tensor(IMAGES), size)
    ours = F.adaptive_avg_pool2d(mg.tensor(IMAGES), size)
    np.testing.assert_allclose(ours.numpy(), wanted.numpy(), rtol=1e-12, atol=1e-13)


def test_an_infinity_stays_in_its_windows():
    x = np.zeros((1, 1, 4, 4), np.float32)
    x[0, 0, 0, 0], x[0, 0, 3, 3] = np.inf, np.nan
    wanted = [[np.inf, 0], [0, np.nan]]
    np.testing.assert_array_equal(F.avg_pool2d(mg.tensor(x), 2).numpy()[0, 0], wanted)
    np.testing.assert_array_equal(F.adaptive_avg_pool2d(mg.tensor(x), 2).numpy()[0, 0], wanted)


X = np.ones((2, 3, 4, 4))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: F.avg_pool2d(X, 5), ShapeError, "avg_pool2d: no window of kernel_size 5 fits"),
        (lambda: F.avg_pool2d(X, 0), ValueError, "avg_pool2d: kernel_size must be >= 1"),
        (lambda: F.avg_pool2d(X, 2, 0), ValueError, "avg_pool2d: stride must be >= 1"),
        (lambda: F.avg_pool2d(X, 2, padding=2), ValueError, "padding 2 is more than half"),
        (lambda: F.avg_pool2d(X, 2, ceil_mode=1), TypeError, "ceil_mode must be True or False"),
        (
            lambda: F.avg_pool2d(X, 2, divisor_override=0),
            ValueError,
            "divisor_override must be >= 1",
        ),
        (lambda: F.avg_pool2d(X[0, 0], 2), ShapeError, r"input must have shape \(N, C, H, W\)"),
        (lambda: F.avg_pool2d(X[:, :0], 2), ShapeError, "only N may be 0"),
        (lambda: F.avg_pool2d(X.astype(int), 2), DTypeError, "input must be float32 or float64"),
        (lambda: F.avg_pool2d("x", 2), TypeError, "avg_pool2d: input must be a Tensor"),
        (lambda: F.adaptive_avg_pool2d(X, 0), ValueError, "output_size must be >= 1"),
        (lambda: F.adaptive_avg_pool2d(X, (1, 2, 3)), TypeError, "an integer or a pair, got"),
        (lambda: F.adaptive_avg_pool2d(X[0, 0], 1), ShapeError, "adaptive_avg_pool2d: input must"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()
