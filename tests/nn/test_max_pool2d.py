"""MaxPool2d as a layer."""

import numpy as np
import pytest
from helpers.pooling_reference import pooling_call

from minigrad import nn, tensor
from minigrad.nn.functional import max_pool2d

LAYERS = [
    dict(kernel_size=2),
    dict(kernel_size=(2, 3), stride=1, padding=(1, 0), dilation=2, ceil_mode=True),
    dict(kernel_size=3, stride=[2, 1], return_indices=True),
]


@pytest.mark.parametrize("options", LAYERS, ids=str)
def test_looks_like_torch(torch, options):
    ours, theirs = nn.MaxPool2d(**options), torch.nn.MaxPool2d(**options)
    assert repr(ours) == repr(theirs)
    for name in ("kernel_size", "stride", "padding", "dilation", "return_indices", "ceil_mode"):
        assert getattr(ours, name) == getattr(theirs, name)
    assert list(ours.parameters()) == [] and ours.state_dict() == {}


def test_is_the_function():
    for seed in range(20):
        x, options = pooling_call(seed)
        try:
            expected = max_pool2d(tensor(x), return_indices=True, **options)
        except ValueError:
            continue
        y, index = nn.MaxPool2d(return_indices=True, **options)(tensor(x))
        np.testing.assert_array_equal(y.numpy(), expected[0].numpy())
        np.testing.assert_array_equal(index.numpy(), expected[1].numpy())
        y = nn.MaxPool2d(**options)(tensor(x))
        np.testing.assert_array_equal(y.numpy(), expected[0].numpy())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (dict(kernel_size=0), ValueError, "kernel_size must be >= 1, got 0"),
        (dict(kernel_size=2.0), TypeError, "kernel_size must be an integer or a pair"),
        (dict(stride=0), ValueError, "stride must be >= 1, got 0"),
        (dict(padding=-1), ValueError, "padding must be >= 0, got -1"),
        (dict(padding=2), ValueError, "padding 2 is more than half of kernel_size 3"),
        (dict(padding=(0, 2)), ValueError, r"padding \(0, 2\) is more than half of kernel_size 3"),
        (dict(dilation=0), ValueError, "dilation must be >= 1, got 0"),
        (dict(return_indices=1), TypeError, "return_indices must be True or False, got 1"),
        (dict(ceil_mode=None), TypeError, "ceil_mode must be True or False, got None"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=f"^MaxPool2d: {message}"):
        nn.MaxPool2d(**{"kernel_size": 3, **arguments})
