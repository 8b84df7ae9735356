"""The walk through the graph: grad mode, the order of the backward pass, and the pass itself.

The backward pass is a loop over the nodes, each after everything that used it. Gradients live in
a local table keyed by node until the pass is over; only then are the leaves' `.grad` written, so
that a pass that fails changes nothing.
"""

import functools
import inspect
from collections.abc import Iterable

cimport cython
cimport numpy as cnp
from cpython.ref cimport PyObject
from libc.string cimport memcpy

import numpy as np

from . import checks
from .errors import DTypeError, GraphError, ShapeError
from .quiet import quietly
from .tensor cimport Function, Tensor, wrap
from .tensor import method

cnp.import_array()

cdef extern from "Python.h":
    Py_ssize_t Py_REFCNT(PyObject *)

# Each thread has its own grad mode, and a new thread starts with recording on.
cdef extern from *:
    """
    #if defined(_MSC_VER)
      static __declspec(thread) int recording_off = 0;
    #elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L && !defined(__STDC_NO_THREADS__)
      static _Thread_local int recording_off = 0;
    #else
      static __thread int recording_off = 0;
    #endif
    """
    int recording_off


cdef bint grad_mode() noexcept nogil:
    """Whether operations of this thread are recorded."""
    return not recording_off


cdef bint set_grad_mode(bint enabled) noexcept nogil:
    """Switch recording on or off; returns what it was."""
    global recording_off
    cdef bint before = not recording_off
    recording_off = not enabled
    return before


cdef bint recording(Tensor a, Tensor b=None, Tensor c=None):
    """Whether an operation on these tensors is to be recorded."""
    if recording_off:
        return False
    if a.wants_grad() or (b is not None and b.wants_grad()):
        return True
    return c is not None and c.wants_grad()


def is_grad_enabled():
    """Whether operations of this thread are recorded for backward."""
    return grad_mode()


class set_grad_enabled:
    """Switch recording on or off: at once, as a context manager, or as a decorator."""

    def __init__(self, mode):
        if not isinstance(mode, bool):
            raise TypeError(f"set_grad_enabled: expected True or False, got {mode!r}")
        self.mode = mode
        self.before = set_grad_mode(mode)

    def __enter__(self):
        set_grad_mode(self.mode)
        return self

    def __exit__(self, *exception):
        set_grad_mode(self.before)

    def __call__(self, function):
        # A decorator acts while the function runs, not where it is written.
        set_grad_mode(self.before)
        mode = self.mode
        return decorated(lambda: set_grad_enabled(mode), function)


class grad_switch:
    """Context manager and decorator that sets the grad mode to `mode`: no_grad, enable_grad."""

    mode = True

    def __new__(cls, function=None):
        if function is not None:
            return decorated(cls, function)
        self = object.__new__(cls)
        self.before = []   # a stack: one object may be entered again before it is left
        return self

    def __enter__(self):
        self.before.append(set_grad_mode(self.mode))
        return self

    def __exit__(self, *exception):
        set_grad_mode(self.before.pop())

    def __call__(self, function):
        return decorated(type(self), function)


class no_grad(grad_switch):
    """Nothing is recorded, and leaves may be changed: `with no_grad(): w -= lr * w.grad`."""

    mode = False


class enable_grad(grad_switch):
    """Within it operations are recorded, also inside `no_grad`."""


def decorated(manager, function):
    """`function` run under `manager()`; a generator gets the mode in its steps, not between."""
    checks.function("grad mode", "what it decorates", function)
    if not inspect.isgeneratorfunction(function):
        @functools.wraps(function)
        def run(*arguments, **options):
            with manager():
                return function(*arguments, **options)
        return run

    @functools.wraps(function)
    def steps(*arguments, **options):
        generator = function(*arguments, **options)
        step, given = generator.send, None
        while True:
            try:
                with manager():
                    value = step(given)
            except StopIteration as stop:
                return stop.value
            try:
                step, given = generator.send, (yield value)
            except BaseException as error:   # thrown in by the caller, or GeneratorExit
                step, given = generator.throw, error
    return steps


cdef Py_ssize_t walks = 0


cdef list topological_order(list roots):
    """Every node below the roots, inputs first; reversed, the order of the backward pass.

    Depth first with a stack of our own, since a graph may be a million nodes deep. A node is
    pushed again when it is entered, and finished when that second entry comes up.
    """
    global walks
    walks += 2
    cdef Py_ssize_t entered = walks, finished = walks + 1
    cdef list order = [], stack = list(roots)
    cdef Function node
    while stack:
        node = <Function>stack.pop()
        if node.mark == entered:
            node.mark = finished
            order.append(node)
        elif node.mark != finished:
            node.mark = entered
            stack.append(node)
            for each in node.inputs:
                if isinstance(each, Function) and (<Function>each).mark < entered:
                    stack.append(each)
    return order


cdef int accumulate(dict table, object key, Tensor dy) except -1:
    """Add dy to what has arrived at `key`: roads to one place add up, (1) of chain_rule.md."""
    cdef object before = table.get(key)
    table[key] = dy if before is None else before + dy  # (1)
    return 0


cdef Tensor run_hooks(hooks, Tensor dy):
    """Show dy to each hook; a hook may return another gradient in its place."""
    for hook in list(hooks.values()):
        answer = hook(dy)
        if answer is None:
            continue
        if not isinstance(answer, Tensor):
            raise TypeError(f"hook: expected None or a Tensor, got {type(answer).__name__}")
        if answer.shape != dy.shape:
            raise ShapeError(
                f"hook: the gradient has shape {tuple(dy.shape)}, the hook returned "
                f"{tuple(answer.shape)}")
        if answer.dtype is not dy.dtype:
            raise DTypeError(
                f"hook: the gradient has dtype {dy.dtype}, the hook returned {answer.dtype}")
        dy = answer
    return dy


cdef dict propagate(
    list roots, list cotangents, bint create_graph, frozenset wanted, dict arrivals, list ran
):
    """Carry the cotangents of the roots back to the leaves (and to `wanted` nodes).

    Returns {place: gradient} and notes what `settle` will need: in `arrivals` the gradients that a
    node will show, in `ran` the nodes whose rule was asked. Nothing is changed here.
    """
    cdef dict table = {}, caught = {}
    cdef Function node
    cdef Tensor dy
    cdef list nodes = [root for root in roots if isinstance(root, Function)]
    cdef list order = topological_order(nodes)
    cdef set useful = None
    cdef object answer
    cdef Py_ssize_t i
    if wanted is not None:
        useful = set(wanted)
        for node in order:
            if node not in useful and not useful.isdisjoint(node.inputs):
                useful.add(node)
    for root, dy in zip(roots, cotangents):
        accumulate(table, root, dy)
    cdef bint before = set_grad_mode(create_graph)
    try:
        while order:
            node = <Function>order.pop()
            dy = table.pop(node, None)
            if dy is None or (useful is not None and node not in useful):
                continue
            if node.hooks:
                dy = run_hooks(node.hooks, dy)
            if type(node.value) is not tuple or node.retainer is not None:
                arrivals[node] = dy
            if useful is not None and node in wanted:
                caught[node] = dy
                if useful.isdisjoint(node.inputs):
                    continue
            answer = node.backward(dy)  # (3)
            ran.append(node)
            if observer is not None:
                observer(node, dy, answer)
            if type(answer) is tuple:
                for i in range(len(<tuple>answer)):
                    if node.inputs[i] is not None and (<tuple>answer)[i] is not None:
                        accumulate(table, node.inputs[i], (<tuple>answer)[i])
            elif answer is not None and node.inputs[0] is not None:
                accumulate(table, node.inputs[0], answer)
            answer = None
        for leaf in table:
            if (<Tensor>leaf).hooks and (useful is None or leaf in useful):
                table[leaf] = run_hooks((<Tensor>leaf).hooks, table[leaf])
    finally:
        set_grad_mode(before)
    table.update(caught)
    return table


cdef object observer = None

cdef int observe_backward(object function) except -1:
    """From now on show every node, with dy and its answer, to `function` (None: to nobody)."""
    global observer
    observer = function
    return 0


cdef tuple deposit(Tensor x, Tensor dy, bint create_graph):
    """(x, its new .grad): dy added to the old one, in memory that no other tensor shares."""
    cdef Tensor total = x.gradient
    cdef cnp.ndarray array
    if (not cnp.PyArray_SAMESHAPE(dy.array, x.array)
            or cnp.PyArray_TYPE(dy.array) != cnp.PyArray_TYPE(x.array)):
        raise GraphError(
            f"backward: a gradient of shape {tuple(dy.shape)} and {dy.dtype} arrived at a tensor "
            f"that is now {tuple(x.shape)} and {x.dtype}; its .data was replaced after it was used")
    if create_graph:
        return (x, dy.clone() if total is None else total + dy)
    array = own(dy)
    if total is not None:
        quietly(np.add, total.array, array, out=array)
    return (x, wrap(array))


cdef cnp.ndarray own(Tensor dy):
    """dy's array if nobody else can reach it, else a copy."""
    cdef cnp.ndarray array = dy.array
    # The references that are known: our caller's to dy, dy's to the array, and that of this line.
    if (Py_REFCNT(<PyObject *>dy) == 1 and Py_REFCNT(<PyObject *>array) == 2 and dy.version is None
            and (<object>array).base is None and cnp.PyArray_ISCARRAY(array)):
        return array
    return cnp.PyArray_NewCopy(array, cnp.NPY_CORDER)


cdef int settle(
    dict arrivals, list ran, list deposits, bint create_graph, bint keep_graph
) except -1:
    """Write what a successful pass has found: gradients, and that the saved values are gone.

    All that may fail comes first, so that the pass takes effect as a whole or not at all. A node
    loses its saved values only if its own rule has used them: where the pass stopped, another
    may begin.
    """
    cdef Function node
    cdef Tensor x, dy, total, new
    for node, dy in arrivals.items():
        x = None if node.retainer is None else node.retainer()
        if x is not None:
            deposits.append(deposit(x, dy, create_graph))
    for x, new in deposits:
        total = x.gradient
        if total is None or create_graph or not replaced(total.array, new.array):
            x.gradient = new
        else:
            total.written("backward")
    for node, dy in arrivals.items():
        if type(node.value) is not tuple:
            node.gradient = dy.array
    if not keep_graph:
        for node in ran:
            if node.kept is not None and holds_something(node.kept):
                node.kept = None
    return 0


cdef bint holds_something(tuple kept) noexcept:
    """Whether anything was saved. A node that has nothing to lose can be asked again and again."""
    for each in kept:
        if each is not None:
            return True
    return False


cdef bint replaced(cnp.ndarray old, cnp.ndarray new) noexcept:
    """Write new's values over old's if nothing can fail: who holds the old .grad sees them."""
    if not cnp.PyArray_ISCARRAY(old) or cnp.PyArray_NBYTES(old) != cnp.PyArray_NBYTES(new):
        return False
    memcpy(cnp.PyArray_DATA(old), cnp.PyArray_DATA(new), cnp.PyArray_NBYTES(new))
    return True


cdef Tensor cotangent_for(
    str operation, str output_is, str gradient_is, Py_ssize_t i, Tensor output, object given
):
    """The gradient that a root starts with: `given`, checked, or 1 for a scalar.

    For errors: what root and gradient are called there, and their number if they are in a list.
    """
    if not output.wants_grad():
        raise GraphError(
            f"{operation}: {named(output_is, i)} does not require a gradient and was not computed "
            "from one that does; set requires_grad=True on an input before computing it")
    cdef cnp.ndarray one
    if given is None:
        if cnp.PyArray_SIZE(output.array) != 1:
            raise GraphError(
                f"{operation}: a gradient is implied only for a one-element output, got shape "
                f"{tuple(output.shape)}; reduce it (for example .sum()) or pass {gradient_is}=")
        one = cnp.PyArray_EMPTY(
            cnp.PyArray_NDIM(output.array), cnp.PyArray_DIMS(output.array),
            cnp.PyArray_TYPE(output.array), 0)
        cnp.PyArray_FillWithScalar(one, 1)  # (2)
        return wrap(one)
    if not isinstance(given, Tensor):
        raise TypeError(
            f"{operation}: {named(gradient_is, i)} must be a Tensor or None, got "
            f"{type(given).__name__}")
    if given.shape != output.shape:
        raise ShapeError(
            f"{operation}: the output has shape {tuple(output.shape)}, got a gradient of shape "
            f"{tuple(given.shape)} as {named(gradient_is, i)}")
    if given.dtype is not output.dtype:
        raise DTypeError(
            f"{operation}: the output has dtype {output.dtype}, got a gradient of dtype "
            f"{given.dtype} as {named(gradient_is, i)}")
    return given


cdef str named(str argument, Py_ssize_t i):
    return argument if i < 0 else f"{argument}[{i}]"


cdef list cotangents_for(
    str operation, str outputs_are, tuple outputs, str gradients_are, object given
):
    """The gradient that each root starts with; `given`: a Tensor or None per root, or None."""
    cdef tuple gradients = (None,) * len(outputs)
    cdef Py_ssize_t i
    if given is not None:
        gradients = as_tuple(operation, gradients_are, given)
        if len(gradients) != len(outputs):
            raise ValueError(
                f"{operation}: {len(outputs)} {outputs_are}, but {len(gradients)} {gradients_are}")
    return [cotangent_for(operation, outputs_are, gradients_are, i, outputs[i], gradients[i])
            for i in range(len(outputs))]


cdef object place(Tensor x):
    """Where x's gradient arrives in the table: its maker, or x itself."""
    return x if x.collects else x.history()


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, inputs=None):
    """Accumulate the gradient of all `tensors` together into the `.grad` of every leaf below.

    One pass over all of them, which takes effect as a whole or not at all.
    grad_tensors: one Tensor per tensor, of its shape and dtype; None for one-element tensors.
    retain_graph: keep the saved values for another backward (default: the value of create_graph).
    create_graph: record the pass itself, so that the gradients can be differentiated again.
    inputs: only these tensors collect. Errors: GraphError, ShapeError, DTypeError.
    torch: autograd.backward.
    """
    cdef tuple roots = all_tensors("backward", "tensors", tensors)
    cdef list cotangents = cotangents_for(
        "backward", "tensors", roots, "grad_tensors", grad_tensors)
    run_backward(roots, cotangents, retain_graph, create_graph, inputs)


@cython.embedsignature(False)   # of a function of this name; it is Tensor.backward
def tensor_backward(
    Tensor self not None, gradient=None, retain_graph=None, create_graph=False, inputs=None
):
    """Accumulate d self / d leaf, times `gradient`, into the `.grad` of every leaf below.

    gradient: Tensor of this tensor's shape and dtype; not needed when there is one element.
    The others: see autograd.backward. torch: Tensor.backward.
    """
    cdef Tensor dy = cotangent_for("backward", "this tensor", "gradient", -1, self, gradient)
    run_backward((self,), [dy], retain_graph, create_graph, inputs)


cdef int run_backward(
    tuple roots, list cotangents, object retain_graph, bint create_graph, object inputs
) except -1:
    """Carry the cotangents (a list of ours, emptied here) back, and add up what arrives."""
    cdef bint keep = create_graph if retain_graph is None else retain_graph
    cdef dict arrivals = {}
    cdef list ran = [], deposits = []
    cdef list starts = [place(root) for root in roots]
    cdef dict table
    cdef object dy
    if inputs is None:
        table = propagate(starts, cotangents, create_graph, None, arrivals, ran)
        cotangents.clear()
        while table:
            x, dy = table.popitem()
            deposits.append(deposit(x, dy, create_graph))
    else:
        inputs = all_tensors("backward", "inputs", inputs)
        places = places_of("backward", inputs)
        table = propagate(starts, cotangents, create_graph, frozenset(places), arrivals, ran)
        for x, where in zip(inputs, places):
            dy = table.pop(where, None)
            if dy is not None:
                deposits.append(deposit(x, dy, create_graph))
    return settle(arrivals, ran, deposits, create_graph, keep)


cdef tuple as_tuple(str operation, str argument, object tensors):
    if isinstance(tensors, Tensor):
        return (tensors,)
    if not isinstance(tensors, Iterable):
        raise TypeError(
            f"{operation}: {argument} must be a Tensor or several in a list or tuple, got "
            f"{type(tensors).__name__}")
    return tuple(tensors)


cdef tuple all_tensors(str operation, str argument, object tensors):
    """A Tensor or several as a tuple."""
    cdef tuple found = as_tuple(operation, argument, tensors)
    for x in found:
        if not isinstance(x, Tensor):
            raise TypeError(f"{operation}: {argument} must be Tensors, got {type(x).__name__}")
    return found


cdef list places_of(str operation, tuple inputs):
    """Where the gradients of these tensors arrive; each must want one."""
    if not inputs:
        raise ValueError(f"{operation}: inputs is empty")
    for x in inputs:
        if not (<Tensor>x).wants_grad():
            raise GraphError(
                f"{operation}: one of the inputs does not require a gradient; set "
                "requires_grad=True on it")
    return [place(x) for x in inputs]


def grad(
    outputs, inputs, grad_outputs=None, retain_graph=None, create_graph=False, allow_unused=False
):
    """The gradients of `outputs` with respect to `inputs`, as a tuple; no `.grad` is touched.

    grad_outputs: one Tensor an output (None: 1, for one-element outputs). allow_unused: None for an
    input that the outputs do not depend on, instead of a GraphError. torch: autograd.grad.
    """
    cdef dict arrivals = {}
    cdef list ran = []
    outputs = all_tensors("grad", "outputs", outputs)
    cdef list places = places_of("grad", all_tensors("grad", "inputs", inputs))
    cdef list cotangents = cotangents_for(
        "grad", "outputs", outputs, "grad_outputs", grad_outputs)
    cdef list roots = [place(y) for y in outputs]
    cdef dict table = propagate(
        roots, cotangents, create_graph, frozenset(places), arrivals, ran)
    if not allow_unused:
        for number, where in enumerate(places):
            if where not in table:
                raise GraphError(
                    f"grad: the outputs do not depend on input {number}; pass allow_unused=True to "
                    "get None for it")
    keep = create_graph if retain_graph is None else retain_graph
    settle(arrivals, ran, [], create_graph, keep)
    return tuple([table.get(where) for where in places])


tensor_backward.__name__ = tensor_backward.__qualname__ = "backward"
method("backward", tensor_backward)
