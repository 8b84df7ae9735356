"""gather, scatter_, index_select, masked_fill: torch's values and gradients, what is refused."""

import itertools

import numpy as np
import pytest
from helpers.torch_peer import assert_same, leaves

import minigrad
from minigrad import DTypeError, ShapeError, tensor


@pytest.mark.parametrize("seed", range(3))
def test_gather_and_scatter_agree_with_torch(torch, seed):
    rng = np.random.default_rng(seed)
    for _ in range(5):
        shape = tuple(rng.integers(1, 5, rng.integers(0, 4)))
        dim = int(rng.integers(-max(len(shape), 1), max(len(shape), 1)))
        size = shape[dim] if shape else 1
        index_shape = [int(rng.integers(1, n + 1)) for n in shape]
        if shape:
            index_shape[dim] = int(rng.integers(0, size + 1))
        index = np.argsort(rng.random((*index_shape, size)), axis=-1)[..., 0]
        repeated = index.astype([np.int64, np.int32][rng.integers(2)])
        x, x_torch = leaves(rng.standard_normal(shape), torch)
        y = x.gather(dim, tensor(repeated))
        y_torch = x_torch.gather(dim, torch.tensor(repeated))
        assert_same(y, y_torch)
        dy = rng.standard_normal(y.shape)
        y.backward(tensor(dy))
        y_torch.backward(torch.tensor(dy))
        assert_same(x.grad, x_torch.grad, rtol=1e-14)
        if not shape:
            continue
        # Positions along dim that are all different, so that the result of scatter_ is defined.
        order = np.argsort(rng.random(shape), axis=dim)
        index = order[tuple(slice(n) for n in index_shape)]
        v, v_torch = leaves(rng.standard_normal(index_shape), torch)
        x.grad = x_torch.grad = None
        z = (x * 1).scatter_(dim, tensor(index), v)
        z_torch = (x_torch * 1).scatter_(dim, torch.tensor(index), v_torch)
        assert_same(z, z_torch)
        dz = rng.standard_normal(shape)
        z.backward(tensor(dz))
        z_torch.backward(torch.tensor(dz))
        assert_same(x.grad, x_torch.grad)
        assert_same(v.grad, v_torch.grad)


def test_one_hot_by_scatter():
    labels = tensor([2, 0])
    y = minigrad.zeros(2, 3).scatter_(1, labels.unsqueeze(1), 1)
    assert y.tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x, i: x.gather(0, i.float()), DTypeError, "float32"),
        (lambda x, i: x.gather(0, [0]), TypeError, "index"),
        (lambda x, i: x.gather(2, i), IndexError, "dim 2"),
        (lambda x, i: x.gather(0, i[0]), ShapeError, "as many dimensions"),
        (lambda x, i: x.gather(1, minigrad.zeros(3, 1).long()), ShapeError, "larger in dim 1 only"),
        (lambda x, i: x.gather(0, i + 2), IndexError, "2 is out of range for dim 0 of size 2"),
        (lambda x, i: x.gather(0, i - 1), IndexError, "-1 is out of range"),
        (lambda x, i: x.scatter_(0, i, minigrad.ones(1, 2)), ShapeError, "larger than src"),
        (lambda x, i: x.scatter_(0, i), TypeError, "src or value"),
        (lambda x, i: x.index_select(0, i), ShapeError, "1-d"),
        (lambda x, i: x.index_select(0, tensor([2])), IndexError, "2 is out of range"),
        (lambda x, i: x.index_select(0, tensor([-1])), IndexError, "-1 is out of range"),
        (lambda x, i: tensor(1.0).index_select(0, tensor([0])), ShapeError, "0-d"),
        (lambda x, i: x.masked_fill(i, 1), DTypeError, "int64"),
        (lambda x, i: x.masked_fill(i > 0, minigrad.ones(1)), ShapeError, "0-d"),
        (lambda x, i: x.masked_fill_(minigrad.ones(4, 2, 3) > 0, 1), ShapeError, "masked_fill_"),
    ],
)
def test_bad_arguments(call, error, words):
    x, index = minigrad.zeros(2, 3), minigrad.zeros(2, 3).long()
    with pytest.raises(error, match=words):
        call(x, index)
    assert not x.numpy().any() and x._version == 0


def test_index_select_and_masked_fill_agree_with_torch(torch):
    rng = np.random.default_rng(5)
    for shape, dim in itertools.product([(3,), (2, 3), (2, 3, 4)], range(-1, 3)):
        if dim >= len(shape):
            continue
        x, x_torch = leaves(rng.standard_normal(shape), torch)
        index = rng.integers(0, shape[dim], 5)
        y, y_torch = (
            x.index_select(dim, tensor(index)),
            x_torch.index_select(dim, torch.tensor(index)),
        )
        assert y.grad_fn.name() == y_torch.grad_fn.name()
        assert_same(y, y_torch)
        mask = rng.random(shape[-1:]) < 0.5
        y = y.sum() * x.masked_fill(tensor(mask), 3.0)
        y_torch = y_torch.sum() * x_torch.masked_fill(torch.tensor(mask), 3.0)
        dy = rng.standard_normal(shape)
        y.backward(tensor(dy))
        y_torch.backward(torch.tensor(dy))
        assert_same(x.grad, x_torch.grad, rtol=1e-12, atol=1e-12)
        z, z_torch = (
            (x * 1).masked_fill_(tensor(mask), 2),
            (x_torch * 1).masked_fill_(torch.tensor(mask), 2),
        )
        assert_same(z, z_torch)
    assert tensor([1, 2]).masked_fill(tensor([True, False]), 7.9).tolist() == [7, 2]


def test_scatter_into_one_number():
    x, src = tensor(5.0, requires_grad=True), tensor(3.0, requires_grad=True)
    y = x * 1
    assert y.scatter_(-1, tensor(0), src) is y and y.shape == ()
    (y * 2).backward()
    assert y.item() == 3 and x.grad.item() == 0 and src.grad.item() == 2
    assert tensor(5).scatter_(0, tensor([0]), value=7).item() == 7
    for dim, index in ((1, tensor(0)), (0, tensor(1))):
        with pytest.raises(IndexError):
            tensor(5.0).scatter_(dim, index, 1.0)
    assert tensor(5.0).scatter_(0, tensor([0, 0]), 1.0).item() == 1
    with pytest.raises(ShapeError, match="scatter_: index for a 0-d tensor must be 0-d or 1-d"):
        tensor(5.0).scatter_(0, tensor([[0]]), 1.0)


@pytest.mark.parametrize("index", [0, [0], [0, 0, 0], []], ids=str)
def test_a_0d_tensor_counts_as_a_row_of_one(torch, index):
    index = np.array(index, np.int64)
    x, x_torch = leaves(np.array(5.0), torch)
    y, y_torch = x.gather(0, tensor(index)), x_torch.gather(0, torch.tensor(index))
    assert_same(y, y_torch)
    if index.size < 2:
        written = minigrad.tensor(5.0).scatter_(0, tensor(index), 7.0)
        assert_same(written, torch.tensor(5.0).scatter_(0, torch.tensor(index), 7.0))
    with pytest.raises(ShapeError, match="gather: index for a 0-d tensor must be 0-d or 1-d"):
        x.gather(0, tensor(index.reshape(1, -1)))
