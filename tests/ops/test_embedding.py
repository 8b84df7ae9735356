"""Rows of a table: the gradient of a row is the sum over all who took it."""

import numpy as np
import pytest

import minigrad as mg
from minigrad import DTypeError, ShapeError
from minigrad.nn.functional import embedding


def test_a_row_that_is_taken_twice_receives_both_gradients():
    weight = mg.tensor(np.arange(12.0).reshape(4, 3), requires_grad=True)
    y = embedding(mg.tensor([2, 0, 2]), weight)
    assert y.tolist() == [[6, 7, 8], [0, 1, 2], [6, 7, 8]]
    y.backward(mg.tensor([[1.0, 2, 3], [4, 5, 6], [10, 20, 30]], dtype=mg.float64))
    assert weight.grad.tolist() == [[4, 5, 6], [0, 0, 0], [11, 22, 33], [0, 0, 0]]


@pytest.mark.parametrize("dtype", ["int32", "int64"])
@pytest.mark.parametrize("shape", [(), (0,), (2, 3), (2, 1, 4)])
def test_shapes_are_torchs(torch, dtype, shape):
    index = np.random.default_rng(0).integers(0, 4, shape).astype(dtype)
    table = np.random.default_rng(1).standard_normal((4, 3)).astype(np.float32)
    ours = embedding(mg.tensor(index), mg.tensor(table), padding_idx=1)
    theirs = torch.nn.functional.embedding(torch.tensor(index), torch.tensor(table), padding_idx=1)
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


def test_the_padding_row_receives_no_gradient_and_nan_does_not_spread():
    weight = mg.tensor([[1.0, 2.0], [np.nan, np.inf], [3.0, 4.0]], requires_grad=True)
    embedding(mg.tensor([1, 2, 1]), weight, padding_idx=-2).sum().backward()
    assert weight.grad.tolist() == [[0, 0], [0, 0], [1, 1]]


W = np.ones((4, 3))


@pytest.mark.parametrize(
    ("index", "weight", "options", "error", "message"),
    [
        (np.array([1, 4]), W, {}, IndexError, "index 4 is outside 0 to 3, the rows of weight"),
        (np.array([-1]), W, {}, IndexError, "index -1 is outside 0 to 3"),
        (np.array([1.0]), W, {}, DTypeError, "input must be int64 or int32, got .*float64"),
        (np.array([True]), W, {}, DTypeError, "input must be int64 or int32, got .*bool"),
        (np.array([1]), W[0], {}, ShapeError, r"weight must be a matrix \(V, D\), got shape \(3,"),
        (np.array([1]), W.astype(int), {}, DTypeError, "weight must be float32 or float64"),
        (np.array([1]), W, {"padding_idx": 4}, ValueError, "padding_idx must be from -4 to 3, got"),
        (np.array([1]), W, {"padding_idx": 1.0}, TypeError, "padding_idx must be an integer"),
        (np.array([1]), W, {"max_norm": 1.0}, ValueError, "max_norm, .* are not there"),
        (np.array([1]), W, {"sparse": True}, ValueError, "sparse are not there"),
        ([1], W, {}, TypeError, "input must be a Tensor"),
    ],
)
def test_wrong_arguments(index, weight, options, error, message):
    with pytest.raises(error, match=f"embedding: .*{message}"):
        embedding(index, weight, **options)
