"""Changes to several tensors that happen together or not at all.

Everything that can fail happens first: checks, conversions, allocations. The writing afterwards is
compiled code without a memory allocation, so neither an error nor Ctrl-C can end it halfway.
"""

from types import FunctionType

from libc.string cimport memcpy

cimport numpy as cnp

import numpy as np

from ..errors import DTypeError, ShapeError
from ..tensor cimport Tensor, wrap
from .gradient_use cimport DROPPED, REUSED, note_drop, note_step
from .in_place cimport has_writable_memory

cnp.import_array()


def assign(str operation, list tensors, list arrays):
    """Copy each array into its tensor; both have the same shape and dtype."""
    cdef Tensor x
    cdef cnp.ndarray array
    cdef Py_ssize_t k
    cdef list blocks = [np.asarray(array, order="C") for array in arrays]
    if len(blocks) != len(tensors):
        raise ValueError(f"{operation}: {len(blocks)} arrays for {len(tensors)} tensors")
    for x, array in zip(tensors, blocks):
        prepare(operation, x)
        check_fits(operation, x, array)
    for k in range(len(tensors)):
        x, array = tensors[k], blocks[k]
        if cnp.PyArray_ISCARRAY(x.array):
            memcpy(cnp.PyArray_DATA(x.array), cnp.PyArray_DATA(array), cnp.PyArray_NBYTES(array))
        else:
            cnp.PyArray_CopyInto(x.array, array)
        x.written(operation)


def step(str operation, kernel, list updates, state, dict fresh, list counts):
    """Run an optimizer kernel on all parameters.

    `updates` holds the kernel's arguments with Tensors for arrays: the gradient, the parameter, its
    buffers (Tensor or None), then whatever else the kernel takes. `fresh` is state that the
    optimizer adds to its `state`; `counts` are pairs (state of a parameter, its number of steps
    afterwards). Returns whether there was a gradient that zero_grad() had not just filled with
    zeros; for `nn.lint`.
    """
    cdef Tensor p, x
    cdef cnp.ndarray work
    cdef list arguments = [], copied = []
    cdef tuple update
    # Ctrl-C can stop a kernel in Python halfway: it works on copies.
    cdef bint in_python = isinstance(kernel, FunctionType), found = False
    for update in updates:
        p = update[1]
        prepare(operation, p)
        check_gradient(operation, p, update[0])
        arguments.append(arrays_of(update, in_python, copied))
        found = found or not is_zeroed(p, update[0])
    state.update(fresh)
    try:
        kernel(arguments)
    except BaseException:
        for key in fresh:
            del state[key]
        raise
    for x, work in copied:
        cnp.PyArray_CopyInto(x.array, work)
    for update in updates:
        p = update[1]
        p.written(operation)
        note_step(p)
    for own, count in counts:
        own["step"] = count
    return found


def clear_gradients(tensors, bint set_to_none):
    """Set the gradient of each tensor to None, or fill those that exist with zeros."""
    cdef Tensor x, g
    cdef list zeros = [], changed = list(tensors)
    for x in changed:
        if x is None:
            raise TypeError("zero_grad: expected a Tensor, got None")
        g = None if set_to_none else x.gradient
        if g is not None:  # in place, unless one number in memory stands for many
            g = g.detach() if cnp.PyArray_ISWRITEABLE(g.array) else wrap(np.empty_like(g.array))
        zeros.append(g)
    for x, g in zip(changed, zeros):
        note_drop(x)
        x.gradient = None if g is None else g.zero_()


def gradient_use(Tensor x not None):
    """What became of x.grad, as autograd/gradient_use.pxd says; for `nn.lint`."""
    if x.gradient_use == REUSED:
        return "reused"
    if x.gradient_use == DROPPED:
        return "dropped"
    return "used" if x.gradient_use else ""


def last_writer(Tensor x not None):
    """The operation that changed x in place last, or an empty string; for `nn.lint`."""
    return "" if x.version is None or x.version.writer is None else x.version.writer


cdef bint is_zeroed(Tensor x, Tensor g) except -1:
    """Whether g is what zero_grad(set_to_none=False) left, and nothing has come since."""
    return x.gradient_use == DROPPED and not np.any(g.array)


cdef int prepare(str operation, Tensor x) except -1:
    if x is None:
        raise TypeError(f"{operation}: expected a Tensor to change, got None")
    has_writable_memory(operation, x)
    x.shared_version()   # allocated here, so that `written` cannot fail
    return 0


cdef int check_fits(str operation, Tensor x, cnp.ndarray array) except -1:
    shape, found = (<object>x.array).shape, (<object>array).shape
    if shape != found:
        raise ShapeError(f"{operation}: a {shape} tensor cannot take values of shape {found}")
    if cnp.PyArray_TYPE(x.array) != cnp.PyArray_TYPE(array):
        raise DTypeError(
            f"{operation}: a {x.dtype} tensor cannot take values of {(<object>array).dtype}")
    return 0


cdef int check_gradient(str operation, Tensor p, Tensor g) except -1:
    if g is None:
        raise TypeError(f"{operation}: expected a gradient, got None")
    if not cnp.PyArray_SAMESHAPE(p.array, g.array):
        raise ShapeError(
            f"{operation}: a {tuple(p.shape)} parameter has a gradient of shape {tuple(g.shape)}")
    if cnp.PyArray_TYPE(g.array) != cnp.PyArray_TYPE(p.array):
        raise DTypeError(f"{operation}: a {p.dtype} parameter has a gradient of dtype {g.dtype}")
    return 0


cdef tuple arrays_of(tuple update, bint all_copied, list copied):
    """The kernel's arguments: arrays for tensors, copied where they are not contiguous.

    Copies of what the kernel changes, all but the gradient in front, are noted in `copied`.
    """
    cdef list arguments = list(update)
    cdef cnp.ndarray array
    cdef Py_ssize_t k
    for k in range(len(arguments)):
        value = arguments[k]
        if isinstance(value, Tensor):
            array = (<Tensor> value).array
            if all_copied or not cnp.PyArray_ISCARRAY_RO(array):
                array = np.array(array, order="C")
                if k > 0:
                    copied.append((value, array))
            arguments[k] = array
    return tuple(arguments)
