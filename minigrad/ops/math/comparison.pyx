"""Comparisons and logic, elementwise with broadcasting.

Their results are steps, so they have no gradient.
"""

cimport numpy as cnp

import numpy as np

from ..._checks import flag, limit
from ..._runtime.fp_warnings import quietly
from ...errors import DTypeError
from ...tensor cimport Tensor, wrap
from ...tensor import method
from .arguments cimport is_number, operand, operands
from .broadcasting import broadcast_call

cnp.import_array()


# --- order and equality ------------------------------------------------------------------------

cdef Tensor compare(str name, object ufunc, object input, object other):
    """ufunc(input, other) in the dtype that torch would compare in."""
    cdef Tensor a, b
    if isinstance(input, Tensor) and isinstance(other, (int, np.integer)):
        a = input
        if not cnp.PyArray_ISFLOAT(a.array):
            # NumPy compares integers with a Python int exactly, also uint8 with 300.
            return wrap(np.asarray(ufunc(a.array, int(other))))
    a, b = operands(name, input, other)
    return wrap(broadcast_call(name, ufunc, a.array, b.array))


def eq(input, other):
    """input = other: a bool tensor. torch.eq."""
    return compare("eq", np.equal, input, other)


def ne(input, other):
    """input ≠ other: a bool tensor; NaN differs from itself. torch.ne."""
    return compare("ne", np.not_equal, input, other)


def lt(input, other):
    """input < other: a bool tensor. torch.lt."""
    return compare("lt", np.less, input, other)


def le(input, other):
    """input ≤ other: a bool tensor. torch.le."""
    return compare("le", np.less_equal, input, other)


def gt(input, other):
    """input > other: a bool tensor. torch.gt."""
    return compare("gt", np.greater, input, other)


def ge(input, other):
    """input ≥ other: a bool tensor. torch.ge."""
    return compare("ge", np.greater_equal, input, other)


cdef bint comparable(object other):
    return isinstance(other, (Tensor, np.ndarray)) or is_number(other)


def equals(input, other):
    """The operator ==; with None, a string and the like, Python's own answer, as in torch."""
    return eq(input, other) if comparable(other) else NotImplemented


def differs(input, other):
    """The operator !=; see `equals`."""
    return ne(input, other) if comparable(other) else NotImplemented


def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """|input − other| ≤ atol + rtol · |other|: a bool tensor. One dtype. torch.isclose."""
    cdef Tensor a = operand("isclose", "input", input), b = operand("isclose", "other", other)
    if a.dtype is not b.dtype:
        raise DTypeError(
            f"isclose: the dtypes differ: {a.dtype} and {b.dtype}; convert one with .to(dtype)")
    rtol = limit("isclose", "rtol", rtol, at_least=0)
    atol = limit("isclose", "atol", atol, at_least=0)
    flag("isclose", "equal_nan", equal_nan)

    def close(x, y):
        return np.isclose(x, y, rtol=rtol, atol=atol, equal_nan=equal_nan)

    return wrap(broadcast_call("isclose", close, a.array, b.array))


def allclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether |input − other| ≤ atol + rtol · |other| everywhere, a bool. torch.allclose."""
    cdef Tensor close = isclose(input, other, rtol, atol, equal_nan)
    return bool(np.all(close.array))


def equal(input, other):
    """Whether both have the same shape and the same values: True or False. torch.equal."""
    cdef Tensor a = operand("equal", "input", input), b = operand("equal", "other", other)
    return bool(np.array_equal(a.array, b.array))


# --- kinds of numbers --------------------------------------------------------------------------

def isnan(input):
    """Where the input is NaN: a bool tensor. torch.isnan."""
    return wrap(np.asarray(np.isnan(operand("isnan", "input", input).array)))


def isinf(input):
    """Where the input is ∞ or −∞: a bool tensor. torch.isinf."""
    return wrap(np.asarray(np.isinf(operand("isinf", "input", input).array)))


def isfinite(input):
    """Where the input is neither infinite nor NaN: a bool tensor. torch.isfinite."""
    return wrap(np.asarray(np.isfinite(operand("isfinite", "input", input).array)))


# --- logic -------------------------------------------------------------------------------------

cdef Tensor logic(str name, object ufunc, object input, object other):
    cdef Tensor a = operand(name, "input", input), b = operand(name, "other", other)
    return wrap(broadcast_call(name, ufunc, a.array, b.array))


def logical_not(input):
    """Where the input is 0: a bool tensor. torch.logical_not."""
    return wrap(np.asarray(quietly(np.logical_not, operand("logical_not", "input", input).array)))


def logical_and(input, other):
    """Where neither is 0: a bool tensor. torch.logical_and."""
    return logic("logical_and", np.logical_and, input, other)


def logical_or(input, other):
    """Where not both are 0: a bool tensor. torch.logical_or."""
    return logic("logical_or", np.logical_or, input, other)


def logical_xor(input, other):
    """Where just one is 0: a bool tensor. torch.logical_xor."""
    return logic("logical_xor", np.logical_xor, input, other)


cdef Tensor bitwise(str name, object ufunc, object input, object other):
    cdef Tensor a, b
    a, b = operands(name, input, other)
    if cnp.PyArray_ISFLOAT(a.array):
        raise DTypeError(
            f"{name}: the operators & | ^ are for bool and integer tensors, not {a.dtype}; "
            "compare first")
    return wrap(broadcast_call(name, ufunc, a.array, b.array))


def bitwise_and(input, other):
    """The operator &: logical on bool, bit by bit on integers. torch.bitwise_and."""
    return bitwise("bitwise_and", np.bitwise_and, input, other)


def bitwise_or(input, other):
    """The operator |: logical on bool, bit by bit on integers. torch.bitwise_or."""
    return bitwise("bitwise_or", np.bitwise_or, input, other)


def bitwise_xor(input, other):
    """The operator ^: logical on bool, bit by bit on integers. torch.bitwise_xor."""
    return bitwise("bitwise_xor", np.bitwise_xor, input, other)


def bitwise_not(input):
    """The operator ~: logical on bool, bit by bit on integers. torch.bitwise_not."""
    cdef Tensor x = operand("bitwise_not", "input", input)
    if cnp.PyArray_ISFLOAT(x.array):
        raise DTypeError(
            f"bitwise_not: the operator ~ is for bool and integer tensors, not {x.dtype}")
    return wrap(np.asarray(np.invert(x.array)))


for function in (
    eq, ne, lt, le, gt, ge, isclose, allclose, equal, isnan, isinf, isfinite,
    logical_not, logical_and, logical_or, logical_xor,
    bitwise_and, bitwise_or, bitwise_xor, bitwise_not,
):
    method(function.__name__, function)
