"""Shapes: gradients of what was repeated, dimensions, and arrays as a kernel wants them.

Derivation of `unbroadcast`: docs/derivations/broadcasting.md.
"""

import functools

cimport numpy as cnp
from cpython.ref cimport PyObject

import numpy as np

from ..._runtime.array_pool cimport MAX_DIMENSIONS, copied, empty_array
from ..._runtime.fp_warnings import quietly
from ...errors import ShapeError
from ...tensor cimport Tensor

cnp.import_array()

cdef enum:
    FEW = 4096   # elements that are looked at without NumPy, and without asking for Ctrl-C

cdef extern from "Python.h":
    Py_ssize_t PyNumber_AsSsize_t(object, PyObject *error) except? -1   # NULL: clipped, no error


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


cdef object shape_if_broadcast(cnp.ndarray a, cnp.ndarray y):
    """a's shape if y, computed from it, has another; None if a was not repeated."""
    return None if cnp.PyArray_SAMESHAPE(a, y) else (<object>a).shape


def broadcast_call(name, function, *arrays):
    """Call a NumPy function of arrays that must broadcast together; the error is in our words."""
    try:
        return np.asarray(quietly(function, *arrays))
    except ValueError:
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ShapeError(
            f"{name}: shapes {shapes} do not broadcast (more: "
            "python -m minigrad book broadcasting#any-shapes)") from None
    except RuntimeError as error:   # NumPy's limit of 32 dimensions in some of its loops
        raise ShapeError(f"{name}: {error}") from None


# --- dimensions --------------------------------------------------------------------------------

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


cdef tuple NUMPY_NAMES = (("axis", "dim"), ("keepdims", "keepdim"), ("ddof", "correction"))


def numpy_names(function):
    """Let `function` take NumPy's `axis` and `keepdims` for `dim` and `keepdim`, as torch's do.

    np.std(tensor) calls tensor.std(axis=None, dtype=None, out=None, ddof=0): what is None is
    dropped, and `ddof` is the correction.
    """
    @functools.wraps(function)
    def renaming(*arguments, **options):
        if options:
            for name in ("out", "dtype"):
                if name in options and options[name] is None:
                    del options[name]
            for numpy_name, name in NUMPY_NAMES:
                if numpy_name in options and name not in options:
                    options[name] = options.pop(numpy_name)
        return function(*arguments, **options)
    return renaming


# --- arrays ------------------------------------------------------------------------------------

cdef cnp.ndarray contiguous_array(Tensor x):
    """x's values in one C-ordered block (x's own array where it is one)."""
    if cnp.PyArray_IS_C_CONTIGUOUS(x.array):
        return x.array
    return copied(x.array)


cdef cnp.ndarray flat(Tensor x):
    """x's values as one contiguous row, for elementwise kernels; a view if possible."""
    return cnp.PyArray_Ravel(x.array, cnp.NPY_CORDER)


cdef cnp.ndarray empty_array_like(cnp.ndarray array):
    """A new C-ordered array of the same shape and type, values undefined."""
    return empty_array(cnp.PyArray_NDIM(array), cnp.PyArray_DIMS(array), cnp.PyArray_TYPE(array))


cdef bint all_finite(cnp.ndarray x) except -1:
    """Whether no element is ±∞ or NaN; a quick check, for rules with a case of their own."""
    cdef Py_ssize_t i, size = cnp.PyArray_SIZE(x)
    cdef const double *wide = <const double *>cnp.PyArray_DATA(x)
    cdef const float *narrow = <const float *>cnp.PyArray_DATA(x)
    if not cnp.PyArray_ISFLOAT(x):
        return True
    if size > FEW or not cnp.PyArray_IS_C_CONTIGUOUS(x):
        return np.isfinite(x).all()
    if cnp.PyArray_TYPE(x) == cnp.NPY_FLOAT64:
        for i in range(size):
            if wide[i] - wide[i] != 0:
                return False
    else:
        for i in range(size):
            if narrow[i] - narrow[i] != 0:
                return False
    return True
