"""Other views of the same values: reshape, transpose, expand and their kin. None of them copies if it can help it."""

import operator

cimport numpy as cnp

import numpy as np

from .. import dtypes
from ..engine cimport recording
from ..errors import ShapeError
from ..tensor cimport Function, Tensor, record, view_of, wrap
from ..tensor import method
from .common cimport dimension, operand

cnp.import_array()


cdef tuple sizes(str operation, tuple shape):
    """A shape given as f(2, 3) or f((2, 3)), each size an integer."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = tuple(shape[0])
    try:
        return tuple([operator.index(size) for size in shape if not isinstance(size, bool)])
    except TypeError:
        raise TypeError(f"{operation}: sizes must be integers, got {shape}") from None


cdef class Reshape(Function):
    """y = x in another shape:  dx = dy in the first shape"""

    cdef tuple shape

    cdef backward(self, Tensor dy):
        return dy.reshape(self.shape)


def reshape(input, *shape):
    """The same elements in order, in another shape; one size may be −1. A view where possible. torch.reshape."""
    cdef Tensor x = operand("reshape", "input", input)
    cdef tuple target = sizes("reshape", shape)
    cdef Reshape node
    try:
        array = (<object>x.array).reshape(target)
    except ValueError:
        raise ShapeError(f"reshape: {cnp.PyArray_SIZE(x.array)} elements of shape {tuple(x.shape)} do not fit into {target}") from None
    cdef Tensor y
    if cnp.PyArray_DATA(array) == cnp.PyArray_DATA(x.array):
        y = view_of(x, array, reshape, (target,))
    else:
        y = wrap(array)
    if recording(x):
        node = Reshape.__new__(Reshape)
        node.shape = (<object>x.array).shape
        record(node, y, (x,))
    return y


cdef class Expand(Function):
    """y = x repeated along some dimensions:  dx = dy summed over them"""

    cdef tuple shape

    cdef backward(self, Tensor dy):
        cdef int extra = len(dy.shape) - len(self.shape), i
        cdef list axes = list(range(extra)) + [
            extra + i for i in range(len(self.shape)) if self.shape[i] == 1 and dy.shape[extra + i] != 1]
        return dy.sum(tuple(axes)).reshape(self.shape) if axes else dy


def expand(input, *shape):
    """Repeat size-1 dimensions (and new ones in front) without copying; −1 keeps a size. torch.Tensor.expand."""
    cdef Tensor x = operand("expand", "input", input)
    cdef tuple target = sizes("expand", shape), own = (<object>x.array).shape
    cdef Py_ssize_t extra = len(target) - len(own)
    cdef Expand node
    target = tuple([own[i - extra] if size == -1 and i >= extra else size for i, size in enumerate(target)])
    try:
        array = np.broadcast_to(x.array, target)
    except ValueError:
        raise ShapeError(f"expand: a tensor of shape {own} cannot be repeated to {target}") from None
    cdef Tensor y = view_of(x, array, expand, (target,))
    if recording(x):
        node = Expand.__new__(Expand)
        node.shape = own
        record(node, y, (x,))
    return y


cdef class Transpose(Function):
    """y = x with two dimensions swapped:  dx = dy with them swapped back"""

    cdef Py_ssize_t first
    cdef Py_ssize_t second

    cdef backward(self, Tensor dy):
        return transpose(dy, self.first, self.second)


def transpose(input, dim0, dim1):
    """A view with dimensions dim0 and dim1 swapped. torch.transpose."""
    cdef Tensor x = operand("transpose", "input", input)
    cdef Py_ssize_t first = dimension("transpose", dim0, cnp.PyArray_NDIM(x.array))
    cdef Py_ssize_t second = dimension("transpose", dim1, cnp.PyArray_NDIM(x.array))
    cdef Transpose node
    cdef Tensor y = view_of(x, (<object>x.array).swapaxes(first, second) if x.ndim else x.array, transpose, (first, second))
    if recording(x):
        node = Transpose.__new__(Transpose)
        node.first, node.second = first, second
        record(node, y, (x,))
    return y


cdef class Cast(Function):
    """y = x in another float dtype:  dx = dy in x's dtype"""

    cdef object dtype

    cdef backward(self, Tensor dy):
        return dy.to(self.dtype)


cdef class Clone(Function):
    """y = a copy of x:  dx = dy"""

    cdef backward(self, Tensor dy):
        return dy


def clone(input):
    """A copy with memory of its own; the gradient passes through. torch.clone."""
    cdef Tensor x = operand("clone", "input", input)
    cdef Tensor y = wrap(cnp.PyArray_NewCopy(x.array, cnp.NPY_CORDER))
    if recording(x):
        record(Clone.__new__(Clone), y, (x,))
    return y


def to(input, dtype):
    """The values in another dtype (the tensor itself if it has that dtype). torch.Tensor.to."""
    cdef Tensor x = operand("to", "input", input)
    cdef Cast node
    target = dtypes.find(dtype)
    if target is x.dtype:
        return x
    cdef Tensor y = wrap((<object>x.array).astype(target.numpy))
    if recording(x) and target.is_floating_point:
        node = Cast.__new__(Cast)
        node.dtype = x.dtype
        record(node, y, (x,))
    return y


for name, function in [("reshape", reshape), ("expand", expand), ("transpose", transpose), ("clone", clone), ("to", to)]:
    method(name, function)
