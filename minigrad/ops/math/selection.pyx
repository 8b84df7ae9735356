"""Choosing between values: `where`, the larger and the smaller of two, `clamp`.

Rules: docs/derivations/selection.md.
"""

import operator

cimport numpy as cnp

import numpy as np

from ...autograd.grad_mode cimport recording
from ...errors import DTypeError
from ...tensor cimport Function, Tensor, record, wrap
from ...tensor import method
from .arguments cimport is_number, operand, operands
from .broadcasting cimport all_finite, shape_if_broadcast, unbroadcast
from .broadcasting import broadcast_call

cnp.import_array()


cdef class Choice(Function):
    """A choice between elements of a and b; remembers the shape of an input that was broadcast."""

    cdef object a_shape
    cdef object b_shape

    cdef tuple shared(self, Tensor dy, Tensor a_wins, Tensor b_wins):
        """dy to the side that won; half to each where neither did."""
        half = dy / 2
        da = where(a_wins, dy, where(b_wins, 0.0, half)) if self.needs(0) else None  # (2)
        db = where(b_wins, dy, where(a_wins, 0.0, half)) if self.needs(1) else None
        return (None if da is None else unbroadcast(da, self.a_shape),
                None if db is None else unbroadcast(db, self.b_shape))


cdef Choice record_choice(Choice node, Tensor y, Tensor a, Tensor b):
    """Make `node` the history of y, chosen from a and b."""
    node.a_shape = shape_if_broadcast(a.array, y.array)
    node.b_shape = shape_if_broadcast(b.array, y.array)
    record(node, y, (a, b))
    return node


cdef class Where(Choice):
    """y = a where the condition holds, else b:  da = dy there, db = dy elsewhere  (1)"""

    cdef backward(self, Tensor dy):
        (condition,) = self.saved()
        da = unbroadcast(where(condition, dy, 0.0), self.a_shape) if self.needs(0) else None  # (1)
        db = unbroadcast(where(condition, 0.0, dy), self.b_shape) if self.needs(1) else None
        return da, db


def where(condition, input=None, other=None):
    """y = input where condition holds, else other, elementwise with broadcasting.

    where(condition) gives the indices where it holds: a tuple of int64 tensors, one per
    dimension. torch.where.
    """
    cdef Tensor test = operand("where", "condition", condition), a, b, y
    if input is None and other is None:
        return tuple([wrap(indices) for indices in np.nonzero(np.atleast_1d(test.array))])
    if not cnp.PyArray_ISBOOL(test.array):
        raise DTypeError(f"where: condition must be a bool tensor, got {test.dtype}")
    a, b = operands("where", input, other)
    y = wrap(broadcast_call("where", np.where, test.array, a.array, b.array))
    if recording(a, b):
        record_choice(Where.__new__(Where), y, a, b).save((test,))
    return y


cdef class Maximum(Choice):
    """y = max(a, b):  da = dy where a > b, db = dy where b > a, half each where a = b  (2)"""

    cdef backward(self, Tensor dy):
        a, b = self.saved()
        return self.shared(dy, a > b, b > a)


cdef class Minimum(Choice):
    """y = min(a, b):  da = dy where a < b, db = dy where b < a, half each where a = b  (2)"""

    cdef backward(self, Tensor dy):
        a, b = self.saved()
        return self.shared(dy, a < b, b < a)


def maximum(input, other):
    """y = the larger of both, elementwise with broadcasting; NaN wins. torch.maximum."""
    cdef Tensor a, b, y
    a, b = operands("maximum", input, other)
    y = wrap(broadcast_call("maximum", np.maximum, a.array, b.array))
    if recording(a, b):
        record_choice(Maximum.__new__(Maximum), y, a, b).save((a, b))
    return y


def minimum(input, other):
    """y = the smaller of both, elementwise with broadcasting; NaN wins. torch.minimum."""
    cdef Tensor a, b, y
    a, b = operands("minimum", input, other)
    y = wrap(broadcast_call("minimum", np.minimum, a.array, b.array))
    if recording(a, b):
        record_choice(Minimum.__new__(Minimum), y, a, b).save((a, b))
    return y


def clamp(input, min=None, max=None):
    """y = input, moved to the nearer end of [min, max] where it lies outside; None: no bound.

    Bounds are numbers or tensors that broadcast. At a bound itself the input's gradient is 1; NaN
    stays NaN, with the gradient 0.
    torch.clamp.
    """
    if min is None and max is None:
        raise ValueError("clamp: at least one of min and max must be given")
    y = operand("clamp", "input", input)
    if min is not None:
        if not is_number(min):
            operand("clamp", "min", min)
        y = bounded("min", y, min, operator.ge)
    if max is not None:
        if not is_number(max):
            operand("clamp", "max", max)
        y = bounded("max", y, max, operator.le)
    return y


cdef Tensor bounded(str argument, Tensor y, bound, inside):
    if cnp.PyArray_ISBOOL(y.array) and isinstance(bound, (bool, np.bool_)):
        raise DTypeError(
            f"clamp: not defined for a bool tensor and {argument} = {bound}; use | or &, or "
            "convert the tensor with .int()")
    try:
        if not all_finite(y.array):   # NaN stays, and like a bound it does not follow the input
            bound = where(y != y, y.detach(), bound)
        return where(inside(y, bound), y, bound)  # (3)
    except ValueError as error:   # of `where`, about a bound that fits neither dtype nor shape
        raise type(error)(f"clamp: {argument}{str(error).partition(':')[2]}") from None


for name, function in [("maximum", maximum), ("minimum", minimum), ("clamp", clamp)]:
    method(name, function)
method("where", lambda self, condition, other: where(condition, self, other))
