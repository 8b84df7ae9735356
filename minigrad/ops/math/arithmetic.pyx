"""Sums, products, quotients, powers and the elementary functions.

Rules (1) to (14) of docs/derivations/arithmetic.md.
"""

import numbers

cimport numpy as cnp
from libc.math cimport INFINITY

import numpy as np

from ..._runtime.array_pool cimport copied
from ...autograd.grad_mode cimport recording
from ...errors import DTypeError
from ...tensor cimport Function, Tensor, record, wrap
from ...tensor import method
from .arguments cimport as_float, is_number, operand, operands, refuse_bool, scalar_like
from .broadcasting cimport all_finite, shape_if_broadcast, unbroadcast
from .broadcasting import broadcast_call
from .elementwise cimport ADD, DIV, MUL, SUB, broadcast_binary, mapped, without_gaps
from .selection import where

cnp.import_array()


cdef class Binary(Function):
    """y = a op b; remembers the shape of a broadcast input, since its gradient must be summed."""

    cdef object a_shape
    cdef object b_shape


cdef Tensor record_binary(Binary node, Tensor y, Tensor a, Tensor b):
    """Make `node` the history of y = a op b."""
    node.a_shape = shape_if_broadcast(a.array, y.array)
    node.b_shape = shape_if_broadcast(b.array, y.array)
    record(node, y, (a, b))
    return y


cdef class Add(Binary):
    """y = a + b:  da = dy,  db = dy  (1)"""

    cdef backward(self, Tensor dy):
        return (unbroadcast(dy, self.a_shape) if self.needs(0) else None,  # (1)
                unbroadcast(dy, self.b_shape) if self.needs(1) else None)


def add(input, other, *, alpha=1):
    """y = input + alpha · other, elementwise with broadcasting. torch.add."""
    cdef Tensor a, b, y
    a, b = operands("add", input, other)
    if alpha is not 1:
        b = scaled("add", b, alpha)
    y = wrap(broadcast_binary("add", ADD, a.array, b.array, None))
    if recording(a, b):
        record_binary(Add.__new__(Add), y, a, b)
    return y


cdef class Sub(Binary):
    """y = a − b:  da = dy,  db = −dy  (2)"""

    cdef backward(self, Tensor dy):
        return (unbroadcast(dy, self.a_shape) if self.needs(0) else None,
                unbroadcast(-dy, self.b_shape) if self.needs(1) else None)  # (2)


def sub(input, other, *, alpha=1):
    """y = input − alpha · other, elementwise with broadcasting. Not for bool. torch.sub."""
    cdef Tensor a, b, y
    a, b = operands("sub", input, other)
    if a is not input or b is not other or cnp.PyArray_ISBOOL(a.array):
        refuse_bool("sub", input, other)
    if alpha is not 1:
        b = scaled("sub", b, alpha)
    y = wrap(broadcast_binary("sub", SUB, a.array, b.array, None))
    if recording(a, b):
        record_binary(Sub.__new__(Sub), y, a, b)
    return y


cdef Tensor scaled(str operation, Tensor b, object alpha):
    """alpha · b in the dtype of b, which is that of the result."""
    if not is_number(alpha):
        raise TypeError(f"{operation}: alpha must be a number, got {type(alpha).__name__}")
    if isinstance(alpha, (bool, np.bool_)):
        if not cnp.PyArray_ISBOOL(b.array):
            raise DTypeError(
                f"{operation}: alpha = {alpha} is for bool results, and this one is {b.dtype}; "
                f"write {int(alpha)}")
    elif not isinstance(alpha, numbers.Integral) and not cnp.PyArray_ISFLOAT(b.array):
        raise DTypeError(
            f"{operation}: alpha = {alpha} is a float, but the result is {b.dtype}; convert one of "
            "the tensors with .float()")
    return mul(b, scalar_like(operation, alpha, cnp.PyArray_TYPE(b.array)))


cdef class Mul(Binary):
    """y = a · b:  da = dy · b,  db = dy · a  (3)"""

    cdef backward(self, Tensor dy):
        a, b = self.saved()
        return (unbroadcast(dy * b, self.a_shape) if self.needs(0) else None,  # (3)
                unbroadcast(dy * a, self.b_shape) if self.needs(1) else None)


def mul(input, other):
    """y = input · other, elementwise with broadcasting. torch.mul."""
    cdef Tensor a, b, y
    a, b = operands("mul", input, other)
    y = wrap(broadcast_binary("mul", MUL, a.array, b.array, None))
    if recording(a, b):
        record_binary(Mul.__new__(Mul), y, a, b)
        y.node.save((a if y.node.needs(1) else None, b if y.node.needs(0) else None))
    return y


cdef class Div(Binary):
    """y = a / b:  da = dy / b,  db = −dy · a / b²  (4)"""

    cdef backward(self, Tensor dy):
        a, b = self.saved()
        return (unbroadcast(dy / b, self.a_shape) if self.needs(0) else None,
                unbroadcast(-dy * (a / b) / b, self.b_shape) if self.needs(1) else None)  # (4)


def div(input, other, *, rounding_mode=None):
    """y = input / other, elementwise with broadcasting; integers give the default float dtype.

    rounding_mode: None, "floor" or "trunc" (a rounded result has the gradient 0). torch.div.
    """
    cdef Tensor a, b, y
    if rounding_mode is None:   # the result is a float: a number need not fit an integer's dtype
        if isinstance(input, Tensor) and is_number(other):
            input = as_float(input)
        elif isinstance(other, Tensor) and is_number(input):
            other = as_float(other)
    a, b = operands("div", input, other)
    if rounding_mode is not None:
        return rounded_quotient(a, b, rounding_mode)
    a, b = as_float(a), as_float(b)
    y = wrap(broadcast_binary("div", DIV, a.array, b.array, None))
    if recording(a, b):
        record_binary(Div.__new__(Div), y, a, b)
        y.node.save((a if y.node.needs(1) else None, b))
    return y


# --- rounded quotients and what they leave -----------------------------------------------------

cdef class RoundedQuotient(Binary):
    """y = a / b, rounded: flat wherever it has a derivative, so da = 0, db = 0."""

    cdef backward(self, Tensor dy):
        return (unbroadcast(zeros_of(dy), self.a_shape) if self.needs(0) else None,
                unbroadcast(zeros_of(dy), self.b_shape) if self.needs(1) else None)


cdef Tensor rounded_quotient(Tensor a, Tensor b, mode):
    cdef Tensor y
    if mode not in ("floor", "trunc"):
        raise ValueError(f"div: rounding_mode must be None, 'floor' or 'trunc', got {mode!r}")
    divisible("div", a, b)
    if mode == "floor":
        y = wrap(broadcast_call("div", np.floor_divide, a.array, b.array))
    elif cnp.PyArray_ISFLOAT(a.array):
        y = wrap(broadcast_call(
            "div", lambda p, q: np.trunc(np.true_divide(p, q)), a.array, b.array))
    else:
        y = wrap(broadcast_call("div", _truncated, a.array, b.array))
    if recording(a, b):
        record_binary(RoundedQuotient.__new__(RoundedQuotient), y, a, b)
    return y


def _truncated(a, b):
    quotient = np.floor_divide(a, b)
    return quotient + ((quotient < 0) & (quotient * b != a)).astype(quotient.dtype)


cdef Tensor zeros_of(Tensor dy):
    return wrap(np.zeros_like(dy.array))


def floor_divide(input, other):
    """y = ⌊input / other⌋, elementwise; gradient 0. torch.floor_divide."""
    return div(input, other, rounding_mode="floor")


cdef class Remainder(Binary):
    """y = a − ⌊a / b⌋ · b:  da = dy,  db = −dy · ⌊a / b⌋  (5)"""

    cdef backward(self, Tensor dy):
        a, b = self.saved()
        db = None
        if self.needs(1):
            db = unbroadcast(-dy * floor_divide(a.detach(), b.detach()), self.b_shape)  # (5)
        return unbroadcast(dy, self.a_shape) if self.needs(0) else None, db


def remainder(input, other):
    """y = input − ⌊input / other⌋ · other, elementwise: the sign of `other`. torch.remainder."""
    cdef Tensor a, b, y
    a, b = operands("remainder", input, other)
    divisible("remainder", a, b)
    y = wrap(broadcast_call("remainder", np.remainder, a.array, b.array))
    if recording(a, b):
        record_binary(Remainder.__new__(Remainder), y, a, b)
        y.node.save((a, b) if y.node.needs(1) else (None, None))
    return y


cdef int divisible(str operation, Tensor a, Tensor b) except -1:
    """Raise the error of a division with remainder that NumPy only warns of, or answers in int8."""
    if cnp.PyArray_ISBOOL(a.array):
        raise DTypeError(f"{operation}: not defined for bool tensors; convert one with .int()")
    if not cnp.PyArray_ISFLOAT(b.array) and not np.all(b.array):
        raise ZeroDivisionError(f"{operation}: an integer divided by zero")
    return 0


# --- powers ------------------------------------------------------------------------------------

cdef class Pow(Binary):
    """y = a^b:  da = dy · b · a^(b−1)  (6),  db = dy · y · ln a  (7)"""

    cdef backward(self, Tensor dy):
        cdef Tensor a, b, y
        a, b, y = self.saved()
        da = db = None
        if self.needs(0):
            # At b = 0 the power is the constant 1, also where a^(b−1) is infinite or NaN; at
            # b = ±∞ it is the constant 0 where it is 0, although b is infinite.
            if np.all(b.array) and all_finite(b.array):
                da = dy * (b * power(a, b - 1))  # (6)
            else:
                slope = power(a.detach(), b.detach() - 1)
                flat = where(b == 0, slope - slope != 0, (b - b != 0) & (slope == 0))
                p = where(flat, 1.0, b)
                da = where(flat, 0.0, dy * (p * power(where(flat, 1.0, a), p - 1)))
            da = unbroadcast(da, self.a_shape)
        if self.needs(1):
            # At a = 0 the power is the constant 0 for b > 0, although ln a is infinite; so it is
            # at a = ∞ for b < 0.
            safe = where(((a == 0) & (b >= 0)) | ((a == INFINITY) & (b < 0)), 1.0, a)
            db = unbroadcast(dy * y * log(safe), self.b_shape)  # (7)
        return da, db


def power(input, exponent):
    """y = input ^ exponent, elementwise with broadcasting. torch.pow."""
    cdef Tensor a, b, y
    a, b = operands("pow", input, exponent)
    if not cnp.PyArray_ISFLOAT(a.array) and np.any(np.less(b.array, 0)):
        raise ValueError("pow: an integer to a negative integer power; make one of them a float")
    if cnp.PyArray_ISBOOL(a.array):
        if is_number(input) or not is_number(exponent):   # torch knows mask ** True, no other
            raise DTypeError("pow: not defined for bool tensors; convert one with .int()")
        y = wrap(broadcast_call("pow", np.greater_equal, a.array, b.array))   # 0 only as 0¹
    elif cnp.PyArray_NDIM(b.array) == 0 and (<object>b.array).item() == 2:
        y = wrap(broadcast_binary("pow", MUL, a.array, a.array, None))
    elif cnp.PyArray_NDIM(b.array) == 0 and (<object>b.array).item() == 1:
        y = wrap(copied(a.array))
    else:
        y = wrap(broadcast_call("pow", np.power, without_gaps(a), without_gaps(b)))
    if recording(a, b):
        record_binary(Pow.__new__(Pow), y, a, b)
        y.node.save((a, b, y if y.node.needs(1) else None))
    return y


# --- functions of one tensor -------------------------------------------------------------------

cdef class Neg(Function):
    """y = −x:  dx = −dy  (8)"""

    cdef backward(self, Tensor dy):
        return -dy  # (8)


def neg(input):
    """y = −input, elementwise. torch.neg."""
    cdef Tensor x = operand("neg", "input", input)
    if cnp.PyArray_ISBOOL(x.array):
        raise DTypeError("neg: not defined for bool tensors; use ~ or logical_not")
    cdef Tensor y = wrap(np.asarray(np.negative(x.array)))
    if recording(x):
        record(Neg.__new__(Neg), y, (x,))
    return y


def positive(input):
    """The tensor itself; a bool has no sign. torch.positive."""
    cdef Tensor x = operand("positive", "input", input)
    if cnp.PyArray_ISBOOL(x.array):
        raise DTypeError("+: not defined for bool tensors; convert it with .int()")
    return x


cdef class Exp(Function):
    """y = eˣ:  dx = dy · y  (9)"""

    cdef backward(self, Tensor dy):
        (y,) = self.saved()
        return dy * y  # (9)


def exp(input):
    """y = eˣ, elementwise; integers give the default float dtype. torch.exp."""
    cdef Tensor x = as_float(operand("exp", "input", input)), y = mapped(np.exp, x)
    if recording(x):
        record(Exp.__new__(Exp), y, (x,)).save((y,))
    return y


cdef class Log(Function):
    """y = ln x:  dx = dy / x  (10)"""

    cdef backward(self, Tensor dy):
        (x,) = self.saved()
        return dy / x  # (10)


def log(input):
    """y = ln x, elementwise: −inf at 0, nan below. torch.log."""
    cdef Tensor x = as_float(operand("log", "input", input)), y = mapped(np.log, x)
    if recording(x):
        record(Log.__new__(Log), y, (x,)).save((x,))
    return y


cdef class Sqrt(Function):
    """y = √x:  dx = dy / (2y)  (11)"""

    cdef backward(self, Tensor dy):
        (y,) = self.saved()
        return dy / (2 * y)  # (11)


def sqrt(input):
    """y = √x, elementwise: nan below 0, infinite gradient at 0. torch.sqrt."""
    cdef Tensor x = as_float(operand("sqrt", "input", input)), y = mapped(np.sqrt, x)
    if recording(x):
        record(Sqrt.__new__(Sqrt), y, (x,)).save((y,))
    return y


cdef class Abs(Function):
    """y = |x|:  dx = dy · sign x  (12)"""

    cdef backward(self, Tensor dy):
        (x,) = self.saved()
        return dy * sign(x)  # (12)


def absolute(input):
    """y = |x|, elementwise; the gradient at 0 is 0. torch.abs."""
    cdef Tensor x = operand("abs", "input", input)
    if cnp.PyArray_ISBOOL(x.array):
        raise DTypeError("abs: not defined for bool tensors; convert it with .int()")
    cdef Tensor y = wrap(np.asarray(np.abs(x.array)))
    if recording(x):
        record(Abs.__new__(Abs), y, (x,)).save((x,))
    return y


cdef class Sin(Function):
    """y = sin x:  dx = dy · cos x  (13)"""

    cdef backward(self, Tensor dy):
        (x,) = self.saved()
        return dy * cos(x)  # (13)


def sin(input):
    """y = sin x, elementwise, x in radians. torch.sin."""
    cdef Tensor x = as_float(operand("sin", "input", input)), y = mapped(np.sin, x)
    if recording(x):
        record(Sin.__new__(Sin), y, (x,)).save((x,))
    return y


cdef class Cos(Function):
    """y = cos x:  dx = −dy · sin x  (14)"""

    cdef backward(self, Tensor dy):
        (x,) = self.saved()
        return -dy * sin(x)  # (14)


def cos(input):
    """y = cos x, elementwise, x in radians. torch.cos."""
    cdef Tensor x = as_float(operand("cos", "input", input)), y = mapped(np.cos, x)
    if recording(x):
        record(Cos.__new__(Cos), y, (x,)).save((x,))
    return y


cdef class Sign(Function):
    """y = sign x: flat wherever it has a derivative, so dx = 0."""

    cdef backward(self, Tensor dy):
        return zeros_of(dy)


def sign(input):
    """y = −1 where x < 0, 1 where x > 0, else 0; gradient 0. torch.sign."""
    cdef Tensor x = operand("sign", "input", input)
    cdef object dtype = (<object>x.array).dtype
    cdef Tensor y
    if cnp.PyArray_ISBOOL(x.array):
        y = wrap(x.array.copy())
    else:
        y = wrap(np.asarray(
            np.subtract(np.greater(x.array, 0), np.less(x.array, 0), dtype=dtype)))
    if recording(x):
        record(Sign.__new__(Sign), y, (x,))
    return y


for name, function in [
    ("add", add), ("sub", sub), ("mul", mul), ("div", div), ("floor_divide", floor_divide),
    ("remainder", remainder), ("pow", power), ("neg", neg), ("exp", exp), ("log", log),
    ("sqrt", sqrt), ("abs", absolute), ("sin", sin), ("cos", cos), ("sign", sign),
]:
    method(name, function)
