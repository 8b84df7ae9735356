"""Stochastic gradient descent: one pass over each gradient, parameter and momentum buffer.

The kernel takes all parameters in one call, because a step is all or nothing: every array is
checked before the first one is written, and nothing after that can fail. Ctrl-C waits too.
"""

from libc.stdlib cimport free, malloc

cimport numpy as cnp

from .._runtime.workers cimport Part, begin_of, enough_parts, in_parts
from .array_arguments cimport address, is_single, writable
from .types cimport real

cnp.import_array()

cdef enum:
    SHARE = 131072   # parameters for a thread: some 40 µs
    STEP = 16       # floats of a cache line

cdef struct Update:
    bint single
    Py_ssize_t size
    void* g
    void* p
    void* buf
    double lr
    double momentum
    double dampening
    double weight_decay
    bint nesterov
    bint maximize


cdef class SGDOptions:
    """The numbers of a step that all parameters of a group share."""

    cdef readonly double lr, momentum, weight_decay
    cdef readonly bint nesterov, maximize

    def __init__(self, *, lr, momentum, weight_decay, nesterov, maximize):
        self.lr, self.momentum, self.weight_decay = lr, momentum, weight_decay
        self.nesterov, self.maximize = nesterov, maximize


cdef void _sgd_step(
    const Update* u, real* p, Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    cdef const real* g = <const real*> u.g
    cdef real* buf = <real*> u.buf
    cdef real lr = <real> u.lr, momentum = <real> u.momentum, undamped = <real> (1 - u.dampening)
    cdef real sign = -1 if u.maximize else 1, decay = <real> u.weight_decay, d
    cdef Py_ssize_t i
    if buf == NULL:
        for i in range(first, last):
            d = sign * g[i] + decay * p[i]                # (1)
            p[i] = p[i] - lr * d                          # (0) (2)
    elif not u.nesterov:
        for i in range(first, last):
            d = sign * g[i] + decay * p[i]                # (1)
            buf[i] = momentum * buf[i] + undamped * d     # (3)
            p[i] = p[i] - lr * buf[i]                     # (4)
    else:
        for i in range(first, last):
            d = sign * g[i] + decay * p[i]                # (1)
            buf[i] = momentum * buf[i] + undamped * d     # (3)
            p[i] = p[i] - lr * (d + momentum * buf[i])    # (5)


cdef struct Updates:
    Update* first
    Py_ssize_t count


cdef int sgd_part(void *task, int part, int parts) noexcept nogil:
    """Some elements of each parameter."""
    cdef const Updates* updates = <const Updates*> task
    cdef const Update* u
    cdef Py_ssize_t k, first, last
    for k in range(updates.count):
        u = &updates.first[k]
        first, last = begin_of(part, parts, u.size, STEP), begin_of(part + 1, parts, u.size, STEP)
        if u.single:
            _sgd_step(u, <float*> u.p, first, last)
        else:
            _sgd_step(u, <double*> u.p, first, last)
    return 0


def sgd_step(list updates):
    """p ← p − lr · g                                    (0)   the plain case

    One step of each update (g, p, buf, dampening, options), whose `options` are SGDOptions:

    d   = ±g + weight_decay · p                       (1)   minus to maximize
    p   ← p − lr · d                                  (2)   without momentum: buf is None
    buf ← momentum · buf + (1 − dampening) · d        (3)
    p   ← p − lr · buf                                (4)
    p   ← p − lr · (d + momentum · buf)               (5)   Nesterov

    g is the gradient, p the parameter and buf its momentum buffer; p and buf are updated in place.
    """
    cdef Py_ssize_t count = len(updates), total = 0, k
    cdef int parts
    cdef Updates step
    cdef SGDOptions options
    cdef Update* u
    cdef Update* work = <Update*> malloc((count or 1) * sizeof(Update))
    if work == NULL:
        raise MemoryError(f"sgd_step: no memory for a list of {count} parameters")
    try:
        for k in range(count):
            u = &work[k]
            g, p, buf, u.dampening, given = updates[k]
            options = <SGDOptions?> given
            u.lr, u.momentum, u.weight_decay = options.lr, options.momentum, options.weight_decay
            u.nesterov, u.maximize = options.nesterov, options.maximize
            u.single = is_single("sgd_step", p)
            u.size = p.size
            total += u.size
            u.p = writable("sgd_step", "p", p, p)
            u.g = address("sgd_step", "g", g, p)
            u.buf = NULL if buf is None else writable("sgd_step", "buf", buf, p)
        step = Updates(work, count)
        parts = enough_parts(total, SHARE)
        with nogil:
            in_parts(<Part> sgd_part, &step, parts)
    finally:
        free(work)
