"""Tensors from data and from nothing: tensor, from_numpy, zeros, arange and their kin."""

import array as _array
import functools
import math
import numbers
import sys
import warnings

cimport numpy as cnp

import numpy as np

from ... import dtypes
from ..._checks import class_of
from ..._runtime.array_pool cimport made
from ..._runtime.fp_warnings import quietly
from ...autograd.grad_mode cimport recording
from ...devices import device as Device
from ...errors import DTypeError, GraphError, ShapeError
from ...tensor cimport Tensor, wrap
from ...tensor import Size
from ..math.arguments cimport is_number, operand, stored
from ..math.arguments import foreign_array, plain_array
from ..math.shaping cimport shape_argument

cnp.import_array()


# --- what the makers share -----------------------------------------------------------------------

cdef Tensor finished(str operation, cnp.ndarray array, object device, object requires_grad):
    """A leaf around an array that nothing else refers to."""
    cdef Tensor y = wrap(array)
    if device is not None:
        Device(device)
    if requires_grad is not False:
        y.requires_grad = requires_grad
    return y


cdef tuple new_shape(str operation, tuple shape, object size):
    """The shape asked for as f(2, 3), f((2, 3)) or f(size=(2, 3))."""
    if size is not None:
        if shape:
            raise TypeError(f"{operation}: got the size twice, {shape} and {size}")
        shape = (size,)
    elif not shape:
        raise TypeError(f"{operation}: expected a size; write {operation}(()) for a 0-d tensor")
    return shape_argument(operation, shape)


cdef object allocated(str operation, tuple shape, object numpy_dtype, object make=np.empty):
    """An array, values undefined; impossible sizes are an error before memory is asked for."""
    if min(shape, default=0) < 0:
        raise ValueError(f"{operation}: sizes must be >= 0, got {shape}")
    size = numpy_dtype.itemsize
    for each in shape:
        size *= each or 1
    if size > sys.maxsize:
        raise MemoryError(f"{operation}: the size of {shape} overflows: {size} bytes")
    try:
        return made(make, shape, numpy_dtype, size)
    except MemoryError:
        raise MemoryError(f"{operation}: no memory for shape {shape}: {size} bytes") from None
    except ValueError:
        raise ValueError(f"{operation}: an array cannot have {len(shape)} dimensions") from None


cdef object numpy_dtype(dtype):
    return (dtypes.get_default_dtype() if dtype is None else dtypes.find(dtype)).numpy


cdef object float_dtype(str operation, object dtype):
    found = numpy_dtype(dtype)
    if found.kind != "f":
        raise DTypeError(f"{operation}: dtype must be float32 or float64, got {found}")
    return found


# --- from data -----------------------------------------------------------------------------------

def tensor(data, dtype=None, requires_grad=False, *, device=None):
    """A new leaf with a copy of `data`: a number, nested lists, an array or a tensor. torch.tensor.

    Python floats become the default dtype, ints int64, bools bool; what NumPy made keeps its dtype.
    Data that requires a gradient loses its history here, with a warning.
    Errors: TypeError, ShapeError (ragged), ValueError (too large), DTypeError.
    """
    target = None if dtype is None else dtypes.find(dtype).numpy
    return finished("tensor", array_of("tensor", data, target), device, requires_grad)


cdef cnp.ndarray array_of(str operation, data, target):
    """A new array with the values of `data`, in the NumPy dtype `target` (None: their own)."""
    if isinstance(data, Tensor):
        warn_of_history(operation, data)
        data = (<Tensor>data).array
    elif isinstance(data, (list, tuple, range)):
        return array_of_list(operation, data, target)
    elif isinstance(data, (bool, int, float)) and not isinstance(data, np.generic):
        found = found_dtype({type(data)}, set()) if target is None else target
        return converted(operation, np.array(data), found)
    elif target is not None and is_number(data) and isinstance(data, np.generic):
        return converted(operation, np.array(data), target)
    elif not isinstance(data, np.ndarray):
        if not hasattr(data, "__array__") and not isinstance(data, (_array.array, memoryview)):
            raise TypeError(f"{operation}: cannot make a tensor from {type(data).__name__}")
        data = foreign_array(operation, data)
    if target is not None and data.dtype == np.uint64:   # no dtype of ours, but numbers of ours
        return converted(operation, np.array(data), target)
    array = plain_array(operation, "data", data)
    return quietly(array.astype, array.dtype if target is None else target, order="C", copy=True)


cdef int warn_of_history(str operation, Tensor x) except -1:
    """Warn: a new tensor has no history, which is a surprise where the data requires a gradient."""
    if recording(x):
        warnings.warn(
            f"{operation}: data requires a gradient, which ends here, for a new tensor has no "
            "history; use clone, stack or cat to keep it, .detach() or .item() to leave it",
            stacklevel=1)
    return 0


cdef object array_of_list(str operation, data, target):
    cdef set python_types = set(), numpy_types = set()
    values = collected(operation, data, python_types, numpy_types, 1)
    try:
        array = np.array(values)
    except ValueError:
        raise ShapeError(f"{operation}: the lists in data differ in length or depth") from None
    if target is not None and target.kind == "i" and array.dtype.kind == "f":
        if np.max(np.abs(array), initial=0) >= EXACT:   # beside a float an int is rounded
            array = np.frompyfunc(lambda each: int(each) if math.isfinite(each) else each, 1, 1)(
                np.array(values, dtype=object))
    return converted(
        operation, array, found_dtype(python_types, numpy_types) if target is None else target)


cdef object collected(str operation, data, set python_types, set numpy_types, int depth):
    """`data` with NumPy arrays for tensors; the types of its numbers are noted in the two sets."""
    cdef set types = set(map(type, data))
    if types <= PLAIN:
        python_types |= types
        return data
    cdef list values = []
    for each in data:
        if isinstance(each, (list, tuple, range)):
            if depth == DEEPEST:
                raise ValueError(f"{operation}: data is lists in lists, more than {DEEPEST} deep")
            values.append(collected(operation, each, python_types, numpy_types, depth + 1))
        elif isinstance(each, Tensor):
            if cnp.PyArray_SIZE((<Tensor>each).array) != 1:
                raise ValueError(f"{operation}: a tensor of shape {tuple(each.shape)} is no "
                                 "number of a list; use stack or cat")
            warn_of_history(operation, each)
            numpy_types.add(each.dtype)
            values.append((<Tensor>each).array.item())
        elif isinstance(each, (np.generic, np.ndarray)):
            values.append(plain_array(operation, "data", each))
            numpy_types.add(dtypes._by_numpy[values[len(values) - 1].dtype])
        elif isinstance(each, (bool, int, float)):
            python_types.add(type(each))
            values.append(each)
        else:
            raise TypeError(
                f"{operation}: data holds {type(each).__name__}; a tensor holds numbers only")
    return values


cdef double EXACT = 2.0 ** 53   # up to here every integer is a double
cdef set PLAIN = {bool, int, float}
cdef int DEEPEST = 64  # NumPy's limit; a list that holds itself ends here too


cdef object found_dtype(set python_types, set numpy_types):
    """The dtype of numbers of these Python types together with NumPy's of these dtypes."""
    found = set(numpy_types)
    for kind in python_types:
        kind = bool if issubclass(kind, bool) else int if issubclass(kind, int) else float
        found.add(dtypes.get_default_dtype() if kind is float else dtypes.find(kind))
    return functools.reduce(dtypes.promote_types, found or {dtypes.get_default_dtype()}).numpy


cdef cnp.ndarray converted(str operation, array, target):
    """A new array in another dtype, `array` itself if it has it; numbers must fit."""
    if array.dtype == target:
        return array
    if target.kind in "iu" and array.dtype.kind != "b":
        if array.dtype.kind == "f":
            array = np.asarray(np.trunc(array))
        # torch takes −1 for 255 in uint8 (not −1.0), so the lowest number is −(largest + 1) there.
        largest = np.iinfo(target).max
        lowest = 0 if target.kind == "u" and array.dtype.kind == "f" else -largest - 1
        bad = np.logical_not((array >= lowest) & (array < largest + 1))
        if np.any(bad):
            raise ValueError(f"{operation}: {array[bad].flat[0]} does not fit into {target}")
    try:
        return np.asarray(quietly(array.astype, target, copy=True))
    except OverflowError:
        raise ValueError(f"{operation}: a number in data does not fit into {target}") from None


def from_numpy(ndarray):
    """A tensor on the memory of a NumPy array: a change of either shows in both. torch.from_numpy.

    A read-only array stays read-only. Errors: TypeError, DTypeError, ValueError (not aligned, or
    of the other byte order).
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"from_numpy: expected a NumPy array, got {class_of(ndarray)}")
    if isinstance(ndarray, np.ma.MaskedArray):
        raise TypeError("from_numpy: the mask of a masked array would be lost; use .filled(value)")
    if not ndarray.dtype.isnative:
        raise ValueError(f"from_numpy: the array has the other byte order ({ndarray.dtype.str}); "
                         "copy it with array.astype(array.dtype.newbyteorder('='))")
    if not ndarray.flags.aligned:
        raise ValueError("from_numpy: the array is not aligned in memory; pass array.copy()")
    if ndarray.dtype not in dtypes._by_numpy:
        names = ", ".join(each.name for each in dtypes.ALL)
        raise DTypeError(
            f"from_numpy: the array has dtype {ndarray.dtype}, expected one of {names}")
    return wrap(np.asarray(ndarray).view())


def as_tensor(data, dtype=None, device=None):
    """`data` as a tensor that shares its memory where that is possible. torch.as_tensor."""
    if device is not None:
        Device(device)
    if isinstance(data, np.ndarray) and data.dtype in dtypes._by_numpy and data.flags.aligned:
        data = from_numpy(data)
    return data.to(dtype) if isinstance(data, Tensor) else tensor(data, dtype)


def from_arguments(arguments):
    """What `Tensor(…)` holds: zeros of a shape, or data in the default dtype."""
    if not arguments:
        return wrap(np.zeros(0, numpy_dtype(None)))
    first = arguments[0]
    data_types = (Tensor, list, tuple, range, np.ndarray)
    if len(arguments) == 1 and isinstance(first, data_types) and not isinstance(first, Size):
        return wrap(
            array_of("Tensor", first, None if isinstance(first, Tensor) else numpy_dtype(None)))
    if hasattr(first, "__array__") and np.ndim(first):   # a table, say: no size
        raise TypeError(f"Tensor: sizes must be integers, got {class_of(first)}")
    return zeros(*arguments)


# --- from nothing --------------------------------------------------------------------------------

cdef Tensor constant(
    str operation, tuple shape, object numpy_dtype, object value, object device,
    object requires_grad,
):
    """A leaf with `value` everywhere; None is 0, in memory that comes zeroed."""
    array = allocated(operation, shape, numpy_dtype, np.zeros if value is None else np.empty)
    if value is not None:
        array.fill(value)
    return finished(operation, array, device, requires_grad)


def zeros(*shape, size=None, dtype=None, device=None, requires_grad=False):
    """Zeros of the shape given as zeros(2, 3) or zeros((2, 3)). torch.zeros."""
    shape = new_shape("zeros", shape, size)
    return constant("zeros", shape, numpy_dtype(dtype), None, device, requires_grad)


def ones(*shape, size=None, dtype=None, device=None, requires_grad=False):
    """Ones of the shape given as ones(2, 3) or ones((2, 3)). torch.ones."""
    return constant(
        "ones", new_shape("ones", shape, size), numpy_dtype(dtype), 1, device, requires_grad)


def empty(*shape, size=None, dtype=None, device=None, requires_grad=False):
    """A tensor whose values are whatever the memory held. torch.empty."""
    array = allocated("empty", new_shape("empty", shape, size), numpy_dtype(dtype))
    return finished("empty", array, device, requires_grad)


def full(size, fill_value, *, dtype=None, device=None, requires_grad=False):
    """`fill_value` everywhere, in `dtype` or the dtype that `tensor` would give it. torch.full."""
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"full: size must be a tuple of integers, got {type(size).__name__}")
    value = python_number("full", "fill_value", fill_value)
    found = tensor(value).dtype if dtype is None else dtypes.find(dtype)
    shape = new_shape("full", (size,), None)
    if found is dtypes.float32 and is_number(value):
        stored("full", value, cnp.NPY_FLOAT32)   # raises the error of a number that does not fit
    value = converted("full", np.array(value), found.numpy)
    return constant("full", shape, found.numpy, value, device, requires_grad)


cdef object python_number(str operation, str argument, value):
    """A number, given as such or as a 0-d tensor or array, as Python's."""
    cdef Tensor x
    if type(value) in PLAIN:
        return value
    if is_number(value):   # by way of the default dtype a float64 would lose digits
        if isinstance(value, np.bool_):
            return bool(value)
        return int(value) if isinstance(value, numbers.Integral) else float(value)
    x = operand(operation, argument, value)
    if cnp.PyArray_NDIM(x.array):
        raise TypeError(f"{operation}: {argument} must be a number, got shape {tuple(x.shape)}")
    if recording(x):
        raise GraphError(
            f"{operation}: {argument} requires a gradient, but none is kept; use .item()")
    return x.item()


def zeros_like(input, *, dtype=None, device=None, requires_grad=False):
    """Zeros of the shape and dtype of `input`. torch.zeros_like."""
    cdef Tensor x = template("zeros_like", input)
    found = numpy_dtype(dtype or x.dtype)
    return constant("zeros_like", tuple(x.shape), found, None, device, requires_grad)


def ones_like(input, *, dtype=None, device=None, requires_grad=False):
    """Ones of the shape and dtype of `input`. torch.ones_like."""
    cdef Tensor x = template("ones_like", input)
    return constant(
        "ones_like", tuple(x.shape), numpy_dtype(dtype or x.dtype), 1, device, requires_grad)


def empty_like(input, *, dtype=None, device=None, requires_grad=False):
    """A tensor of the shape and dtype of `input`, values undefined. torch.empty_like."""
    cdef Tensor x = template("empty_like", input)
    array = allocated("empty_like", tuple(x.shape), numpy_dtype(dtype or x.dtype))
    return finished("empty_like", array, device, requires_grad)


def full_like(input, fill_value, *, dtype=None, device=None, requires_grad=False):
    """`fill_value` in the shape and dtype of `input`. torch.full_like."""
    cdef Tensor x = template("full_like", input)
    return full(tuple(x.shape), fill_value, dtype=dtype or x.dtype, device=device,
                requires_grad=requires_grad)


cdef Tensor template(str operation, object x):
    if not isinstance(x, Tensor):
        raise TypeError(f"{operation}: input must be a Tensor, got {class_of(x)}")
    return x


def eye(n, m=None, *, dtype=None, device=None, requires_grad=False):
    """The (n, m) matrix with ones on its diagonal; m = n unless given. torch.eye."""
    cdef tuple shape = shape_argument("eye", (n, n if m is None else m))
    array = allocated("eye", shape, numpy_dtype(dtype))
    array.fill(0)
    np.fill_diagonal(array, 1)
    return finished("eye", array, device, requires_grad)


def arange(start=0, end=None, step=1, *, dtype=None, device=None, requires_grad=False):
    """start, start + step, … below `end`: arange(end), arange(start, end[, step]). torch.arange.

    int64 if all three are integers, else the default dtype.
    """
    if end is None:
        start, end = 0, start
    start, end = python_number("arange", "start", start), python_number("arange", "end", end)
    step = python_number("arange", "step", step)
    whole = not any([isinstance(value, float) for value in (start, end, step)])
    found = numpy_dtype(int if whole and dtype is None else dtype)
    if found.kind == "b":
        raise DTypeError("arange: the dtype must be a float or an integer, got bool")
    if not (math.isfinite(start) and math.isfinite(end) and math.isfinite(step)):
        raise ValueError(f"arange: start, end, step must be finite, got {start}, {end}, {step}")
    if found == np.int64:   # torch counts in integers here, for all others in double
        start, end, step, whole = int(start), int(end), int(step), True
    if step == 0:
        raise ValueError("arange: step must not be 0")
    if (end - start) * step < 0:
        raise ValueError(f"arange: no step of {step} leads from {start} to {end}")
    count = -((start - end) // step) if whole else math.ceil((end - start) / step)
    if found.kind != "f":
        start, step = int(start), int(step)
    array = allocated("arange", (count,), found)
    steps = np.arange(count, dtype=np.int64 if found.kind != "f" else np.float64)
    np.copyto(array, start + steps * step, casting="unsafe")
    return finished("arange", array, device, requires_grad)


def linspace(start, end, steps, *, dtype=None, device=None, requires_grad=False):
    """`steps` numbers at equal distances from `start` to `end`, both included. torch.linspace."""
    start, end = python_number("linspace", "start", start), python_number("linspace", "end", end)
    (count,) = shape_argument("linspace", (steps,))
    array = allocated("linspace", (count,), numpy_dtype(dtype))
    if array.dtype.kind != "f":
        if not (math.isfinite(start) and math.isfinite(end)):
            raise ValueError(f"linspace: {start} and {end} are not both integers for {array.dtype}")
        if array.dtype.kind == "b":
            raise DTypeError("linspace: the dtype must be a float or an integer, got bool")
        # As in torch: equal distances between whole ends.
        start, end = [
            converted("linspace", np.array(each), array.dtype).item() for each in (start, end)]
    quietly(fill_evenly, array, start, end, count)
    return finished("linspace", array, device, requires_grad)


def fill_evenly(array, start, end, count):
    """`count` numbers at equal distances into `array`."""
    steps = np.arange(count, dtype=np.float64)
    distance = (end - start) / max(count - 1, 1)
    # Each half is counted from its own end, so that both ends are exact.
    values = np.where(
        steps < count / 2, start + distance * steps, end - distance * (count - 1 - steps))
    np.copyto(array, np.trunc(values) if array.dtype.kind != "f" else values, casting="unsafe")
