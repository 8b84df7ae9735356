"""Dropping a graph of any depth on a small stack: the destructors of nodes, tensors and views.

A node holds the nodes of its inputs, these hold theirs, and so on. When the last reference to the
end of a chain goes, Python destroys node within node, some C calls per operation, and a chain of a
million needs more stack than a thread has. CPython limits such nesting for its own containers, to
50 objects in 3.12 but to 10,000 in 3.13, so one cannot rely on that. Here a destructor that is
called within another drops nothing that may lead on to nodes. It puts that on the list of its
thread, and the outermost destructor of the thread empties the list in a loop. The stack then holds
one link of the chain.

Each thread has a list of its own, since what is dropped may run Python code, and that may let
another thread run. What the garbage collector clears also comes here, as soon as it destroys a
node.

These are not `__dealloc__` methods, since what Cython adds around each call of one would cost every
temporary value 5 ns more. A subclass of Function with other fields that may lead on to nodes has
one, however: Custom, in autograd/function.pyx.
"""

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from cpython.ref cimport PyObject
from libc.string cimport memcpy

from ..tensor cimport Function, Tensor
from .versions cimport Step

cdef extern from "Python.h":
    ctypedef void (*destructor)(PyObject *) noexcept
    ctypedef struct PyTypeObject:
        destructor tp_dealloc
    void Py_DECREF(PyObject *)
    void PyObject_GC_UnTrack(PyObject *)

include "thread_local.pxd"

cdef extern from *:
    "static MINIGRAD_THREAD_LOCAL minigrad_pending minigrad_pending_of_thread;"
    Pending of_thread "minigrad_pending_of_thread"


cdef Pending *pending_here() noexcept:
    """The list of this thread."""
    return &of_thread


cdef bint more_room(Pending *pending) noexcept:
    """Make room for more. Without memory there is none: what is not listed is dropped at once."""
    cdef PyObject **things
    cdef Py_ssize_t room = 2 * pending.room
    if room == 0:
        pending.things, pending.room = pending.first, FIRST
        return True
    if pending.room == FIRST:
        things = <PyObject **>PyMem_RawMalloc(room * sizeof(PyObject *))
        if things != NULL:
            memcpy(things, pending.first, sizeof(pending.first))
    else:
        things = <PyObject **>PyMem_RawRealloc(pending.things, room * sizeof(PyObject *))
    if things == NULL:
        return False
    pending.things, pending.room = things, room
    return True


cdef int drop_all(Pending *pending) noexcept:
    """Drop what is listed, and what that adds to the list, unless it is being done already."""
    if pending.busy:
        return 0
    pending.busy = True
    return empty_list(pending)


cdef int empty_list(Pending *pending) noexcept:
    while pending.count:
        pending.count -= 1
        Py_DECREF(pending.things[pending.count])
    pending.busy = False
    if pending.room > FIRST:
        PyMem_RawFree(pending.things)
        pending.room = 0
    return 0


cdef int finish(Pending *pending, destructor destroy, PyObject *x) noexcept:
    """Destroy x with what it still holds; what that adds to the list, too, if we are outermost."""
    if pending.busy:
        destroy(x)
        return 0
    pending.busy = True
    destroy(x)
    return empty_list(pending)


# --- the destructors, each in place of the one that Cython has made ------------------------------

cdef destructor destroy_function = (<PyTypeObject *>Function).tp_dealloc
cdef destructor destroy_tensor = (<PyTypeObject *>Tensor).tp_dealloc
cdef destructor destroy_step = (<PyTypeObject *>Step).tp_dealloc


cdef void drop_function(PyObject *x) noexcept:
    cdef Pending *pending = &of_thread
    if pending.busy:
        PyObject_GC_UnTrack(x)
        drop_later(pending, <PyObject *>(<Function>x).inputs)
        drop_later(pending, <PyObject *>(<Function>x).saved_values)
        drop_later(pending, <PyObject *>(<Function>x).hooks)
        (<Function>x).inputs = (<Function>x).saved_values = (<Function>x).hooks = None
    finish(pending, destroy_function, x)


cdef void drop_tensor(PyObject *x) noexcept:
    """Gradients and hooks may lead from tensor to tensor, and without a node between them."""
    cdef Pending *pending
    if (<Tensor>x).gradient is None and (<Tensor>x).hooks is None:
        destroy_tensor(x)
        return
    pending = &of_thread
    if pending.busy:
        PyObject_GC_UnTrack(x)
        drop_later(pending, <PyObject *>(<Tensor>x).gradient)
        drop_later(pending, <PyObject *>(<Tensor>x).hooks)
        (<Tensor>x).gradient = (<Tensor>x).hooks = None
    finish(pending, destroy_tensor, x)


cdef void drop_step(PyObject *x) noexcept:
    cdef Pending *pending
    if (<Step>x).before is None:
        destroy_step(x)
        return
    pending = &of_thread
    if pending.busy:
        drop_later(pending, <PyObject *>(<Step>x).before)
        (<Step>x).before = None
    finish(pending, destroy_step, x)


(<PyTypeObject *>Function).tp_dealloc = drop_function
(<PyTypeObject *>Tensor).tp_dealloc = drop_tensor
(<PyTypeObject *>Step).tp_dealloc = drop_step
