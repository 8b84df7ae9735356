"""Choosing between values: `where`, and comparisons, which have no gradient."""

cimport numpy as cnp

import numpy as np

from ..engine cimport recording
from ..errors import DTypeError
from ..tensor cimport Function, Tensor, record, wrap
from ..tensor import method
from .common cimport operand, operands, shape_if_broadcast, unbroadcast
from .common import broadcast_call

cnp.import_array()


cdef class Where(Function):
    """y = a where the condition holds, else b:  da = dy there, db = dy elsewhere"""

    cdef object a_shape
    cdef object b_shape

    cdef backward(self, Tensor dy):
        (condition,) = self.saved()
        return (unbroadcast(where(condition, dy, 0.0), self.a_shape) if self.needs(0) else None,
                unbroadcast(where(condition, 0.0, dy), self.b_shape) if self.needs(1) else None)


def where(condition, input, other):
    """y = input where condition holds, else other, elementwise with broadcasting. torch.where."""
    cdef Tensor test = operand("where", "condition", condition), a, b, y
    cdef Where node
    if not cnp.PyArray_ISBOOL(test.array):
        raise DTypeError(f"where: condition must be a bool tensor, got {test.dtype}")
    a, b = operands("where", input, other)
    y = wrap(broadcast_call("where", np.where, test.array, a.array, b.array))
    if recording(a, b):
        node = Where.__new__(Where)
        node.a_shape, node.b_shape = shape_if_broadcast(a.array, y.array), shape_if_broadcast(b.array, y.array)
        record(node, y, (a, b)).save((test,))
    return y


method("where", lambda self, condition, other: where(condition, self, other))


def compare(name, ufunc, input, other):
    a, b = operands(name, input, other)
    return wrap(broadcast_call(name, ufunc, (<Tensor>a).array, (<Tensor>b).array))


def eq(input, other):
    """input = other, elementwise with broadcasting: a bool tensor. torch.eq."""
    return False if other is None else compare("eq", np.equal, input, other)
