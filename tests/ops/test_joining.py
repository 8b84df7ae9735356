import numpy as np
import pytest
from helpers.layouts import DTYPES
from helpers.torch_peer import assert_same, leaves

import minigrad
from minigrad import ShapeError, tensor


@pytest.mark.parametrize("seed", range(3))
def test_joining_and_splitting_agree_with_torch(torch, seed):
    rng = np.random.default_rng(seed)
    for _ in range(40):
        shape = [int(n) for n in rng.integers(0, 4, rng.integers(1, 4))]
        dim = int(rng.integers(-len(shape), len(shape)))
        arrays = []
        for _ in range(rng.integers(1, 4)):
            own = list(shape)
            own[dim] = int(rng.integers(0, 4))
            arrays.append(rng.standard_normal(own).astype(rng.choice(["float32", "float64"])))
        pairs = [leaves(array, torch) for array in arrays]
        ours, theirs = [a for a, _ in pairs], [b for _, b in pairs]
        y, y_torch = minigrad.cat(ours, dim), torch.cat(theirs, dim)
        assert_same(y, y_torch)
        assert y.grad_fn.name() == y_torch.grad_fn.name()
        dy = rng.standard_normal(y.shape)
        (y * tensor(dy)).sum().backward()
        (y_torch * torch.tensor(dy)).sum().backward()
        for x, x_torch in pairs:
            if x.grad is not None:
                assert_same(x.grad, x_torch.grad)
        count = int(rng.integers(1, 4))
        for name, argument in [("split", count), ("chunk", count)]:
            if name == "split" and y.shape[dim] == 0:
                continue
            parts, parts_torch = (
                getattr(y, name)(argument, dim),
                getattr(y_torch, name)(argument, dim),
            )
            assert len(parts) == len(parts_torch)
            for part, part_torch in zip(parts, parts_torch, strict=True):
                assert_same(part, part_torch)
        x, x_torch = leaves(rng.standard_normal(shape), torch)
        at = int(rng.integers(-len(shape) - 1, len(shape) + 1))
        z, z_torch = minigrad.stack([x, x * 2], at), torch.stack([x_torch, x_torch * 2], at)
        assert_same(z, z_torch)
        dz = rng.standard_normal(z.shape)
        z.backward(tensor(dz))
        z_torch.backward(torch.tensor(dz))
        assert_same(x.grad, x_torch.grad, rtol=1e-14)
        for part, part_torch in zip(z.unbind(at), z_torch.unbind(at), strict=True):
            assert_same(part, part_torch)


def test_split_by_sections_and_its_gradient():
    x = tensor(np.arange(10.0).reshape(2, 5), requires_grad=True)
    a, b, c = x.split([1, 0, 4], dim=1)
    assert b.shape == (2, 0) and c._base is x
    (a.sum() * 2 + (c * c).sum()).backward()
    expected = 2 * np.arange(10.0).reshape(2, 5)
    expected[:, 0] = 2
    np.testing.assert_array_equal(x.grad.numpy(), expected)


def test_joining_promotes_as_torch(torch):
    for a in DTYPES:
        for b in DTYPES:
            for function in ("cat", "stack"):
                y = getattr(minigrad, function)(
                    [
                        minigrad.ones(1, dtype=getattr(minigrad, a)),
                        minigrad.ones(1, dtype=getattr(minigrad, b)),
                    ]
                )
                y_torch = getattr(torch, function)(
                    [torch.ones(1, dtype=getattr(torch, a)), torch.ones(1, dtype=getattr(torch, b))]
                )
                assert_same(y, y_torch)
    empty = minigrad.cat([minigrad.zeros(0), minigrad.ones(2, 3), minigrad.zeros(0)], 1)
    assert empty.shape == (2, 3)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: minigrad.cat([]), ValueError, "empty"),
        (lambda x: minigrad.stack([]), ValueError, "empty"),
        (lambda x: minigrad.cat(x), TypeError, "list or tuple"),
        (lambda x: minigrad.cat([x, 1]), TypeError, r"tensors\[1\]"),
        (lambda x: minigrad.cat([x, np.ones(3)]), TypeError, r"tensors\[1\].*ndarray"),
        (lambda x: minigrad.cat([tensor(1.0)]), ShapeError, "use stack"),
        (lambda x: minigrad.cat([x, x.T]), ShapeError, r"\(2, 3\) and \(3, 2\)"),
        (lambda x: minigrad.cat([x, x[0]]), ShapeError, "do not fit"),
        (lambda x: minigrad.cat([x, x], 2), IndexError, "dim 2"),
        (lambda x: minigrad.stack([x, x.T]), ShapeError, "differ"),
        (lambda x: minigrad.stack([x], 3), IndexError, "dim 3"),
        (lambda x: x.split(0), ValueError, "positive"),
        (lambda x: x.split(-1), ValueError, "positive"),
        (lambda x: x.split([1, 2]), ValueError, "add up to 2"),
        (lambda x: x.split([-1, 3]), ValueError, ">= 0"),
        (lambda x: x.split(1.0), TypeError, "float"),
        (lambda x: x.split(True), TypeError, "bool"),
        (lambda x: x.split(1, 2), IndexError, "dim 2"),
        (lambda x: x.chunk(0), ValueError, ">= 1"),
        (lambda x: x.chunk(1.5), TypeError, "float"),
        (lambda x: tensor(1.0).unbind(), ShapeError, "0-d"),
        (lambda x: tensor(1.0).split(1), ShapeError, "0-d"),
    ],
)
def test_bad_joins(call, error, words):
    with pytest.raises(error, match=words):
        call(minigrad.zeros(2, 3))
