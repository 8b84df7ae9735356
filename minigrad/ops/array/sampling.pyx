"""Random tensors: rand, randn, randint, randperm, multinomial, and filling in place."""

import math

cimport numpy as cnp

import numpy as np

from ... import _checks, dtypes
from ..._runtime.fp_warnings import quietly
from ...autograd.in_place cimport may_write, overwrite
from ...errors import DTypeError, ShapeError
from ...random import generator_or_default
from ...tensor cimport Tensor, wrap
from ...tensor import method
from ..math.arguments cimport floating, operand
from ..math.broadcasting import broadcast_call
from ..math.shaping cimport shape_argument
from .creation cimport allocated, finished, float_dtype, new_shape

cnp.import_array()


cdef Tensor uniform(str operation, shape, dtype, device, requires_grad, generator):
    source = generator_or_default(operation, generator)
    array = allocated(operation, shape, float_dtype(operation, dtype))
    cdef Tensor y = finished(operation, array, device, requires_grad)
    source.random(out=array, dtype=array.dtype)
    return y


cdef Tensor gaussian(str operation, shape, dtype, device, requires_grad, generator):
    source = generator_or_default(operation, generator)
    array = allocated(operation, shape, float_dtype(operation, dtype))
    cdef Tensor y = finished(operation, array, device, requires_grad)
    source.standard_normal(out=array, dtype=array.dtype)
    return y


def rand(*shape, size=None, generator=None, dtype=None, device=None, requires_grad=False):
    """Numbers spread evenly over [0, 1), of the shape rand(2, 3) or rand((2, 3)). torch.rand."""
    return uniform("rand", new_shape("rand", shape, size), dtype, device, requires_grad, generator)


def randn(*shape, size=None, generator=None, dtype=None, device=None, requires_grad=False):
    """Normally distributed numbers, mean 0 and standard deviation 1: randn(2, 3). torch.randn."""
    shape = new_shape("randn", shape, size)
    return gaussian("randn", shape, dtype, device, requires_grad, generator)


def normal(mean, std=1.0, size=None, *, generator=None, dtype=None, device=None,
           requires_grad=False):
    """Normally distributed numbers of this mean and standard deviation, each a number or a tensor.

    Of the shape `size`, or, where one of both is a tensor, of the shape to which they broadcast; no
    gradient passes. torch.normal.
    """
    cdef Tensor m = operand("normal", "mean", mean), s = operand("normal", "std", std), y
    if size is None and not isinstance(mean, Tensor) and not isinstance(std, Tensor):
        raise TypeError("normal: size must be given where mean and std are numbers")
    if not np.isfinite(m.array).all() or not (np.isfinite(s.array) & (s.array >= 0)).all():
        raise ValueError("normal: mean and std must be finite and std >= 0")
    shape = broadcast_call("normal", np.add, m.array, s.array).shape
    if size is not None:
        if shape:
            raise TypeError("normal: size is for a mean and a std that are numbers")
        shape = new_shape("normal", (size,), None)
    elif dtype is None:
        dtype = (m if isinstance(mean, Tensor) else s).dtype
    y = gaussian("normal", shape, dtype, device, requires_grad, generator)
    quietly(np.multiply, y.array, s.array, out=y.array, casting="same_kind")
    quietly(np.add, y.array, m.array, out=y.array, casting="same_kind")
    return y


def rand_like(input, *, generator=None, dtype=None, device=None, requires_grad=False):
    """rand in the shape and dtype of `input`. torch.rand_like."""
    cdef Tensor x = operand("rand_like", "input", input)
    return uniform("rand_like", tuple(x.shape), dtype or x.dtype, device, requires_grad, generator)


def randn_like(input, *, generator=None, dtype=None, device=None, requires_grad=False):
    """randn in the shape and dtype of `input`. torch.randn_like."""
    cdef Tensor x = operand("randn_like", "input", input)
    shape = tuple(x.shape)
    return gaussian("randn_like", shape, dtype or x.dtype, device, requires_grad, generator)


def randint(
    low, high=None, size=None, *, generator=None, dtype=None, device=None, requires_grad=False
):
    """Integers from `low` (or 0) to `high` − 1: randint(high, size), randint(low, high, size).

    int64 unless `dtype` says otherwise. torch.randint.
    """
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"randint: size must be a tuple of integers, got {size!r}")
    source = generator_or_default("randint", generator)
    found = dtypes.find(int if dtype is None else dtype).numpy
    low, high = shape_argument("randint", (low, high))
    lowest, highest = exact_range(found)
    if not lowest <= low < high <= highest + 1:
        raise ValueError(f"randint: no integers from {low} to {high} - 1 in {found}")
    array = allocated("randint", shape_argument("randint", (size,)), found)
    cdef Tensor y = finished("randint", array, device, requires_grad)
    array[...] = source.integers(low, high, array.shape)
    return y


cdef tuple exact_range(numpy_dtype):
    """The integers that a dtype holds without gaps."""
    if numpy_dtype.kind == "b":
        return 0, 1
    if numpy_dtype.kind == "f":
        whole = 2 ** (np.finfo(numpy_dtype).nmant + 1)
        return -whole, whole
    return np.iinfo(numpy_dtype).min, np.iinfo(numpy_dtype).max


def randperm(n, *, generator=None, dtype=None, device=None, requires_grad=False):
    """The integers 0 to n − 1 in random order. torch.randperm."""
    source = generator_or_default("randperm", generator)
    found = dtypes.find(int if dtype is None else dtype).numpy
    (count,) = shape_argument("randperm", (n,))
    array = allocated("randperm", (count,), found)
    if count - 1 > exact_range(found)[1]:
        raise ValueError(f"randperm: {found} does not hold the integers up to {count - 1}")
    cdef Tensor y = finished("randperm", array, device, requires_grad)
    array[...] = source.permutation(count)
    return y


def multinomial(input, num_samples, replacement=False, *, generator=None):
    """Positions drawn with probabilities proportional to the numbers ≥ 0 in `input` (or each row).

    Shapes (C,) → (num_samples,), (N, C) → (N, num_samples); int64. Without `replacement` no
    position is drawn twice. Errors: ValueError, ShapeError, DTypeError. torch.multinomial.
    """
    cdef Tensor x = floating("multinomial", "input", input)
    source = generator_or_default("multinomial", generator)
    _checks.integer("multinomial", "num_samples", num_samples, at_least=1)
    _checks.flag("multinomial", "replacement", replacement)
    if cnp.PyArray_NDIM(x.array) not in (1, 2):
        raise ShapeError(f"multinomial: input must be 1-d or 2-d, got shape {tuple(x.shape)}")
    weights = np.atleast_2d(x.array).astype(np.float64)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise ValueError("multinomial: input has a number that is negative, infinite or nan")
    possible = (weights > 0).sum(axis=1).min(initial=weights.shape[1])
    if possible < (1 if replacement else num_samples):
        raise ValueError(
            f"multinomial: {num_samples} samples {'with' if replacement else 'without'} "
            f"replacement, but a row has only {possible} numbers above 0")
    if replacement:
        drawn = np.empty((len(weights), num_samples), np.int64)
        points = source.random(drawn.shape)
        for row, chosen, point in zip(weights, drawn, points):
            ends = np.cumsum(row)
            # A point rounded up to the very end belongs to the last interval that is not empty.
            last = np.flatnonzero(row).max()
            chosen[...] = np.minimum(np.searchsorted(ends, point * ends[last], side="right"), last)
    else:
        # The first of independent exponential clocks to ring is i with probability w_i / Σ w.
        with np.errstate(divide="ignore", over="ignore"):
            rings = source.standard_exponential(weights.shape) / weights
        drawn = np.argsort(rings, axis=1, kind="stable")[:, :num_samples]
    return wrap(drawn if cnp.PyArray_NDIM(x.array) == 2 else drawn[0])


cdef Tensor fillable(str operation, x, generator):
    """x, if it can be filled with random numbers: checked before any is drawn."""
    if not isinstance(x, Tensor):
        raise TypeError(f"{operation}: expected a Tensor, got {type(x).__name__}")
    if not cnp.PyArray_ISFLOAT((<Tensor>x).array):
        raise DTypeError(f"{operation}: the tensor must be float32 or float64, got {x.dtype}")
    generator_or_default(operation, generator)
    may_write(operation, x)
    return x


cdef bint is_real(value):
    return isinstance(value, (int, float, np.integer, np.floating)) and math.isfinite(value)


def normal_(self, mean=0, std=1, *, generator=None):
    """self ← normally distributed numbers of this mean and deviation. torch.Tensor.normal_."""
    cdef Tensor x = fillable("normal_", self, generator), y
    if not is_real(mean) or not is_real(std) or std < 0:
        raise ValueError(
            f"normal_: mean and std must be finite and std >= 0, got {mean!r} and {std!r}")
    mean, std = float(mean), float(std)   # so that NumPy's float64 gives no other bits
    y = gaussian("normal_", tuple(x.shape), x.dtype, None, False, generator)
    quietly(np.multiply, y.array, std, out=y.array)
    quietly(np.add, y.array, mean, out=y.array)
    return overwrite("normal_", x, y)


def uniform_(self, a=0, b=1, *, generator=None):
    """self ← numbers spread evenly over [a, b). torch.Tensor.uniform_."""
    cdef Tensor x = fillable("uniform_", self, generator), y
    if not is_real(a) or not is_real(b) or a > b or not math.isfinite(b - a):
        raise ValueError(f"uniform_: a and b must be finite and a <= b, got {a!r} and {b!r}")
    a, b = float(a), float(b)
    y = uniform("uniform_", tuple(x.shape), x.dtype, None, False, generator)
    quietly(np.multiply, y.array, b - a, out=y.array)
    quietly(np.add, y.array, a, out=y.array)
    return overwrite("uniform_", x, y)


method("multinomial", multinomial)
method("normal_", normal_)
method("uniform_", uniform_)
