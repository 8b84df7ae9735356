"""Tensors as something else: NumPy arrays, Python lists, DLPack, copies, pickles, formatted text.

What NumPy gets is a read-only view, so nothing can change a value behind the graph's back.
"""

import copy as _copy
import functools

cimport numpy as cnp

import numpy as np

from ..._runtime.fp_warnings import quietly
from ..._runtime.versions cimport Version
from ...errors import GraphError
from ...tensor cimport Tensor, wrap
from ...tensor import method
from ..math.arguments import plain_array
from ..math.comparison import equals
from .creation import from_numpy
from .indexing import getitem

cnp.import_array()


# --- NumPy ---------------------------------------------------------------------------------------

cdef cnp.ndarray read_only_view(str operation, Tensor x):
    """A view of x's values that cannot be written, nor made writable."""
    if x.wants_grad():
        raise GraphError(f"{operation}: this tensor requires a gradient, and NumPy keeps none; "
                         "use .detach() first")
    return np.asarray(memoryview(x.array).toreadonly())


def numpy(Tensor self not None, *, force=False):
    """The values as a read-only NumPy array on the same memory; `.copy()` it to write.

    force: as .detach().numpy(). Errors: GraphError if it requires grad. torch.Tensor.numpy.
    """
    return read_only_view("numpy", self.detach() if force else self)


def array(Tensor self not None, dtype=None, copy=None):
    """What np.asarray(tensor) and np.array(tensor) call: `numpy()`, or a copy if one is needed."""
    values = read_only_view("numpy", self)
    if copy:
        return quietly(values.astype, values.dtype if dtype is None else dtype, copy=True)
    if dtype is None or values.dtype == dtype:
        return values
    if copy is False:
        raise ValueError(f"numpy: {values.dtype} cannot become {np.dtype(dtype)} without a copy")
    return quietly(values.astype, dtype)


# NumPy's name of an operation, where it is not the name of the Tensor method.
METHODS = {
    "subtract": "sub", "multiply": "mul", "divide": "div", "true_divide": "div", "power": "pow",
    "negative": "neg", "absolute": "abs", "equal": "eq", "not_equal": "ne", "less": "lt",
    "less_equal": "le", "greater": "gt", "greater_equal": "ge",
}


def array_ufunc(ufunc, how, inputs, options):
    """NumPy's functions on tensors: np.exp(tensor) is exp, np.multiply(array, tensor) is mul.

    A function without counterpart computes on the values and gives a Tensor without history; on a
    tensor that requires grad it is a GraphError.
    """
    if not isinstance(ufunc, np.ufunc):
        raise TypeError(f"__array_ufunc__: expected a ufunc, got {type(ufunc).__name__}")
    operation = getattr(Tensor, METHODS.get(ufunc.__name__, ufunc.__name__), None)
    if how == "__call__" and not options and operation is not None:
        return operation(*inputs)
    if any([isinstance(each, Tensor) for each in options.get("out", ())]):
        raise TypeError(f"{ufunc.__name__}: out must be a NumPy array; a Tensor is written by "
                        "methods of its own, such as add_")
    values = [read_only_view(ufunc.__name__, x) if isinstance(x, Tensor) else x for x in inputs]
    result = quietly(getattr(ufunc, how), *values, **options)
    if "out" in options or result is None:
        return result
    if isinstance(result, tuple):
        return tuple([as_result(ufunc, each) for each in result])
    return as_result(ufunc, result)


cdef Tensor as_result(ufunc, value):
    return wrap(plain_array(ufunc.__name__, "the result", np.asarray(value)))


def tolist(Tensor self not None):
    """The values as nested Python lists; a 0-d tensor gives a number. torch.Tensor.tolist."""
    return (<object>self.array).tolist()


# --- DLPack --------------------------------------------------------------------------------------

def dlpack(Tensor self not None, **options):
    """The values for another library, on the same memory: what it writes there is not noticed.

    Errors: BufferError on a tensor that requires grad, as DLPack wants it.
    """
    if self.wants_grad():
        raise BufferError("__dlpack__: this tensor requires a gradient, which DLPack cannot carry; "
                          "use .detach() first")
    return (<object>self.array).__dlpack__(**options)


def dlpack_device(Tensor self not None):
    """Where the values are: the CPU, in DLPack's numbers."""
    return (<object>self.array).__dlpack_device__()


def from_dlpack(ext_tensor):
    """A tensor on the memory of another library's array or tensor. torch.from_dlpack."""
    if not hasattr(ext_tensor, "__dlpack__"):
        kind = type(ext_tensor).__name__
        raise TypeError(f"from_dlpack: expected an object with __dlpack__, got {kind}")
    return from_numpy(np.from_dlpack(ext_tensor))


# --- as an index, in `in`, in `for` ---------------------------------------------------------------

def as_index(Tensor self not None):
    """The tensor as an index of a Python list."""
    if cnp.PyArray_ISFLOAT(self.array) or cnp.PyArray_SIZE(self.array) != 1:
        raise TypeError(
            f"only a one-element integer tensor can be an index, got shape {tuple(self.shape)} "
            f"and {self.dtype}")
    return int((<object>self.array).item())


def contains(Tensor self not None, element):
    """Whether an element is equal to `element`."""
    answer = equals(self, element)
    if answer is NotImplemented:
        raise TypeError(f"in: expected a Tensor, a NumPy array or a number, got "
                        f"{type(element).__name__}")
    return bool(answer.any())


def iterate(Tensor self not None):
    """self[0], self[1], …"""
    if cnp.PyArray_NDIM(self.array) == 0:
        raise TypeError("iteration over a 0-d tensor")
    return map(functools.partial(getitem, self), range(cnp.PyArray_DIM(self.array, 0)))


# --- copies, pickles -----------------------------------------------------------------------------

cdef int only_leaves(str operation, Tensor x) except -1:
    if not x.is_leaf:
        raise GraphError(f"{operation}: this tensor was computed from others, and its history "
                         "cannot come along; use .detach() first")
    return 0


def rebuilt(kind, array, requires_grad):
    """A leaf of class `kind` around an array (for pickle and copy)."""
    cdef Tensor y = kind.__new__(kind), source = from_numpy(array)
    y.array = source.array
    y.requires_grad = requires_grad
    return y


cdef int keep_attributes(Tensor x, Tensor y, memo) except -1:
    """Give y the attributes that a subclass of Tensor lets its user set; with memo, copies."""
    cdef object attributes = getattr(x, "__dict__", None)
    if attributes:
        (<object>y).__dict__.update(
            attributes if memo is None else _copy.deepcopy(attributes, memo))
    return 0


def shallow_copy(Tensor self not None):
    """Another leaf on the same memory, for copy.copy."""
    cdef Tensor y
    only_leaves("copy", self)
    y = rebuilt(type(self), self.array, self.requires_grad)
    y.version = self.shared_version()
    keep_attributes(self, y, None)
    return y


def deep_copy(Tensor self not None, memo):
    """A leaf with memory and gradient of its own, for copy.deepcopy. torch.Tensor.__deepcopy__.

    Tensors that share memory share it in the copy, with its version counter.
    """
    cdef Tensor y
    cdef Version before = self.shared_version(), after
    if id(self) in memo:
        return memo[id(self)]
    only_leaves("deepcopy", self)
    after = memo.get(id(before))
    if after is None:
        after = Version.__new__(Version)
        after.memory = strided_copy(before.memory)
        memo[id(before)] = after
        memo.setdefault(id(memo), []).append(before)   # keeps it, and so its id, to the end
    y = type(self).__new__(type(self))
    y.array = same_part(self.array, before.memory, after.memory)
    y.version = after
    y.requires_grad = self.requires_grad
    memo[id(self)] = y
    y.gradient = _copy.deepcopy(self.gradient, memo)
    keep_attributes(self, y, memo)
    return y


cdef cnp.ndarray strided_copy(cnp.ndarray array):
    """A copy with the same strides; what may lie between the elements is not copied."""
    cdef cnp.ndarray block, copied
    cdef size_t low, high
    if cnp.PyArray_IS_C_CONTIGUOUS(array) or cnp.PyArray_IS_F_CONTIGUOUS(array):
        return cnp.PyArray_NewCopy(array, cnp.NPY_KEEPORDER)
    low, high = np.lib.array_utils.byte_bounds(array)
    block = np.zeros(high - low, np.uint8)
    copied = with_memory(array, <size_t>cnp.PyArray_DATA(array) - low, block)
    np.copyto(copied, array)
    if repeats(array) and not cnp.PyArray_ISWRITEABLE(array):
        (<object>copied).flags.writeable = False
    return copied


cdef cnp.ndarray same_part(cnp.ndarray array, cnp.ndarray old, cnp.ndarray new):
    """What `array`, which lies within `old`, is within `new`; read-only if it alone was."""
    if array is old:
        return new
    cdef Py_ssize_t offset = <char *>cnp.PyArray_DATA(array) - <char *>cnp.PyArray_DATA(old)
    cdef cnp.ndarray part = with_memory(array, offset, new)
    if not cnp.PyArray_ISWRITEABLE(array) and (cnp.PyArray_ISWRITEABLE(old) or repeats(array)):
        (<object>part).flags.writeable = False
    return part


cdef bint repeats(cnp.ndarray array) except -1:
    """Whether one element stands for many, as after expand."""
    low, high = np.lib.array_utils.byte_bounds(array)
    return high - low < cnp.PyArray_NBYTES(array)


cdef cnp.ndarray with_memory(cnp.ndarray like, Py_ssize_t offset, cnp.ndarray memory):
    """An array with the shape, type and strides of `like`, `offset` bytes into `memory`."""
    cdef cnp.ndarray array = cnp.PyArray_New(
        np.ndarray, cnp.PyArray_NDIM(like), cnp.PyArray_DIMS(like), cnp.PyArray_TYPE(like),
        cnp.PyArray_STRIDES(like), <char *>cnp.PyArray_DATA(memory) + offset, 0,
        cnp.NPY_ARRAY_WRITEABLE, None)
    cnp.set_array_base(array, memory)
    return array


def reduce_ex(Tensor self not None, protocol):
    """For pickle: values, requires_grad and attributes of a leaf; its gradient stays behind."""
    only_leaves("pickle", self)
    copied = cnp.PyArray_NewCopy(self.array, cnp.NPY_CORDER)
    parts = (type(self), copied, self.requires_grad)
    attributes = getattr(self, "__dict__", None)
    return (rebuilt, parts, attributes) if attributes else (rebuilt, parts)


# --- text and facts ------------------------------------------------------------------------------

def formatted(Tensor self not None, spec):
    """f"{tensor:.3f}": a 0-d tensor as its number; others take no format. As in torch."""
    if cnp.PyArray_NDIM(self.array) == 0 and type(self) is Tensor:
        return format(self.item(), spec)
    if spec:
        raise TypeError(f"format: {spec!r} is for one number, and this tensor has shape "
                        f"{tuple(self.shape)}; use .item() or .tolist()")
    return str(self)


def element_size(Tensor self not None):
    """The bytes of one element. torch.Tensor.element_size."""
    return cnp.PyArray_ITEMSIZE(self.array)


def data_ptr(Tensor self not None):
    """The address of the first element. torch.Tensor.data_ptr."""
    return <size_t>cnp.PyArray_DATA(self.array)


for name, function in [
    ("numpy", numpy), ("__array__", array), ("tolist", tolist), ("__dlpack__", dlpack),
    ("__dlpack_device__", dlpack_device), ("__copy__", shallow_copy), ("__deepcopy__", deep_copy),
    ("__reduce_ex__", reduce_ex), ("__format__", formatted), ("element_size", element_size),
    ("data_ptr", data_ptr),
]:
    method(name, function)
