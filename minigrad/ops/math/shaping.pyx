"""Other views of the same values: reshape, transpose, expand and their kin. Few ever copy."""

import math

cimport cython
cimport numpy as cnp

from ..._checks import index
from ..._runtime.array_pool cimport MAX_DIMENSIONS
from ...autograd.grad_mode cimport recording
from ...errors import ShapeError
from ...tensor cimport Function, Tensor, record, view_of, wrap
from ...tensor import method
from .arguments cimport operand
from .broadcasting cimport check_count, dimension, dimensions, unbroadcast

cnp.import_array()


cdef tuple shape_argument(str operation, tuple shape):
    """A shape given as f(2, 3) or f((2, 3)), each size an integer, not a bool."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = tuple(shape[0])
    check_count(operation, len(shape))
    for size in shape:
        if type(size) is not int:
            return tuple([index(operation, "a size", size) for size in shape])
    return shape


# --- the same elements in another shape ----------------------------------------------------------

cdef class View(Function):
    """y = x in another shape:  dx = dy in the first shape"""

    cdef tuple shape

    cdef backward(self, Tensor dy):
        return in_shape(dy, self.shape)


cdef class UnsafeView(View):
    """y = x in another shape, which had to be copied:  dx = dy in the first shape"""


cdef class Unsqueeze(View):
    """y = x with one more dimension:  dx = dy without it"""


@cython.binding(False)   # see Tensor
cdef class Squeeze(View):
    """y = x without dimensions of size 1:  dx = dy with them

    All (0), one (1), or several that were named (2): as torch counts them.
    """

    cdef int form

    def name(self):
        return f"SqueezeBackward{self.form}"


cdef Tensor reshaped(Tensor x, tuple target):
    """x in the shape `target`, which has as many elements; a view where possible."""
    cdef cnp.ndarray array = (<object>x.array).reshape(target)
    if cnp.PyArray_DATA(array) == cnp.PyArray_DATA(x.array) or cnp.PyArray_SIZE(array) == 0:
        return view_of(x, array, reshape, target)
    return wrap(array)


cdef Tensor remember(View node, Tensor y, Tensor x):
    """Make `node` the history of y, a reshaped x."""
    node.shape = (<object>x.array).shape
    record(node, y, (x,))
    return y


cdef tuple filled(str operation, Tensor x, tuple target):
    """`target` with its −1, if any, replaced so that the number of elements is that of x."""
    cdef int unknown = 0
    count, known = cnp.PyArray_SIZE(x.array), 1   # Python's numbers: sizes may be of any size
    for size in target:
        if size >= 0:
            known *= size
        elif size == -1:
            unknown += 1
        else:
            raise ValueError(f"{operation}: sizes must be >= 0, or -1 to be inferred, got {target}")
    if unknown > 1:
        raise ValueError(f"{operation}: only one size can be -1, got {target}")
    if unknown and known == 0:
        if count == 0:
            raise ValueError(
                f"{operation}: {target} is ambiguous: with 0 elements the -1 could be any size")
    elif unknown and count % known == 0:
        return tuple([count // known if size == -1 else size for size in target])
    elif not unknown and count == known:
        return target
    raise ShapeError(
        f"{operation}: {count} elements of shape {tuple(x.shape)} do not fit into {target}")


def reshape(input, *shape):
    """The same elements in order, in another shape; one size may be −1. torch.reshape.

    A view where that is possible. Errors: ShapeError, ValueError (−1 twice, or ambiguous).
    """
    cdef Tensor x = operand("reshape", "input", input)
    return in_shape(x, filled("reshape", x, shape_argument("reshape", shape)))


cdef Tensor in_shape(Tensor x, tuple target):
    """reshape to a target that fits."""
    cdef Tensor y = reshaped(x, target)
    if recording(x):
        remember(UnsafeView.__new__(UnsafeView) if y.base is None else View.__new__(View), y, x)
    return y


def view(self, *shape):
    """As reshape, but an error where the elements would have to be copied. torch.Tensor.view."""
    cdef Tensor x = operand("view", "input", self)
    cdef Tensor y = reshaped(x, filled("view", x, shape_argument("view", shape)))
    if y.base is None:
        raise ShapeError(
            f"view: shape {tuple(x.shape)} with strides {stride(x)} cannot be seen as shape "
            f"{tuple(y.shape)} without a copy; use .reshape()")
    if recording(x):
        remember(View.__new__(View), y, x)
    return y


def view_as(self, other):
    """self in the shape of `other`. torch.Tensor.view_as."""
    return view(self, operand("view_as", "other", other).shape)


def flatten(input, start_dim=0, end_dim=-1):
    """The dimensions from start_dim to end_dim made one; 0-d becomes 1-d. torch.flatten."""
    cdef Tensor x = operand("flatten", "input", input)
    cdef int ndim = cnp.PyArray_NDIM(x.array)
    cdef Py_ssize_t first = dimension("flatten", start_dim, ndim)
    cdef Py_ssize_t last = dimension("flatten", end_dim, ndim)
    if first > last:
        raise ValueError(
            f"flatten: start_dim {start_dim} comes after end_dim {end_dim} in a {ndim}-d tensor")
    if ndim and first == last:
        return x
    shape = (<object>x.array).shape
    return reshape(x, (*shape[:first], math.prod(shape[first:last + 1]), *shape[last + 1:]))


def squeeze(input, dim=None):
    """A view without the dimensions of size 1: all of them, or those among `dim`. torch.squeeze."""
    cdef Tensor x = operand("squeeze", "input", input)
    cdef tuple dims = dimensions("squeeze", dim, cnp.PyArray_NDIM(x.array))
    cdef list rest = [size for i, size in enumerate(x.shape) if size != 1 or i not in dims]
    cdef Tensor y = reshaped(x, tuple(rest))
    cdef Squeeze node
    if recording(x):
        node = Squeeze.__new__(Squeeze)
        node.form = 0 if dim is None else 2 if isinstance(dim, (tuple, list)) else 1
        remember(node, y, x)
    return y


def unsqueeze(input, dim):
    """A view with a new dimension of size 1 at `dim`. torch.unsqueeze."""
    cdef Tensor x = operand("unsqueeze", "input", input)
    cdef Py_ssize_t at = dimension("unsqueeze", dim, cnp.PyArray_NDIM(x.array) + 1)
    check_count("unsqueeze", cnp.PyArray_NDIM(x.array) + 1)
    cdef tuple shape = (<object>x.array).shape
    cdef Tensor y = reshaped(x, (*shape[:at], 1, *shape[at:]))
    if recording(x):
        remember(Unsqueeze.__new__(Unsqueeze), y, x)
    return y


# --- dimensions in another order -----------------------------------------------------------------

cdef class Transpose(Function):
    """y = x with two dimensions swapped:  dx = dy with them swapped back"""

    cdef readonly Py_ssize_t first
    cdef readonly Py_ssize_t second

    cdef backward(self, Tensor dy):
        return transpose(dy, self.first, self.second)


cdef class T(Function):
    """Y = Xᵀ:  dX = dYᵀ"""

    cdef backward(self, Tensor dy):
        return t(dy)


cdef class Permute(Function):
    """y = x with dimensions in another order:  dx = dy with them in the first order"""

    cdef readonly tuple order

    cdef backward(self, Tensor dy):
        return permute(dy, tuple([self.order.index(i) for i in range(len(self.order))]))


def transpose(input, dim0, dim1):
    """A view with dimensions dim0 and dim1 swapped. torch.transpose."""
    cdef Tensor x = operand("transpose", "input", input)
    cdef int ndim = cnp.PyArray_NDIM(x.array)
    cdef Py_ssize_t first = dimension("transpose", dim0, ndim)
    cdef Py_ssize_t second = dimension("transpose", dim1, ndim)
    cdef Transpose node
    array = cnp.PyArray_SwapAxes(x.array, first, second) if ndim else x.array
    cdef Tensor y = view_of(x, array, transpose, (first, second))
    if recording(x):
        node = Transpose.__new__(Transpose)
        node.first, node.second = first, second
        record(node, y, (x,))
    return y


def t(input):
    """The transpose of a matrix, as a view; a tensor of fewer dimensions as it is. torch.t."""
    cdef Tensor x = operand("t", "input", input)
    if cnp.PyArray_NDIM(x.array) > 2:
        raise ShapeError(f"t: expected at most 2 dimensions, got shape {tuple(x.shape)}; "
                         "use .transpose(dim0, dim1) or .mT")
    cdef Tensor y = view_of(x, (<object>x.array).T, t, ())
    if recording(x):
        record(T.__new__(T), y, (x,))
    return y


def matrix_transpose(Tensor self not None):
    """The last two dimensions swapped, as a view. torch.Tensor.mT."""
    if cnp.PyArray_NDIM(self.array) < 2:
        raise ShapeError(f"mT: expected at least 2 dimensions, got shape {tuple(self.shape)}")
    return transpose(self, -2, -1)


def permute(input, *dims):
    """A view whose dimension i is dimension dims[i] of the input. torch.permute."""
    cdef Tensor x = operand("permute", "input", input)
    cdef Permute node
    cdef tuple order
    if len(dims) == 1 and isinstance(dims[0], (tuple, list)):
        dims = tuple(dims[0])
    if len(dims) != cnp.PyArray_NDIM(x.array):
        raise ValueError(f"permute: {len(dims)} dims for a tensor of shape {tuple(x.shape)}; "
                         "name each of its dimensions once")
    order = dimensions("permute", dims, cnp.PyArray_NDIM(x.array))
    cdef Tensor y = view_of(x, (<object>x.array).transpose(order), permute, (order,))
    if recording(x):
        node = Permute.__new__(Permute)
        node.order = order
        record(node, y, (x,))
    return y


def reversed_dimensions(Tensor self not None):
    """The dimensions in reverse order, as a view: of a matrix, its transpose. torch.Tensor.T."""
    return permute(self, tuple(range(self.ndim))[::-1])


# --- repetition without copying ------------------------------------------------------------------

cdef class Expand(Function):
    """y = x repeated along some dimensions:  dx = dy summed over them"""

    cdef tuple shape

    cdef backward(self, Tensor dy):
        return unbroadcast(dy, self.shape)


def expand(input, *size):
    """A view with size-1 dimensions (and new ones in front) repeated. torch.Tensor.expand.

    −1 keeps a size. Where it repeats, the view is read-only. Errors: ShapeError, ValueError.
    """
    cdef Tensor x = operand("expand", "input", input)
    cdef tuple target = shape_argument("expand", size), own = (<object>x.array).shape
    cdef Py_ssize_t extra = len(target) - len(own), i
    cdef Expand node
    if extra < 0:
        raise ShapeError(f"expand: {len(target)} sizes for a tensor of shape {own}")
    target = tuple([own[i - extra] if i >= extra and each == -1 else each
                    for i, each in enumerate(target)])
    if min(target, default=0) < 0:
        raise ValueError(f"expand: sizes must be >= 0, or -1 to keep one that is there, got {size}")
    if any([own[i] not in (1, target[i + extra]) for i in range(len(own))]):
        raise ShapeError(f"expand: a tensor of shape {own} cannot be repeated to {target}: "
                         "only size 1 can grow")
    if target == (1,) * extra + own:
        array = (<object>x.array).reshape(target)   # nothing is repeated, so it stays writable
    else:
        array = repeated(x.array, target)
    cdef Tensor y = view_of(x, array, expand, (target,))
    if recording(x):
        node = Expand.__new__(Expand)
        node.shape = None if target == own else own
        record(node, y, (x,))
    return y


cdef object repeated(cnp.ndarray array, tuple target):
    """np.broadcast_to at less cost: a read-only view that steps by 0 where it repeats."""
    cdef cnp.npy_intp[MAX_DIMENSIONS] shape, strides
    cdef Py_ssize_t ndim = len(target), extra = ndim - cnp.PyArray_NDIM(array), i
    check_count("expand", ndim)
    try:
        for i in range(ndim):
            shape[i] = target[i]
            strides[i] = 0
            if i >= extra and cnp.PyArray_DIM(array, i - extra) == shape[i]:
                strides[i] = cnp.PyArray_STRIDE(array, i - extra)
        view = cnp.PyArray_New(cnp.ndarray, ndim, shape, cnp.PyArray_TYPE(array), strides,
                               cnp.PyArray_DATA(array), 0, 0, None)
    except (ValueError, OverflowError):
        raise ValueError(f"expand: {target} is more than an array can be") from None
    cnp.set_array_base(view, array)
    return view


def broadcast_to(input, *size):
    """`input` expanded to `size`. torch.broadcast_to."""
    return expand(input, *size)


def expand_as(self, other):
    """self expanded to the shape of `other`. torch.Tensor.expand_as."""
    return expand(self, operand("expand_as", "other", other).shape)


def repeat(Tensor self not None, *repeats):
    """self laid side by side, repeats[i] times along dimension i, as a copy. torch.Tensor.repeat.

    More repeats than dimensions make new dimensions in front. Errors: ShapeError, ValueError.
    """
    cdef tuple counts = shape_argument("repeat", repeats), own = (<object>self.array).shape
    if len(counts) < len(own):
        raise ShapeError(
            f"repeat: {len(counts)} repeats for a tensor of shape {own}; give one per dimension")
    if min(counts, default=0) < 0:
        raise ValueError(f"repeat: repeats must be >= 0, got {counts}")
    check_count("repeat", 2 * len(counts))
    own = (1,) * (len(counts) - len(own)) + own
    apart = [part for size in own for part in (1, size)]
    beside = [part for n, size in zip(counts, own) for part in (n, size)]
    joined = [n * size for n, size in zip(counts, own)]
    return expand(reshape(self, apart), beside).clone().reshape(joined)


# --- sizes ---------------------------------------------------------------------------------------

def size(Tensor self not None, dim=None):
    """The shape, or the size of one dimension. torch.Tensor.size."""
    return self.shape if dim is None else named_dimension("size", dim, self.shape)


def stride(Tensor self not None, dim=None):
    """How many elements apart neighbors are, along each dimension. torch.Tensor.stride."""
    cdef Py_ssize_t itemsize = cnp.PyArray_ITEMSIZE(self.array)
    steps = tuple([step // itemsize for step in (<object>self.array).strides])
    return steps if dim is None else named_dimension("stride", dim, steps)


cdef object named_dimension(str operation, dim, values):
    if not values:
        raise IndexError(f"{operation}: a 0-d tensor has no dimension {dim}")
    return values[dimension(operation, dim, len(values))]


def dim(Tensor self not None):
    """The number of dimensions. torch.Tensor.dim."""
    return self.ndim


def numel(input):
    """The number of elements. torch.numel."""
    return cnp.PyArray_SIZE(operand("numel", "input", input).array)


for name, function in [
    ("reshape", reshape), ("view", view), ("view_as", view_as), ("flatten", flatten),
    ("squeeze", squeeze), ("unsqueeze", unsqueeze), ("transpose", transpose), ("t", t),
    ("permute", permute), ("expand", expand), ("broadcast_to", broadcast_to),
    ("expand_as", expand_as), ("repeat", repeat), ("size", size),
    ("stride", stride), ("dim", dim), ("numel", numel),
    ("nelement", numel), ("T", property(reversed_dimensions)), ("mT", property(matrix_transpose)),
]:
    method(name, function)
