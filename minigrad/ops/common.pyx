"""What the rules share: arguments as tensors of one dtype, `unbroadcast`, writing in place.

Derivation of `unbroadcast`: docs/derivations/broadcasting.md.
"""

import functools
import numbers

cimport numpy as cnp
from cpython.float cimport PyFloat_CheckExact
from cpython.long cimport PyLong_CheckExact
from cpython.ref cimport PyObject
from libc.stdint cimport int64_t

import numpy as np

from .. import dtypes
from .._sharing cimport Step
from .._sharing import rebuild_view
from ..allocation cimport empty
from ..errors import DTypeError, GraphError, ShapeError
from ..grad_mode cimport grad_mode
from ..quiet import quietly
from ..tensor cimport Function, Tensor, record, wrap

cnp.import_array()

cdef extern from "Python.h":
    Py_ssize_t PyNumber_AsSsize_t(object, PyObject *error) except? -1   # NULL: clipped, no error

cdef enum:
    MAX_DIMENSIONS = 64


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
    raise TypeError(
        f"{operation}: {argument} must be a Tensor, a NumPy array or a number, got "
        f"{type(value).__name__}")


cdef Tensor floating(str operation, str argument, object value):
    """`value` as a tensor of float32 or float64; other dtypes are refused."""
    cdef Tensor x = operand(operation, argument, value)
    if not cnp.PyArray_ISFLOAT(x.array):
        raise DTypeError(
            f"{operation}: {argument} must be float32 or float64, got {x.dtype}; convert it with "
            ".float()")
    return x


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
        except OverflowError:
            raise ValueError(
                f"{operation}: {value} does not fit into {(<object>array).dtype}") from None
    return wrap(array)


# Promotion as in torch: an operand of a lower rank (a number below a 0-d tensor below any other)
# decides only if its kind (bool, integer, float) is higher than that of all operands above it.

cdef inline int kind_of(int type_number) noexcept:
    if type_number in (cnp.NPY_FLOAT32, cnp.NPY_FLOAT64):
        return 2
    return 0 if type_number == cnp.NPY_BOOL else 1


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


# --- shapes ------------------------------------------------------------------------------------

cdef bint same_shape(cnp.ndarray a, cnp.ndarray b) noexcept:
    cdef int i
    if cnp.PyArray_NDIM(a) != cnp.PyArray_NDIM(b):
        return False
    for i in range(cnp.PyArray_NDIM(a)):
        if cnp.PyArray_DIM(a, i) != cnp.PyArray_DIM(b, i):
            return False
    return True


cdef object shape_if_broadcast(cnp.ndarray a, cnp.ndarray y):
    """a's shape if y, computed from it, has another; None if a was not repeated."""
    return None if same_shape(a, y) else (<object>a).shape


cdef Tensor unbroadcast(Tensor dy, object shape):
    """Sum dy over the axes along which an input of this shape was repeated; None: it was not.

    Broadcasting used each element several times; the roads add up: (1) of broadcasting.md.
    """
    if shape is None:
        return dy
    cdef tuple sizes = shape, dy_sizes = (<object>dy.array).shape
    if sizes == dy_sizes:
        return dy
    cdef int extra = len(dy_sizes) - len(sizes), i
    cdef list axes = list(range(extra)) + [
        extra + i for i in range(len(sizes)) if sizes[i] == 1 and dy_sizes[extra + i] != 1]
    return dy.sum(tuple(axes)).reshape(sizes)  # (1)


cdef int check_count(str operation, Py_ssize_t ndim) except -1:
    """Raise the error of a tensor of more dimensions than NumPy has."""
    if ndim > MAX_DIMENSIONS:
        raise ValueError(f"{operation}: an array cannot have {ndim} dimensions")
    return 0


cdef Py_ssize_t dimension(str operation, object dim, Py_ssize_t ndim) except -1:
    """One dimension, counted from the front. A 0-d tensor accepts 0 and −1, as in torch."""
    if isinstance(dim, bool) or not isinstance(dim, (int, np.integer)):
        raise TypeError(f"{operation}: dim must be an integer, got {type(dim).__name__}")
    cdef Py_ssize_t bound = max(ndim, 1), at = PyNumber_AsSsize_t(dim, NULL)
    if not -bound <= at < bound:
        raise IndexError(
            f"{operation}: dim {dim} is out of range for a {ndim}-d tensor (expected {-bound} to "
            f"{bound - 1})")
    return at + bound if at < 0 else at


cdef tuple dimensions(str operation, object dim, Py_ssize_t ndim):
    """Several dimensions (None: all), counted from the front, each once."""
    if dim is None:
        return tuple(range(ndim))
    cdef tuple found
    if isinstance(dim, (tuple, list)):
        found = tuple([dimension(operation, each, ndim) for each in dim])
    else:
        found = (dimension(operation, dim, ndim),)
    if len(set(found)) != len(found):
        raise ValueError(f"{operation}: dim {dim} names a dimension twice")
    return found if ndim else ()


cdef cnp.ndarray contiguous(Tensor x):
    """x's values in one C-ordered block (x's own array where it is one)."""
    if cnp.PyArray_IS_C_CONTIGUOUS(x.array):
        return x.array
    return cnp.PyArray_NewCopy(x.array, cnp.NPY_CORDER)


cdef cnp.ndarray flat(Tensor x):
    """x's values as one contiguous row, for kernels that go by element; a view where it can be."""
    return cnp.PyArray_Ravel(x.array, cnp.NPY_CORDER)


cdef cnp.ndarray empty_like(cnp.ndarray array):
    """A new C-ordered array of the same shape and type, values undefined."""
    return empty(cnp.PyArray_NDIM(array), cnp.PyArray_DIMS(array), cnp.PyArray_TYPE(array))


# --- writing in place --------------------------------------------------------------------------

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
    """y has nothing of x any more, in whose place it is written: dx = 0."""

    cdef backward(self, Tensor dy):
        return wrap(np.zeros_like(dy.array))


def laid_out_as(strides, array):
    """A copy whose dimensions lie in memory in the order of these strides.

    So a reshape that is a view of the one is a view of the other.
    """
    order = sorted(range(array.ndim), key=lambda i: -abs(strides[i]))
    copy = array.transpose(order).copy(order="C")
    return copy.transpose(sorted(range(array.ndim), key=order.__getitem__))


cdef int may_write(str operation, Tensor x) except -1:
    """Raise the error of an in-place operation on x that cannot be, before anything is changed."""
    cdef Tensor root = x if x.viewed() is None else x.base
    if grad_mode() and root.is_grad_leaf:
        raise GraphError(
            f"{operation}: a leaf that requires a gradient (or a view of one) cannot be changed in "
            "place while operations are recorded; do it under no_grad()")
    return has_writable_memory(operation, x)


cdef int has_writable_memory(str operation, Tensor x) except -1:
    """Raise the error of a write to memory that is read-only."""
    if not cnp.PyArray_ISWRITEABLE(x.array):
        raise ValueError(
            f"{operation}: this tensor is read-only (it shares a read-only array, or one element "
            "stands for many, as after expand); write to a .clone()")
    return 0


cdef Tensor overwrite(str operation, Tensor x, Tensor y):
    """Write the values of y over x; x takes y's history too, and so does what x is a view of.

    y was computed out of place, so every in-place operation differentiates as its plain twin does.
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
    if not same_shape(x.array, y.array):
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
        node.view_steps, node.strides = x.view_steps, (<object>root.array).strides
        record(node, root, (root, y))
        keep_retaining(old_root, root)
    keep_retaining(old, x)
    return x


cdef int keep_retaining(Function old, Tensor x) except -1:
    """If x asked for its .grad (retain_grad), it is the gradient of its new values that it gets."""
    cdef Function new = x.history()
    if old is not None and new is not old and old.retainer is not None and old.retainer() is x:
        new.retainer, old.retainer = old.retainer, None
    return 0


def broadcast_call(name, function, *arrays):
    """A NumPy function of arrays that broadcast together, with our words where they do not."""
    try:
        return np.asarray(quietly(function, *arrays))
    except ValueError:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ShapeError(f"{name}: shapes {shapes} do not broadcast") from None
    except RuntimeError as error:   # NumPy's limit of 32 dimensions in some of its loops
        raise ShapeError(f"{name}: {error}") from None


def numpy_names(function):
    """Let `function` take NumPy's `axis` and `keepdims` for `dim` and `keepdim`, as torch's do.

    np.sum(tensor) calls tensor.sum(axis=None, out=None): that `out` is dropped.
    """
    @functools.wraps(function)
    def renaming(*arguments, **options):
        if options:
            if "out" in options and options["out"] is None:
                del options["out"]
            for numpy_name, name in (("axis", "dim"), ("keepdims", "keepdim")):
                if numpy_name in options and name not in options:
                    options[name] = options.pop(numpy_name)
        return function(*arguments, **options)
    return renaming
