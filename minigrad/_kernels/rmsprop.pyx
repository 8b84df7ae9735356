"""RMSprop: one pass over each gradient, parameter and their buffers.

The kernel takes all parameters in one call, because a step is all or nothing: every array is
checked before the first one is written, and nothing after that can fail. Ctrl-C waits too.
"""

from libc.stdlib cimport free, malloc

cimport numpy as cnp

from .._runtime.workers cimport Part, begin_of, enough_parts, in_parts
from .array_arguments cimport address, is_single, writable
from .square_root cimport root
from .types cimport real

cnp.import_array()

cdef enum:
    SHARE = 65536   # parameters for a thread: some 40 µs
    STEP = 16      # floats of a cache line

cdef struct Update:
    bint single
    Py_ssize_t size
    void* g
    void* p
    void* v
    void* m
    void* buf
    double lr
    double alpha
    double eps
    double weight_decay
    double momentum
    bint maximize


cdef class RMSpropOptions:
    """The numbers of a step that all parameters of a group share."""

    cdef readonly double lr, alpha, eps, weight_decay, momentum
    cdef readonly bint maximize

    def __init__(self, *, lr, alpha, eps, weight_decay, momentum, maximize):
        self.lr, self.alpha, self.eps = lr, alpha, eps
        self.weight_decay, self.momentum = weight_decay, momentum
        self.maximize = maximize


cdef void _rmsprop_step(
    const Update* u, real* p, Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    cdef const real* g = <const real*> u.g
    cdef real* v = <real*> u.v
    cdef real* m = <real*> u.m
    cdef real* buf = <real*> u.buf
    cdef real lr = <real> u.lr, alpha = <real> u.alpha, fresh = <real> (1 - u.alpha)
    cdef real eps = <real> u.eps, momentum = <real> u.momentum
    cdef real sign = -1 if u.maximize else 1, decay = <real> u.weight_decay, d, w, q
    cdef Py_ssize_t i
    for i in range(first, last):
        d = sign * g[i] + decay * p[i]                   # (1)
        v[i] = alpha * v[i] + fresh * (d * d)            # (2)
        w = v[i]
        if m != NULL:
            m[i] = alpha * m[i] + fresh * d              # (3)
            w = w - m[i] * m[i]                          # (4)
            w = 0 if w < 0 else w
        q = d / (root(w) + eps)                          # (5)
        if buf != NULL:
            buf[i] = momentum * buf[i] + q               # (7)
            q = buf[i]
        p[i] = p[i] - lr * q                             # (0) (6) (8)


cdef struct Updates:
    Update* first
    Py_ssize_t count


cdef int rmsprop_part(void *task, int part, int parts) noexcept nogil:
    """Some elements of each parameter."""
    cdef const Updates* updates = <const Updates*> task
    cdef const Update* u
    cdef Py_ssize_t k, first, last
    for k in range(updates.count):
        u = &updates.first[k]
        first, last = begin_of(part, parts, u.size, STEP), begin_of(part + 1, parts, u.size, STEP)
        if u.single:
            _rmsprop_step(u, <float*> u.p, first, last)
        else:
            _rmsprop_step(u, <double*> u.p, first, last)
    return 0


def rmsprop_step(list updates):
    """p ← p − lr · g / (√v + eps)               (0)   the plain case

    One step of each update (g, p, v, m, buf, options), whose `options` are RMSpropOptions:

    d   = ±g + weight_decay · p               (1)   minus to maximize
    v   ← α · v + (1 − α) · d²                (2)
    m   ← α · m + (1 − α) · d                 (3)   centered; else m is None
    w   = max(v − m², 0)                      (4)   centered; else v
    q   = d / (√w + eps)                      (5)
    p   ← p − lr · q                          (6)   without momentum: buf is None
    buf ← momentum · buf + q                  (7)
    p   ← p − lr · buf                        (8)

    g is the gradient, p the parameter; p, v, m and buf are updated in place.
    """
    cdef Py_ssize_t count = len(updates), total = 0, k
    cdef int parts
    cdef Updates step
    cdef RMSpropOptions options
    cdef Update* u
    cdef Update* work = <Update*> malloc((count or 1) * sizeof(Update))
    if work == NULL:
        raise MemoryError(f"rmsprop_step: no memory for a list of {count} parameters")
    try:
        for k in range(count):
            u = &work[k]
            g, p, v, m, buf, given = updates[k]
            options = <RMSpropOptions?> given
            u.lr, u.alpha, u.eps = options.lr, options.alpha, options.eps
            u.weight_decay, u.momentum = options.weight_decay, options.momentum
            u.maximize = options.maximize
            u.single = is_single("rmsprop_step", p)
            u.size = p.size
            total += u.size
            u.p = writable("rmsprop_step", "p", p, p)
            u.g = address("rmsprop_step", "g", g, p)
            u.v = writable("rmsprop_step", "v", v, p)
            u.m = NULL if m is None else writable("rmsprop_step", "m", m, p)
            u.buf = NULL if buf is None else writable("rmsprop_step", "buf", buf, p)
        step = Updates(work, count)
        parts = enough_parts(total, SHARE)
        with nogil:
            in_parts(<Part> rmsprop_part, &step, parts)
    finally:
        free(work)
