"""Arrays with history.

A `Tensor` is a NumPy array that remembers how it was made. A `Function` is one node of that
history: an operation, with an arrow to whatever made each of its inputs. Nothing here knows how
to differentiate anything: the rules are in `ops/`, the walk through the graph is in `engine.pyx`.
"""

import functools
import warnings

cimport cython
cimport numpy as cnp
from cpython.ref cimport PyObject

import numpy as np

from . import dtypes
from ._dropping cimport Pending, drop_all, drop_later, pending_here
from .errors import DTypeError, GraphError, ShapeError
from .size import Size

cnp.import_array()

cdef extern from "Python.h":
    ctypedef void (*destructor)(PyObject *) noexcept
    ctypedef struct PyTypeObject:
        PyObject *tp_dict
        destructor tp_dealloc
    void PyType_Modified(type)
    void PyObject_GC_UnTrack(PyObject *)

cdef enum:
    SHOWN = 64   # a node remembers values of at most so many elements, for the picture of the graph
    OWN = -1     # where a saved value comes from, if from no input of the node that saved it
    NOWHERE = -2

cdef cnp.ndarray NOTHING = np.zeros(0, np.float32)


@cython.no_gc   # as SavedTensor
@cython.freelist(256)
cdef class Version:
    """How often the memory behind a tensor was written. All tensors that share it share this.

    `memory` is the array within which all of theirs lie.
    """


@cython.no_gc   # it leads to nothing that could lead back, and there are as many as operations
@cython.freelist(256)
cdef class SavedTensor:
    """A value that a rule will need, and how to know whether anybody changed it since.

    It holds the array rather than the Tensor: an in-place operation gives the Tensor a new history
    that may lead back here, and such a circle would never be freed. The history is an arrow that
    the owner has anyway: `origin` says which of its inputs.
    """

    cdef Tensor unpack(self, Function owner, object maker):
        if self.version.count != self.count:
            raise GraphError(
                f"{type(owner).__name__}.backward: a value saved for the backward pass was changed "
                f"in place by {self.version.writer} (version {self.version.count}, expected "
                f"{self.count}); "
                "make the change on a .clone(), or after backward"
            )
        if self.origin >= 0:
            maker = owner.inputs[self.origin]
        elif self.origin == OWN:
            maker = owner
        if self.array is None:   # a leaf
            return maker
        cdef Tensor x = wrap(self.array)
        x.node = maker
        x.version = self.version
        return x


@cython.binding(False)   # see Tensor
cdef class Function:
    """A node of the graph: an operation that was run, and where its inputs came from.

    `inputs` has one entry an input: the Function that made it, the Tensor itself where it is a
    leaf that collects a gradient, or None where no gradient is wanted. Subclasses supply
    `backward(dy)`: given the gradient of the loss with respect to the output, return the one with
    respect to each input, written with Tensor operations. A subclass with other fields than these
    that may lead on to nodes needs a `__dealloc__` of its own, see _dropping.pyx.
    """

    def __dealloc__(self):
        cdef Pending *pending = pending_here()
        drop_later(pending, <PyObject *>self.inputs)
        drop_later(pending, <PyObject *>self.kept)
        drop_later(pending, <PyObject *>self.hooks)
        self.inputs = self.kept = self.hooks = None
        drop_all(pending)

    cdef backward(self, Tensor dy):
        return type(self).backward(self, dy)

    cdef Function save(self, tuple tensors):
        """Keep these tensors (or None) for `backward`; to be called after `record`."""
        cdef Tensor x
        self.kept = tuple([None if x is None else self.keep(x) for x in tensors])
        return self

    cdef object keep(self, Tensor x):
        cdef SavedTensor kept = SavedTensor.__new__(SavedTensor)
        cdef object maker = edge(x)
        cdef Py_ssize_t i
        kept.version = x.shared_version()
        kept.count = kept.version.count
        kept.array = None if maker is x else x.array
        kept.origin = OWN if maker is self else NOWHERE
        if maker is None or maker is self:
            return kept
        for i in range(len(self.inputs)):
            if self.inputs[i] is maker:
                kept.origin = i
                return kept
        return (kept, maker)   # forward of an autograd.Function may save what is none of its inputs

    cdef tuple saved(self):
        """The tensors given to `save`, each verified to be what it was."""
        cdef list values = []
        if self.kept is None:
            raise GraphError(
                f"{self.name()}: backward through this graph a second time, but its saved values "
                "were freed; pass retain_graph=True to the first backward")
        for each in self.kept:
            if type(each) is SavedTensor:
                values.append((<SavedTensor>each).unpack(self, None))
            elif each is None:
                values.append(None)
            else:
                kept, maker = each
                values.append((<SavedTensor>kept).unpack(self, maker))
        return tuple(values)

    cdef bint needs(self, Py_ssize_t i):
        """Whether input i wants a gradient."""
        return self.inputs[i] is not None

    def name(self):
        """The operation's name as torch prints it."""
        return f"{type(self).__name__}Backward0"

    @property
    def next_functions(self):
        """torch's view of `inputs`: pairs (what made the input, 0)."""
        return tuple([(each, 0) for each in self.inputs or ()])

    def picture(self):
        """(value, gradient, constants) for `graph()`: arrays if small, else shapes or None."""
        return self.value, self.gradient, self.constants or (None,) * len(self.inputs)

    def kept_arrays(self):
        """The arrays kept for backward, leaves (which exist anyway) not among them."""
        arrays = []
        for each in self.kept or ():
            if each is not None:
                kept = each[0] if type(each) is tuple else each
                arrays.append((<SavedTensor>kept).array)
        return [array for array in arrays if array is not None]

    def __reduce_ex__(self, protocol):
        raise TypeError(f"{self.name()}: a node of the graph can be neither copied nor pickled")

    def __repr__(self):
        return f"<{self.name()} object at {hex(id(self))}>"


cdef int warn_if_computed(Tensor x) except -1:
    """Warn who reads the `.grad` of x, None, though backward will never write it."""
    cdef Function node = x.history()
    if node is not None and (node.retainer is None or node.retainer() is not x):
        warnings.warn(
            f"grad: this is None and stays so: the tensor was computed ({node.name()}), and "
            "backward writes .grad on leaves only. Call .retain_grad() on it before backward(), or "
            "read .grad on a leaf", UserWarning, stacklevel=1)
    return 0


# The operators below are one line each and call functions of ops/, which arrive with its import:
# ops knows Tensor, Tensor does not know ops.
cdef object add, sub, mul, div, floor_divide, remainder, power, neg, absolute, matmul
cdef object eq, ne, lt, le, gt, ge, bitwise_and, bitwise_or, bitwise_xor, bitwise_not
cdef object add_, sub_, mul_, div_, pow_, getitem, setitem, text, from_data, array_ufunc


def connect(functions):
    """Give the operators their functions (called once, by ops/__init__.py)."""
    global add, sub, mul, div, floor_divide, remainder, power, neg, absolute, matmul
    global eq, ne, lt, le, gt, ge, bitwise_and, bitwise_or, bitwise_xor, bitwise_not
    global add_, sub_, mul_, div_, pow_, getitem, setitem, text, from_data, array_ufunc
    (add, sub, mul, div, floor_divide, remainder, power, neg, absolute, matmul,
     eq, ne, lt, le, gt, ge, bitwise_and, bitwise_or, bitwise_xor, bitwise_not,
     add_, sub_, mul_, div_, pow_, getitem, setitem, text, from_data, array_ufunc) = functions


def method(name, function):
    """Make `function` the Tensor method `name`: the method *is* the function, not a copy of it."""
    (<dict>(<PyTypeObject *>Tensor).tp_dict)[name] = function
    PyType_Modified(Tensor)


# Without binding, a method checks what it is called on: Tensor.item(3) is a TypeError, no crash.
@cython.binding(False)
@cython.freelist(256)
cdef class Tensor:
    """A multi-dimensional array that can record what is computed from it, for `backward`.

    Make one with `minigrad.tensor(data)`. `Tensor(sequence)` gives a tensor of the default dtype,
    `Tensor(2, 3)` zeros of that shape (torch leaves them uninitialised).
    """

    # Makes NumPy's operators step back, so that `ndarray * Tensor` reaches __rmul__.
    __array_priority__ = 1000

    def __cinit__(self):
        self.array = NOTHING   # never None: C code reads it without looking

    def __init__(self, *data):
        cdef Tensor source = from_data(data)
        if self.version is not None:   # called again: other values, without history
            self.written("__init__")
        self.array = source.array
        self.node = self.base = self.version = None

    # --- history -----------------------------------------------------------------------------

    cdef Function history(self):
        """The node that made this tensor. A view whose base was rewritten gets its history anew."""
        cdef Function fresh = None
        if self.viewed() is not None and self.seen != self.version.count:
            if self.base.wants_grad():
                fresh = (<Tensor>replay(self.base, self.recipe)).node
                if fresh is None:
                    return self.node   # recording is off: ask again when it is on
            self.node = fresh
            self.seen = self.version.count
        return self.node

    cdef Tensor viewed(self):
        """The tensor this is a view of; None too once that has got other memory (`.data = …`)."""
        if self.base is not None and self.base.version is not self.version:
            self.base = None
        return self.base

    cdef bint wants_grad(self):
        return self.collects or self.history() is not None

    cdef Version shared_version(self):
        if self.version is None:
            self.version = Version.__new__(Version)
            self.version.memory = self.array
        return self.version

    cdef int written(self, str operation) except -1:
        """Count a change of the values; whoever saved them will notice."""
        cdef Version version = self.shared_version()
        version.count += 1
        version.writer = operation
        return 0

    @property
    def requires_grad(self):
        """Whether operations on this tensor are recorded. Settable on leaves."""
        return self.wants_grad()

    @requires_grad.setter
    def requires_grad(self, value):
        if not isinstance(value, bool):
            raise TypeError(f"requires_grad: expected True or False, got {value!r}")
        if self.history() is not None:
            if not value:
                raise GraphError(
                    "requires_grad: this tensor was computed from others; to stop its gradient "
                    "use .detach()")
            return
        if value and not cnp.PyArray_ISFLOAT(self.array):
            raise DTypeError(
                f"requires_grad: only float32 and float64 tensors have gradients, got {self.dtype}")
        self.collects = value

    def requires_grad_(self, requires_grad=True):
        """Set `requires_grad` in place; returns the tensor."""
        self.requires_grad = requires_grad
        return self

    @property
    def is_leaf(self):
        """True when no recorded operation made this tensor; only leaves collect `.grad`."""
        return self.history() is None

    @property
    def grad_fn(self):
        """The node of the graph that made this tensor; None on a leaf."""
        return self.history()

    @property
    def _version(self):
        """How often the values were changed in place."""
        return 0 if self.version is None else self.version.count

    @property
    def _base(self):
        """The tensor this one is a view of, or None."""
        return self.viewed()

    @property
    def grad(self):
        """The gradient that backward accumulated: a Tensor of the same shape and dtype, or None."""
        if self.gradient is None and not self.collects:
            warn_if_computed(self)
        return self.gradient

    @grad.setter
    def grad(self, value):
        if value is None:
            self.gradient = None
            return
        if not isinstance(value, Tensor):
            raise TypeError(f"grad: expected a Tensor or None, got {type(value).__name__}")
        if value.shape != self.shape:
            raise ShapeError(
                f"grad: the tensor has shape {tuple(self.shape)}, got a gradient of shape "
                f"{tuple(value.shape)}")
        if value.dtype is not self.dtype:
            raise DTypeError(
                f"grad: the tensor has dtype {self.dtype}, got a gradient of dtype {value.dtype}")
        if value is self:
            raise GraphError("grad: a tensor cannot be its own gradient")
        self.gradient = value

    @grad.deleter
    def grad(self):
        self.gradient = None

    @property
    def _grad(self):
        """`grad`, for those who ask on nobody's behalf: there is no warning."""
        return self.gradient

    def detach(self):
        """The same values without history. Memory and version counter are shared."""
        cdef Tensor y = wrap(self.array)
        y.version = self.shared_version()
        return y

    @property
    def data(self):
        """The same values without history. Assigning replaces the values and counts as a change."""
        return self.detach()

    @data.setter
    def data(self, value):
        if not isinstance(value, Tensor):
            raise TypeError(f"data: expected a Tensor, got {type(value).__name__}")
        cdef Tensor source = value
        if self.collects and not cnp.PyArray_ISFLOAT(source.array):
            raise DTypeError(
                "data: this tensor requires a gradient, so its dtype must be a float, got "
                f"{source.dtype}")
        if source.array is self.array:
            return
        self.written("assignment to .data")
        self.array = source.array
        self.version = source.shared_version()
        self.base = None
        if self.gradient is not None and self.gradient.shape != self.shape:
            self.gradient = None

    def _share(self, Tensor source not None):
        """Become another handle on the values of `source`, without history (for subclasses)."""
        self.array = source.array
        self.version = source.shared_version()

    # --- what the array is -------------------------------------------------------------------

    @property
    def shape(self):
        """The sizes, one a dimension."""
        return Size((<object>self.array).shape)

    @property
    def dtype(self):
        """The element type, one of `minigrad.float32` and its five siblings."""
        return dtypes._by_numpy[(<object>self.array).dtype]

    @property
    def ndim(self):
        """The number of dimensions."""
        return cnp.PyArray_NDIM(self.array)

    def __len__(self):
        if cnp.PyArray_NDIM(self.array) == 0:
            raise TypeError("len(): a 0-d tensor has no length")
        return cnp.PyArray_DIM(self.array, 0)

    def __contains__(self, element):
        answer = eq(self, element)
        if answer is NotImplemented:
            raise TypeError(f"in: expected a Tensor, a NumPy array or a number, got "
                            f"{type(element).__name__}")
        return bool(answer.any())

    def __iter__(self):
        if cnp.PyArray_NDIM(self.array) == 0:
            raise TypeError("iteration over a 0-d tensor")
        return map(functools.partial(getitem, self), range(cnp.PyArray_DIM(self.array, 0)))

    def item(self):
        """The value of a one-element tensor as a Python number."""
        if cnp.PyArray_SIZE(self.array) != 1:
            raise ValueError(
                f"item: expected a tensor with one element, got {cnp.PyArray_SIZE(self.array)} "
                f"(shape {tuple(self.shape)})")
        return (<object>self.array).item()

    def __bool__(self):
        if cnp.PyArray_SIZE(self.array) != 1:
            raise ValueError(
                f"bool: the truth of a tensor with {cnp.PyArray_SIZE(self.array)} elements is "
                "ambiguous; use .any() or .all()")
        return bool((<object>self.array).item())

    def __float__(self):
        return float(self.item())

    def __int__(self):
        return int(self.item())

    def __index__(self):
        if cnp.PyArray_ISFLOAT(self.array) or cnp.PyArray_SIZE(self.array) != 1:
            raise TypeError(
                f"only a one-element integer tensor can be an index, got shape {tuple(self.shape)} "
                f"and {self.dtype}")
        return int((<object>self.array).item())

    def __hash__(self):
        return <Py_ssize_t><void *>self >> 4

    def __repr__(self):
        return text(self)

    # --- operators: each is a function of ops/ -------------------------------------------------

    def __add__(self, other): return add(self, other)
    def __radd__(self, other): return add(other, self)
    def __sub__(self, other): return sub(self, other)
    def __rsub__(self, other): return sub(other, self)
    def __mul__(self, other): return mul(self, other)
    def __rmul__(self, other): return mul(other, self)
    def __truediv__(self, other): return div(self, other)
    def __rtruediv__(self, other): return div(other, self)
    def __floordiv__(self, other): return floor_divide(self, other)
    def __rfloordiv__(self, other): return floor_divide(other, self)
    def __mod__(self, other): return remainder(self, other)
    def __rmod__(self, other): return remainder(other, self)
    def __pow__(self, other, modulo): return power(self, other)
    def __rpow__(self, other, modulo): return power(other, self)
    def __matmul__(self, other): return matmul(self, other)
    def __rmatmul__(self, other): return matmul(other, self)
    def __neg__(self): return neg(self)

    def __pos__(self):
        if cnp.PyArray_ISBOOL(self.array):
            raise DTypeError("+: not defined for bool tensors; convert it with .int()")
        return self

    def __abs__(self): return absolute(self)
    def __invert__(self): return bitwise_not(self)
    def __and__(self, other): return bitwise_and(self, other)
    def __rand__(self, other): return bitwise_and(other, self)
    def __or__(self, other): return bitwise_or(self, other)
    def __ror__(self, other): return bitwise_or(other, self)
    def __xor__(self, other): return bitwise_xor(self, other)
    def __rxor__(self, other): return bitwise_xor(other, self)
    def __eq__(self, other): return eq(self, other)
    def __ne__(self, other): return ne(self, other)
    def __lt__(self, other): return lt(self, other)
    def __le__(self, other): return le(self, other)
    def __gt__(self, other): return gt(self, other)
    def __ge__(self, other): return ge(self, other)
    def __iadd__(self, other): return add_(self, other)
    def __isub__(self, other): return sub_(self, other)
    def __imul__(self, other): return mul_(self, other)
    def __itruediv__(self, other): return div_(self, other)
    def __ipow__(self, other): return pow_(self, other)
    def __ifloordiv__(self, other): return self.floor_divide_(other)
    def __imod__(self, other): return self.remainder_(other)
    def __iand__(self, other): return self.bitwise_and_(other)
    def __ior__(self, other): return self.bitwise_or_(other)
    def __ixor__(self, other): return self.bitwise_xor_(other)
    def __getitem__(self, key): return getitem(self, key)
    def __setitem__(self, key, value): setitem(self, key, value)

    def __array_ufunc__(self, ufunc, method, *inputs, **options):
        return array_ufunc(ufunc, method, inputs, options)


cdef object shown(Tensor x):
    """What the picture of the graph can say of x later: its array if that is small, or shape."""
    if x is None:
        return None
    return x.array if cnp.PyArray_SIZE(x.array) <= SHOWN else (<object>x.array).shape


cdef object edge(Tensor x):
    """What a node's arrow points to: the maker of x, x itself if it collects, or None."""
    if x is None:
        return None
    return x if x.collects else x.history()


cdef Function record(Function node, Tensor y, tuple inputs):
    """Make `node` the history of y, an arrow to the history of each input."""
    if len(inputs) == 1:
        node.inputs = (edge(inputs[0]),)
    elif len(inputs) == 2:
        node.inputs = (edge(inputs[0]), edge(inputs[1]))
    else:
        node.inputs = tuple([edge(x) for x in inputs])
    for each in node.inputs:
        if each is None:
            node.constants = tuple([shown(x) if edge(x) is None else None for x in inputs])
            break
    node.value = shown(y)
    if observer is not None:
        observer(node, y, inputs)
    y.node = node
    return node


cdef object observer = None

cdef int observe_forward(object function) except -1:
    """From now on show every node, with its value and inputs, to `function` (None: to nobody)."""
    global observer
    observer = function
    return 0


cdef Tensor wrap(cnp.ndarray array):
    """A plain tensor around an array that nobody else holds."""
    cdef Tensor x = Tensor.__new__(Tensor)
    x.array = array
    return x


# Gradients and hooks may lead from tensor to tensor without a node between them. A `__dealloc__`
# for those few would cost every temporary value 5 ns; this looks at two pointers.

cdef destructor free_tensor = (<PyTypeObject *>Tensor).tp_dealloc


cdef void destroy(PyObject *x) noexcept:
    """The destructor of Tensor."""
    cdef Pending *pending = NULL
    if (<Tensor>x).gradient is not None or (<Tensor>x).hooks is not None:
        PyObject_GC_UnTrack(x)
        pending = pending_here()
        drop_later(pending, <PyObject *>(<Tensor>x).gradient)
        drop_later(pending, <PyObject *>(<Tensor>x).hooks)
        (<Tensor>x).gradient = (<Tensor>x).hooks = None
    free_tensor(x)
    if pending != NULL:
        drop_all(pending)


(<PyTypeObject *>Tensor).tp_dealloc = destroy


@cython.no_gc   # as SavedTensor: a module's function, sizes and slices
@cython.final
@cython.freelist(256)
cdef class Step:
    """One step from a base to its view, `function(x, *arguments)`, and the steps before it."""

    def __dealloc__(self):
        cdef Pending *pending = pending_here()
        drop_later(pending, <PyObject *>self.before)
        self.before = None
        drop_all(pending)


cdef Tensor view_of(Tensor x, cnp.ndarray array, object function, tuple arguments):
    """A tensor over memory of x, `function(x, *arguments)`: a write through one shows in both."""
    cdef Tensor y = Tensor.__new__(Tensor)
    cdef Step step = Step.__new__(Step)
    step.function = function
    step.arguments = arguments
    y.array = array
    y.version = x.shared_version()
    y.seen = y.version.count
    y.recipe = step
    if x.viewed() is None:
        y.base = x
    else:   # a step holds the one it continues: a chain of views takes memory for its links alone
        y.base = x.base
        step.before = x.recipe
    return y


def replay(x, Step recipe):
    """Apply the steps that lead from a base to one of its views; a recipe is the last of them."""
    cdef Step step = recipe
    cdef list steps = []
    while step is not None:
        steps.append(step)
        step = step.before
    while steps:
        step = <Step>steps.pop()
        x = step.function(x, *step.arguments)
    return x
