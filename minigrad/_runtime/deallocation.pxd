from cpython.ref cimport PyObject

cdef extern from "Python.h":
    void Py_INCREF(PyObject *)

cdef enum:
    FIRST = 16   # references that need no allocation

cdef extern from *:
    """
    typedef struct {
        PyObject **things;      /* references that this thread still has to drop */
        Py_ssize_t count, room;
        int busy;               /* a destructor further up the stack is dropping them */
        PyObject *first[16];    /* where the first 16 of them stand */
    } minigrad_pending;
    """
    ctypedef struct Pending "minigrad_pending":
        PyObject **things
        Py_ssize_t count
        Py_ssize_t room
        int busy
        PyObject *first[FIRST]

cdef Pending *pending_here() noexcept
cdef bint more_room(Pending *pending) noexcept
cdef int drop_all(Pending *pending) noexcept


cdef inline int drop_later(Pending *pending, PyObject *thing) noexcept:
    """Take a reference to `thing` that `drop_all` drops; the caller then clears its own."""
    if thing != <PyObject *>None and (pending.count < pending.room or more_room(pending)):
        Py_INCREF(thing)
        pending.things[pending.count] = thing
        pending.count += 1
    return 0
