"""x[key] and x[key] = value, as torch reads a key.

A key is read in two steps. Integers, slices, None and ... come first and give a view. Then index
tensors and masks are applied to that view and give a copy. This is why `x[0, :, idx]` has idx's
dimension last, where NumPy has it first.
"""

import math

cimport cython
cimport numpy as cnp

import numpy as np

from ..._checks import class_of
from ..._runtime.fp_warnings import quietly
from ...autograd.grad_mode cimport grad_mode, recording
from ...autograd.in_place cimport may_write, overwrite
from ...errors import DTypeError, ShapeError
from ...tensor cimport Function, Tensor, record, view_of, wrap
from ..math.arguments cimport is_number, operand, stored
from ..math.broadcasting cimport check_count, shape_if_broadcast, unbroadcast
from ..math.selection import where

cnp.import_array()

ALL = slice(None)

cdef enum:
    MAX_INDICES = 64   # of NumPy, and more than it takes at once


# --- reading a key -------------------------------------------------------------------------------

cdef object as_key_item(item):
    """One item of a key as an int, a bool, a slice, None, ... or an array of ints or bools."""
    if item is None or item is Ellipsis or isinstance(item, (int, slice)):
        return item
    if isinstance(item, Tensor):
        array = (<Tensor>item).array
    elif isinstance(item, (np.ndarray, np.integer, np.bool_)):
        array = np.asarray(item)
    elif isinstance(item, (list, tuple, range)):
        array = array_from_list(item)
    else:
        raise TypeError("index: expected integers, slices, ..., None, or tensors, arrays or lists "
                        f"of integers or bools, got {class_of(item)}")
    if array.dtype == np.uint8:
        raise IndexError("index: a uint8 tensor may be a mask or positions; "
                         "say which with .bool() or .long()")
    if array.dtype.kind not in "iub":
        raise DTypeError(
            f"index: an index tensor must be of integers or bools, got {array.dtype}")
    return array if array.ndim else array.item()


cdef object array_from_list(item):
    try:
        array = np.array(item)
    except ValueError:
        raise ShapeError("index: a list of lists of different lengths") from None
    return array if array.size else array.astype(np.intp)


cdef list items_of(key):
    if type(key) is not list:
        return [as_key_item(item) for item in (key if type(key) is tuple else (key,))]
    if not all([isinstance(each, (int, float, np.generic)) for each in key]):
        raise IndexError("index: this list holds more than numbers, which is ambiguous. Use "
                         "x[tuple(key)] for one index per dimension, or x[minigrad.tensor(key)] to "
                         "index dimension 0")
    return [as_key_item(key)]


cdef tuple parse(Tensor x, key):
    """`key` as two NumPy keys: for the view, and for what is then picked from it (or None)."""
    cdef list items = items_of(key), basic = [], advanced = []
    cdef tuple shape = (<object>x.array).shape
    cdef Py_ssize_t used = 0, at = 0, ndim = len(shape), left
    cdef bint picks = False
    for item in items:
        if isinstance(item, np.ndarray):
            used += item.ndim if item.dtype == bool else 1
        elif item is not None and item is not Ellipsis and not isinstance(item, bool):
            used += 1
    if used > ndim:
        hint = "" if ndim else "; its number is .item()"
        raise IndexError(f"index: {used} indices for a {ndim}-d tensor of shape {shape}{hint}")
    left = ndim - used
    for item in items:
        if item is None:
            basic.append(None)
            advanced.append(ALL)
        elif item is Ellipsis:
            basic.extend([ALL] * left)
            advanced.extend([ALL] * left)
            at += left
            left = 0   # a second ... stands for no dimension
        elif isinstance(item, slice):
            basic.append(bounded_slice(item, shape[at], type(key) is tuple))
            advanced.append(ALL)
            at += 1
        elif isinstance(item, bool):
            basic.append(None)
            advanced.append(np.zeros(1 if item else 0, np.intp))
            picks = True
        elif isinstance(item, int):
            basic.append(checked_index(item, at, shape[at]))
            at += 1
        elif item.dtype == bool:
            if item.shape != shape[at:at + item.ndim]:
                raise IndexError(f"index: a mask of shape {item.shape} does not fit dim {at} of a "
                                 f"tensor of shape {shape}")
            basic.extend([ALL] * item.ndim)
            advanced.extend(item.nonzero())
            at += item.ndim
            picks = True
        else:
            basic.append(ALL)
            advanced.append(positions(item, at, shape[at]))
            at += 1
            picks = True
    check_count("index", len(shape) + basic.count(None))
    basic.append(Ellipsis)
    return tuple(basic), advanced_key(advanced) if picks else None


cdef object bounded_slice(item, Py_ssize_t size, bint among_others):
    """A slice with plain bounds; one that leaves nothing out counts only if it is alone."""
    try:
        start, stop, step = item.indices(size)
    except TypeError:
        raise TypeError(f"index: a slice has integers or None as bounds, got {item}") from None
    if step < 0:
        raise ValueError(f"index: the step of a slice must be positive, got {step}")
    if among_others and item.start in (None, 0) and stop == size and step == 1:
        return ALL
    return slice(start, stop, step)


cdef object checked_index(item, Py_ssize_t dim, Py_ssize_t size):
    if not -size <= item < size:
        raise IndexError(f"index: {item} is out of range for dim {dim} of size {size}")
    return item


cdef object positions(array, Py_ssize_t dim, Py_ssize_t size):
    """An array of indices, made ≥ 0; a copy, so that it cannot change before backward."""
    cdef cnp.ndarray own = array.astype(np.intp, order="C")
    cdef cnp.npy_intp *index = <cnp.npy_intp *>cnp.PyArray_DATA(own)
    cdef Py_ssize_t i
    if array.dtype == np.uint64 and array.size:
        checked_index(array.max().item(), dim, size)
    for i in range(cnp.PyArray_SIZE(own)):
        if index[i] < 0:
            index[i] += size
        if not 0 <= index[i] < size:
            checked_index(array.reshape(-1)[i].item(), dim, size)
    return own


cdef tuple advanced_key(list advanced):
    """The key without the whole dimensions at its end; its arrays must broadcast."""
    cdef Py_ssize_t i, end = 0
    cdef list shapes = []
    for i in range(len(advanced)):
        if advanced[i] is not ALL:
            end = i + 1
            shapes.append(advanced[i].shape)
    if end >= MAX_INDICES:
        raise IndexError(f"index: {end} dimensions with index tensors; NumPy takes fewer than 64")
    if shapes.count(shapes[0]) < len(shapes):
        try:
            np.broadcast_shapes(*shapes)
        except ValueError:
            listing = ", ".join([str(shape) for shape in shapes])
            raise IndexError(
                f"index: index tensors of shapes {listing} do not broadcast") from None
    return tuple(advanced[:end])


cdef bint is_basic(tuple key):
    for each in key:
        if cnp.PyArray_Check(each):
            return False
    return True


# --- reading values ------------------------------------------------------------------------------

cdef class AtKey(Function):
    """An operation at the positions of a key. Index arrays are saved values and freed as such."""

    cdef tuple key   # None if it is saved

    cdef AtKey remember(self, tuple key, bint basic):
        """To be called after `record`, like `save`."""
        if basic:
            self.key = key
        else:
            self.save(tuple([None if each is ALL else wrap(each) for each in key]))
        return self

    cdef tuple remembered(self):
        if self.key is not None:
            return self.key
        return tuple([ALL if each is None else (<Tensor>each).array for each in self.saved()])

    @property
    def position(self):
        """The key, as NumPy takes it."""
        return self.remembered()


@cython.binding(False)   # see Tensor
cdef class Index(AtKey):
    """y = x[key]:  dx = dy added up at key, 0 elsewhere"""

    cdef tuple shape
    cdef str called

    cdef backward(self, Tensor dy):
        return scatter(dy, self.remembered(), self.shape)

    def name(self):
        """As torch names it, after the last step of the key."""
        if self.called is not None:
            return self.called
        if self.key is None:
            return "IndexBackward0"
        for each in reversed(self.key):
            if isinstance(each, int):
                return "SelectBackward0"
            if each is None:
                return "UnsqueezeBackward0"
            if isinstance(each, slice) and each is not ALL:
                return "SliceBackward0"
        return "AliasBackward0"


cdef class Scatter(AtKey):
    """y = 0, but x added up at key:  dx = dy[key]"""

    cdef backward(self, Tensor dy):
        return pick(dy, self.remembered())


def pick(Tensor x not None, tuple key not None, str called=None):
    """x[key] for a NumPy key that `parse` made: a view if it is basic, else a copy."""
    cdef Index node
    cdef cnp.ndarray array = (<object>x.array)[key]
    cdef bint basic = is_basic(key)
    cdef Tensor y = view_of(x, array, pick, (key,)) if basic else wrap(array)
    if recording(x):
        node = Index.__new__(Index)
        node.shape, node.called = (<object>x.array).shape, called
        record(node, y, (x,))
        node.remember(key, basic)
    return y


def scatter(Tensor x not None, tuple key not None, tuple shape not None):
    """Zeros of `shape` with x added up at `key`: the transpose of `pick`."""
    cdef Scatter node
    cdef Tensor y = wrap(scattered(x.array, key, shape))
    if recording(x):
        node = Scatter.__new__(Scatter)
        record(node, y, (x,))
        node.remember(key, is_basic(key))
    return y


def scattered(x, key, shape):
    """np.add.at(zeros, key, x), added up in double."""
    y = np.zeros(shape, x.dtype)
    if is_basic(key):
        y[key] = x
        return y
    if x.size == 0:
        return y
    if any([each is ALL for each in key]):
        # NumPy says which element of y each element of x belongs to.
        rows, count = np.arange(y.size).reshape(shape)[key].ravel(), y.size
    else:
        # Indices for the first dimensions only: whole rows are added.
        indexed = shape[:len(key)]
        count = math.prod(indexed)
        rows = key[0].ravel()
        if len(key) > 1:
            rows = np.ravel_multi_index(np.broadcast_arrays(*key), indexed).ravel()
    x = x.reshape(len(rows), -1)
    if is_rising(rows):
        y.reshape(count, -1)[rows] = x
        return y
    if x.shape[1] == 1:
        total = quietly(np.bincount, rows, weights=x[:, 0], minlength=count)
        return total.astype(x.dtype).reshape(shape)
    order = np.argsort(rows, kind="stable")
    rows = rows[order]
    first = np.flatnonzero(np.diff(rows, prepend=-1))
    total = quietly(np.add.reduceat, x[order], first, axis=0, dtype=np.float64)
    y.reshape(count, -1)[rows[first]] = total
    return y


cdef bint is_rising(cnp.ndarray rows):
    """Whether each index is larger than the one before, so that none occurs twice."""
    cdef const cnp.npy_intp[:] row = rows
    cdef Py_ssize_t i
    for i in range(1, row.shape[0]):
        if row[i] <= row[i - 1]:
            return False
    return True


def getitem(Tensor self not None, key):
    """self[key] as in torch: a view for integers, slices, None and ...; else a copy.

    Errors: IndexError (out of range, too many, masks that do not fit), TypeError, ValueError.
    """
    cdef Tensor x = self
    basic, advanced = parse(x, key)
    if advanced is None:
        return pick(x, basic)
    if any([each is not ALL and each is not Ellipsis for each in basic]):
        x = pick(x, basic)
    return pick(x, advanced)


# --- writing values ------------------------------------------------------------------------------

cdef class IndexPut(AtKey):
    """y = x, but value at key:  dx = dy, 0 at key;  dvalue = dy[key], 0 where overwritten"""

    cdef object value_shape

    cdef backward(self, Tensor dy):
        cdef tuple key = self.remembered()
        dx = dvalue = None
        if self.needs(0):
            outside = np.ones((<object>dy.array).shape, bool)
            outside[key] = False
            dx = where(wrap(outside), dy, 0.0)
        if self.needs(1):
            # Where a position is named twice, the last value stays.
            dvalue = pick(dy, key)
            numbers = np.arange(dvalue.numel()).reshape(dvalue.shape)
            last = np.empty((<object>dy.array).shape, np.int64)
            last[key] = numbers
            stays = wrap(np.asarray(last[key] == numbers))
            dvalue = unbroadcast(where(stays, dvalue, 0.0), self.value_shape)
        return dx, dvalue


cdef Tensor index_put(str operation, Tensor x, tuple key, Tensor value):
    """A copy of x with value at key."""
    cdef IndexPut node
    array = (<object>x.array).copy()
    value = without_leading_ones(value, array[key].ndim)
    assign_array(operation, array, key, value)
    cdef Tensor y = wrap(array)
    if recording(x, value):
        node = IndexPut.__new__(IndexPut)
        node.value_shape = shape_if_broadcast(value.array, array[key])
        record(node, y, (x, value))
        node.remember(key, is_basic(key))
    return y


cdef Tensor without_leading_ones(Tensor value, Py_ssize_t ndim):
    shape = (<object>value.array).shape
    while len(shape) > ndim and shape[0] == 1:
        shape = shape[1:]
    return value if len(shape) == cnp.PyArray_NDIM(value.array) else value.reshape(shape)


cdef int assign_array(str operation, array, key, Tensor value) except -1:
    try:
        array[key] = value.array
    except ValueError:
        raise ShapeError(f"{operation}: a value of shape {(<object>value.array).shape} does not "
                         f"fit where the key shows shape {array[key].shape}") from None
    return 0


cdef Tensor assignable(str operation, Tensor x, value):
    """`value` in x's dtype."""
    if isinstance(value, (Tensor, np.ndarray)):
        return operand(operation, "value", value).to(x.dtype)
    if not is_number(value):
        operand(operation, "value", value)   # raises the error of what is not a number
    return stored(operation, value, cnp.PyArray_TYPE(x.array))


cdef int write_at(
    str operation, Tensor x, tuple basic, tuple advanced, Tensor value
) except -1:
    """x[basic][advanced] ← value, differentiable in both."""
    cdef Tensor part
    may_write(operation, x)
    if not (grad_mode() and (x.wants_grad() or value.wants_grad())):
        target = (<object>x.array)[basic]
        assign_array(operation, target, (...,) if advanced is None else advanced, value)
        x.written(operation)
        return 0
    part = pick(x, basic)
    if advanced is not None:
        overwrite(operation, part, index_put(operation, part, advanced, value))
    elif not is_same_part(value, part):   # x[0] += 1 ends with x[0] = x[0]
        value = without_leading_ones(value, cnp.PyArray_NDIM(part.array))
        overwrite(operation, part, value)
    return 0


cdef bint is_same_part(Tensor value, Tensor part):
    a, b = <object>value.array, <object>part.array
    return (value.base is part.base and a.shape == b.shape and a.strides == b.strides
            and cnp.PyArray_DATA(value.array) == cnp.PyArray_DATA(part.array))


def setitem(Tensor self not None, key, value):
    """self[key] = value as in torch: broadcast and cast to fit; both sides keep their gradients.

    Errors: those of self[key]; ShapeError, GraphError (a leaf that requires grad), ValueError.
    """
    basic, advanced = parse(self, key)
    write_at("setitem", self, basic, advanced, assignable("setitem", self, value))
