"""Numbers of Python and NumPy on their way into a tensor: no digit is lost, a misfit is an error.

The dtype of the target decides, not the one that the number alone would have had.
"""

from fractions import Fraction

import numpy as np
import pytest
from helpers.grids import for_each

import minigrad as mg
from minigrad import nn

NUMBERS = [0.1, np.float64(0.1), -2.7, np.float64(1e300), Fraction(1, 3), np.float32(0.1), 7]


def filled(x, value):
    x[0] = value
    return x


INTO = {
    "copy_": lambda x, value: x.copy_(value),
    "fill_": lambda x, value: x.fill_(value),
    "setitem": filled,
    "full": lambda x, value: mg.full((1,), value, dtype=x.dtype),
    "full_like": lambda x, value: mg.full_like(x, value),
    "masked_fill": lambda x, value: x.masked_fill(x == 0, value),
    "where": lambda x, value: mg.where(x == 0, value, x),
    "clamp": lambda x, value: (x + np.inf).clamp(max=value),
    "scatter_": lambda x, value: x.scatter_(0, mg.tensor([0]), value),
    "add": lambda x, value: x + value,
    "linspace": lambda x, value: mg.linspace(value, 0, 1, dtype=x.dtype),
    "constant_": lambda x, value: nn.init.constant_(x, value),
}


@pytest.mark.parametrize("name", INTO)
@for_each("value", NUMBERS)
def test_a_number_enters_float64_with_all_its_digits(name, value):
    if name == "constant_" and isinstance(value, Fraction):
        pytest.skip("init takes Python's and NumPy's numbers")
    y = INTO[name](mg.zeros(1, dtype=mg.float64), value)
    assert y.dtype is mg.float64
    assert y[0].item() == float(value)


@pytest.mark.parametrize("name", INTO)
@pytest.mark.parametrize("value", [2**53 + 1, np.int64(2**62 + 1)], ids=repr)
def test_a_large_integer_enters_int64_exactly(name, value):
    if name in ("linspace", "constant_", "clamp"):
        pytest.skip("counts in double, is for floats")
    assert INTO[name](mg.zeros(1, dtype=mg.int64), value)[0].item() == int(value)


def test_the_ends_of_arange_keep_their_digits():
    y = mg.arange(np.float64(0.1), np.float64(0.5), np.float64(0.1), dtype=mg.float64)
    assert y.tolist() == np.arange(0.1, 0.5, 0.1).tolist()
    assert len(mg.arange(np.float64(-2.7), np.float64(-2.7) + 3)) == 3


@pytest.mark.parametrize("dtype, count", [("int32", 4), ("uint8", 4), ("int64", 3)])
def test_arange_counts_as_torch_does(dtype, count):
    """torch counts the steps in double, but for int64 in integers."""
    y = mg.arange(0, 3.5, dtype=dtype)
    assert y.tolist() == list(range(count))
    torch = pytest.importorskip("torch")
    assert torch.arange(0, 3.5, dtype=getattr(torch, dtype)).tolist() == y.tolist()


@pytest.mark.parametrize("number", [np.float64(0.3), np.sqrt(2 / 7)])
def test_numpys_float64_draws_what_pythons_float_draws(number):
    for name, both in (("normal_", (0, number)), ("uniform_", (-number, number))):
        drawn = []
        for bounds in (both, tuple(map(float, both))):
            x = mg.zeros(50)
            getattr(x, name)(*bounds, generator=mg.Generator().manual_seed(3))
            drawn.append(x.tolist())
        assert drawn[0] == drawn[1]


@for_each("dtype", ["int64", "int32", "uint8"])
@for_each("value", [float("nan"), float("inf"), 1e300, np.float64(2.0**63)])
@pytest.mark.parametrize("name", ["copy_", "fill_", "setitem", "full", "masked_fill", "linspace"])
def test_what_does_not_fit_an_integer_is_refused_in_our_words(name, value, dtype):
    x = mg.zeros(1, dtype=dtype)
    words = "does not fit into|are not both integers"
    with pytest.raises(ValueError, match=f"^{name}.*({words})"):
        INTO[name](x, value)
    assert x.tolist() == [0]


@pytest.mark.parametrize("name", ["fill_", "setitem", "full", "full_like", "masked_fill"])
@pytest.mark.parametrize("value", [1e300, -1e40, np.float64(3.5e38), 10**40])
def test_a_finite_number_does_not_become_infinite_in_silence(name, value):
    x = mg.zeros(1)
    with pytest.raises(ValueError, match="does not fit into float32"):
        INTO[name](x, value)
    assert x.tolist() == [0]
    assert INTO[name](x, float("-inf")).tolist() == [float("-inf")]


@pytest.mark.parametrize("make", [mg.tensor, mg.as_tensor])
def test_a_numpy_number_must_fit_the_dtype_asked_for(make):
    for value, dtype in (
        (np.int64(300), "uint8"),
        (np.float64(1e300), "int64"),
        (np.int64(2**40), "int32"),
        (-2.7, "uint8"),
        (np.float64(-1), "uint8"),
    ):
        with pytest.raises(ValueError, match="does not fit into"):
            make(value, dtype=dtype)
    assert make(np.uint64(7), dtype="int64").tolist() == 7
    assert make(np.array([7, 2**62], np.uint64), dtype="int64").tolist() == [7, 2**62]
    assert make(np.float64(2.9), dtype="int32").tolist() == 2
    with pytest.raises(ValueError, match="does not fit into int64"):
        make(np.array([2**63], np.uint64), dtype="int64")


def test_an_integer_beside_a_float_is_exact_in_int64():
    assert mg.tensor([0.5, 2**53 + 1, -(2**62) - 1], dtype=mg.int64).tolist() == [
        0, 2**53 + 1, -(2**62) - 1]  # fmt: skip


@pytest.mark.parametrize("dtype", ["uint8", "int32", "bool"])
@pytest.mark.parametrize("number", [256, 300, -1, 2**31, 2**53])
def test_a_quotient_is_a_float_whatever_the_number(dtype, number):
    """image / 256: the number need not fit into the image's dtype."""
    x = mg.tensor([1, 0, 1], dtype=dtype)
    want = np.array([1, 0, 1], np.float32) / np.float32(number)
    assert (x / number).tolist() == want.tolist()
    assert (number / (x + x + 1)).tolist() == (
        np.float32(number) / (x + x + 1).float().numpy()).tolist()  # fmt: skip


@pytest.mark.parametrize("bound", ["min", "max"])
def test_a_float_tensor_takes_integers_beyond_int64(bound):
    x = mg.tensor([1.0, 1e20], dtype=mg.float64)
    assert x.clamp(**{bound: 2**64}).tolist() == np.clip(x.numpy(), **{bound: 2.0**64}).tolist()
    assert x.masked_fill(x > 2, 2**64).tolist() == [1.0, 2.0**64]


def test_linspace_is_not_for_bool():
    with pytest.raises(mg.DTypeError, match="linspace: the dtype must be a float or an integer"):
        mg.linspace(0, 1, 3, dtype=mg.bool)
