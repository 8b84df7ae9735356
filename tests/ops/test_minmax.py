"""The largest and the smallest, any and all: values, dtypes and gradients as torch; ties, NaN."""

import numpy as np
import pytest
from helpers.grids import for_each
from helpers.layouts import DTYPES, LAYOUTS, REDUCTIONS, leaf, normal
from helpers.torch_peer import same_as_torch

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck

INF, NAN = np.inf, np.nan
VALUES = ["amax", "amin", "max", "min"]
PLACES = ["argmax", "argmin"]
values = pytest.mark.parametrize("name", VALUES)
every = pytest.mark.parametrize("name", VALUES + PLACES)
cases = for_each(("shape", "dim"), REDUCTIONS)
keeps = for_each("keepdim", [False, True])


def reduce(name, dim, keepdim=False):
    """m.name(x, dim, keepdim) or, where dim is None, m.name(x)."""

    def function(m, x):
        if dim is None:
            return getattr(m, name)(x)
        return getattr(m, name)(x, dim=dim, keepdim=keepdim)

    return function


def takes(name, dim):
    """Only amax and amin take several dimensions."""
    return name.startswith("am") or not isinstance(dim, tuple)


@cases
@keeps
@every
def test_values_and_gradients_as_torch(torch, name, shape, dim, keepdim):
    if takes(name, dim):
        same_as_torch(torch, reduce(name, dim, keepdim), normal(*shape))
        same_as_torch(torch, reduce(name, dim, keepdim), normal(*shape, dtype=np.float32))


@cases
@values
def test_gradients(name, shape, dim):
    if not takes(name, dim):
        return

    def function(x):
        y = reduce(name, dim)(mg, x)
        return y.values if isinstance(y, tuple) else y

    x = leaf(normal(*shape))
    assert gradcheck(function, x)
    assert gradgradcheck(lambda x: function(x * x), x)


@for_each("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["amax", "amin", *PLACES, "any", "all"])
@for_each("dim", [None, 0, 1, 2])
def test_layouts_do_not_matter(name, layout, dim):
    a = normal(4, 3, 2)
    x = mg.from_numpy(LAYOUTS[layout](a))
    assert mg.equal(reduce(name, dim)(mg, x), reduce(name, dim)(mg, mg.tensor(a)))
    if name in VALUES:
        assert gradcheck(lambda x: reduce(name, dim)(mg, x), x.requires_grad_())


@for_each("dtype", DTYPES)
@pytest.mark.parametrize("name", [*VALUES, *PLACES, "any", "all"])
@keeps
def test_dtypes_as_torch(torch, name, dtype, keepdim):
    if dtype == "bool" and name in PLACES:
        with pytest.raises(mg.DTypeError, match=rf"{name}: not defined for bool .* mask\.int\(\)"):
            reduce(name, 0, keepdim)(mg, mg.tensor([True, False]))
        return  # as torch
    a = np.array([[0, 1, 2, 200], [0, 0, 3, 0]]).astype(dtype)
    for dim in (None, 0, 1):
        same_as_torch(torch, reduce(name, dim, keepdim), a)


# --- ties, NaN, places ---------------------------------------------------------------------------


@every
@pytest.mark.parametrize(
    "rows",
    [
        [[2, 1, 2, 1], [3, 3, 3, 3]],
        [[INF, INF, 1, 0], [-INF, -INF, 0, 1]],
        [[NAN, 1, NAN, 2], [0, NAN, 5, -5]],
    ],
    ids=str,
)
def test_ties_and_nan_as_torch(torch, name, rows):
    a = np.array(rows, dtype=np.float64)
    if name.startswith("am") and np.isnan(a).any():
        return  # torch: the gradient of amax is NaN everywhere
    with np.errstate(all="raise"):
        same_as_torch(torch, lambda m, x: getattr(m, name)(x, 1), a)
        same_as_torch(torch, lambda m, x: getattr(m, name)(x, 0), a)
        if not name.startswith("am"):
            same_as_torch(torch, lambda m, x: getattr(m, name)(x), a)


def test_ties_share_the_gradient_of_the_whole_and_the_first_takes_that_of_a_row():
    x = mg.tensor([[1.0, 5.0, 5.0], [5.0, 0.0, 5.0]], requires_grad=True)
    x.max().backward(mg.tensor(2.0))
    assert x.grad.tolist() == [[0, 0.5, 0.5], [0.5, 0, 0.5]]
    x.grad = None
    values, indices = x.max(1)
    values.backward(mg.tensor([2.0, 3.0]))
    assert x.grad.tolist() == [[0, 2, 0], [3, 0, 0]]
    assert indices.tolist() == [1, 0]
    assert not indices.requires_grad


def test_the_pair_has_names():
    result = mg.tensor([[1.0, 5.0], [7.0, 0.0]]).max(dim=1, keepdim=True)
    assert result.values.tolist() == [[5.0], [7.0]]
    assert result.indices.tolist() == [[1], [0]]
    assert result.indices.dtype is mg.int64


def test_the_larger_of_two_tensors(torch):
    a, b = normal(3, 4, seed=1), normal(4, seed=2)
    same_as_torch(torch, lambda m, x, y: m.max(x, y), a, b)
    same_as_torch(torch, lambda m, x, y: x.min(other=y), a, b)


@pytest.mark.parametrize("name", PLACES)
@keeps
def test_a_place_in_the_flattened_tensor_as_torch(torch, name, keepdim):
    same_as_torch(torch, lambda m, x: getattr(m, name)(x, None, keepdim), normal(3, 4))
    same_as_torch(torch, lambda m, x: getattr(m, name)(x, None, keepdim), normal())


@cases
@keeps
@pytest.mark.parametrize("name", ["any", "all"])
def test_any_and_all_as_torch(torch, name, shape, dim, keepdim):
    for a in (normal(*shape) > 0.7, normal(*shape) > -0.7):
        same_as_torch(torch, reduce(name, dim, keepdim), a)
    same_as_torch(torch, reduce(name, dim, keepdim), np.round(normal(*shape)))


@pytest.mark.parametrize("name", ["any", "all"])
def test_any_and_all_of_nothing_as_torch(torch, name):
    for dim in (None, 0, 1):
        same_as_torch(torch, reduce(name, dim), np.zeros((0, 3)))


# --- bad calls -----------------------------------------------------------------------------------


@every
def test_no_largest_of_nothing(name):
    with pytest.raises(ValueError, match=rf"{name}: of no elements .*\(0, 3\)"):
        getattr(mg.tensor(np.zeros((0, 3))), name)()
    with pytest.raises(ValueError, match=rf"{name}: of no elements .*\(0, 3\)"):
        getattr(mg, name)(mg.tensor(np.zeros((0, 3))), 0)
    y = getattr(mg, name)(mg.tensor(np.zeros((0, 3))), 1)
    assert tuple((y[0] if isinstance(y, tuple) else y).shape) == (0,)


@pytest.mark.parametrize("name", [*VALUES, *PLACES, "any"])
def test_bad_dimensions(name):
    x = mg.tensor(np.ones((2, 3)))
    with pytest.raises(IndexError, match=rf"{name}: dim 2 is out of range for a 2-d tensor"):
        getattr(x, name)(dim=2)
    with pytest.raises(TypeError, match=f"{name}: dim must be an integer, got str"):
        getattr(x, name)(dim="a")
    if takes(name, (1, -1)) or name == "any":
        with pytest.raises(ValueError, match=rf"{name}: dim \(1, -1\) names a dimension twice"):
            getattr(x, name)(dim=(1, -1))
    else:
        with pytest.raises(TypeError, match=f"{name}: dim must be an integer, got tuple"):
            getattr(x, name)(dim=(1, -1))


@pytest.mark.parametrize("name", [*VALUES, *PLACES, "any"])
@pytest.mark.parametrize("bad", [None, "a", [1.0]])
def test_what_is_no_tensor(name, bad):
    with pytest.raises(TypeError, match=f"{name}: input must be a Tensor"):
        getattr(mg, name)(bad)


@values
def test_no_warning_escapes(name):
    with np.errstate(all="raise"):
        x = mg.tensor([[NAN, -INF], [INF, 1e-45]], requires_grad=True)
        getattr(x, name)().backward(mg.tensor(3e38))
        (dx,) = mg.autograd.grad(reduce(name, 0)(mg, x * 2)[0].sum(), x)
        assert dx.shape == x.shape
