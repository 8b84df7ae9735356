"""Dropout, element by element, on arrays made flat.

Derivation: docs/derivations/dropout.md
"""

from libc.stdint cimport uint8_t

from .types cimport check_sizes, chunk_end, in_float32, real


cdef int _dropout_forward(
    const real[::1] x, const real[::1] u, real[::1] y, uint8_t[::1] mask, double p
) except -1:
    cdef Py_ssize_t n, start, stop = 0, size = x.shape[0]
    cdef real threshold = <real> p, scale = <real> (1 / (1 - p) if p < 1 else 0)
    check_sizes("dropout_forward", size, u.shape[0], y.shape[0])
    check_sizes("dropout_forward", size, mask.shape[0], size)
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                mask[n] = u[n] >= threshold       # (1)
                y[n] = x[n] * (mask[n] * scale)   # (2)
    return 0


def dropout_forward(x not None, u not None, y not None, mask not None, p):
    """mask = 1 where u >= p, else 0   (1)
    y = x · mask / (1 - p)          (2)

    u: numbers drawn evenly from [0, 1). With p = 1 every value is dropped and y = 0.
    """
    if in_float32("dropout_forward", x):
        _dropout_forward[float](x, u, y, mask, p)
    else:
        _dropout_forward[double](x, u, y, mask, p)


cdef int _dropout_backward(
    const real[::1] dy, const uint8_t[::1] mask, real[::1] dx, double p
) except -1:
    cdef Py_ssize_t n, start, stop = 0, size = dy.shape[0]
    cdef real scale = <real> (1 / (1 - p) if p < 1 else 0)
    check_sizes("dropout_backward", size, mask.shape[0], dx.shape[0])
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                dx[n] = dy[n] * (mask[n] * scale)   # (3)
    return 0


def dropout_backward(dy not None, mask not None, dx not None, p):
    """dx = dy · mask / (1 - p)   (3)"""
    if in_float32("dropout_backward", dy):
        _dropout_backward[float](dy, mask, dx, p)
    else:
        _dropout_backward[double](dy, mask, dx, p)
