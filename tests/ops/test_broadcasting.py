"""How gradients of what was repeated are summed, and how dimensions are counted."""

import numpy as np
import pytest
from helpers.layouts import normal

import minigrad as mg

# --- unbroadcast ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("a", "b"), [
    ((3, 1), (1, 4)), ((3, 1), ()), ((1,), (5, 4)), ((2, 1, 3), (4, 1)), ((), (2, 3)),
    ((1, 1), (1,)), ((1, 3), (3,)), ((0, 3), (1,)), ((2, 1), (2, 0)),
], ids=str)  # fmt: skip
def test_gradients_are_summed_to_the_shape_of_the_input(torch, a, b):
    shape = np.broadcast_shapes(a, b)
    dy = normal(*shape)
    for left, right in ((a, b), (b, a)):
        results = []
        for m in (mg, torch):
            x = m.tensor(np.asarray(normal(*left, seed=1)), requires_grad=True)
            y = m.tensor(np.asarray(normal(*right, seed=2)), requires_grad=True)
            (x * y).backward(m.tensor(np.asarray(dy)))
            assert tuple(x.grad.shape) == left
            assert tuple(y.grad.shape) == right
            results.append([x.grad.numpy(), y.grad.numpy()])
        for ours, theirs in zip(*results, strict=True):
            np.testing.assert_allclose(ours, theirs, rtol=1e-12)


# --- dimensions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("dim", [-2, -1, 0, 1])
def test_dimensions_count_from_either_end(dim):
    x = mg.tensor(normal(2, 3))
    np.testing.assert_allclose(x.sum(dim).numpy(), normal(2, 3).sum(dim))
    np.testing.assert_allclose(x.sum(np.int64(dim)).numpy(), normal(2, 3).sum(dim))


@pytest.mark.parametrize(("shape", "dim", "bounds"), [
    ((2, 3), 2, "-2 to 1"), ((2, 3), -3, "-2 to 1"), ((), 1, "-1 to 0"), ((), -2, "-1 to 0"),
])  # fmt: skip
def test_dimensions_out_of_range(shape, dim, bounds):
    with pytest.raises(IndexError, match=f"sum: dim {dim} is out of range.*expected {bounds}"):
        mg.ones(shape).sum(dim)


@pytest.mark.parametrize("dim", [1.0, "0", True, [0.5], (0, None)], ids=repr)
def test_dimensions_are_integers(dim):
    with pytest.raises(TypeError, match="sum: dim must be an integer, got"):
        mg.ones(2, 3).sum(dim)
