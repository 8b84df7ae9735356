"""Random tensors: rand, randn, randint, randperm, and filling in place."""

import math

cimport numpy as cnp

import numpy as np

from .. import dtypes
from ..errors import DTypeError
from ..random import generator_or_default
from ..tensor cimport Tensor, wrap
from ..tensor import method
from .common cimport may_write, operand, overwrite
from .creation cimport allocated, finished, float_dtype, new_shape
from .shaping cimport sizes

cnp.import_array()


cdef Tensor uniform(str operation, shape, dtype, device, requires_grad, generator):
    source = generator_or_default(operation, generator)
    array = allocated(operation, shape, float_dtype(operation, dtype))
    cdef Tensor y = finished(operation, array, device, requires_grad)
    source.random(out=array, dtype=array.dtype)
    return y


cdef Tensor normal(str operation, shape, dtype, device, requires_grad, generator):
    source = generator_or_default(operation, generator)
    array = allocated(operation, shape, float_dtype(operation, dtype))
    cdef Tensor y = finished(operation, array, device, requires_grad)
    source.standard_normal(out=array, dtype=array.dtype)
    return y


def rand(*shape, size=None, generator=None, dtype=None, device=None, requires_grad=False):
    """Numbers spread evenly over [0, 1), of the shape given as rand(2, 3) or rand((2, 3)). torch.rand."""
    return uniform("rand", new_shape("rand", shape, size), dtype, device, requires_grad, generator)


def randn(*shape, size=None, generator=None, dtype=None, device=None, requires_grad=False):
    """Numbers from the normal distribution N(0, 1), of the shape given as randn(2, 3) or randn((2, 3)). torch.randn."""
    return normal("randn", new_shape("randn", shape, size), dtype, device, requires_grad, generator)


def rand_like(input, *, generator=None, dtype=None, device=None, requires_grad=False):
    """rand in the shape and dtype of `input`. torch.rand_like."""
    cdef Tensor x = operand("rand_like", "input", input)
    return uniform("rand_like", tuple(x.shape), dtype or x.dtype, device, requires_grad, generator)


def randn_like(input, *, generator=None, dtype=None, device=None, requires_grad=False):
    """randn in the shape and dtype of `input`. torch.randn_like."""
    cdef Tensor x = operand("randn_like", "input", input)
    return normal("randn_like", tuple(x.shape), dtype or x.dtype, device, requires_grad, generator)


def randint(low, high=None, size=None, *, generator=None, dtype=None, device=None, requires_grad=False):
    """Integers from `low` (0 if left out) to `high` − 1: randint(high, size) or randint(low, high, size). torch.randint."""
    if size is None:
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"randint: size must be a tuple of integers, got {size!r}")
    source = generator_or_default("randint", generator)
    found = dtypes.find(int if dtype is None else dtype).numpy
    low, high = sizes("randint", (low, high))
    largest = np.iinfo(found).max if found.kind in "iu" else 1 if found.kind == "b" else 2 ** np.finfo(found).nmant
    if not -largest - 1 <= low < high <= largest + 1 or (low < 0 and found.kind in "ub"):
        raise ValueError(f"randint: no integers from {low} to {high} − 1 in {found}")
    array = allocated("randint", sizes("randint", (size,)), found)
    cdef Tensor y = finished("randint", array, device, requires_grad)
    array[...] = source.integers(low, high, (<object>array).shape)
    return y


def randperm(n, *, generator=None, dtype=None, device=None, requires_grad=False):
    """The integers 0 to n − 1 in random order. torch.randperm."""
    source = generator_or_default("randperm", generator)
    found = dtypes.find(int if dtype is None else dtype).numpy
    (count,) = sizes("randperm", (n,))
    array = allocated("randperm", (count,), found)
    if count and found.type(count - 1) != count - 1:
        raise ValueError(f"randperm: {found} does not hold the integers up to {count - 1}")
    cdef Tensor y = finished("randperm", array, device, requires_grad)
    array[...] = source.permutation(count)
    return y


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
    """self ← numbers from the normal distribution of this mean and standard deviation. torch.Tensor.normal_."""
    cdef Tensor x = fillable("normal_", self, generator), y
    if not is_real(mean) or not is_real(std) or std < 0:
        raise ValueError(f"normal_: mean and std must be finite and std ≥ 0, got {mean!r} and {std!r}")
    y = normal("normal_", tuple(x.shape), x.dtype, None, False, generator)
    y.array *= std
    y.array += mean
    return overwrite("normal_", x, y)


def uniform_(self, a=0, b=1, *, generator=None):
    """self ← numbers spread evenly over [a, b). torch.Tensor.uniform_."""
    cdef Tensor x = fillable("uniform_", self, generator), y
    if not is_real(a) or not is_real(b) or a > b or not math.isfinite(b - a):
        raise ValueError(f"uniform_: a and b must be finite and a ≤ b, got {a!r} and {b!r}")
    y = uniform("uniform_", tuple(x.shape), x.dtype, None, False, generator)
    y.array *= b - a
    y.array += a
    return overwrite("uniform_", x, y)


method("normal_", normal_)
method("uniform_", uniform_)
