"""Sums, products, quotients, powers and the elementary functions.

Rules (1) to (14) of docs/derivations/arithmetic.md.
"""

import numbers

cimport numpy as cnp
from libc.math cimport INFINITY

import numpy as np

from .._kernels.elementwise cimport (
    ADD, DIV, MUL, SUB, Operand, Operation, elementwise, has_loop)
from .._kernels.switch cimport switch
from .._kernels.types cimport CHUNK
from ..allocation cimport MAX_DIMENSIONS, empty
from ..errors import DTypeError, ShapeError
from ..grad_mode cimport recording
from ..quiet import quietly
from ..tensor cimport Function, Tensor, record, wrap
from ..tensor import method
from .arguments cimport as_float, is_number, operand, operands, refuse_bool, scalar_like
from .broadcasting cimport all_finite, shape_if_broadcast, unbroadcast
from .broadcasting import broadcast_call
from .selection import where

cnp.import_array()

cdef dict UFUNCS = {ADD: np.add, SUB: np.subtract, MUL: np.multiply, DIV: np.true_divide}

# --- the values --------------------------------------------------------------------------------

cdef bint as_rows(
    cnp.ndarray a, int ndim, Py_ssize_t *shape, Py_ssize_t columns_from, Operand *form
) noexcept:
    """See `a`, broadcast to `shape`, as rows that each repeat one element or run on; False if not.

    The dimensions from `columns_from` on make a row, those before it count the rows.
    """
    cdef int offset = ndim - cnp.PyArray_NDIM(a), i
    cdef Py_ssize_t row_size = 1, column_size = 1, rows = 1, columns = 1, size
    form.data = cnp.PyArray_DATA(a)
    for i in range(ndim):
        size = 1 if i < offset else cnp.PyArray_DIM(a, i - offset)
        if i < columns_from:
            row_size *= size
            rows *= shape[i]
        else:
            column_size *= size
            columns *= shape[i]
    if (row_size != rows and row_size != 1) or (column_size != columns and column_size != 1):
        return False
    form.step = 0 if column_size == 1 else 1
    form.row = 0 if row_size == 1 else column_size
    return True


cdef inline Py_ssize_t size_at(cnp.ndarray a, int i) noexcept:
    """The size of dimension i; 1 in front of the first, as broadcasting has it."""
    return cnp.PyArray_DIM(a, i) if i >= 0 else 1


cdef cnp.ndarray combine(
    str name, Operation operation, cnp.ndarray a, cnp.ndarray b, cnp.ndarray out
):
    """a op b with broadcasting, into `out` if given, by our loop where the layout allows it."""
    cdef int ndim = max(cnp.PyArray_NDIM(a), cnp.PyArray_NDIM(b)), i, columns_from
    cdef Py_ssize_t[MAX_DIMENSIONS] shape
    cdef Py_ssize_t a_size, b_size, rows = 1, columns = 1
    cdef Operand a_form, b_form
    cdef cnp.ndarray y = out
    cdef int type_number = cnp.PyArray_TYPE(a)
    cdef bint ours = (switch.compiled
                      and cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_IS_C_CONTIGUOUS(b)
                      and has_loop(operation, type_number)
                      and (out is None or cnp.PyArray_ISCARRAY(out)))
    for i in range(ndim):
        a_size = size_at(a, i - ndim + cnp.PyArray_NDIM(a))
        b_size = size_at(b, i - ndim + cnp.PyArray_NDIM(b))
        if a_size != b_size and a_size != 1 and b_size != 1:
            raise ShapeError(
                f"{name}: shapes {(<object>a).shape} and {(<object>b).shape} do not broadcast: "
                f"sizes {a_size} and {b_size} at dimension {i - ndim} differ and neither is 1")
        shape[i] = b_size if a_size == 1 else a_size
    if not ours:
        return numpy_combine(operation, a, b, y)
    # Try each split of the dimensions into rows and columns, widest rows first.
    for columns_from in range(ndim + 1):
        if (as_rows(a, ndim, shape, columns_from, &a_form)
                and as_rows(b, ndim, shape, columns_from, &b_form)):
            break
    else:
        return numpy_combine(operation, a, b, y)
    if y is None:
        y = empty(ndim, <cnp.npy_intp *>shape, type_number)
    for i in range(ndim):
        if i < columns_from:
            rows *= shape[i]
        else:
            columns *= shape[i]
    if rows * columns < CHUNK:
        elementwise(operation, type_number, a_form, b_form, cnp.PyArray_DATA(y), rows, columns)
    else:
        with nogil:
            elementwise(operation, type_number, a_form, b_form, cnp.PyArray_DATA(y), rows, columns)
    return y


cdef cnp.ndarray numpy_combine(Operation operation, cnp.ndarray a, cnp.ndarray b, cnp.ndarray out):
    return np.asarray(quietly(UFUNCS[operation], a, b, out=out))


# --- +, −, ·, / --------------------------------------------------------------------------------

cdef class Binary(Function):
    """y = a op b; remembers the shape of a broadcast input, since its gradient must be summed."""

    cdef object a_shape
    cdef object b_shape


cdef class Add(Binary):
    """y = a + b:  da = dy,  db = dy  (1)"""

    cdef backward(self, Tensor dy):
        return (unbroadcast(dy, self.a_shape) if self.needs(0) else None,  # (1)
                unbroadcast(dy, self.b_shape) if self.needs(1) else None)


cdef class Sub(Binary):
    """y = a − b:  da = dy,  db = −dy  (2)"""

    cdef backward(self, Tensor dy):
        return (unbroadcast(dy, self.a_shape) if self.needs(0) else None,
                unbroadcast(-dy, self.b_shape) if self.needs(1) else None)  # (2)


cdef class Mul(Binary):
    """y = a · b:  da = dy · b,  db = dy · a  (3)"""

    cdef backward(self, Tensor dy):
        a, b = self.saved()
        return (unbroadcast(dy * b, self.a_shape) if self.needs(0) else None,  # (3)
                unbroadcast(dy * a, self.b_shape) if self.needs(1) else None)


cdef class Div(Binary):
    """y = a / b:  da = dy / b,  db = −dy · a / b²  (4)"""

    cdef backward(self, Tensor dy):
        a, b = self.saved()
        return (unbroadcast(dy / b, self.a_shape) if self.needs(0) else None,
                unbroadcast(-dy * (a / b) / b, self.b_shape) if self.needs(1) else None)  # (4)


cdef Tensor recorded(Binary node, Tensor y, Tensor a, Tensor b):
    """Make `node` the history of y = a op b."""
    node.a_shape = shape_if_broadcast(a.array, y.array)
    node.b_shape = shape_if_broadcast(b.array, y.array)
    record(node, y, (a, b))
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


def add(input, other, *, alpha=1):
    """y = input + alpha · other, elementwise with broadcasting. torch.add."""
    cdef Tensor a, b, y
    a, b = operands("add", input, other)
    if alpha is not 1:
        b = scaled("add", b, alpha)
    y = wrap(combine("add", ADD, a.array, b.array, None))
    if recording(a, b):
        recorded(Add.__new__(Add), y, a, b)
    return y


def sub(input, other, *, alpha=1):
    """y = input − alpha · other, elementwise with broadcasting. Not for bool. torch.sub."""
    cdef Tensor a, b, y
    refuse_bool("sub", input, other)
    a, b = operands("sub", input, other)
    if alpha is not 1:
        b = scaled("sub", b, alpha)
    y = wrap(combine("sub", SUB, a.array, b.array, None))
    if recording(a, b):
        recorded(Sub.__new__(Sub), y, a, b)
    return y


def mul(input, other):
    """y = input · other, elementwise with broadcasting. torch.mul."""
    cdef Tensor a, b, y
    a, b = operands("mul", input, other)
    y = wrap(combine("mul", MUL, a.array, b.array, None))
    if recording(a, b):
        recorded(Mul.__new__(Mul), y, a, b)
        y.node.save((a if y.node.needs(1) else None, b if y.node.needs(0) else None))
    return y


def div(input, other, *, rounding_mode=None):
    """y = input / other, elementwise with broadcasting; integers give the default float dtype.

    rounding_mode: None, "floor" or "trunc" (a rounded result has the gradient 0). torch.div.
    """
    cdef Tensor a, b, y
    a, b = operands("div", input, other)
    if rounding_mode is not None:
        return rounded_quotient(a, b, rounding_mode)
    a, b = as_float(a), as_float(b)
    y = wrap(combine("div", DIV, a.array, b.array, None))
    if recording(a, b):
        recorded(Div.__new__(Div), y, a, b)
        y.node.save((a if y.node.needs(1) else None, b))
    return y


cdef class RoundedQuotient(Binary):
    """y = a / b, rounded: flat wherever it has a derivative, so da = 0, db = 0."""

    cdef backward(self, Tensor dy):
        return (unbroadcast(zeros_like(dy), self.a_shape) if self.needs(0) else None,
                unbroadcast(zeros_like(dy), self.b_shape) if self.needs(1) else None)


cdef Tensor zeros_like(Tensor dy):
    return wrap(np.zeros_like(dy.array))


cdef int divisible(str operation, Tensor a, Tensor b) except -1:
    """Raise the error of a division with remainder that NumPy only warns of, or answers in int8."""
    if cnp.PyArray_ISBOOL(a.array):
        raise DTypeError(f"{operation}: not defined for bool tensors; convert one with .int()")
    if not cnp.PyArray_ISFLOAT(b.array) and not np.all(b.array):
        raise ZeroDivisionError(f"{operation}: an integer divided by zero")
    return 0


def _truncated(a, b):
    quotient = np.floor_divide(a, b)
    return quotient + ((quotient < 0) & (quotient * b != a)).astype(quotient.dtype)


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
        recorded(RoundedQuotient.__new__(RoundedQuotient), y, a, b)
    return y


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
        recorded(Remainder.__new__(Remainder), y, a, b)
        y.node.save((a, b) if y.node.needs(1) else (None, None))
    return y


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
        y = wrap(combine("pow", MUL, a.array, a.array, None))
    elif cnp.PyArray_NDIM(b.array) == 0 and (<object>b.array).item() == 1:
        y = wrap(cnp.PyArray_NewCopy(a.array, cnp.NPY_CORDER))
    else:
        y = wrap(broadcast_call("pow", np.power, dense(a), dense(b)))
    if recording(a, b):
        recorded(Pow.__new__(Pow), y, a, b)
        y.node.save((a, b, y if y.node.needs(1) else None))
    return y


cdef cnp.ndarray dense(Tensor x):
    """Its array, copied if it has gaps or runs backwards: there NumPy's loops round differently."""
    if cnp.PyArray_IS_C_CONTIGUOUS(x.array) or cnp.PyArray_IS_F_CONTIGUOUS(x.array):
        return x.array
    return cnp.PyArray_NewCopy(x.array, cnp.NPY_KEEPORDER)


# --- functions of one tensor -------------------------------------------------------------------

cdef class Neg(Function):
    """y = −x:  dx = −dy  (8)"""

    cdef backward(self, Tensor dy):
        return -dy  # (8)


cdef class Exp(Function):
    """y = eˣ:  dx = dy · y  (9)"""

    cdef backward(self, Tensor dy):
        (y,) = self.saved()
        return dy * y  # (9)


cdef class Log(Function):
    """y = ln x:  dx = dy / x  (10)"""

    cdef backward(self, Tensor dy):
        (x,) = self.saved()
        return dy / x  # (10)


cdef class Sqrt(Function):
    """y = √x:  dx = dy / (2y)  (11)"""

    cdef backward(self, Tensor dy):
        (y,) = self.saved()
        return dy / (2 * y)  # (11)


cdef class Abs(Function):
    """y = |x|:  dx = dy · sign x  (12)"""

    cdef backward(self, Tensor dy):
        (x,) = self.saved()
        return dy * sign(x)  # (12)


cdef class Sin(Function):
    """y = sin x:  dx = dy · cos x  (13)"""

    cdef backward(self, Tensor dy):
        (x,) = self.saved()
        return dy * cos(x)  # (13)


cdef class Cos(Function):
    """y = cos x:  dx = −dy · sin x  (14)"""

    cdef backward(self, Tensor dy):
        (x,) = self.saved()
        return -dy * sin(x)  # (14)


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


def exp(input):
    """y = eˣ, elementwise; integers give the default float dtype. torch.exp."""
    cdef Tensor x = as_float(operand("exp", "input", input))
    cdef Tensor y = wrap(np.asarray(quietly(np.exp, dense(x))))
    if recording(x):
        record(Exp.__new__(Exp), y, (x,)).save((y,))
    return y


def log(input):
    """y = ln x, elementwise: −inf at 0, nan below. torch.log."""
    cdef Tensor x = as_float(operand("log", "input", input))
    cdef Tensor y = wrap(np.asarray(quietly(np.log, dense(x))))
    if recording(x):
        record(Log.__new__(Log), y, (x,)).save((x,))
    return y


def sqrt(input):
    """y = √x, elementwise: nan below 0, infinite gradient at 0. torch.sqrt."""
    cdef Tensor x = as_float(operand("sqrt", "input", input))
    cdef Tensor y = wrap(np.asarray(quietly(np.sqrt, x.array)))
    if recording(x):
        record(Sqrt.__new__(Sqrt), y, (x,)).save((y,))
    return y


def absolute(input):
    """y = |x|, elementwise; the gradient at 0 is 0. torch.abs."""
    cdef Tensor x = operand("abs", "input", input)
    if cnp.PyArray_ISBOOL(x.array):
        raise DTypeError("abs: not defined for bool tensors; convert it with .int()")
    cdef Tensor y = wrap(np.asarray(np.abs(x.array)))
    if recording(x):
        record(Abs.__new__(Abs), y, (x,)).save((x,))
    return y


def sin(input):
    """y = sin x, elementwise, x in radians. torch.sin."""
    cdef Tensor x = as_float(operand("sin", "input", input))
    cdef Tensor y = wrap(np.asarray(quietly(np.sin, dense(x))))
    if recording(x):
        record(Sin.__new__(Sin), y, (x,)).save((x,))
    return y


def cos(input):
    """y = cos x, elementwise, x in radians. torch.cos."""
    cdef Tensor x = as_float(operand("cos", "input", input))
    cdef Tensor y = wrap(np.asarray(quietly(np.cos, dense(x))))
    if recording(x):
        record(Cos.__new__(Cos), y, (x,)).save((x,))
    return y


cdef class Sign(Function):
    """y = sign x: flat wherever it has a derivative, so dx = 0."""

    cdef backward(self, Tensor dy):
        return zeros_like(dy)


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
