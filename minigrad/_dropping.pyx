"""Dropping a graph of any depth on a small stack.

A node holds the nodes of its inputs, these hold theirs, and so on. When the last reference to the
end of a chain goes, Python destroys node within node, some C calls per operation, and a chain of a
million needs more stack than a thread has. CPython limits such nesting for its own containers, to
50 objects in 3.12 but to 10,000 in 3.13, so there is no counting on that. Here a destructor drops
nothing that may lead on to nodes: it puts it on the list of its thread, and the outermost
destructor of that thread empties the list in a loop. The stack then holds one link of the chain.

    def __dealloc__(self):
        cdef Pending *pending = pending_here()
        drop_later(pending, <PyObject *>self.inputs)
        self.inputs = None
        drop_all(pending)

Each thread has a list of its own, since what is dropped may run Python code, and that may let
another thread run. What the garbage collector clears comes here, too, as soon as a node goes.
"""

from cpython.mem cimport PyMem_RawFree, PyMem_RawMalloc, PyMem_RawRealloc
from cpython.ref cimport PyObject
from libc.string cimport memcpy

cdef extern from "Python.h":
    void Py_DECREF(PyObject *)

cdef extern from *:
    """
    #if defined(_MSC_VER)
      static __declspec(thread) minigrad_pending minigrad_pending_of_thread;
    #elif defined(__STDC_VERSION__) && __STDC_VERSION__ >= 201112L && !defined(__STDC_NO_THREADS__)
      static _Thread_local minigrad_pending minigrad_pending_of_thread;
    #else
      static __thread minigrad_pending minigrad_pending_of_thread;
    #endif
    """
    Pending of_thread "minigrad_pending_of_thread"


cdef Pending *pending_here() noexcept:
    """The list of this thread."""
    return &of_thread


cdef bint more_room(Pending *pending) noexcept:
    """Make room for more. Without memory there is none: what is not listed is dropped at once."""
    cdef PyObject **things
    cdef Py_ssize_t room = 2 * pending.room
    if room == 0:
        pending.things, pending.room = pending.first, sizeof(pending.first) // sizeof(PyObject *)
        return True
    if pending.things == pending.first:
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
    while pending.count:
        pending.count -= 1
        Py_DECREF(pending.things[pending.count])
    pending.busy = False
    if pending.things != pending.first:
        PyMem_RawFree(pending.things)
        pending.room = 0
    return 0
