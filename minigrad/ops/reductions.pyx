"""Sums, means and their kin over any dimensions, and their rules."""

cimport numpy as cnp

import numpy as np

from ..engine cimport recording
from ..quiet import quietly
from ..tensor cimport Function, Tensor, record, wrap
from ..tensor import method
from .common cimport dimensions, operand

cnp.import_array()


cdef class Sum(Function):
    """y = Σ x over some dimensions:  dx = dy, repeated along them"""

    cdef tuple shape
    cdef tuple kept_shape

    cdef backward(self, Tensor dy):
        return dy.reshape(self.kept_shape).expand(self.shape)


def sum(input, dim=None, keepdim=False, *, dtype=None):
    """y = Σ input over `dim` (an integer, a tuple, None: all). Integers and bools give int64. torch.sum.

    float32 is summed in double and rounded once.
    """
    cdef Tensor x = operand("sum", "input", input)
    cdef tuple axes = dimensions("sum", dim, cnp.PyArray_NDIM(x.array))
    cdef Sum node
    if dtype is not None:
        x = x.to(dtype)
    wide = np.float64 if cnp.PyArray_ISFLOAT(x.array) else np.int64
    total = np.asarray(quietly(np.sum, x.array, axis=axes, dtype=wide, keepdims=bool(keepdim)))
    cdef Tensor y = wrap(total.astype((<object>x.array).dtype, copy=False) if wide is np.float64 else total)
    if recording(x):
        node = Sum.__new__(Sum)
        node.shape = (<object>x.array).shape
        node.kept_shape = tuple([1 if i in axes else node.shape[i] for i in range(len(node.shape))])
        record(node, y, (x,))
    return y


method("sum", sum)
