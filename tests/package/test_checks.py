import math

import numpy as np
import pytest

from minigrad._checks import LARGEST_STEP, flag, integer, limit, number, pair, sizes


@pytest.mark.parametrize("value", [0, 0.5, 1, np.float32(0.25), np.float64(1), np.int64(1)])
def test_number_gives_a_python_number(value):
    result = number("SGD", "lr", value, at_least=0, at_most=1)
    assert type(result) in (int, float) and result == value


@pytest.mark.parametrize("value", [True, np.bool_(True), "1", None, 1j, [1], np.ones(())])
def test_number_refuses_other_kinds(value):
    with pytest.raises(TypeError, match="SGD: lr must be a number, got "):
        number("SGD", "lr", value)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32("nan")])
def test_number_is_finite(value):
    with pytest.raises(ValueError, match="SGD: lr must be finite, got "):
        number("SGD", "lr", value)


@pytest.mark.parametrize(
    ("value", "bounds", "wanted"),
    [
        (-1e-300, {"at_least": 0}, ">= 0"),
        (0, {"above": 0}, "> 0"),
        (1, {"at_least": 0, "below": 1}, ">= 0 and < 1"),
        (1.5, {"at_least": 0, "at_most": 1}, ">= 0 and <= 1"),
        (math.nan, {"at_least": 0}, ">= 0"),
        (10**400, {"at_most": 1}, "<= 1"),
    ],
)
def test_number_keeps_its_bounds(value, bounds, wanted):
    with pytest.raises(ValueError, match=f"Adam: eps must be finite and {wanted}, got "):
        number("Adam", "eps", value, **bounds)


def test_an_integer_too_large_for_a_float_is_not_finite():
    with pytest.raises(ValueError, match="SGD: lr must be finite, got 10000"):
        number("SGD", "lr", 10**400)


def test_limit_may_be_infinite():
    assert limit("BatchRenorm1d", "r_max", 3, at_least=1) == 3
    assert limit("BatchRenorm1d", "r_max", math.inf, at_least=1) == math.inf
    for value in (-math.inf, math.nan, 0.5):
        with pytest.raises(ValueError, match="BatchRenorm1d: r_max must be finite and >= 1, got "):
            limit("BatchRenorm1d", "r_max", value, at_least=1)
    with pytest.raises(TypeError, match="BatchRenorm1d: r_max must be a number, got None"):
        limit("BatchRenorm1d", "r_max", None, at_least=1)


@pytest.mark.parametrize("value", [0, 3, np.int32(2), np.uint8(7)])
def test_size_gives_an_int(value):
    result = integer("Linear", "in_features", value)
    assert type(result) is int and result == value


@pytest.mark.parametrize("value", [True, 2.0, 2.5, "3", None, np.bool_(True), np.float64(2)])
def test_size_refuses_other_kinds(value):
    with pytest.raises(TypeError, match="Linear: in_features must be an integer, got "):
        integer("Linear", "in_features", value)


def test_size_keeps_its_bound():
    with pytest.raises(ValueError, match="Linear: in_features must be >= 0, got -1"):
        integer("Linear", "in_features", -1)
    with pytest.raises(ValueError, match="StepLR: step_size must be >= 1, got 0"):
        integer("StepLR", "step_size", 0, at_least=1)


def test_sizes():
    assert sizes("LayerNorm", "normalized_shape", [2, np.int64(3)]) == (2, 3)
    for value in (3, None, "33", np.ones(2), {2, 3}):
        with pytest.raises(TypeError, match="LayerNorm: normalized_shape must be a tuple or list"):
            sizes("LayerNorm", "normalized_shape", value)
    for value in ([], ()):
        with pytest.raises(ValueError, match="normalized_shape must name at least one dimension"):
            sizes("LayerNorm", "normalized_shape", value)
    with pytest.raises(TypeError, match="normalized_shape must be an integer, got 2.0"):
        sizes("LayerNorm", "normalized_shape", (3, 2.0))
    with pytest.raises(ValueError, match="normalized_shape must be >= 0, got -1"):
        sizes("LayerNorm", "normalized_shape", (-1, 3))


def test_flag():
    assert flag("SGD", "nesterov", True) is True
    for value in (1, 0, "yes", None):
        with pytest.raises(TypeError, match="SGD: nesterov must be True or False, got "):
            flag("SGD", "nesterov", value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(2, (2, 2)), ((1, 3), (1, 3)), ([3, 0], (3, 0)), (np.int32(4), (4, 4)),
     ((0, np.uint8(7)), (0, 7)), (LARGEST_STEP, (LARGEST_STEP, LARGEST_STEP))],
)  # fmt: skip
def test_pair_gives_two_ints(value, expected):
    result = pair("Conv2d", "stride", value, at_least=0)
    assert result == expected and all(type(each) is int for each in result)


@pytest.mark.parametrize(
    "value",
    [None, True, (1, False), 2.0, "2", "22", (1,), (1, 2, 3), [], (1, None), {1, 2},
     np.ones(2, int), np.array([1, 2]), np.bool_(True)],
)  # fmt: skip
def test_pair_refuses_other_kinds(value):
    with pytest.raises(TypeError, match="Conv2d: stride must be an integer or a pair of integers"):
        pair("Conv2d", "stride", value, at_least=0)


def test_pair_keeps_its_bounds():
    with pytest.raises(ValueError, match=r"Conv2d: stride must be >= 1, got \(2, 0\)"):
        pair("Conv2d", "stride", (2, 0), at_least=1)
    with pytest.raises(ValueError, match="Conv2d: stride must be <= 2147483647, got 2147483648"):
        pair("Conv2d", "stride", LARGEST_STEP + 1, at_least=1)
