"""Adam, AdamW and AMSGrad: one pass over each gradient, parameter and pair of moments.

The kernel takes all parameters in one call, because a step is all or nothing: every array is
checked before the first one is written, and nothing after that can fail. Ctrl-C waits too.
"""

from libc.math cimport pow, sqrt
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
    void* m
    void* v
    void* v_max
    long long t
    double lr
    double beta1
    double beta2
    double eps
    double weight_decay
    bint decoupled
    bint maximize


cdef class AdamOptions:
    """The numbers of a step that all parameters of a group share."""

    cdef readonly double lr, beta1, beta2, eps, weight_decay
    cdef readonly bint decoupled, maximize

    def __init__(self, *, lr, beta1, beta2, eps, weight_decay, decoupled, maximize):
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.eps, self.weight_decay = eps, weight_decay
        self.decoupled, self.maximize = decoupled, maximize


cdef void _adam_step(
    const Update* u, real* p, Py_ssize_t first, Py_ssize_t last
) noexcept nogil:
    cdef const real* g = <const real*> u.g
    cdef real* m = <real*> u.m
    cdef real* v = <real*> u.v
    cdef real* v_max = <real*> u.v_max
    cdef real sign = -1 if u.maximize else 1
    cdef real decay = 0 if u.decoupled else <real> u.weight_decay
    cdef real keep = <real> (1 - u.lr * u.weight_decay) if u.decoupled else 1        # (2)
    cdef real beta1 = <real> u.beta1, fresh1 = <real> (1 - u.beta1)
    cdef real beta2 = <real> u.beta2, fresh2 = <real> (1 - u.beta2)
    cdef real rate = <real> (u.lr / (1 - pow(u.beta1, <double> u.t)))                # (5)
    cdef real scale = <real> (1 / sqrt(1 - pow(u.beta2, <double> u.t)))              # (6)
    cdef real eps = <real> u.eps, d
    cdef Py_ssize_t i
    if v_max == NULL:
        for i in range(first, last):
            d = sign * g[i] + decay * p[i]                                           # (1)
            m[i] = beta1 * m[i] + fresh1 * d                                         # (3)
            v[i] = beta2 * v[i] + fresh2 * (d * d)                                   # (4)
            p[i] = keep * p[i] - rate * m[i] / (root(v[i]) * scale + eps)            # (0) (7)
    else:
        for i in range(first, last):
            d = sign * g[i] + decay * p[i]                                           # (1)
            m[i] = beta1 * m[i] + fresh1 * d                                         # (3)
            v[i] = beta2 * v[i] + fresh2 * (d * d)                                   # (4)
            v_max[i] = v_max[i] if v_max[i] > v[i] else v[i]                         # (8)
            p[i] = keep * p[i] - rate * m[i] / (root(v_max[i]) * scale + eps)        # (9)


cdef struct Updates:
    Update* first
    Py_ssize_t count


cdef int adam_part(void *task, int part, int parts) noexcept nogil:
    """Some elements of each parameter."""
    cdef const Updates* updates = <const Updates*> task
    cdef const Update* u
    cdef Py_ssize_t k, first, last
    for k in range(updates.count):
        u = &updates.first[k]
        first, last = begin_of(part, parts, u.size, STEP), begin_of(part + 1, parts, u.size, STEP)
        if u.single:
            _adam_step(u, <float*> u.p, first, last)
        else:
            _adam_step(u, <double*> u.p, first, last)
    return 0


def adam_step(list updates):
    """p ← p − lr · m̂ / (√v̂ + eps)           (0)   the plain case: no decay, no maximum

    with m̂ = m / (1 − β₁ᵗ) and v̂ = v / (1 − β₂ᵗ). In general, one step of each update
    (g, p, m, v, v_max, t, options), whose `options` are AdamOptions:

    d     = ±g + weight_decay · p           (1)   minus to maximize; decoupled (AdamW): d = ±g
    keep  = 1 − lr · weight_decay           (2)   decoupled; otherwise 1
    m     ← β₁ · m + (1 − β₁) · d           (3)
    v     ← β₂ · v + (1 − β₂) · d²          (4)
    rate  = lr / (1 − β₁ᵗ)                  (5)
    scale = 1 / √(1 − β₂ᵗ)                  (6)
    p     ← keep · p − rate · m / (scale · √v + eps)           (7)
    v_max ← max(v_max, v)                                      (8)   AMSGrad
    p     ← keep · p − rate · m / (scale · √v_max + eps)       (9)   AMSGrad; else v_max is None

    g is the gradient, p the parameter, t ≥ 1 counts its steps, this one included; p, m, v and
    v_max are updated in place.
    """
    cdef Py_ssize_t count = len(updates), total = 0, k
    cdef int parts
    cdef Updates step
    cdef AdamOptions options
    cdef Update* u
    cdef Update* work = <Update*> malloc((count or 1) * sizeof(Update))
    if work == NULL:
        raise MemoryError(f"adam_step: no memory for a list of {count} parameters")
    try:
        for k in range(count):
            u = &work[k]
            g, p, m, v, v_max, u.t, given = updates[k]
            options = <AdamOptions?> given
            u.lr, u.beta1, u.beta2 = options.lr, options.beta1, options.beta2
            u.eps, u.weight_decay = options.eps, options.weight_decay
            u.decoupled, u.maximize = options.decoupled, options.maximize
            if u.t < 1:
                raise ValueError(f"adam_step: t is {u.t}, expected 1 for the first step")
            u.single = is_single("adam_step", p)
            u.size = p.size
            total += u.size
            u.p = writable("adam_step", "p", p, p)
            u.g = address("adam_step", "g", g, p)
            u.m = writable("adam_step", "m", m, p)
            u.v = writable("adam_step", "v", v, p)
            u.v_max = NULL if v_max is None else writable("adam_step", "v_max", v_max, p)
        step = Updates(work, count)
        parts = enough_parts(total, SHARE)
        with nogil:
            in_parts(<Part> adam_part, &step, parts)
    finally:
        free(work)
