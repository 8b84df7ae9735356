"""Elements in another order: flip, sort, topk; and unique and nonzero, which count and find them.

The order itself is no function with a derivative: values are picked by index, as in `gather`.
"""

from collections import namedtuple

cimport numpy as cnp

import numpy as np

from ... import _checks
from ...tensor cimport Tensor, wrap
from ...tensor import method
from ..math.arguments cimport operand
from ..math.broadcasting cimport dimension, dimensions
from ..math.selection import where
from .gathering import gather
from .indexing cimport ALL
from .indexing import pick

cnp.import_array()


def flip(input, *dims):
    """A copy with the order reversed along each of `dims`: flip(x, 0, 1) or flip(x, (0, 1)).

    torch.flip.
    """
    cdef Tensor x = operand("flip", "input", input)
    if len(dims) == 1 and isinstance(dims[0], (tuple, list)):
        dims = tuple(dims[0])
    cdef tuple axes = dimensions("flip", dims, cnp.PyArray_NDIM(x.array))
    if not axes:
        return x.clone()
    for axis in axes:
        x = pick(x, (ALL,) * axis + (np.arange(x.shape[axis])[::-1],), "FlipBackward0")
    return x


cdef object sorting_indices(cnp.ndarray array, Py_ssize_t axis, bint descending):
    """The indices that sort along an axis; equal elements keep their order, NaN is largest."""
    if not descending:
        return np.argsort(array, axis, kind="stable")
    backward = np.argsort(np.flip(array, axis), axis, kind="stable")
    return array.shape[axis] - 1 - np.flip(backward, axis)


cdef tuple sorted_along(Tensor x, Py_ssize_t axis, bint descending, object count):
    """The first `count` elements (None: all) in order, and their indices."""
    if cnp.PyArray_NDIM(x.array) == 0:
        return x.clone(), wrap(np.zeros((), np.int64))
    indices = sorting_indices(x.array, axis, descending)
    if count is not None:
        indices = indices[(slice(None),) * axis + (slice(0, count),)]
    index = wrap(np.ascontiguousarray(indices, dtype=np.int64))
    return gather(x, axis, index), index


Sorted = namedtuple("sort", ["values", "indices"])
Top = namedtuple("topk", ["values", "indices"])


def sort(input, dim=-1, descending=False, stable=False):
    """(values, indices): the elements in order along `dim`, and where each came from.

    Equal elements keep their order, whatever `stable` says; NaN counts as the largest. torch.sort.
    """
    cdef Tensor x = operand("sort", "input", input)
    _checks.flag("sort", "stable", stable)
    down = _checks.flag("sort", "descending", descending)
    axis = dimension("sort", dim, cnp.PyArray_NDIM(x.array))
    return Sorted(*sorted_along(x, axis, down, None))


def argsort(input, dim=-1, descending=False, stable=False):
    """The indices that `sort` gives. torch.argsort."""
    return sort(input, dim, descending, stable).indices


def topk(input, k, dim=-1, largest=True, sorted=True):
    """(values, indices): the k largest elements along `dim` (or smallest), in order. torch.topk."""
    cdef Tensor x = operand("topk", "input", input)
    axis = dimension("topk", dim, cnp.PyArray_NDIM(x.array))
    k = _checks.integer("topk", "k", k)
    down = _checks.flag("topk", "largest", largest)
    _checks.flag("topk", "sorted", sorted)
    size = x.shape[axis] if x.ndim else 1
    if k > size:
        raise ValueError(f"topk: k = {k}, but dim {dim} has size {size}")
    if x.ndim == 0 and k == 0:
        x = x.reshape(1)
    return Top(*sorted_along(x, axis, down, k))


def unique(input, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The different elements, in order.

    return_inverse: also where each element of `input` is among them; return_counts: also how often
    each occurs. dim: None, since only single elements are compared. torch.unique.
    """
    cdef Tensor x = operand("unique", "input", input)
    if dim is not None:
        raise ValueError(
            f"unique: only single elements are compared, so dim must be None, got {dim!r}; "
            "np.unique(x.numpy(), axis=dim) compares rows")
    for name, value in (("sorted", sorted), ("return_inverse", return_inverse),
                        ("return_counts", return_counts)):
        _checks.flag("unique", name, value)
    values, inverse, counts = np.unique(
        x.array, return_inverse=True, return_counts=True, equal_nan=False)
    found = [wrap(values)]
    if return_inverse:
        found.append(wrap(np.asarray(inverse, dtype=np.int64).reshape(x.shape)))
    if return_counts:
        found.append(wrap(np.asarray(counts, dtype=np.int64)))
    return tuple(found) if len(found) > 1 else found[0]


def nonzero(input, *, as_tuple=False):
    """The indices of the elements that are not 0: int64, a row per element.

    as_tuple: one tensor per dimension instead, as of where(input). torch.nonzero.
    """
    cdef Tensor x = operand("nonzero", "input", input)
    if _checks.flag("nonzero", "as_tuple", as_tuple):
        return where(x)
    return wrap(np.argwhere(x.array).astype(np.int64))


for function in (flip, sort, argsort, topk, unique, nonzero):
    method(function.__name__, function)
