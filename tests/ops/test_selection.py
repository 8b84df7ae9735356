"""where, maximum, minimum, clamp: values, dtypes and gradients as torch; ties, bounds."""

import numpy as np
import pytest
from helpers.grids import for_each
from helpers.layouts import DTYPES, LAYOUTS, PAIRS, leaf, normal, stretched
from helpers.torch_peer import same_as_torch

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck

BROADCAST = [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 1), (1, 4)), ((), (3, 4)), ((2, 1, 3), (4, 1)),
             ((0, 3), (1, 3)), ((), ())]  # fmt: skip
pairs = pytest.mark.parametrize(("a", "b"), BROADCAST)
sides = pytest.mark.parametrize("name", ["maximum", "minimum"])
FEW = np.array([0, 1, 2, 200, 1])


def two(a, b):
    return normal(*a, seed=1), normal(*b, seed=5)


# --- where ------------------------------------------------------------------------------------


@pairs
def test_where(torch, a, b):
    condition = normal(4, *np.broadcast_shapes(a, b), seed=3) < 0.5
    same_as_torch(torch, lambda m, c, p, q: m.where(c, p, q), condition, *two(a, b))
    same_as_torch(torch, lambda m, c, p, q: p.where(c, q), condition, *two(a, b))
    c, x, y = mg.tensor(condition), *map(leaf, two(a, b))
    if condition.size:
        assert gradcheck(lambda x, y: mg.where(c, x, y), (x, y))
        assert gradgradcheck(lambda x, y: mg.where(c, x * x, y * x), (x, y))


@for_each(("a", "b"), PAIRS)
def test_where_promotes_as_torch(torch, a, b):
    condition = np.array([True, False, True, False, True])
    x, y = FEW.astype(a), FEW.astype(b)
    same_as_torch(torch, lambda m, c, p, q: m.where(c, p, q), condition, x, y)
    first = np.array(1).astype(a)
    same_as_torch(torch, lambda m, c, p, q: m.where(c, p, q), condition, first, FEW.astype(b))


@pytest.mark.parametrize("number", [True, 3, 2.5])
@pytest.mark.parametrize("dtype", DTYPES)
def test_where_with_numbers_as_torch(torch, number, dtype):
    condition = np.array([True, False, True, False, True])
    same_as_torch(torch, lambda m, c, p: m.where(c, number, p), condition, FEW.astype(dtype))
    same_as_torch(torch, lambda m, c, p: m.where(c, p, number), condition, FEW.astype(dtype))
    same_as_torch(torch, lambda m, c: m.where(c, number, 1), condition)


def test_where_alone_gives_indices(torch):
    same_as_torch(torch, lambda m, c: m.where(c), normal(3, 4) > 0)
    same_as_torch(torch, lambda m, c: m.where(c), np.array(True))


def test_where_does_not_look_at_the_other_side():
    x = mg.tensor([1.0, 0.0], requires_grad=True)
    y = mg.where(x > 0, x, mg.tensor(np.nan))
    (dx,) = mg.autograd.grad(y, x, mg.tensor([3.0, np.inf]))
    assert dx.tolist() == [3.0, 0.0]


def test_where_errors():
    c, x = mg.tensor([True, False]), mg.tensor([1.0, 2.0])
    with pytest.raises(mg.DTypeError, match="where: condition must be a bool tensor, got .*int64"):
        mg.where(mg.tensor([1, 0]), x, x)
    with pytest.raises(mg.ShapeError, match=r"where: shapes \(2,\), \(2,\), \(3,\)"):
        mg.where(c, x, mg.tensor([1.0, 2.0, 3.0]))
    with pytest.raises(TypeError, match="where: other must be a Tensor"):
        mg.where(c, x, None)
    with pytest.raises(TypeError, match="where: input must be a Tensor"):
        mg.where(c, None, x)


# --- maximum, minimum ---------------------------------------------------------------------------


@sides
@pairs
def test_larger_and_smaller(torch, name, a, b):
    same_as_torch(torch, lambda m, p, q: getattr(m, name)(p, q), *two(a, b))
    same_as_torch(torch, lambda m, p, q: getattr(p, name)(q), *two(a, b))
    x, y = map(leaf, two(a, b))
    if a != () and 0 not in a:
        assert gradcheck(getattr(mg, name), (x, y))
        assert gradgradcheck(lambda x, y: getattr(mg, name)(x * y, y), (x, y))


@sides
def test_ties_are_shared(torch, name):
    a, b = np.array([1.0, 2.0, 3.0, np.inf]), np.array([1.0, 2.5, 2.0, np.inf])
    same_as_torch(torch, lambda m, p, q: getattr(m, name)(p, q), a, b)
    x = leaf(a)
    getattr(mg, name)(x, x).backward(mg.tensor(np.array([2.0, 3.0, 5.0, 7.0])))
    assert x.grad.tolist() == [2.0, 3.0, 5.0, 7.0]


@sides
@for_each(("a", "b"), PAIRS)
def test_larger_and_smaller_promote_as_torch(torch, name, a, b):
    same_as_torch(torch, lambda m, p, q: getattr(m, name)(p, q), FEW.astype(a), FEW[::-1].astype(b))
    first = np.array(1).astype(a)
    same_as_torch(torch, lambda m, p, q: getattr(m, name)(p, q), first, FEW.astype(b))


@sides
def test_nan_wins(name):
    x = mg.tensor([np.nan, 1.0])
    with np.errstate(all="raise"):
        assert np.isnan(getattr(mg, name)(x, mg.tensor([1.0, np.nan])).numpy()).all()


@sides
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_do_not_matter(name, layout):
    a, b = two((4, 3), (4, 3))
    x, y = leaf(LAYOUTS[layout](a)), leaf(stretched(b, 0))
    assert gradcheck(getattr(mg, name), (x, y))


@sides
def test_errors(name):
    x = mg.tensor(np.ones((2, 3)))
    with pytest.raises(mg.ShapeError, match=rf"{name}: shapes \(2, 3\), \(4,\) do not broadcast"):
        getattr(mg, name)(x, mg.tensor(np.ones(4)))
    with pytest.raises(TypeError, match=f"{name}: other must be a Tensor"):
        getattr(mg, name)(x, "a")


# --- clamp --------------------------------------------------------------------------------------


BOUNDS = [(None, 0.5), (-0.5, None), (-0.5, 0.5), (1.0, -1.0), (np.nan, None), (-np.inf, 0.0)]


@pytest.mark.parametrize(("low", "high"), BOUNDS)
def test_clamp(torch, low, high):
    x = normal(3, 4)
    same_as_torch(torch, lambda m, p: m.clamp(p, low, high), x)
    same_as_torch(torch, lambda m, p: p.clamp(min=low, max=high), x.astype(np.float32))
    if low != 1.0 and low == low:
        assert gradcheck(lambda p: p.clamp(low, high), leaf(x))


def test_the_gradient_at_a_bound_is_one():
    x = mg.tensor([-2.0, -1.0, 0.0, 1.0, 2.0], requires_grad=True)
    x.clamp(-1, 1).backward(mg.tensor([2.0, 3.0, 5.0, 7.0, 11.0]))
    assert x.grad.tolist() == [0.0, 3.0, 5.0, 7.0, 0.0]


def test_bounds_can_be_tensors(torch):
    a, low, high = normal(3, 4), normal(4, seed=1) - 0.5, normal(3, 1, seed=2) + 0.5
    same_as_torch(torch, lambda m, p, q, r: m.clamp(p, q, r), a, low, high)
    assert gradcheck(mg.clamp, (leaf(a), leaf(low), leaf(high)))


@pytest.mark.parametrize("dtype", DTYPES[:-1])
def test_clamp_promotes_as_torch(torch, dtype):
    same_as_torch(torch, lambda m, p: p.clamp(1, 2), FEW.astype(dtype))
    same_as_torch(torch, lambda m, p: p.clamp(min=1.5), FEW.astype(dtype))


def test_clamp_of_a_mask_as_torch(torch):
    mask = np.array([True, False])
    same_as_torch(torch, lambda m, p: p.clamp(min=2), mask)
    same_as_torch(torch, lambda m, p, q: p.clamp(min=q), mask, mask[::-1])
    for bound in ({"min": True}, {"max": False}):
        with pytest.raises(RuntimeError):
            torch.tensor(mask).clamp(**bound)
        with pytest.raises(mg.DTypeError, match="clamp: not defined for a bool tensor and m.* = "):
            mg.tensor(mask).clamp(**bound)


def test_clamp_keeps_nan_and_needs_a_bound():
    assert np.isnan(mg.tensor(np.nan).clamp(0, 1).item())
    with pytest.raises(ValueError, match="clamp: at least one of min and max"):
        mg.tensor(1.0).clamp()
    with pytest.raises(TypeError, match="clamp: input"):
        mg.clamp("a", 0)


def test_errors_of_bounds_name_clamp():
    x = mg.tensor([1, 200], dtype=mg.uint8)
    with pytest.raises(ValueError, match="^clamp: min -1 does not fit into uint8"):
        x.clamp(-1)
    with pytest.raises(mg.ShapeError, match=r"^clamp: max shapes .*\(2,\).* do not broadcast"):
        x.clamp(max=mg.ones(3))
    with pytest.raises(TypeError, match="^clamp: min must be a Tensor, .* got str"):
        x.clamp("a")
