"""nn.functional: the names are the functions of ops; one_hot."""

import numpy as np
import pytest

import minigrad
from minigrad.errors import DTypeError
from minigrad.nn import functional as F


def test_the_names_are_torchs_and_the_functions_those_of_ops(torch):
    for name in F.__all__:
        function = getattr(F, name)
        if name != "batch_renorm":
            assert hasattr(torch.nn.functional, name) or hasattr(torch, name)
        if name != "one_hot":
            assert function.__module__.startswith("minigrad.ops.")
        if hasattr(minigrad, name):
            assert getattr(minigrad, name) is function


@pytest.mark.parametrize("shape", [(), (5,), (2, 3), (2, 0, 3)])
@pytest.mark.parametrize("num_classes", [-1, 4, 7])
def test_one_hot_is_torchs(torch, shape, num_classes):
    labels = np.random.default_rng(0).integers(0, 4, shape)
    if labels.size == 0 and num_classes == -1:
        with pytest.raises(ValueError, match="one_hot: without labels, num_classes must be given"):
            F.one_hot(minigrad.tensor(labels))
        return
    ours = F.one_hot(minigrad.tensor(labels), num_classes)
    theirs = torch.nn.functional.one_hot(torch.tensor(labels), num_classes)
    assert ours.dtype is minigrad.int64
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_one_hot_refuses():
    labels = minigrad.tensor([[0, 2], [5, 1]])
    with pytest.raises(IndexError, match=r"one_hot: label 5 at \[1, 0\] is outside 0 to 4"):
        F.one_hot(labels, 5)
    with pytest.raises(IndexError, match=r"one_hot: label -1 at \[0, 0\] is outside 0 to 4"):
        F.one_hot(labels - 1)
    for wrong in (minigrad.tensor([1.0]), minigrad.tensor([True])):
        with pytest.raises(DTypeError, match="one_hot: labels must be integers, got minigrad."):
            F.one_hot(wrong)
    for wrong in (None, 3, [1, 2], np.array([1])):
        with pytest.raises(TypeError, match="one_hot: tensor must be a Tensor"):
            F.one_hot(wrong)
    for wrong in (2.0, None, True):
        with pytest.raises(TypeError, match="one_hot: num_classes must be an integer"):
            F.one_hot(labels, wrong)
    with pytest.raises(ValueError, match="one_hot: num_classes must be >= -1"):
        F.one_hot(labels, -2)
