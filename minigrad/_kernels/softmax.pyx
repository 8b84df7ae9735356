"""Softmax over the rows of a matrix, forward and backward.

Derivation: docs/derivations/softmax.md
"""

from .rows cimport exponentials, row_dot
from .types cimport check_signals_every, in_float32, real


cdef int _softmax_forward(const real[:, ::1] x, real[:, ::1] y, double[::1] scratch) except -1:
    cdef Py_ssize_t N = x.shape[0], C = x.shape[1], n, c, largest, done = 0
    cdef double rest, inv_sum
    if y.shape[0] != N or y.shape[1] != C or scratch.shape[0] < C:
        raise ValueError(f"softmax_forward: x is ({N}, {C}), y ({y.shape[0]}, {y.shape[1]}), "
                         f"scratch ({scratch.shape[0]},)")
    if N == 0 or C == 0:
        return 0
    with nogil:
        for n in range(N):
            rest = exponentials(&x[n, 0], &scratch[0], C, &largest)   # (1) (2)
            inv_sum = 1 / (1 + rest)
            for c in range(C):
                y[n, c] = <real> (scratch[c] * inv_sum)               # (3)
            check_signals_every(&done, C)
    return 0


def softmax_forward(x not None, y not None, scratch not None):
    """y = softmax of each row of x, both (N, C); scratch holds C float64.

    m = max_j x_j, a = argmax_j x_j             (1)
    e_j = exp(x_j − m), rest = Σ_{j≠a} e_j      (2)
    y_j = e_j / (1 + rest)                      (3)
    """
    if in_float32("softmax_forward", x):
        _softmax_forward[float](x, y, scratch)
    else:
        _softmax_forward[double](x, y, scratch)


cdef int _softmax_backward(
    const real[:, ::1] dy, const real[:, ::1] y, real[:, ::1] dx
) except -1:
    cdef Py_ssize_t N = y.shape[0], C = y.shape[1], n, c, done = 0
    cdef double dot
    if dy.shape[0] != N or dy.shape[1] != C or dx.shape[0] != N or dx.shape[1] != C:
        raise ValueError(f"softmax_backward: dy is ({dy.shape[0]}, {dy.shape[1]}), y ({N}, {C}), "
                         f"dx ({dx.shape[0]}, {dx.shape[1]})")
    if N == 0 or C == 0:
        return 0
    with nogil:
        for n in range(N):
            dot = row_dot(&dy[n, 0], &y[n, 0], C)                     # (4)
            for c in range(C):
                dx[n, c] = <real> (y[n, c] * (dy[n, c] - dot))        # (5)
            check_signals_every(&done, C)
    return 0


def softmax_backward(dy not None, y not None, dx not None):
    """dx from dy and the result y of the forward pass, all (N, C).

    dot = Σ_j dy_j · y_j          (4)
    dx_i = y_i · (dy_i − dot)     (5)
    """
    if in_float32("softmax_backward", y):
        _softmax_backward[float](dy, y, dx)
    else:
        _softmax_backward[double](dy, y, dx)
