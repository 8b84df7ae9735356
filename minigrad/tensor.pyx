"""Arrays with history.

A `Tensor` is a NumPy array that remembers how it was made. A `Function` is one node of that
history: an operation, with a reference to whatever made each of its inputs. Nothing here knows
how to differentiate anything: the rules are in `ops/`, the walk through the graph is in
`autograd/engine.pyx`. The fields of both are in tensor.pxd. On first reading, skip what is about
views: without them, `history()` is `self.node`.
"""

import warnings

cimport cython
cimport numpy as cnp
from cpython.ref cimport PyObject

import numpy as np

from . import dtypes
from ._checks import class_of
from ._runtime.versions cimport NOWHERE, OWN, SavedTensor, Step, Version
from ._runtime.versions import rebuild_view
from .errors import DTypeError, GraphError, ShapeError
from ._size import Size

cnp.import_array()

cdef cnp.ndarray NOTHING = np.zeros(0, np.float32)


# Without binding, a method checks what it is called on: Tensor.item(3) is a TypeError and not a
# crash.
@cython.binding(False)
@cython.freelist(256)
cdef class Tensor:
    """A multi-dimensional array that can record what is computed from it, for `backward`.

    Make one with `minigrad.tensor(data)`. `Tensor(sequence)` gives a tensor of the default dtype,
    `Tensor(2, 3)` zeros of that shape (torch leaves them uninitialized).
    """

    __array_priority__ = 1000   # NumPy's operators step back: `ndarray * Tensor` is __rmul__

    def __cinit__(self):
        self.array = NOTHING   # never None: C code reads it without looking

    def __init__(self, *data):
        cdef Tensor source = operators.from_data(data)
        if self.version is not None:   # called again: other values, without history
            self.written("__init__")
        self.array = source.array
        self.node = self.base = self.version = None

    # --- history -----------------------------------------------------------------------------

    cdef Function history(self):
        """The node that made this tensor. A view whose base was written gets a new history."""
        cdef Function fresh = None
        if self.viewed() is not None and self.seen != self.version.count:
            if self.base.wants_grad():
                fresh = (<Tensor>rebuild_view(self.base, self.last_step())).node
                if fresh is None:
                    return self.node   # recording is off: ask again when it is on
            self.node = fresh
            self.seen = self.version.count
        return self.node

    cdef Step last_step(self):
        """The step that made this view of its base, and with it all before."""
        cdef Step step = Step.__new__(Step)
        step.function, step.arguments = self.view_function, self.view_arguments
        step.before = self.steps_before
        return step

    cdef Tensor viewed(self):
        """The tensor this is a view of, or None (also after `.data = …` replaced its memory)."""
        if self.base is not None and self.base.version is not self.version:
            self.base = None
        return self.base

    cdef bint wants_grad(self):
        return self.is_grad_leaf or self.history() is not None

    cdef Version shared_version(self):
        if self.version is None:
            self.version = Version.__new__(Version)
            self.version.memory = self.array
        return self.version

    cdef int written(self, str operation) except -1:
        """Count a change of the values, so that nodes that saved them notice."""
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
        self.is_grad_leaf = value

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
        cdef Function node = None
        if self.gradient is None and not self.is_grad_leaf:
            node = self.history()
        if node is not None and (node.retainer is None or node.retainer() is not self):
            warnings.warn(
                f"grad: this is None and stays so: the tensor was computed ({node.name()}), and "
                "backward writes .grad on leaves only. Call .retain_grad() on it before "
                f"backward(), or read .grad on a leaf{moved_by_hand(node)}", UserWarning,
                stacklevel=1)
        return self.gradient

    @grad.setter
    def grad(self, value):
        if value is None:
            self.gradient = None
            return
        if not isinstance(value, Tensor):
            raise TypeError(f"grad: expected a Tensor or None, got {class_of(value)}")
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
        self.gradient_use = 0

    @grad.deleter
    def grad(self):
        self.gradient = None

    @property
    def _grad(self):
        """`grad`, without the warning, for code that the user did not write."""
        return self.gradient

    # `backward` is attached by autograd/engine.pyx: see tensor_backward there.

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
            raise TypeError(f"data: expected a Tensor, got {class_of(value)}")
        cdef Tensor source = value
        if self.is_grad_leaf and not cnp.PyArray_ISFLOAT(source.array):
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
        """The sizes, one per dimension."""
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

    def __contains__(self, element): return operators.contains(self, element)
    def __iter__(self): return operators.iterate(self)

    def item(self):
        """The value of a one-element tensor as a Python number."""
        if cnp.PyArray_SIZE(self.array) != 1:
            raise ValueError(f"item: expected a tensor with one element, got "
                             f"{cnp.PyArray_SIZE(self.array)} (shape {tuple(self.shape)})")
        return (<object>self.array).item()

    def __bool__(self):
        if cnp.PyArray_SIZE(self.array) != 1:
            raise ValueError(f"bool: the truth of a tensor with {cnp.PyArray_SIZE(self.array)} "
                             "elements is ambiguous; use .any() or .all()")
        return bool((<object>self.array).item())

    def __float__(self): return float(self.item())
    def __int__(self): return int(self.item())
    def __index__(self): return operators.index(self)
    def __hash__(self): return <Py_ssize_t><void *>self >> 4
    def __repr__(self): return operators.text(self)

    # --- operators: each is a function of ops/ -------------------------------------------------

    def __add__(self, other): return operators.add(self, other)
    def __radd__(self, other): return operators.add(other, self)
    def __sub__(self, other): return operators.sub(self, other)
    def __rsub__(self, other): return operators.sub(other, self)
    def __mul__(self, other): return operators.mul(self, other)
    def __rmul__(self, other): return operators.mul(other, self)
    def __truediv__(self, other): return operators.div(self, other)
    def __rtruediv__(self, other): return operators.div(other, self)
    def __floordiv__(self, other): return operators.floor_divide(self, other)
    def __rfloordiv__(self, other): return operators.floor_divide(other, self)
    def __mod__(self, other): return operators.remainder(self, other)
    def __rmod__(self, other): return operators.remainder(other, self)
    def __pow__(self, other, modulo): return operators.power(self, other)
    def __rpow__(self, other, modulo): return operators.power(other, self)
    def __matmul__(self, other): return operators.matmul(self, other)
    def __rmatmul__(self, other): return operators.matmul(other, self)
    def __neg__(self): return operators.neg(self)
    def __pos__(self): return operators.positive(self)
    def __abs__(self): return operators.absolute(self)
    def __invert__(self): return operators.bitwise_not(self)
    def __and__(self, other): return operators.bitwise_and(self, other)
    def __rand__(self, other): return operators.bitwise_and(other, self)
    def __or__(self, other): return operators.bitwise_or(self, other)
    def __ror__(self, other): return operators.bitwise_or(other, self)
    def __xor__(self, other): return operators.bitwise_xor(self, other)
    def __rxor__(self, other): return operators.bitwise_xor(other, self)
    def __eq__(self, other): return operators.eq(self, other)
    def __ne__(self, other): return operators.ne(self, other)
    def __lt__(self, other): return operators.lt(self, other)
    def __le__(self, other): return operators.le(self, other)
    def __gt__(self, other): return operators.gt(self, other)
    def __ge__(self, other): return operators.ge(self, other)
    def __iadd__(self, other): return operators.add_(self, other)
    def __isub__(self, other): return operators.sub_(self, other)
    def __imul__(self, other): return operators.mul_(self, other)
    def __itruediv__(self, other): return operators.div_(self, other)
    def __ipow__(self, other): return operators.pow_(self, other)
    def __ifloordiv__(self, other): return self.floor_divide_(other)
    def __imod__(self, other): return self.remainder_(other)
    def __iand__(self, other): return self.bitwise_and_(other)
    def __ior__(self, other): return self.bitwise_or_(other)
    def __ixor__(self, other): return self.bitwise_xor_(other)
    def __getitem__(self, key): return operators.getitem(self, key)
    def __setitem__(self, key, value): operators.setitem(self, key, value)

    def __array_ufunc__(self, ufunc, method, *x, **options):
        return operators.array_ufunc(ufunc, method, x, options)


# --- what ops/ hands over: it knows Tensor, Tensor does not know it -------------------------------

cdef class Operators:
    """The functions behind the operators above."""

    cdef public object add, sub, mul, div, floor_divide, remainder, power, neg, positive, absolute
    cdef public object matmul, eq, ne, lt, le, gt, ge, bitwise_and, bitwise_or, bitwise_xor
    cdef public object bitwise_not, add_, sub_, mul_, div_, pow_, getitem, setitem
    cdef public object index, contains, iterate, text, from_data, array_ufunc

cdef Operators operators = Operators()


def install_operators(functions):
    """Give each operator its function (called once, by ops/__init__.py)."""
    for name, function in functions.items():
        setattr(operators, name, function)
    for name in dir(operators):
        if getattr(operators, name) is None:
            raise AttributeError(f"install_operators: there is no function for {name}")


cdef extern from "Python.h":
    ctypedef struct PyTypeObject:
        PyObject *tp_dict
    void PyType_Modified(type)


def method(name, function):
    """Make `function` the Tensor method `name`: the method *is* the function, not a copy of it."""
    (<dict>(<PyTypeObject *>Tensor).tp_dict)[name] = function
    PyType_Modified(Tensor)


# --- history -----------------------------------------------------------------------------------

@cython.binding(False)   # see Tensor
cdef class Function:
    """A node of the graph: an operation that was run, and where its inputs came from.

    `inputs` has one entry per input: a reference to the Function that made it, or to the Tensor
    itself where it is a leaf that collects a gradient, or None where no gradient is wanted.
    Subclasses supply `backward(dy)`: given the gradient of the loss with respect to the output,
    return the one with respect to each input, written with Tensor operations. (A subclass whose own
    fields may lead on to other nodes needs a `__dealloc__`: see _runtime/deallocation.pyx.)
    """

    # The rules of ops/ override this C method. A subclass written in Python cannot: for it the
    # engine arrives here, and the line below calls its Python method `backward`.
    cdef backward(self, Tensor dy):
        return type(self).backward(self, dy)

    cdef Function save(self, tuple tensors):
        """Keep these tensors (or None) for `backward`; to be called after `record`."""
        cdef Tensor x
        self.saved_values = tuple([None if x is None else self.saved_value(x) for x in tensors])
        return self

    cdef object saved_value(self, Tensor x):
        cdef SavedTensor saved = SavedTensor.__new__(SavedTensor)
        cdef object maker = history_of(x)
        cdef Py_ssize_t i
        saved.version = x.shared_version()
        saved.count = saved.version.count
        saved.array = None if maker is x else x.array
        saved.origin = OWN if maker is self else NOWHERE
        if maker is None or maker is self:
            return saved
        for i in range(len(self.inputs)):
            if self.inputs[i] is maker:
                saved.origin = i
                return saved
        return (saved, maker)   # forward of an autograd.Function may save more than its inputs

    cdef tuple saved(self):
        """The tensors given to `save`, each verified to be what it was."""
        if self.saved_values is None:
            raise GraphError(f"{self.name()}: backward through this graph a second time, but its "
                             "saved values were freed; pass retain_graph=True to the first one "
                             "(more: python -m minigrad book autograd_words#retain_graph)")
        return tuple([None if each is None else self.unpack(each) for each in self.saved_values])

    cdef Tensor unpack(self, object saved):
        cdef object maker = None
        if type(saved) is tuple:
            saved, maker = saved
        cdef SavedTensor value = saved
        value.verify(self)
        if value.origin >= 0:
            maker = self.inputs[value.origin]
        elif value.origin == OWN:
            maker = self
        if value.array is None:   # a leaf
            return maker
        cdef Tensor x = wrap(value.array)
        x.node = maker
        x.version = value.version
        return x

    cdef bint needs(self, Py_ssize_t i):
        """Whether input i wants a gradient."""
        return self.inputs[i] is not None

    def name(self):
        return f"{type(self).__name__}Backward0"   # as torch prints it

    @property
    def has_saved(self):
        """Whether it holds saved values: not if backward has freed them, or it needs none."""
        return self.saved_values is not None

    @property
    def next_functions(self):
        """torch's view of `inputs`: pairs (what made the input, 0)."""
        return tuple([(each, 0) for each in self.inputs or ()])

    def picture(self):
        """(value, gradient, constants) for `graph()`: arrays if small, else shapes or None."""
        return self.value, self.gradient, self.constants or (None,) * len(self.inputs)

    def roads(self, Tensor dy not None):
        """{i: [(name, share)]} for an input whose gradient is a sum that a walk should show."""
        return {}

    def saved_arrays(self):
        """The arrays saved for backward, leaves (which exist anyway) not among them."""
        cdef list values = [
            each[0] if type(each) is tuple else each for each in self.saved_values or ()]
        arrays = [(<SavedTensor>each).array for each in values if each is not None]
        return [array for array in arrays if array is not None]

    def known_values(self):
        """[(node, what it made)] for the nodes around whose value is saved, and unchanged."""
        cdef SavedTensor saved
        found = []
        for each in self.saved_values or ():
            if type(each) is SavedTensor:
                saved = each
                if saved.origin != NOWHERE and saved.array is not None and (
                        saved.count == saved.version.count):
                    node = self if saved.origin == OWN else self.inputs[saved.origin]
                    found.append((node, saved.array))
        return found

    def __reduce_ex__(self, protocol):
        raise TypeError(f"{self.name()}: a node of the graph can be neither copied nor pickled")

    def __repr__(self): return f"<{self.name()} object at {hex(id(self))}>"


cdef enum: PICTURE_SIZE = 64   # elements of the largest value that a node remembers for its picture

cdef object for_picture(Tensor x):
    """What the picture of the graph can say of x later: its array if that is small, or shape."""
    if x is None:
        return None
    return x.array if cnp.PyArray_SIZE(x.array) <= PICTURE_SIZE else (<object>x.array).shape


cdef str moved_by_hand(Function node):
    """What to say of a w that was made by `w = w - lr * w.grad`, which is no leaf any more."""
    if node.name() != "SubBackward0" or node.inputs[1] is not None:
        return ""
    if not isinstance(node.inputs[0], Tensor):
        return ""
    return (". Was it w = w - lr * w.grad? That makes a new tensor; to move the leaf itself, write "
            "w -= lr * w.grad under no_grad()")


cdef object history_of(Tensor x):
    """What a node refers to for its input x: the maker of x, x itself (a leaf), or None."""
    if x is None:
        return None
    return x if x.is_grad_leaf else x.history()


cdef Function record(Function node, Tensor y, tuple inputs):
    """Make `node` the history of y, with a reference to the history of each input."""
    if len(inputs) == 1:
        node.inputs = (history_of(inputs[0]),)
    elif len(inputs) == 2:
        node.inputs = (history_of(inputs[0]), history_of(inputs[1]))
    else:
        node.inputs = tuple([history_of(x) for x in inputs])
    for each in node.inputs:
        if each is None:
            node.constants = tuple(
                [for_picture(x) if history_of(x) is None else None for x in inputs])
            break
    node.value = for_picture(y)
    if observer is not None:
        observer(node, y, inputs)
    y.node = node
    return node


cdef object observer = None

cdef int observe_forward(object function) except -1:
    """Call `function(node, y, inputs)` for every node recorded later; None turns this off."""
    global observer
    observer = function
    return 0


# --- new tensors ---------------------------------------------------------------------------------

cdef Tensor wrap(cnp.ndarray array):
    """A plain tensor around an array that nobody else holds."""
    cdef Tensor x = Tensor.__new__(Tensor)
    x.array = array
    return x


cdef Tensor view_of(Tensor x, cnp.ndarray array, object function, tuple arguments):
    """A tensor over memory of x, `function(x, *arguments)`: a write through one shows in both."""
    cdef Tensor y = Tensor.__new__(Tensor)
    y.array = array
    y.version = x.shared_version()
    y.seen = y.version.count
    y.view_function, y.view_arguments = function, arguments
    if x.viewed() is None:
        y.base = x
    else:   # a step refers to the one before it: a chain of views takes memory only for links
        y.base, y.steps_before = x.base, x.last_step()
    return y
