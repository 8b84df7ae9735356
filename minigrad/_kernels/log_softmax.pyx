"""Log-softmax over the rows of a matrix, forward and backward.

Derivation: docs/derivations/log_softmax.md
"""

from libc.math cimport log1p

from .exponential cimport exponential
from .rows cimport exponentials, row_sum
from .types cimport check_signals_every, in_float32, real


cdef int _log_softmax_forward(const real[:, ::1] x, real[:, ::1] y, double[::1] scratch) except -1:
    cdef Py_ssize_t N = x.shape[0], C = x.shape[1], n, c, a, done = 0
    cdef double m, log_sum
    if y.shape[0] != N or y.shape[1] != C or scratch.shape[0] < C:
        raise ValueError(f"log_softmax_forward: x is ({N}, {C}), y ({y.shape[0]}, {y.shape[1]}), "
                         f"scratch ({scratch.shape[0]},)")
    if N == 0 or C == 0:
        return 0
    with nogil:
        for n in range(N):
            log_sum = log1p(exponentials(&x[n, 0], &scratch[0], C, &a))   # (2)
            m = x[n, a]                                                   # (1)
            for c in range(C):
                y[n, c] = <real> ((x[n, c] - m) - log_sum)                # (3)
            check_signals_every(&done, C)
    return 0


def log_softmax_forward(x not None, y not None, scratch not None):
    """y = log softmax of each row of x, both (N, C); scratch holds C float64.

    m = max_j x_j, a = argmax_j x_j                (1)
    log_sum = log1p(Σ_{j≠a} exp(x_j − m))          (2)
    y_j = (x_j − m) − log_sum                      (3)
    """
    if in_float32("log_softmax_forward", x):
        _log_softmax_forward[float](x, y, scratch)
    else:
        _log_softmax_forward[double](x, y, scratch)


cdef int _log_softmax_backward(
    const real[:, ::1] dy, const real[:, ::1] y, real[:, ::1] dx
) except -1:
    cdef Py_ssize_t N = y.shape[0], C = y.shape[1], n, c, done = 0
    cdef double total, p
    if dy.shape[0] != N or dy.shape[1] != C or dx.shape[0] != N or dx.shape[1] != C:
        raise ValueError(f"log_softmax_backward: dy is ({dy.shape[0]}, {dy.shape[1]}), "
                         f"y ({N}, {C}), dx ({dx.shape[0]}, {dx.shape[1]})")
    if N == 0 or C == 0:
        return 0
    with nogil:
        for n in range(N):
            total = row_sum(&dy[n, 0], C)                                 # (4)
            for c in range(C):
                p = exponential(y[n, c], y[n, c])
                dx[n, c] = <real> (dy[n, c] - p * total)                  # (5)
            check_signals_every(&done, C)
    return 0


def log_softmax_backward(dy not None, y not None, dx not None):
    """dx from dy and the result y of the forward pass, all (N, C).

    total = Σ_j dy_j                       (4)
    dx_i = dy_i − p_i · total  with p_i = exp(y_i)     (5)
    """
    if in_float32("log_softmax_backward", y):
        _log_softmax_backward[float](dy, y, dx)
    else:
        _log_softmax_backward[double](dy, y, dx)
