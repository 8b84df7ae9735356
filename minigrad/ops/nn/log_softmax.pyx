"""Log-softmax and log-sum-exp over any dimension.

The formulas are in `_kernels/log_softmax.pyx`, derived in docs/derivations/log_softmax.md.
"""

cimport numpy as cnp
from libc.math cimport INFINITY

import numpy as np

from ... import dtypes
from ..._kernels import active as kernels
from ..._runtime.fp_warnings import quietly
from ...autograd.grad_mode cimport recording
from ...tensor cimport Function, Tensor, record, wrap
from ...tensor import method
from ..math.arguments cimport as_float, floating, operand
from ..math.broadcasting cimport all_finite, dimensions
from ..math.broadcasting import numpy_names
from ..math.selection import where
from .softmax cimport along, chosen
from .softmax import softmax

cnp.import_array()


# --- log_softmax -------------------------------------------------------------------------------

cdef class LogSoftmax(Function):
    """y = x − log Σ eˣ:  dx = dy − softmax x · Σ dy  (5)"""

    cdef readonly Py_ssize_t dim

    cdef backward(self, Tensor dy):
        (y,) = self.saved()
        return log_softmax_backward(dy, y, self.dim)


cdef class LogSoftmaxBackward(LogSoftmax):
    """dx = dy − p · Σ dy with p = exp(y), and the loss sees dx through ddx:

    dL/d(dy) = ddx − Σ ddx · p
    dL/dy = −ddx · p · Σ dy
    """

    cdef backward(self, Tensor ddx):
        dy, y = self.saved()
        ddx_p = ddx * y.exp()
        return (ddx - ddx_p.sum(self.dim, keepdim=True) if self.needs(0) else None,
                -ddx_p * dy.sum(self.dim, keepdim=True) if self.needs(1) else None)


cdef Tensor log_softmax_backward(Tensor dy, Tensor y, Py_ssize_t dim):
    cdef Tensor dx = wrap(along(kernels.log_softmax_backward, (dy.array, y.array), dim, False))
    cdef LogSoftmax node
    if recording(dy, y):
        node = LogSoftmaxBackward.__new__(LogSoftmaxBackward)
        node.dim = dim
        record(node, dx, (dy, y)).save((dy, y))
    return dx


@numpy_names
def log_softmax(input, dim=None, dtype=None):
    """y_j = x_j − log Σ_k exp(x_k) along `dim`, right also where the probability is next to 0 or 1.

    float32 or float64, any shape; dtype: convert the input first. A slice that is all −inf, or
    has +inf or nan, gives nan. Errors: DTypeError, IndexError; TypeError without dim, which torch
    guesses with a warning. torch.log_softmax.
    In the book: python -m minigrad book log_softmax
    """
    cdef Tensor x = operand("log_softmax", "input", input), y
    cdef LogSoftmax node
    x = floating("log_softmax", "input", x if dtype is None else x.to(dtypes.find(dtype)))
    cdef Py_ssize_t axis = chosen("log_softmax", dim, x)
    y = wrap(along(kernels.log_softmax_forward, (x.array,), axis, True))
    if recording(x):
        node = LogSoftmax.__new__(LogSoftmax)
        node.dim = axis
        record(node, y, (x,)).save((y,))
    return y


# --- logsumexp ---------------------------------------------------------------------------------

cdef class Logsumexp(Function):
    """y = log Σ_k exp(x_k):  dx = dy · softmax x"""

    cdef readonly Py_ssize_t dim

    cdef backward(self, Tensor dy):
        (x,) = self.saved()
        cdef Tensor p = softmax(x, self.dim)
        if not all_finite(p.array):
            p = softmax_in_the_limit(x, self.dim)
        return dy * p


cdef Tensor softmax_in_the_limit(Tensor x, Py_ssize_t dim):
    """Softmax, and where it has no value: 1 for +inf, which equals share, else 0; NaN for NaN."""
    m = np.max(x.array, axis=dim, keepdims=True)
    winners = np.equal(x.array, INFINITY)
    share = winners / np.maximum(winners.sum(axis=dim, keepdims=True), 1)
    infinite = wrap(np.isinf(m))
    p = softmax(where(infinite, 0.0, x), dim)
    return where(infinite, wrap(share.astype((<object>x.array).dtype)), p)


cdef Tensor logsumexp_along(Tensor x, Py_ssize_t dim):
    """logsumexp over one dimension, which is kept with size 1."""
    cdef Logsumexp node
    total = quietly(np.logaddexp.reduce, (<object>x.array).astype(np.float64), dim, keepdims=True)
    cdef Tensor y = wrap(total.astype((<object>x.array).dtype))
    if recording(x):
        node = Logsumexp.__new__(Logsumexp)
        node.dim = dim
        record(node, y, (x,)).save((x,))
    return y


@numpy_names
def logsumexp(input, dim, keepdim=False):
    """y = log Σ exp(input) over `dim` (an integer or a tuple), without overflow.

    Any shape; integers give the default float dtype; −inf for no elements. Infinite elements are
    what they are for max: +inf takes the gradient, −inf gets none. Errors: IndexError.
    torch.logsumexp.
    """
    cdef Tensor x = as_float(operand("logsumexp", "input", input)), y = x
    cdef tuple shape = (<object>x.array).shape
    cdef tuple axes = dimensions("logsumexp", dim, len(shape))
    if not axes:
        return x.clone()
    for axis in axes:   # one after the other: log Σ exp (log Σ exp x) = log ΣΣ exp x
        y = logsumexp_along(y, axis)
    if keepdim:
        return y
    return y.reshape([size for axis, size in enumerate(shape) if axis not in axes])


method("log_softmax", log_softmax)
method("logsumexp", logsumexp)
