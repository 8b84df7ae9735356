"""Softmax over any dimension. The formulas are in `_kernels/softmax.pyx`.

Derivation: docs/derivations/softmax.md. The backward is an operation of its own with a rule of its
own, so that it can be differentiated again. Its arriving gradient, of the loss by `dx`, is called
`ddx`.
"""

cimport numpy as cnp

import numpy as np

from ... import dtypes
from ..._kernels import active as kernels
from ...autograd.grad_mode cimport recording
from ...tensor cimport Function, Tensor, record, wrap
from ...tensor import method
from ..math.arguments cimport floating, operand
from ..math.broadcasting cimport dimension, empty_array_like
from ..math.broadcasting import numpy_names

cnp.import_array()


cdef cnp.ndarray along(object kernel, tuple inputs, Py_ssize_t dim, bint with_scratch):
    """The result of a kernel over rows, for arrays of one shape whose rows run along `dim`."""
    cdef cnp.ndarray first = inputs[0]
    cdef Py_ssize_t ndim = cnp.PyArray_NDIM(first)
    cdef Py_ssize_t C = cnp.PyArray_DIM(first, dim) if ndim else 1
    cdef tuple rows = (cnp.PyArray_SIZE(first) // (C or 1), C)
    cdef bint moved = ndim > 1 and dim != ndim - 1
    if moved:
        inputs = tuple([np.moveaxis(array, dim, -1) for array in inputs])
    cdef cnp.ndarray y = empty_array_like(inputs[0])
    cdef list arguments = [cnp.PyArray_GETCONTIGUOUS(array).reshape(rows) for array in (*inputs, y)]
    if with_scratch:
        arguments.append(np.empty(C))
    kernel(*arguments)
    return np.ascontiguousarray(np.moveaxis(y, -1, dim)) if moved else y


cdef Py_ssize_t chosen(str operation, object dim, Tensor x) except -1:
    """The dimension along which probabilities sum to 1. It is never guessed."""
    if dim is None:
        raise TypeError(
            f"{operation}: dim is missing: along which dimension of the input, of shape "
            f"{(<object>x.array).shape}, do the probabilities sum to 1? For scores (N, C) of N "
            "samples write dim=1. (torch guesses: 0 for 0-d, 1-d and 3-d inputs, 1 for others; "
            "more: python -m minigrad book mistakes#13-log-softmax-over-the-batch)")
    return dimension(operation, dim, cnp.PyArray_NDIM(x.array))


cdef class Softmax(Function):
    """y = eˣ / Σ eˣ:  dx = y · (dy − Σ dy · y)  (5)"""

    cdef readonly Py_ssize_t dim

    cdef backward(self, Tensor dy):
        (y,) = self.saved()
        return softmax_backward(dy, y, self.dim)


cdef class SoftmaxBackward(Softmax):
    """dx = y · (dy − Σ dy · y):

    dL/d(dy) = y · (ddx − Σ ddx · y)
    dL/dy = ddx · (dy − Σ dy · y) − dy · Σ ddx · y
    """

    cdef backward(self, Tensor ddx):
        dy, y = self.saved()
        ddy = softmax_backward(ddx, y, self.dim) if self.needs(0) else None
        if not self.needs(1):
            return ddy, None
        dot = (dy * y).sum(self.dim, keepdim=True)
        return ddy, ddx * (dy - dot) - dy * (ddx * y).sum(self.dim, keepdim=True)


cdef Tensor softmax_backward(Tensor dy, Tensor y, Py_ssize_t dim):
    cdef Tensor dx = wrap(along(kernels.softmax_backward, (dy.array, y.array), dim, False))
    cdef Softmax node
    if recording(dy, y):
        node = SoftmaxBackward.__new__(SoftmaxBackward)
        node.dim = dim
        record(node, dx, (dy, y)).save((dy, y))
    return dx


@numpy_names
def softmax(input, dim=None, dtype=None):
    """y_j = exp(x_j) / Σ_k exp(x_k) along `dim`: positive numbers whose sum is 1.

    float32 or float64, any shape; dtype: convert the input first. A slice that is all −inf, or
    has +inf or nan, gives nan. Errors: DTypeError, IndexError; TypeError without dim, which torch
    guesses with a warning. torch.softmax.
    In the book: python -m minigrad book softmax
    """
    cdef Tensor x = operand("softmax", "input", input), y
    cdef Softmax node
    x = floating("softmax", "input", x if dtype is None else x.to(dtypes.find(dtype)))
    cdef Py_ssize_t axis = chosen("softmax", dim, x)
    y = wrap(along(kernels.softmax_forward, (x.array,), axis, True))
    if recording(x):
        node = Softmax.__new__(Softmax)
        node.dim = axis
        record(node, y, (x,)).save((y,))
    return y


method("softmax", softmax)
