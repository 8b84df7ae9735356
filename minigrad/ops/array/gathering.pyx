"""Elements picked along one dimension, or where a mask holds: gather, scatter_, index_select, …"""

cimport numpy as cnp

import numpy as np

from ...autograd.in_place cimport overwrite
from ...errors import DTypeError, ShapeError
from ...tensor cimport Tensor
from ...tensor import method
from ..math.arguments cimport operand
from ..math.broadcasting cimport dimension
from ..math.selection import where
from .indexing cimport ALL, assignable, positions, write_at
from .indexing import pick

cnp.import_array()


cdef cnp.ndarray index_array(str operation, index):
    cdef Tensor i = operand(operation, "index", index)
    if (<object>i.array).dtype not in (np.int64, np.int32):
        raise DTypeError(f"{operation}: index must be int64 or int32, got {i.dtype}")
    return i.array


cdef object from_front(array, Py_ssize_t dim, Py_ssize_t size):
    """An array of indices that may not count from the end."""
    if array.size and array.min() < 0:
        raise IndexError(f"index: {array.min()} is out of range for dim {dim} of size {size}")
    return positions(array, dim, size)


cdef tuple key_along(str operation, Tensor x, dim, index):
    """The key that shows at (i, j, …) x's element there, but at index[i, j, …] in `dim`."""
    cdef object indices = index_array(operation, index)
    cdef Py_ssize_t at = dimension(operation, dim, cnp.PyArray_NDIM(x.array))
    shape, own = indices.shape, (<object>x.array).shape
    if len(shape) != len(own):
        raise ShapeError(f"{operation}: index has shape {shape}, input {own}; "
                         "they must have as many dimensions")
    if any([shape[i] > own[i] for i in range(len(own)) if i != at]):
        raise ShapeError(f"{operation}: index has shape {shape}, input {own}; "
                         f"it may be larger in dim {at} only")
    key = [np.arange(size).reshape((size,) + (1,) * (len(shape) - 1 - i))
           for i, size in enumerate(shape)]
    key[at] = from_front(indices, at, own[at])
    return tuple(key)


cdef Tensor as_row(str operation, index):
    """The index for a 0-d tensor, which counts as a row of one."""
    cdef Tensor i = operand(operation, "index", index)
    if cnp.PyArray_NDIM(i.array) > 1:
        raise ShapeError(
            f"{operation}: index for a 0-d tensor must be 0-d or 1-d, got shape {tuple(i.shape)}")
    return i.reshape(cnp.PyArray_SIZE(i.array))


def gather(input, dim, index):
    """y[i, j, …] = input[i, j, …], with index[i, j, …] in place of the index of `dim`.

    index: int64 or int32, no larger than input in the other dimensions. Errors: IndexError,
    ShapeError, DTypeError. torch.gather.
    """
    cdef Tensor x = operand("gather", "input", input)
    if cnp.PyArray_NDIM(x.array) == 0:
        indices = as_row("gather", index)
        return gather(x.reshape(1), dim, indices).reshape(operand("gather", "index", index).shape)
    return pick(x, key_along("gather", x, dim, index), "GatherBackward0")


def scatter_(Tensor self not None, dim, index, src=None, *, value=None):
    """self[i, j, …] ← src[i, j, …], with index[i, j, …] in place of the index of `dim`.

    src (or value): a number, or a tensor no smaller than index. torch.Tensor.scatter_.
    """
    cdef Tensor x = self, y
    if cnp.PyArray_NDIM(x.array) == 0:   # as a row of one, which is a view
        scatter_(x.reshape(1), dim, as_row("scatter_", index), src, value=value)
        return x
    cdef tuple key = key_along("scatter_", x, dim, index)
    if (src is None) == (value is None):
        raise TypeError("scatter_: expected either src or value")
    y = assignable("scatter_", x, value if src is None else src)
    if cnp.PyArray_NDIM(y.array):
        shape = np.broadcast_shapes(*[each.shape for each in key])
        if y.ndim != len(shape) or any([size > own for size, own in zip(shape, y.shape)]):
            raise ShapeError(
                f"scatter_: index of shape {shape} is larger than src of shape {tuple(y.shape)}")
        y = pick(y, tuple([slice(0, size, 1) for size in shape]))
    write_at("scatter_", x, (...,), key, y)
    return x


def scatter(input, dim, index, src=None, *, value=None):
    """A copy of `input` into which `scatter_` wrote. torch.scatter."""
    return scatter_(operand("scatter", "input", input).clone(), dim, index, src, value=value)


def index_select(input, dim, index):
    """The parts of `input` at the positions `index` (1-d, int64 or int32) along `dim`, as a copy.

    torch.index_select.
    """
    cdef Tensor x = operand("index_select", "input", input)
    cdef object indices = index_array("index_select", index)
    cdef Py_ssize_t at = dimension("index_select", dim, cnp.PyArray_NDIM(x.array))
    if indices.ndim > 1:
        raise ShapeError(f"index_select: index must be 1-d, got shape {indices.shape}")
    if cnp.PyArray_NDIM(x.array) == 0:
        raise ShapeError("index_select: a 0-d tensor has no dimension to select from")
    key = (ALL,) * at + (from_front(indices.reshape(-1), at, x.shape[at]),)
    return pick(x, key, "IndexSelectBackward0")


def masked_fill(input, mask, value):
    """y = value where mask holds, else input, in input's dtype. torch.masked_fill."""
    cdef Tensor x = operand("masked_fill", "input", input)
    cdef Tensor m = operand("masked_fill", "mask", mask)
    cdef Tensor v = assignable("masked_fill", x, value)
    if not cnp.PyArray_ISBOOL(m.array):
        raise DTypeError(f"masked_fill: mask must be a bool tensor, got {m.dtype}")
    if cnp.PyArray_NDIM(v.array):
        raise ShapeError(
            f"masked_fill: value must be a number or a 0-d tensor, got shape {tuple(v.shape)}")
    return where(m, v, x)


def masked_fill_(Tensor self not None, mask, value):
    """self ← value where mask holds. torch.Tensor.masked_fill_."""
    return overwrite("masked_fill_", self, masked_fill(self, mask, value))


for name, function in [
    ("gather", gather), ("scatter_", scatter_), ("scatter", scatter),
    ("index_select", index_select),
    ("masked_fill", masked_fill), ("masked_fill_", masked_fill_),
]:
    method(name, function)
