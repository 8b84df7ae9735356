"""Writing into a tensor: whether it is allowed, the new values, and the history from then on."""

cimport numpy as cnp

import numpy as np

from .._runtime.fp_warnings import quietly
from .._runtime.versions cimport Step
from .._runtime.versions import rebuild_view
from ..dtypes cimport kind_of
from ..errors import DTypeError, GraphError, ShapeError
from ..tensor cimport Function, Tensor, record, wrap
from .grad_mode cimport grad_mode

cnp.import_array()


cdef Tensor overwrite(str operation, Tensor x, Tensor y):
    """Write the values of y over x; x takes y's history too, and so does what x is a view of.

    y was computed out of place, so every in-place operation differentiates as the plain one does.
    """
    cdef Tensor root = x if x.viewed() is None else x.base
    cdef bint tracked = grad_mode() and (y.wants_grad() or x.wants_grad())
    cdef WriteView node
    cdef Function old, old_root
    may_write(operation, x)
    if y.dtype is not x.dtype:
        if kind_of(cnp.PyArray_TYPE(y.array)) > kind_of(cnp.PyArray_TYPE(x.array)):
            raise DTypeError(
                f"{operation}: the result is {y.dtype}, which a tensor of {x.dtype} cannot hold")
        y = y.to(x.dtype)
    if not cnp.PyArray_SAMESHAPE(x.array, y.array):
        try:
            y = y.expand(x.shape)
        except ShapeError:
            raise ShapeError(
                f"{operation}: the result has shape {tuple(y.shape)}, the tensor "
                f"{tuple(x.shape)}") from None
    if tracked and not cnp.PyArray_ISFLOAT(x.array):
        tracked = False
    old, old_root = x.node, root.node
    if y.array is not x.array:
        quietly(np.copyto, x.array, y.array)
    x.written(operation)
    if not tracked:
        return x
    if x.base is None and not y.wants_grad():
        record(Overwritten.__new__(Overwritten), x, (x,))
    elif x.base is None:
        x.node = y.history() if not y.is_grad_leaf else (<Tensor>y.clone()).node
    else:
        node = WriteView.__new__(WriteView)
        node.view_steps, node.strides = x.last_step(), (<object>root.array).strides
        record(node, root, (root, y))
        keep_retaining(old_root, root)
    keep_retaining(old, x)
    return x


cdef int keep_retaining(Function old, Tensor x) except -1:
    """If x asked for its .grad (retain_grad), it gets the gradient of its new values."""
    cdef Function new = x.history()
    if old is not None and new is not old and old.retainer is not None and old.retainer() is x:
        new.retainer, old.retainer = old.retainer, None
    return 0


cdef int may_write(str operation, Tensor x) except -1:
    """Raise the error of a forbidden in-place operation on x, before anything is changed."""
    cdef Tensor root = x if x.viewed() is None else x.base
    if grad_mode() and root.is_grad_leaf:
        raise GraphError(
            f"{operation}: a leaf that requires a gradient (or a view of one) cannot be changed in "
            "place while operations are recorded; do it under no_grad() (more: "
            "python -m minigrad book autograd_words#no_grad)")
    return has_writable_memory(operation, x)


cdef int has_writable_memory(str operation, Tensor x) except -1:
    """Raise the error of a write to memory that is read-only."""
    if not cnp.PyArray_ISWRITEABLE(x.array):
        raise ValueError(
            f"{operation}: this tensor is read-only (it shares a read-only array, or one element "
            "stands for many, as after expand); write to a .clone()")
    return 0


cdef class WriteView(Function):
    """y is `base` with another part, seen by `view_steps`: dbase = dy outside, dpart = dy on it."""

    cdef Step view_steps
    cdef tuple strides

    cdef backward(self, Tensor dy):
        cdef Tensor outside
        dbase = None
        if self.needs(0):
            outside = wrap(laid_out_as(self.strides, np.ones((<object>dy.array).shape, bool)))
            (<Tensor>rebuild_view(outside, self.view_steps)).array[...] = False
            dbase = dy.where(outside, 0.0)
        return dbase, rebuild_view(dy, self.view_steps)


cdef class Overwritten(Function):
    """y overwrites x and depends on it no longer: dx = 0."""

    cdef backward(self, Tensor dy):
        return wrap(np.zeros_like(dy.array))


def laid_out_as(strides, array):
    """A copy whose dimensions lie in memory in the order of these strides.

    So a reshape that is a view of one is a view of the other.
    """
    order = sorted(range(array.ndim), key=lambda i: -abs(strides[i]))
    copy = array.transpose(order).copy(order="C")
    return copy.transpose(sorted(range(array.ndim), key=order.__getitem__))
