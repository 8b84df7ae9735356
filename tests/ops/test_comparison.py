"""Comparisons and logic: torch's values and dtypes, numbers and arrays on either side."""

import itertools
import operator

import numpy as np
import pytest
from helpers.grids import for_each
from helpers.layouts import DTYPES, PAIRS
from helpers.torch_peer import same_as_torch

import minigrad as mg

ORDER = ["eq", "ne", "lt", "le", "gt", "ge"]
LOGIC = ["logical_and", "logical_or", "logical_xor"]
SPECIAL = np.array([1.5, -2.0, 0.0, -0.0, np.nan, np.inf, -np.inf, 300.0])


def few(dtype):
    return np.array([0, 1, 2, 200, 1]).astype(dtype)


@pytest.mark.parametrize("name", ORDER + LOGIC)
@for_each(("a", "b"), PAIRS)
def test_every_pair_of_dtypes_as_torch(torch, name, a, b):
    x, y = few(a)[:, None], few(b)[::-1]
    same_as_torch(torch, lambda m, p, q: getattr(m, name)(p, q), x, y)
    same_as_torch(torch, lambda m, p, q: getattr(p, name)(q), x, y)


@pytest.mark.parametrize("name", ORDER)
def test_nan_infinity_and_signed_zero_as_torch(torch, name):
    same_as_torch(torch, lambda m, p, q: getattr(m, name)(p, q), SPECIAL[:, None], SPECIAL)


@for_each("dtype", DTYPES)
@for_each("number", [True, 1, 2.5, -1.0])
@pytest.mark.parametrize("name", ORDER)
def test_numbers_on_either_side_as_torch(torch, name, number, dtype):
    op = getattr(operator, name)
    same_as_torch(torch, lambda m, p: op(p, number), few(dtype))
    same_as_torch(torch, lambda m, p: op(number, p), few(dtype))


def test_a_number_is_compared_in_the_dtype_of_the_tensor():
    assert (mg.tensor([0.1]) == 0.1).item() is True
    assert (mg.tensor([0.1]) == np.float64(0.1)).item() is True


def test_integers_are_compared_exactly():
    assert (mg.tensor([44], dtype=mg.uint8) == 300).tolist() == [False]
    assert (mg.tensor([44], dtype=mg.uint8) > -1).tolist() == [True]
    assert (mg.tensor([2**62 + 1]) > 2**62).tolist() == [True]
    assert (mg.tensor([5]) < 2**80).tolist() == [True]


def test_equality_with_what_is_no_number():
    x = mg.tensor([1.0])
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711
    assert (x == "a") is False
    assert x != [object()]
    with pytest.raises(TypeError):
        x < None  # noqa: B015
    with pytest.raises(TypeError, match="eq: other must be a Tensor"):
        mg.eq(x, None)


@pytest.mark.parametrize("op", [operator.and_, operator.or_, operator.xor])
@for_each(
    ("a", "b"), list(itertools.product(["bool", "uint8", "int32", "int64"], repeat=2))
)
def test_operators_on_integers_are_bitwise_as_torch(torch, op, a, b):
    same_as_torch(torch, lambda m, p, q: op(p, q), few(a)[:, None], few(b))
    same_as_torch(torch, lambda m, p: op(p, True), few(a))
    same_as_torch(torch, lambda m, p: op(3, p), few(a))
    same_as_torch(torch, lambda m, p: ~p, few(a))


def test_operators_on_floats_are_refused():
    x = mg.tensor([1.0])
    one = mg.tensor(1)
    for call in (lambda: x & x, lambda: x | 1, lambda: 1 ^ x, lambda: ~x, lambda: one & 1.5):
        with pytest.raises(mg.DTypeError, match="float32"):
            call()


def test_logical_operations_look_at_zero(torch):
    same_as_torch(torch, lambda m, p: m.logical_not(p), SPECIAL)
    same_as_torch(torch, lambda m, p, q: p.logical_xor(q), SPECIAL, SPECIAL[::-1].copy())


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_kinds_of_numbers_as_torch(torch, name, dtype):
    with np.errstate(all="ignore"):
        x = SPECIAL.astype(dtype)
    same_as_torch(torch, lambda m, p: getattr(m, name)(p), x)


def test_close():
    a = mg.tensor([1.0, 2.0, np.nan])
    b = mg.tensor([1.0 + 5e-6, 2.0, np.nan])
    assert mg.isclose(a, b).tolist() == [True, True, False]
    assert mg.allclose(a, b) is False
    assert mg.allclose(a, b, equal_nan=True) is True
    assert a.allclose(b, rtol=1e-7, equal_nan=True) is False
    assert mg.allclose(mg.tensor([np.inf]), mg.tensor([np.inf])) is True
    assert mg.allclose(mg.tensor([np.inf]), mg.tensor([1.0])) is False
    with pytest.raises(mg.DTypeError, match="isclose: .*float32 and .*float64"):
        mg.allclose(a, b.to(mg.float64))
    with pytest.raises(ValueError, match="isclose: rtol must be finite and >= 0, got -1.0"):
        mg.allclose(a, b, rtol=-1.0)


def test_equal():
    a = mg.tensor([1.0, 2.0])
    assert mg.equal(a, mg.tensor([1, 2])) is True
    assert a.equal(mg.tensor([1.0])) is False
    assert mg.equal(mg.tensor([np.nan]), mg.tensor([np.nan])) is False


@pytest.mark.parametrize("name", [*ORDER, *LOGIC, "isclose"])
def test_shapes_that_do_not_broadcast(name):
    with pytest.raises(mg.ShapeError, match=rf"{name}: .*\(2, 3\).*\(4,\)"):
        getattr(mg, name)(mg.tensor(np.ones((2, 3))), mg.tensor(np.ones(4)))


def test_no_history():
    x = mg.tensor([1.0, -1.0], requires_grad=True)
    assert not (x > 0).requires_grad
    assert not mg.isnan(x).requires_grad
