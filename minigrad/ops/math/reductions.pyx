"""Sums, means, variances and norms over any dimensions: docs/derivations/reductions.md.

float32 is summed in double and rounded once.
"""

import numbers
import warnings

cimport numpy as cnp
from libc.math cimport INFINITY

import numpy as np

from ... import dtypes
from ..._checks import number
from ..._kernels import active as kernels
from ..._runtime.array_pool cimport MAX_DIMENSIONS, copied, empty_array
from ..._runtime.fp_warnings import quietly
from ...autograd.grad_mode cimport recording
from ...errors import DTypeError
from ...tensor cimport Function, Tensor, record, wrap
from ...tensor import method
from .arguments cimport floating, operand
from .arithmetic import absolute, power, sign
from .broadcasting cimport all_finite, dimension, dimensions
from .broadcasting import numpy_names
from .comparison import isfinite, isinf
from .selection import where

cnp.import_array()


# --- the values --------------------------------------------------------------------------------

cdef tuple all_dimensions(str operation, object dim, Py_ssize_t ndim):
    """The dimensions to reduce; none given, or an empty tuple: all."""
    if isinstance(dim, (tuple, list)) and len(dim) == 0:
        dim = None
    return dimensions(operation, dim, ndim)


cdef tuple kept_shape(cnp.ndarray x, tuple axes):
    """x's shape with 1 where a dimension is reduced."""
    cdef list sizes = list((<object>x).shape)
    for axis in axes:
        sizes[axis] = 1
    return tuple(sizes)


cdef Py_ssize_t count(cnp.ndarray x, tuple axes):
    """How many elements become one."""
    cdef Py_ssize_t product = 1
    for axis in axes:
        product *= cnp.PyArray_DIM(x, axis)
    return product


cdef cnp.ndarray reshaped_array(cnp.ndarray x, cnp.npy_intp *sizes, int ndim):
    cdef cnp.PyArray_Dims shape
    shape.ptr, shape.len = sizes, ndim
    return cnp.PyArray_Newshape(x, &shape, cnp.NPY_CORDER)


cdef cnp.ndarray folded(cnp.ndarray x, tuple axes):
    """x as a C-ordered (A, R, C), where R holds the dimensions to reduce.

    A view where they are neighbors in a C-ordered array; else a copy brings them to the end.
    """
    cdef bint[MAX_DIMENSIONS] reduce
    cdef cnp.npy_intp[3] sizes
    cdef int i, ndim = cnp.PyArray_NDIM(x), part = 0
    for i in range(ndim):
        reduce[i] = False
    for axis in axes:
        reduce[<int>axis] = True
    sizes[0] = sizes[1] = sizes[2] = 1
    for i in range(ndim):
        if cnp.PyArray_DIM(x, i) == 1:
            continue
        if reduce[i] != (part == 1):
            part += 1
        if part == 3:
            return folded(x.transpose([i for i in range(ndim) if not reduce[i]] + list(axes)),
                          tuple(range(ndim - len(axes), ndim)))
        sizes[part] *= cnp.PyArray_DIM(x, i)
    if not cnp.PyArray_IS_C_CONTIGUOUS(x):
        x = copied(x)
    return reshaped_array(x, sizes, 3)


cdef enum Kind:
    SUM, VAR, STD, NORM


cdef cnp.ndarray reduced_array(Kind kind, cnp.ndarray x, tuple axes, bint keepdim, double divisor):
    """Σ x, Σ (x − mean)², its root or √Σ x², over `divisor`; computed in double, rounded once."""
    cdef cnp.npy_intp[MAX_DIMENSIONS] sizes
    cdef cnp.npy_intp[2] flat
    cdef int i, ndim = 0
    cdef cnp.ndarray rows = folded(x, axes), y, total, mean
    for i in range(cnp.PyArray_NDIM(x)):
        if i in axes:
            if keepdim:
                sizes[ndim] = 1
                ndim += 1
        else:
            sizes[ndim] = cnp.PyArray_DIM(x, i)
            ndim += 1
    flat[0], flat[1] = cnp.PyArray_DIM(rows, 0), cnp.PyArray_DIM(rows, 2)
    y = empty_array(ndim, sizes, cnp.PyArray_TYPE(x))
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT64:
        total = reshaped_array(y, flat, 2)
    else:
        total = empty_array(2, flat, cnp.NPY_FLOAT64)
    if kind == SUM:
        kernels.sum_forward(rows, total, divisor)
    else:
        mean = cnp.PyArray_ZEROS(2, flat, cnp.NPY_FLOAT64, 0)
        if kind != NORM:
            kernels.sum_forward(rows, mean, cnp.PyArray_DIM(rows, 1))
        kernels.var_forward(rows, mean, total, divisor)
        if kind != VAR:
            quietly(np.sqrt, total, out=total)
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT32:
        round_into(total, y)
    return y


cdef void round_into(cnp.ndarray total, cnp.ndarray y) noexcept:
    """y = total, from double to float: without the warning of NumPy's cast where it overflows."""
    cdef const double *x = <const double *>cnp.PyArray_DATA(total)
    cdef float *rounded = <float *>cnp.PyArray_DATA(y)
    cdef Py_ssize_t i
    for i in range(cnp.PyArray_SIZE(y)):
        rounded[i] = <float>x[i]


# --- sum and mean ------------------------------------------------------------------------------

cdef class Reduction(Function):
    """Remembers how to give the result's gradient the input's shape."""

    cdef Tensor spread(self, Tensor dy):
        """dy, repeated along the dimensions that were reduced."""
        return dy.reshape(self.kept_shape).expand(self.shape)


cdef Reduction record_reduction(Reduction node, Tensor y, Tensor x, tuple axes):
    """Make `node` the history of y, x reduced over `axes`."""
    node.axes = axes
    node.shape = (<object>x.array).shape
    node.kept_shape = kept_shape(x.array, axes)
    record(node, y, (x,))
    return node


cdef class Sum(Reduction):
    """y = Σ x over some dimensions:  dx = dy, repeated along them  (2)"""

    cdef backward(self, Tensor dy):
        return self.spread(dy)  # (2)


cdef class Mean(Reduction):
    """y = Σ x / R over the R elements that become one:  dx = dy / R, repeated along them  (3)"""

    cdef Py_ssize_t count

    cdef backward(self, Tensor dy):
        return self.spread(dy / self.count)  # (3)


cdef Tensor summed(Tensor x, tuple axes, bint keepdim):
    """Σ x over these dimensions, of a float tensor."""
    cdef Tensor y = wrap(reduced_array(SUM, x.array, axes, keepdim, 1))
    if recording(x):
        record_reduction(Sum.__new__(Sum), y, x, axes)
    return y


@numpy_names
def sum(input, dim=None, keepdim=False, *, dtype=None):
    """y = Σ input over `dim` (an integer, a tuple, None: all). Integers and bools give int64.

    dtype: convert the input first. torch.sum.
    """
    cdef Tensor x = operand("sum", "input", input)
    cdef tuple axes = all_dimensions("sum", dim, cnp.PyArray_NDIM(x.array))
    target = dtypes.int64
    if dtype is not None:
        target = dtypes.find(dtype)
        x = x.to(target)
    if cnp.PyArray_ISFLOAT(x.array):
        return summed(x, axes, keepdim)
    return wrap(np.asarray(np.sum(x.array, axis=axes, dtype=target.numpy, keepdims=bool(keepdim))))


cdef Tensor float_input(str operation, object input, object dtype):
    """The input in the dtype given; it must then be a float."""
    if dtype is not None:
        input = operand(operation, "input", input).to(dtype)
    return floating(operation, "input", input)


cdef Tensor widened(str operation, object input, object dtype):
    """The input, a float, in the dtype given, which must hold all its digits."""
    cdef Tensor x = floating(operation, "input", input)
    if dtype is None:
        return x
    target = dtypes.find(dtype)
    if dtypes.promote_types(x.dtype, target) is not target:
        raise DTypeError(
            f"{operation}: dtype = {target} would narrow an input of {x.dtype}; convert the result "
            "instead, with .to(dtype)")
    return x.to(target)


@numpy_names
def mean(input, dim=None, keepdim=False, *, dtype=None):
    """y = Σ input / R over the R elements along `dim` (an integer, a tuple, None: all).

    R = 0 gives NaN. Integers are refused unless dtype names a float. torch.mean.
    """
    cdef Tensor x = float_input("mean", input, dtype), y
    cdef tuple axes = all_dimensions("mean", dim, cnp.PyArray_NDIM(x.array))
    cdef Mean node
    y = wrap(reduced_array(SUM, x.array, axes, keepdim, count(x.array, axes)))
    if recording(x):
        node = record_reduction(Mean.__new__(Mean), y, x, axes)
        node.count = count(x.array, axes)
    return y


# --- var and std -------------------------------------------------------------------------------

cdef class Var(Reduction):
    """y = Σ (x − mean)² / divisor:  dx = dy · 2 (x − mean) / divisor  (5)"""

    cdef readonly double divisor

    cdef backward(self, Tensor dy):
        (x,) = self.saved()
        return self.from_deviation(dy, x)

    cdef Tensor from_deviation(self, Tensor dy, x):
        deviation = x - mean(x, self.axes, True)
        cdef Tensor left = mean(deviation, self.axes, True)   # what the rounded mean left over
        if not all_finite(left.array):   # of infinite elements: no rounding error
            left = where(isfinite(left), left, 0.0)
        deviation = deviation - left
        slope = 2 / self.divisor if self.divisor > 0 else INFINITY
        return deviation * self.spread(dy * slope)  # (5)


cdef class Std(Var):
    """y = √v with v = var x:  dv = dy / (2 y), and 0 where y = 0  (6)"""

    cdef backward(self, Tensor dy):
        x, y = self.saved()
        constant = y == 0
        dv = where(constant, 0.0, dy / (2 * where(constant, 1.0, y)))  # (6)
        return self.from_deviation(dv, x)


cdef int warn_of_no_freedom(str name, Py_ssize_t R, object correction) except -1:
    cure = "; correction=0 divides by their number" if R else ""
    warnings.warn(
        f"{name}: degrees of freedom <= 0: {R} value{'' if R == 1 else 's'} and correction="
        f"{correction} leave nothing to divide by, which gives nan or inf{cure}", stacklevel=1)
    return 0


cdef Tensor var_or_std(
    str name, Kind kind, object input, object dim, object unbiased, bint keepdim, object correction
):
    cdef Tensor x = floating(name, "input", input), y
    cdef Var node
    if isinstance(dim, bool):   # var(input, unbiased)
        dim, unbiased = None, dim
    if unbiased is not None and correction is not None:
        raise TypeError(f"{name}: unbiased is another way to give the correction; use one of them")
    if correction is None:
        correction = 0 if unbiased is False else 1
    cdef tuple axes = all_dimensions(name, dim, cnp.PyArray_NDIM(x.array))
    cdef Py_ssize_t R = count(x.array, axes)
    cdef double divisor = R - <double>number(name, "correction", correction)
    divisor = divisor if divisor > 0 else 0
    y = wrap(reduced_array(kind, x.array, axes, keepdim, divisor))
    if divisor == 0 and cnp.PyArray_SIZE(y.array):
        warn_of_no_freedom(name, R, correction)
    if recording(x):
        node = Var.__new__(Var) if kind == VAR else Std.__new__(Std)
        node.divisor = divisor
        record_reduction(node, y, x, axes).save((x,) if kind == VAR else (x, y))
    return y


@numpy_names
def var(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """y = Σ (input − mean)² / (R − correction) over the R elements along `dim`.

    dim: an integer, a tuple, None: all. correction: 1 unless given; unbiased=False means 0.
    Where R ≤ correction the divisor is 0, which gives NaN or ∞, and a warning. torch.var.
    """
    return var_or_std("var", VAR, input, dim, unbiased, keepdim, correction)


@numpy_names
def std(input, dim=None, unbiased=None, keepdim=False, *, correction=None):
    """y = √var(input), with the same arguments; the gradient where y = 0 is 0. torch.std."""
    return var_or_std("std", STD, input, dim, unbiased, keepdim, correction)


# --- norm --------------------------------------------------------------------------------------

cdef class Norm(Reduction):
    """y = (Σ |x|^p)^(1/p):  dx = dy · sign x · (|x| / y)^(p−1), and 0 where x = 0  (7)"""

    cdef readonly double p

    cdef backward(self, Tensor dy):
        cdef Tensor x, y
        x, y = self.saved()
        y = y.reshape(self.kept_shape)
        if self.p == 2 and np.all(y.array) and all_finite(y.array):
            return self.spread(dy) * (x / y)  # (7)
        nothing = y == 0   # there x = 0 too
        share = self.share(x, where(nothing, 1.0, y))
        if self.p == 2:
            return where(nothing, 0.0, self.spread(dy) * share)
        zero = x == 0
        slope = sign(x) * power(where(zero, 1.0, absolute(share)), self.p - 1)
        return where(zero, 0.0, self.spread(dy) * slope)  # (7)

    cdef Tensor share(self, Tensor x, Tensor y):
        """x / y; where both are infinite, the limit of n equal elements is n^(−1/p)."""
        if all_finite(y.array):
            return x / y
        infinite = isinf(x)
        n = infinite.sum(self.axes, True).to(x.dtype)
        return where(infinite, sign(x) * power(n, -1 / self.p), where(infinite, 0.0, x) / y)


def _p_norm(x, p, axes, keepdim):
    total = np.power(np.abs(x), p, dtype=np.float64).sum(axis=axes, keepdims=keepdim)
    return np.asarray(total ** (1 / p)).astype(x.dtype)


@numpy_names
def norm(input, p="fro", dim=None, keepdim=False, dtype=None):
    """y = (Σ |input|^p)^(1/p) over `dim` (an integer, a tuple, None: all).

    p: "fro" is 2; inf and -inf give the largest and the smallest |input|, 0 counts what is not 0.
    The gradient where y = 0 is 0. dtype: convert the input first, to a wider float. torch.norm.
    """
    cdef Tensor x = widened("norm", input, dtype), y
    cdef tuple axes = all_dimensions("norm", dim, cnp.PyArray_NDIM(x.array))
    cdef Norm node
    cdef double order
    if p == "fro":
        order = 2
    elif isinstance(p, numbers.Real) and not isinstance(p, bool) and p == p:
        order = p
    else:
        raise ValueError(f"norm: p must be a number or 'fro', got {p!r}")
    if order == INFINITY:
        return absolute(x).amax(axes, keepdim)
    if order == -INFINITY:
        return absolute(x).amin(axes, keepdim)
    if order == 0:
        return sum(absolute(sign(x)), axes, keepdim)
    if order == 2:
        y = wrap(reduced_array(NORM, x.array, axes, keepdim, 1))
    else:
        y = wrap(quietly(_p_norm, x.array, order, axes, bool(keepdim)))
    if recording(x):
        node = Norm.__new__(Norm)
        node.p = order
        record_reduction(node, y, x, axes).save((x, y))
    return y


# --- running sums ------------------------------------------------------------------------------

cdef class Cumsum(Function):
    """y[i] = Σ x[j] over j ≤ i along a dimension:  dx[i] = Σ dy[j] over j ≥ i  (8)"""

    cdef readonly Py_ssize_t axis
    cdef readonly bint from_the_end

    cdef backward(self, Tensor dy):
        return running_sum(dy, self.axis, not self.from_the_end)  # (8)


cdef Tensor running_sum(Tensor x, Py_ssize_t axis, bint from_the_end):
    """The sums so far, in double, of a float tensor of one dimension or more."""
    cdef Cumsum node
    array = np.flip(x.array, axis) if from_the_end else x.array
    sums = quietly(np.cumsum, array, axis, np.float64)
    sums = np.flip(sums, axis) if from_the_end else sums
    cdef Tensor y = wrap(quietly(sums.astype, (<object>x.array).dtype, order="C"))
    if recording(x):
        node = Cumsum.__new__(Cumsum)
        node.axis, node.from_the_end = axis, from_the_end
        record(node, y, (x,))
    return y


@numpy_names
def cumsum(input, dim, *, dtype=None):
    """y[i] = Σ input[j] over all j ≤ i along `dim`. Integers and bools give int64.

    dtype: convert the input first. torch.cumsum.
    """
    cdef Tensor x = operand("cumsum", "input", input)
    cdef Py_ssize_t axis = dimension("cumsum", dim, cnp.PyArray_NDIM(x.array))
    if dtype is not None:
        x = x.to(dtypes.find(dtype))
    elif not cnp.PyArray_ISFLOAT(x.array):
        x = x.to(dtypes.int64)
    if cnp.PyArray_NDIM(x.array) == 0:   # a sum of one
        return x.clone()
    if cnp.PyArray_ISFLOAT(x.array):
        return running_sum(x, axis, False)
    return wrap(np.cumsum(x.array, axis, (<object>x.array).dtype))


# --- products ----------------------------------------------------------------------------------

@numpy_names
def prod(input, dim=None, keepdim=False, *, dtype=None):
    """y = Π input over one dimension, or over all (None). Integers and bools give int64.

    Halves are multiplied until one element is left, so that the gradient, the product of all the
    others, is right where elements are 0, too. dtype: convert the input first. torch.prod.
    """
    cdef Tensor x = operand("prod", "input", input), rest = None
    cdef Py_ssize_t axis = 0, size
    if dim is not None:
        axis = dimension("prod", dim, cnp.PyArray_NDIM(x.array))
    if dtype is not None:
        x = x.to(dtypes.find(dtype))
    elif not cnp.PyArray_ISFLOAT(x.array):
        x = x.to(dtypes.int64)
    cdef bint is_number = cnp.PyArray_NDIM(x.array) == 0
    x = x.reshape(cnp.PyArray_SIZE(x.array)) if dim is None or is_number else x.transpose(axis, -1)
    cdef int last = x.ndim - 1
    size = x.shape[last]
    if size == 0:
        x = x.sum(last, True).to(x.dtype) + 1   # of no elements: 1
    while size > 1:
        if size % 2:
            rest = x[..., size - 1:] if rest is None else rest * x[..., size - 1:]
        size //= 2
        x = x[..., :size] * x[..., size:2 * size]
    if rest is not None:
        x = x * rest
    if dim is None or is_number:
        return x.reshape(())
    x = x.transpose(axis, -1)
    return x if keepdim else x.squeeze(axis)


for function in (sum, mean, var, std, norm, cumsum, prod):
    method(function.__name__, function)
