"""Which values are operands, and in which dtype an operation computes."""

import itertools
import re

import numpy as np
import pytest
from helpers.grids import for_each
from helpers.layouts import DTYPES

import minigrad as mg

# --- what counts as an operand -------------------------------------------------------------------


@pytest.mark.parametrize(("dtype", "expected"), [
    ("float16", "float32"), ("int8", "int32"), ("int16", "int32"), ("uint16", "int32"),
    ("uint32", "int64"), (">f4", "float32"), (">f8", "float64"), (">i8", "int64"),
])  # fmt: skip
def test_arrays_of_other_dtypes_become_the_nearest(dtype, expected):
    y = mg.zeros(2, dtype=mg.uint8) + np.array([1, 2], dtype=dtype)
    assert y.dtype.name == expected
    assert y.tolist() == [1, 2]


@pytest.mark.parametrize("array", [
    np.array([1j]), np.array(["a"]), np.array([None]), np.array(["2020-01-01"], dtype="M8[D]"),
    np.array([2**63], dtype=np.uint64), np.array([(1, 2)], dtype="i4,i4"),
    np.ones(1, np.longdouble),
], ids=lambda a: str(a.dtype))  # fmt: skip
def test_arrays_that_no_tensor_holds(array):
    for call in (
        lambda: mg.add(mg.ones(1), array),
        lambda: mg.exp(array),
        lambda: array * mg.ones(1),
    ):
        with pytest.raises(TypeError, match=re.escape(str(array.dtype))):
            call()


def test_a_masked_array_would_lose_its_mask():
    masked = np.ma.masked_array([1.0, 2.0], mask=[True, False])
    with pytest.raises(TypeError, match=r"add: other is a masked array.*\.filled"):
        mg.ones(2).add(masked)


def test_odd_memory():
    expected = [2.0, 3.0]
    odd = np.frombuffer(b"x" + np.array([1.0, 2.0]).tobytes(), dtype=np.float64, offset=1)
    assert not odd.flags.aligned
    fixed = np.array([1.0, 2.0])
    fixed.flags.writeable = False
    for array in (odd, fixed, np.array([1.0, 2.0])[::-1][::-1]):
        assert (mg.ones(2, dtype=mg.float64) + array).tolist() == expected


def test_a_memory_map(tmp_path):
    np.save(tmp_path / "a.npy", np.array([1.0, 2.0], dtype=np.float32))
    for mode in ("r", "c"):
        array = np.load(tmp_path / "a.npy", mmap_mode=mode)
        assert (mg.ones(2) * array).tolist() == [1, 2]


@pytest.mark.parametrize(
    "number", [True, 3, 2.5, np.bool_(True), np.int8(3), np.float16(2.5), np.uint64(3)]
)
def test_numbers(number):
    x = mg.tensor([1.0, 2.0])
    assert (x * number).dtype is mg.float32
    assert (number * x).tolist() == (x * number).tolist() == [float(number), 2 * float(number)]


def test_numbers_that_do_not_fit():
    with pytest.raises(ValueError, match="add: .* does not fit into int64"):
        mg.tensor([1]) + 2**70
    with pytest.raises(ValueError, match="mul: -1 does not fit into uint8"):
        mg.tensor([1], dtype=mg.uint8) * -1
    with pytest.raises(OverflowError):
        mg.tensor([1.0]) * 10**400


@pytest.mark.parametrize("name", ["exp", "isnan", "neg", "sum"])
def test_a_number_beyond_float32_is_infinite(name):
    with np.errstate(all="raise"):
        y, expected = getattr(mg, name)(1e308), getattr(mg, name)(mg.tensor(float("inf")))
    assert mg.equal(y, expected) and y.dtype is expected.dtype


# --- promotion -----------------------------------------------------------------------------------


@for_each(("first", "second"), list(itertools.product(DTYPES, DTYPES)))
@pytest.mark.parametrize(("a", "b"), [((2,), (2,)), ((), (2,)), ((2,), ()), ((), ()), ((1,), (2,))])
def test_result_dtypes_as_torch(torch, first, second, a, b):
    x, y = np.ones(a, dtype=first), np.ones(b, dtype=second)
    expected = torch.result_type(torch.tensor(x), torch.tensor(y))
    assert str(expected) == f"torch.{(mg.tensor(x) * mg.tensor(y)).dtype.name}"
    assert str(expected) == f"torch.{(mg.tensor(x) * y).dtype.name}"
    assert str(expected) == f"torch.{(x * mg.tensor(y)).dtype.name}"


def test_a_cast_operand_gets_its_gradient_in_its_own_dtype(torch):
    for m in (mg, torch):
        x = m.tensor([1.0, 2.0], requires_grad=True)
        w = m.tensor([3.0, 4.0], dtype=m.float64, requires_grad=True)
        y = x * w
        y.backward(m.tensor([5.0, 7.0], dtype=m.float64))
        assert x.grad.tolist() == [15, 28]
        assert str(x.grad.dtype).endswith("float32")
        assert str(w.grad.dtype).endswith("float64")


def test_the_default_dtype_decides_for_python_floats():
    mg.set_default_dtype(mg.float64)
    try:
        assert (mg.tensor([1]) * 2.5).dtype is mg.float64
        assert (mg.tensor([1], dtype=mg.float32) * 2.5).dtype is mg.float32
    finally:
        mg.set_default_dtype(mg.float32)
    assert (mg.tensor([1]) * 2.5).dtype is mg.float32
