"""Arguments of operations as tensors of one dtype: what counts as one, and torch's promotion."""

import numbers

cimport numpy as cnp
from cpython.float cimport PyFloat_CheckExact
from cpython.long cimport PyLong_CheckExact
from libc.math cimport isinf
from libc.stdint cimport int64_t

import numpy as np

from ... import dtypes
from ..._checks import class_of
from ..._runtime.fp_warnings import quietly
from ...dtypes cimport kind_of
from ...errors import DTypeError
from ...tensor cimport Tensor, wrap

cnp.import_array()


# --- arguments ---------------------------------------------------------------------------------

cdef Tensor operand(str operation, str argument, object value):
    """`value` as a tensor: a Tensor itself, a NumPy array or scalar, or a Python number."""
    if isinstance(value, Tensor):
        return value
    if isinstance(value, np.ndarray):
        return wrap(plain_array(operation, argument, value))
    if isinstance(value, (bool, np.bool_)):
        return wrap(np.array(value))
    if isinstance(value, numbers.Real):
        return wrap(number_array(operation, argument, value))
    came = class_of(value)
    if value is None:
        came += ("; if it is a .grad, no backward has written one: only leaves get a .grad, and "
                 "w = w - lr * w.grad makes a new tensor that is not one")
    raise TypeError(
        f"{operation}: {argument} must be a Tensor, a NumPy array or a number, got {came}")


cdef Tensor floating(str operation, str argument, object value):
    """`value` as a tensor of float32 or float64; other dtypes are refused."""
    cdef Tensor x = value if isinstance(value, Tensor) else operand(operation, argument, value)
    if not cnp.PyArray_ISFLOAT(x.array):
        pixels = (", and pixels with .float() / 255 (more: python -m minigrad book "
                  "mistakes#14-unscaled-pixels)") if x.array.dtype == np.uint8 else ""
        raise DTypeError(
            f"{operation}: {argument} must be float32 or float64, got {x.dtype}; convert it with "
            f".float(){pixels}")
    return x


cdef int one_dtype(str operation, Tensor x, str argument, Tensor u) except -1:
    """Raise the error of a parameter whose dtype is not the input's: data from NumPy is float64."""
    if cnp.PyArray_TYPE(x.array) == cnp.PyArray_TYPE(u.array):
        return 0
    methods = {dtypes.float32: "float()", dtypes.float64: "double()"}
    cure = "convert one of them"
    if u.dtype in methods and x.dtype in methods:
        cure = f"input.{methods[u.dtype]}, or model.{methods[x.dtype]}"
    raise DTypeError(
        f"{operation}: {argument} is {u.dtype}, but input is {x.dtype}; they must be one dtype: "
        f"{cure}")


cdef Tensor as_float(Tensor x):
    """x itself, or an integer tensor in the default float dtype."""
    return x if cnp.PyArray_ISFLOAT(x.array) else x.to(dtypes.get_default_dtype())


def plain_array(operation, argument, array):
    """An array that a tensor can hold: one of our dtypes, this machine's byte order, aligned."""
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(
            f"{operation}: {argument} is a masked array, whose mask would be lost; use "
            ".filled(value)")
    array = np.asarray(array)
    if array.dtype not in dtypes._by_numpy or not array.flags.aligned or not array.dtype.isnative:
        array = np.array(array, dtype=dtypes.nearest(operation, argument, array.dtype).numpy)
    return array


def foreign_array(owner, value):
    """The values of another library's array or tensor, without history; bfloat16 as float32."""
    if hasattr(value, "detach"):
        value = value.detach()
        value = value.float() if "bfloat16" in str(value.dtype) else value
    try:
        array = np.asarray(value)
    except Exception as error:   # whatever the library raises: on another device, say
        raise TypeError(f"{owner}: NumPy cannot read the {type(value).__name__}: {error}") from None
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def number_array(operation, argument, value):
    """A Python or NumPy number as a 0-d array of the dtype that Python numbers have here."""
    if not isinstance(value, numbers.Integral):
        return quietly(np.array, float(value), dtype=dtypes.get_default_dtype().numpy)
    try:
        return np.array(int(value), dtype=np.int64)
    except OverflowError:
        raise ValueError(f"{operation}: {argument} = {value} does not fit into int64") from None


cdef bint is_number(object value):
    if PyFloat_CheckExact(value) or PyLong_CheckExact(value):
        return True
    return isinstance(value, (numbers.Real, np.bool_))


cdef Tensor scalar_like(str operation, object value, int type_number):
    """A Python number as a 0-d tensor of the given NumPy type."""
    cdef cnp.ndarray array = cnp.PyArray_EMPTY(0, NULL, type_number, 0)
    if type_number == cnp.NPY_FLOAT32:
        (<float *>cnp.PyArray_DATA(array))[0] = <float><double>float(value)
    elif type_number == cnp.NPY_FLOAT64:
        (<double *>cnp.PyArray_DATA(array))[0] = <double>float(value)
    else:
        try:
            if type_number == cnp.NPY_INT64 and PyLong_CheckExact(value):
                (<int64_t *>cnp.PyArray_DATA(array))[0] = value
            else:
                (<object>array)[()] = value.item() if isinstance(value, np.generic) else value
        except (OverflowError, ValueError):   # too large, or NaN
            raise ValueError(
                f"{operation}: {value} does not fit into {(<object>array).dtype}") from None
    return wrap(array)


cdef Tensor stored(str operation, object value, int type_number):
    """A number as a 0-d tensor of the type of the memory that it is written to; it must fit.

    By way of the default dtype a float64 would lose digits.
    """
    cdef Tensor y = scalar_like(operation, value, type_number)
    if type_number == cnp.NPY_FLOAT32 and isinf((<float *>cnp.PyArray_DATA(y.array))[0]):
        if not isinf(<double>float(value)):
            raise ValueError(f"{operation}: {value} does not fit into float32")
    return y


# --- promotion ---------------------------------------------------------------------------------

# Promotion as in torch: an operand of a lower rank (a number below a 0-d tensor below any other)
# decides only if its kind (bool, integer, float) is higher than that of all operands above it.

cdef tuple operands(str operation, object a, object b):
    """a and b as tensors of the dtype that torch would give their result."""
    cdef Tensor x, y
    cdef int x_type, y_type
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        x, y = a, b
        x_type, y_type = cnp.PyArray_TYPE(x.array), cnp.PyArray_TYPE(y.array)
        if x_type == y_type:
            return (x, y)
        return promoted(x, y)
    if isinstance(a, Tensor) and is_number(b):
        return (with_number(operation, a, b), number_for(operation, a, b))
    if isinstance(b, Tensor) and is_number(a):
        return (number_for(operation, b, a), with_number(operation, b, a))
    x = operand(operation, "input", a)
    y = operand(operation, "other", b)
    return promoted(x, y)


cdef inline int number_kind(object value):
    if PyFloat_CheckExact(value):
        return 2
    if PyLong_CheckExact(value):
        return 1
    if isinstance(value, (bool, np.bool_)):
        return 0
    return 1 if isinstance(value, numbers.Integral) else 2


cdef int type_with_number(Tensor x, object value):
    """The NumPy type of `x op number`: x's, unless the number is of a higher kind."""
    cdef int own = cnp.PyArray_TYPE(x.array)
    cdef int kind = kind_of(own)
    if kind == 2 or number_kind(value) <= kind:
        return own
    if number_kind(value) == 1:
        return np.dtype(np.int64).num
    return dtypes.get_default_dtype().numpy.num


cdef Tensor with_number(str operation, Tensor x, object value):
    cdef int target = type_with_number(x, value)
    if target == cnp.PyArray_TYPE(x.array):
        return x
    return cast(x, dtypes._by_numpy[cnp.PyArray_DescrFromType(target)])


cdef Tensor number_for(str operation, Tensor x, object value):
    return scalar_like(operation, value, type_with_number(x, value))


cdef tuple promoted(Tensor x, Tensor y):
    cdef object target = result_dtype(x, y)
    return (cast(x, target), cast(y, target))


cdef object result_dtype(Tensor x, Tensor y):
    cdef int x_type = cnp.PyArray_TYPE(x.array), y_type = cnp.PyArray_TYPE(y.array)
    cdef bint x_is_scalar = cnp.PyArray_NDIM(x.array) == 0
    cdef bint y_is_scalar = cnp.PyArray_NDIM(y.array) == 0
    cdef int x_kind = kind_of(x_type), y_kind = kind_of(y_type)
    if x_is_scalar != y_is_scalar:
        if x_is_scalar and x_kind <= y_kind:
            return y.dtype
        if y_is_scalar and y_kind <= x_kind:
            return x.dtype
    return dtypes.promote_types(x.dtype, y.dtype)


cdef Tensor cast(Tensor x, object dtype):
    return x if x.dtype is dtype else x.to(dtype)


# --- what bool is not for ----------------------------------------------------------------------

cdef inline bint is_bool(object x):
    if isinstance(x, Tensor):
        return cnp.PyArray_ISBOOL((<Tensor>x).array)
    if PyFloat_CheckExact(x) or PyLong_CheckExact(x):
        return False
    return isinstance(x, (bool, np.bool_)) or isinstance(x, np.ndarray) and x.dtype == np.bool_


cdef int refuse_bool(str operation, object input, object other) except -1:
    """Raise the error of a difference in which one side is bool: usually a mask by mistake."""
    cdef bint first = is_bool(input), second = is_bool(other)
    if not first and not second:
        return 0
    if first and second:
        raise DTypeError(
            f"{operation}: not defined for bool tensors; use ^ or logical_xor for where two masks "
            "differ, or convert both with .int()")
    argument, value = ("input", input) if first else ("other", other)
    if isinstance(value, (bool, np.bool_)):
        raise DTypeError(
            f"{operation}: not defined for bool, and {argument} is {value}; write {int(value)}")
    raise DTypeError(
        f"{operation}: not defined for bool tensors, and {argument} is one; convert it with "
        ".float() or .int(), or use ~mask for 1 - mask")
