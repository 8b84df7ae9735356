"""The largest and the smallest over dimensions, and where they are; any and all.

Rules: docs/derivations/minmax.md.
"""

from collections import namedtuple

cimport numpy as cnp

import numpy as np

from ... import dtypes
from ..._runtime.fp_warnings import quietly
from ...autograd.grad_mode cimport recording
from ...errors import DTypeError
from ...tensor cimport Tensor, wrap
from ...tensor import method
from .arguments cimport operand
from .broadcasting cimport dimension, dimensions
from .broadcasting import numpy_names
from .comparison import isnan
from .reductions cimport Reduction, all_dimensions, count, kept_shape, record_reduction
from .selection import maximum, minimum, where

cnp.import_array()


cdef int refuse_empty(str operation, cnp.ndarray x, tuple axes) except -1:
    if count(x, axes) == 0:
        raise ValueError(
            f"{operation}: of no elements at all: the tensor has shape {(<object>x).shape}")
    return 0


# --- one value, equals share -------------------------------------------------------------------

cdef class Extreme(Reduction):
    """y = max x (or min x):  dx = dy / n for each of the n elements that equal y  (2)"""

    cdef readonly bint smallest   # whether it is min

    cdef backward(self, Tensor dy):
        cdef Tensor x, y
        x, y = self.saved()
        winners = (x == y.reshape(self.kept_shape)) | isnan(x)
        share = dy.reshape(self.kept_shape) / winners.sum(self.axes, True)
        return where(winners, share, 0.0)  # (2)


cdef Tensor extreme(str operation, object function, object input, object dim, bint keepdim):
    cdef Tensor x = operand(operation, "input", input), y
    cdef Extreme node
    cdef tuple axes = all_dimensions(operation, dim, cnp.PyArray_NDIM(x.array))
    refuse_empty(operation, x.array, axes)
    y = wrap(np.asarray(quietly(function, x.array, axis=axes, keepdims=keepdim)))
    if recording(x):
        node = Extreme.__new__(Extreme)
        node.smallest = function is np.min
        record_reduction(node, y, x, axes).save((x, y))
    return y


@numpy_names
def amax(input, dim=(), keepdim=False):
    """y = the largest element over `dim` (an integer, a tuple, (): all).

    Equal ones share the gradient. Of no elements: ValueError. torch.amax.
    """
    return extreme("amax", np.max, input, dim, keepdim)


@numpy_names
def amin(input, dim=(), keepdim=False):
    """y = the smallest element over `dim` (an integer, a tuple, (): all).

    Equal ones share the gradient. Of no elements: ValueError. torch.amin.
    """
    return extreme("amin", np.min, input, dim, keepdim)


# --- where it is -------------------------------------------------------------------------------

cdef Tensor extreme_index(str operation, object function, Tensor x, object dim, bint keepdim):
    """The int64 index of the first extreme element along `dim`; None: in the flattened tensor."""
    cdef cnp.ndarray array = x.array
    cdef Py_ssize_t ndim = cnp.PyArray_NDIM(array)
    if dim is not None:
        dim = dimension(operation, dim, ndim)
    cdef tuple axes = dimensions(operation, dim, ndim)
    refuse_empty(operation, array, axes)
    if dim is not None and ndim:
        return wrap(np.asarray(function(array, axis=dim, keepdims=keepdim)))
    index = np.asarray(function(array))
    return wrap(index.reshape(kept_shape(array, axes)) if keepdim else index)


cdef Tensor with_an_order(str operation, object input):
    """The input, which must hold numbers: in a mask every True is the largest, as torch says."""
    cdef Tensor x = operand(operation, "input", input)
    if cnp.PyArray_ISBOOL(x.array):
        raise DTypeError(
            f"{operation}: not defined for bool tensors; the place of the first True is that of "
            "the largest in mask.int()")
    return x


@numpy_names
def argmax(input, dim=None, keepdim=False):
    """The index of the first largest element along `dim`, int64.

    dim None: the index in the flattened tensor. Of no elements: ValueError. torch.argmax.
    """
    return extreme_index("argmax", np.argmax, with_an_order("argmax", input), dim, keepdim)


@numpy_names
def argmin(input, dim=None, keepdim=False):
    """The index of the first smallest element along `dim`, int64.

    dim None: the index in the flattened tensor. Of no elements: ValueError. torch.argmin.
    """
    return extreme_index("argmin", np.argmin, with_an_order("argmin", input), dim, keepdim)


# --- the value and where it is -----------------------------------------------------------------

cdef class Pick(Reduction):
    """y = the element of x at an index along one dimension:  dx = dy there, else 0  (1)"""

    cdef readonly bint smallest   # whether it is min

    cdef backward(self, Tensor dy):
        (index,) = self.saved()
        cdef list sizes = [1] * len(self.shape)
        indices = np.zeros(())
        for axis in self.axes:
            sizes[axis] = -1
            indices = np.arange(self.shape[axis]).reshape(sizes)
        taken = index.reshape(self.kept_shape) == indices
        return where(taken, dy.reshape(self.kept_shape), 0.0)  # (1)


cdef object picked(
    str operation, object function, object pair, object input, object dim, bint keepdim
):
    """pair(values, indices): the first extreme elements along one dimension and their indices."""
    cdef Tensor x = operand(operation, "input", input), y
    cdef Pick node
    cdef Tensor index = extreme_index(operation, function, x, dim, True)
    cdef tuple axes = dimensions(operation, dim, cnp.PyArray_NDIM(x.array))
    indices, values = <object>index.array, (<object>x.array).copy()
    if axes:
        values = np.take_along_axis(x.array, indices, axes[0])
        if not keepdim:
            values, indices = values.squeeze(axes), indices.squeeze(axes)
    index, y = wrap(indices), wrap(values)
    if recording(x):
        node = Pick.__new__(Pick)
        node.smallest = function is np.argmin
        record_reduction(node, y, x, axes).save((index,))
    return pair(y, index)


Largest = namedtuple("max", ["values", "indices"])
Smallest = namedtuple("min", ["values", "indices"])


@numpy_names
def max(input, dim=None, keepdim=False, *, other=None):
    """The largest element; equal ones share the gradient. Of no elements: ValueError.

    max(input, dim) is (values, indices): the first largest along a dimension gets the gradient.
    max(input, other) is maximum(input, other). torch.max.
    """
    if other is not None or isinstance(dim, Tensor):
        return maximum(input, dim if other is None else other)
    if dim is None:
        return extreme("max", np.max, input, None, keepdim)
    return picked("max", np.argmax, Largest, input, dim, keepdim)


@numpy_names
def min(input, dim=None, keepdim=False, *, other=None):
    """The smallest element; equal ones share the gradient. Of no elements: ValueError.

    min(input, dim) is (values, indices): the first smallest along a dimension gets the gradient.
    min(input, other) is minimum(input, other). torch.min.
    """
    if other is not None or isinstance(dim, Tensor):
        return minimum(input, dim if other is None else other)
    if dim is None:
        return extreme("min", np.min, input, None, keepdim)
    return picked("min", np.argmin, Smallest, input, dim, keepdim)


# --- any and all -------------------------------------------------------------------------------

cdef Tensor truth(str operation, object function, object input, object dim, bint keepdim):
    cdef Tensor x = operand(operation, "input", input)
    cdef tuple axes = dimensions(operation, dim, cnp.PyArray_NDIM(x.array))
    result = np.asarray(function(x.array, axis=axes, keepdims=keepdim))
    # As in torch: uint8 was its bool before it had one.
    return wrap(result.astype(np.uint8) if x.dtype is dtypes.uint8 else result)


@numpy_names
def any(input, dim=None, keepdim=False):
    """Whether an element over `dim` (an integer, a tuple, None: all) is not 0.

    bool, but uint8 for uint8. torch.any.
    """
    return truth("any", np.any, input, dim, keepdim)


@numpy_names
def all(input, dim=None, keepdim=False):
    """Whether no element over `dim` (an integer, a tuple, None: all) is 0.

    bool, but uint8 for uint8. torch.all.
    """
    return truth("all", np.all, input, dim, keepdim)


for function in (amax, amin, argmax, argmin, max, min, any, all):
    method(function.__name__, function)
