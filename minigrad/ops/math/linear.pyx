"""Products of matrices and the linear layer: docs/derivations/linear.md."""

from math import prod

cimport numpy as cnp

import numpy as np

from ..._runtime.array_pool cimport empty_array
from ..._runtime.fp_warnings import quietly
from ..._runtime.matmul cimport linear_forward
from ...autograd.grad_mode cimport recording
from ...errors import DTypeError, ShapeError
from ...tensor cimport Function, Tensor, record, wrap
from ...tensor import method
from .arguments cimport floating, one_dtype, operand
from .arithmetic import mul
from .broadcasting cimport unbroadcast
from .reductions cimport summed
from .shaping import t, transpose

cnp.import_array()


cdef class Matmul(Function):
    """Y = A B:  dA = dY Bᵀ  (1),  dB = Aᵀ dY  (2)"""

    cdef tuple a_shape   # None for two matrices
    cdef tuple b_shape

    cdef backward(self, Tensor dy):
        cdef Tensor a, b
        a, b = self.saved()
        if self.a_shape is None:
            return (matmul(dy, transpose(b, 0, 1)) if self.needs(0) else None,  # (1)
                    matmul(transpose(a, 0, 1), dy) if self.needs(1) else None)  # (2)
        # A vector takes part as a matrix of one row (on the left) or one column (on the right).
        cdef bint a_is_row = len(self.a_shape) == 1, b_is_column = len(self.b_shape) == 1
        if a_is_row:
            dy = dy.unsqueeze(-1 if b_is_column else -2)
        if b_is_column:
            dy = dy.unsqueeze(-1)
        da = db = None
        if self.needs(0):
            b = b.unsqueeze(1) if b_is_column else b
            da = matmul(dy, b.transpose(-1, -2))  # (1)
            da = unbroadcast(da, (1, *self.a_shape) if a_is_row else self.a_shape)
            da = da.squeeze(0) if a_is_row else da
        if self.needs(1):
            a = a.unsqueeze(0) if a_is_row else a
            db = matmul(a.transpose(-1, -2), dy)  # (2)
            db = unbroadcast(db, (*self.b_shape, 1) if b_is_column else self.b_shape)
            db = db.squeeze(1) if b_is_column else db
        return da, db


def matmul(input, other):
    """Y = A B; vectors count as one row (left) or one column (right), leading dimensions broadcast.

    Shapes (…, N, K) and (…, K, M) → (…, N, M); both of one dtype. Errors: ShapeError, DTypeError.
    torch.matmul.
    In the book: python -m minigrad book linear
    """
    cdef Tensor a = operand("matmul", "input", input), b = operand("matmul", "other", other), y
    cdef Matmul node
    cdef cnp.npy_intp[2] shape
    cdef int a_ndim = cnp.PyArray_NDIM(a.array), b_ndim = cnp.PyArray_NDIM(b.array)
    cdef bint matrices = a_ndim == 2 and b_ndim == 2
    if a_ndim == 0 or b_ndim == 0:
        raise ShapeError(
            f"matmul: both must have at least 1 dimension, got shapes {tuple(a.shape)} and "
            f"{tuple(b.shape)}; use * to scale")
    if cnp.PyArray_TYPE(a.array) != cnp.PyArray_TYPE(b.array):
        raise DTypeError(
            f"matmul: the dtypes differ: {a.dtype} and {b.dtype}; convert one with .to(dtype)")
    if cnp.PyArray_ISBOOL(a.array):
        raise DTypeError(
            "matmul: not defined for bool tensors; convert both with .float(), or with .int() to "
            "count")
    cdef Py_ssize_t inner = cnp.PyArray_DIM(a.array, a_ndim - 1)
    if inner != cnp.PyArray_DIM(b.array, max(b_ndim - 2, 0)):
        raise ShapeError(
            f"matmul: shapes {tuple(a.shape)} and {tuple(b.shape)} do not fit: the inner sizes are "
            f"{inner} and {cnp.PyArray_DIM(b.array, max(b_ndim - 2, 0))} (more: "
            "python -m minigrad book linear#eq-1a)")
    try:
        if matrices and cnp.PyArray_ISFLOAT(a.array):
            shape[0], shape[1] = cnp.PyArray_DIM(a.array, 0), cnp.PyArray_DIM(b.array, 1)
            y = wrap(empty_array(2, shape, cnp.PyArray_TYPE(a.array)))
            linear_forward(a.array, b.array, None, y.array, True)
        else:  # NumPy knows what vectors and leading dimensions mean
            y = wrap(np.asarray(quietly(np.matmul, a.array, b.array)))
    except ValueError:
        shapes = f"{tuple(a.shape)} and {tuple(b.shape)}"
        try:
            np.broadcast_shapes(
                (<object>a.array).shape[:max(a_ndim - 2, 0)],
                (<object>b.array).shape[:max(b_ndim - 2, 0)])
        except ValueError:
            raise ShapeError(
                f"matmul: the leading dimensions of {shapes} do not broadcast") from None
        raise MemoryError(f"matmul: the size of the product of {shapes} overflows") from None
    if recording(a, b):
        node = Matmul.__new__(Matmul)
        if not matrices:
            node.a_shape, node.b_shape = (<object>a.array).shape, (<object>b.array).shape
        record(node, y, (a, b))
        node.save((a if node.needs(1) else None, b if node.needs(0) else None))
    return y


cdef int expect_ndims(str operation, tuple arguments) except -1:
    """Each argument (name, value, number of dimensions) must have that many."""
    for name, value, ndim in arguments:
        shape = tuple(operand(operation, name, value).shape)
        if len(shape) != ndim:
            kind = "a vector" if ndim == 1 else "a matrix" if ndim == 2 else "a batch of matrices"
            raise ShapeError(f"{operation}: {name} must be {kind}, got shape {shape}; use matmul")
    return 0


def mm(input, mat2):
    """Y = A B for two matrices, (N, K) and (K, M) → (N, M). torch.mm."""
    expect_ndims("mm", (("input", input, 2), ("mat2", mat2, 2)))
    return matmul(input, mat2)


def bmm(input, mat2):
    """Y = A B for each pair of matrices: (B, N, K) and (B, K, M) → (B, N, M). torch.bmm."""
    expect_ndims("bmm", (("input", input, 3), ("mat2", mat2, 3)))
    if len(input) != len(mat2):
        raise ShapeError(f"bmm: input has {len(input)} matrices, mat2 {len(mat2)}; use matmul")
    return matmul(input, mat2)


def mv(input, vec):
    """y = A x for a matrix and a vector: (N, K) and (K,) → (N,). torch.mv."""
    expect_ndims("mv", (("input", input, 2), ("vec", vec, 1)))
    return matmul(input, vec)


def dot(input, tensor):
    """y = Σ a · b of two vectors of one length → (). torch.dot."""
    expect_ndims("dot", (("input", input, 1), ("tensor", tensor, 1)))
    return matmul(input, tensor)


def outer(input, vec2):
    """Y[i, j] = a[i] · b[j]: vectors (N,) and (M,) → (N, M). torch.outer."""
    expect_ndims("outer", (("input", input, 1), ("vec2", vec2, 1)))
    return mul(operand("outer", "input", input).unsqueeze(1), vec2)


cdef class Linear(Function):
    """Y = X Wᵀ + b over rows:  dX = dY W  (3),  dW = dYᵀ X  (4),  db = Σ dY  (5)"""

    cdef backward(self, Tensor dy):
        cdef Tensor x, weight
        x, weight = self.saved()
        cdef Tensor rows = joined_rows(dy)
        dx = dweight = dbias = None
        if self.needs(0):
            dx = matmul(dy, weight)  # (3)
        if self.needs(1):
            dweight = matmul(t(rows), joined_rows(x))  # (4)
        if self.needs(2):
            dbias = summed(rows, (0,), False)  # (5)
        return dx, dweight, dbias


def linear(input, weight, bias=None):
    """Y = X Wᵀ + b: input (…, in), weight (out, in), bias (out,), () or None → (…, out).

    A weight (in,) without bias → (…). All of one float dtype. Errors: ShapeError, DTypeError.
    torch.nn.functional.linear.
    In the book: python -m minigrad book linear
    """
    cdef Tensor x = floating("linear", "input", input), w = floating("linear", "weight", weight)
    cdef Tensor b = None, y
    if cnp.PyArray_NDIM(w.array) == 1 and bias is None:
        return matmul(x, w)
    if cnp.PyArray_NDIM(w.array) != 2:
        raise ShapeError(f"linear: weight must be a matrix (out, in), got shape {tuple(w.shape)}")
    cdef Py_ssize_t in_features = cnp.PyArray_DIM(w.array, 1)
    cdef Py_ssize_t out_features = cnp.PyArray_DIM(w.array, 0)
    cdef int ndim = cnp.PyArray_NDIM(x.array)
    if ndim == 0 or cnp.PyArray_DIM(x.array, ndim - 1) != in_features:
        raise ShapeError(
            f"linear: the last size of input must be {in_features} (weight is {tuple(w.shape)}), "
            f"got input of shape {tuple(x.shape)} (more: "
            "python -m minigrad book linear#the-linear-layer)")
    if bias is not None:
        b = floating("linear", "bias", bias)
        if (cnp.PyArray_SIZE(b.array) == 1 and cnp.PyArray_NDIM(b.array) < 2
                and not (out_features == 1 and cnp.PyArray_NDIM(b.array) == 1)):
            b = b.expand(out_features)   # one number for all
        if cnp.PyArray_NDIM(b.array) != 1 or cnp.PyArray_DIM(b.array, 0) != out_features:
            raise ShapeError(
                f"linear: bias must have shape ({out_features},), got {tuple(b.shape)}")
    cdef int kind = cnp.PyArray_TYPE(w.array)
    if cnp.PyArray_TYPE(x.array) != kind or b is not None and cnp.PyArray_TYPE(b.array) != kind:
        one_dtype("linear", x, "weight", w)
        one_dtype("linear", x, "bias", b)
    cdef cnp.npy_intp[2] shape
    cdef cnp.ndarray rows = x.array
    cdef tuple leading = (<object>rows).shape[:ndim - 1] if ndim != 2 else None
    if ndim != 2:
        rows = (<object>rows).reshape(prod(leading), in_features)
    shape[0], shape[1] = cnp.PyArray_DIM(rows, 0), out_features
    y = wrap(empty_array(2, shape, kind))
    linear_forward(rows, w.array, None if b is None else b.array, y.array, False)
    if ndim != 2:
        y.array = (<object>y.array).reshape(*leading, out_features)
    if recording(x, w, b):
        record(Linear.__new__(Linear), y, (x, w, b))
        y.node.save((x if y.node.needs(1) else None, w if y.node.needs(0) else None))
    return y


cdef Tensor joined_rows(Tensor x):
    """x as a matrix: all dimensions but the last made one."""
    cdef int ndim = cnp.PyArray_NDIM(x.array), i
    cdef Py_ssize_t count = 1
    if ndim == 2:
        return x
    for i in range(ndim - 1):
        count *= cnp.PyArray_DIM(x.array, i)
    return x.reshape(count, cnp.PyArray_DIM(x.array, ndim - 1))


for function in (matmul, mm, bmm, mv, dot, outer):
    method(function.__name__, function)
