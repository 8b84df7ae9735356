"""flip, sort, topk, unique, nonzero: torch's values and shapes, also of NaN and equal elements."""

import numpy as np
import pytest

import minigrad as mg

X = np.array([[3.0, np.nan, -1.0, 3.0], [0.0, -0.0, np.inf, -np.inf]])


def same(ours, theirs):
    assert tuple(ours.shape) == tuple(theirs.shape)
    assert str(ours.dtype).partition(".")[2] == str(theirs.dtype).partition(".")[2]
    np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("dtype", ["float32", "int64", "uint8", "bool"])
@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("dim", [0, 1, -1])
def test_sort_is_torchs(torch, dtype, descending, dim):
    values = np.nan_to_num(X, posinf=7, neginf=2, nan=1).clip(0).astype(dtype)
    ours, theirs = mg.tensor(values), torch.tensor(values)
    for a, b in zip(
        mg.sort(ours, dim, descending),
        torch.sort(theirs, dim=dim, descending=descending, stable=True),
        strict=True,
    ):
        same(a, b)
    same(ours.argsort(dim, descending), theirs.argsort(dim=dim, descending=descending, stable=True))


@pytest.mark.parametrize("descending", [False, True])
def test_nan_is_the_largest(torch, descending):
    ours, theirs = mg.tensor(X).sort(descending=descending), torch.tensor(X).sort(
        descending=descending, stable=True)  # fmt: skip
    for a, b in zip(ours, theirs, strict=True):
        same(a, b)
    assert ours.values is ours[0] and ours.indices is ours[1]


def test_topk_is_torchs(torch):
    values = np.random.default_rng(0).permutation(24).reshape(2, 3, 4).astype(np.float32)
    for k, dim, largest in ((2, -1, True), (1, 0, False), (3, 1, True), (0, 2, True)):
        ours = mg.tensor(values).topk(k, dim, largest)
        theirs = torch.tensor(values).topk(k, dim, largest)
        for a, b in zip(ours, theirs, strict=True):
            same(a, b)


def test_unique_and_nonzero_are_torchs(torch):
    values = np.array([[3, 1, 3], [0, 1, 3]])
    ours = mg.unique(mg.tensor(values), return_inverse=True, return_counts=True)
    theirs = torch.unique(torch.tensor(values), return_inverse=True, return_counts=True)
    for a, b in zip(ours, theirs, strict=True):
        same(a, b)
    same(mg.tensor(X).unique(), torch.tensor(X).unique())
    for array in (values, np.array(5), np.array(0), np.zeros((2, 0))):
        same(mg.nonzero(mg.tensor(array)), torch.nonzero(torch.tensor(array)))
    for a, b in zip(
        mg.tensor(values).nonzero(as_tuple=True),
        torch.tensor(values).nonzero(as_tuple=True),
        strict=True,
    ):
        same(a, b)


def test_flip_copies():
    x = mg.arange(6).reshape(2, 3)
    y = x.flip(0, 1)
    y[0, 0] = 100
    assert x.tolist() == [[0, 1, 2], [3, 4, 5]] and y.tolist() == [[100, 4, 3], [2, 1, 0]]
    assert mg.flip(x, []).tolist() == x.tolist()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: mg.flip(x, 2), IndexError, "flip: dim 2 is out of range"),
        (lambda x: mg.flip(x, 0, 0), ValueError, "flip: .* names a dimension twice"),
        (lambda x: mg.sort(x, 5), IndexError, "sort: dim 5"),
        (lambda x: mg.sort(x, descending=1), TypeError, "sort: descending must be True or False"),
        (lambda x: mg.sort("x"), TypeError, "sort: input must be a Tensor"),
        (lambda x: mg.topk(x, 4), ValueError, "topk: k = 4, but dim -1 has size 3"),
        (lambda x: mg.topk(x[0, 0], 2), ValueError, "topk: k = 2, but dim -1 has size 1"),
        (lambda x: mg.topk(x, -1), ValueError, "topk: k must be >= 0, got -1"),
        (lambda x: mg.topk(x, 1.0), TypeError, "topk: k must be an integer"),
        (lambda x: mg.unique(x, dim=0), ValueError, "unique: .*dim must be None, got 0"),
        (lambda x: mg.nonzero(x, as_tuple=None), TypeError, "nonzero: as_tuple must be"),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call(mg.zeros(2, 3))
