"""Activations, element by element: each forward and backward, on arrays made flat.

Derivations: docs/derivations/relu.md, leaky_relu.md, sigmoid.md, tanh.md, gelu.md
"""

from libc.math cimport copysign, fabs

from .exponential cimport exponential, exponential_minus_one
from .normal cimport upper_tail
from .types cimport check_sizes, chunk_end, in_float32, real


# --- relu ---

cdef int _relu_forward(const real[::1] x, real[::1] y) except -1:
    cdef Py_ssize_t n, start, stop = 0, size = x.shape[0]
    check_sizes("relu_forward", size, y.shape[0], size)
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                y[n] = 0 if x[n] < 0 else x[n]   # (1)
    return 0


def relu_forward(x not None, y not None):
    """y = 0 where x < 0, else x   (1)"""
    if in_float32("relu_forward", x):
        _relu_forward[float](x, y)
    else:
        _relu_forward[double](x, y)


cdef int _relu_backward(const real[::1] dy, const real[::1] y, real[::1] dx) except -1:
    cdef Py_ssize_t n, start, stop = 0, size = dy.shape[0]
    cdef real g   # read before the choice: a load inside it would keep the loop from vectorising
    check_sizes("relu_backward", size, y.shape[0], dx.shape[0])
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                g = dy[n]
                dx[n] = 0 if y[n] <= 0 else g   # (2)
    return 0


def relu_backward(dy not None, y not None, dx not None):
    """dx = 0 where y <= 0, else dy   (2)"""
    if in_float32("relu_backward", dy):
        _relu_backward[float](dy, y, dx)
    else:
        _relu_backward[double](dy, y, dx)


# --- leaky_relu ---

cdef int _leaky_relu_forward(const real[::1] x, real[::1] y, real slope) except -1:
    cdef Py_ssize_t n, start, stop = 0, size = x.shape[0]
    check_sizes("leaky_relu_forward", size, y.shape[0], size)
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                y[n] = x[n] if x[n] > 0 else slope * x[n]   # (1)
    return 0


def leaky_relu_forward(x not None, y not None, slope):
    """y = x where x > 0, else slope · x   (1)"""
    if in_float32("leaky_relu_forward", x):
        _leaky_relu_forward[float](x, y, slope)
    else:
        _leaky_relu_forward[double](x, y, slope)


cdef int _leaky_relu_backward(
    const real[::1] dy, const real[::1] x, real[::1] dx, real slope
) except -1:
    cdef Py_ssize_t n, start, stop = 0, size = dy.shape[0]
    check_sizes("leaky_relu_backward", size, x.shape[0], dx.shape[0])
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                dx[n] = dy[n] if x[n] > 0 else slope * dy[n]   # (2)
    return 0


def leaky_relu_backward(dy not None, x not None, dx not None, slope):
    """dx = dy where x > 0, else slope · dy   (2)"""
    if in_float32("leaky_relu_backward", dy):
        _leaky_relu_backward[float](dy, x, dx, slope)
    else:
        _leaky_relu_backward[double](dy, x, dx, slope)


# --- sigmoid ---

cdef inline double _sigmoid(double x, real like) noexcept nogil:
    cdef double e = exponential(-fabs(x), like)   # (1)
    return (e if x < 0 else 1.) / (1. + e)        # (2)


cdef int _sigmoid_forward(const real[::1] x, real[::1] y) except -1:
    cdef Py_ssize_t n, start, stop = 0, size = x.shape[0]
    check_sizes("sigmoid_forward", size, y.shape[0], size)
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                y[n] = <real> _sigmoid(x[n], x[n])
    return 0


def sigmoid_forward(x not None, y not None):
    """e = exp(-|x|)                               (1)
    y = 1 / (1 + e) where x >= 0, else e / (1 + e)   (2)
    """
    if in_float32("sigmoid_forward", x):
        _sigmoid_forward[float](x, y)
    else:
        _sigmoid_forward[double](x, y)


cdef int _sigmoid_backward(const real[::1] dy, const real[::1] y, real[::1] dx) except -1:
    cdef Py_ssize_t n, start, stop = 0, size = dy.shape[0]
    check_sizes("sigmoid_backward", size, y.shape[0], dx.shape[0])
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                dx[n] = dy[n] * y[n] * (1 - y[n])   # (3)
    return 0


def sigmoid_backward(dy not None, y not None, dx not None):
    """dx = dy · y · (1 - y)   (3)"""
    if in_float32("sigmoid_backward", dy):
        _sigmoid_backward[float](dy, y, dx)
    else:
        _sigmoid_backward[double](dy, y, dx)


# --- tanh ---

cdef int _tanh_forward(const real[::1] x, real[::1] y) except -1:
    cdef Py_ssize_t n, start, stop = 0, size = x.shape[0]
    cdef double m
    check_sizes("tanh_forward", size, y.shape[0], size)
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                m = exponential_minus_one(-2 * fabs(<double> x[n]), x[n])   # (1)
                y[n] = <real> copysign(m / (2 + m), x[n])                   # (2)
    return 0


def tanh_forward(x not None, y not None):
    """m = exp(-2|x|) - 1           (1)
    y = sign(x) · (-m) / (2 + m)   (2)
    """
    if in_float32("tanh_forward", x):
        _tanh_forward[float](x, y)
    else:
        _tanh_forward[double](x, y)


cdef int _tanh_backward(const real[::1] dy, const real[::1] y, real[::1] dx) except -1:
    cdef Py_ssize_t n, start, stop = 0, size = dy.shape[0]
    check_sizes("tanh_backward", size, y.shape[0], dx.shape[0])
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                dx[n] = dy[n] * (1 - y[n] * y[n])   # (3)
    return 0


def tanh_backward(dy not None, y not None, dx not None):
    """dx = dy · (1 - y²)   (3)"""
    if in_float32("tanh_backward", dy):
        _tanh_backward[float](dy, y, dx)
    else:
        _tanh_backward[double](dy, y, dx)


# --- gelu ---

cdef inline double _gelu_cdf(double x, double e, real like) noexcept nogil:
    cdef double tail = upper_tail(fabs(x), e, like)
    return tail if x < 0 else 1 - tail


cdef int _gelu_forward(const real[::1] x, real[::1] y) except -1:
    cdef Py_ssize_t n, start, stop = 0, size = x.shape[0]
    cdef double v, e
    check_sizes("gelu_forward", size, y.shape[0], size)
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                v = x[n]
                e = exponential(-0.5 * v * v, x[n])
                y[n] = <real> (v * _gelu_cdf(v, e, x[n]))   # (1) (2)
    return 0


def gelu_forward(x not None, y not None):
    """Φ = erfc(-x / √2) / 2   (1)
    y = x · Φ               (2)
    """
    if in_float32("gelu_forward", x):
        _gelu_forward[float](x, y)
    else:
        _gelu_forward[double](x, y)


cdef int _gelu_backward(const real[::1] dy, const real[::1] x, real[::1] dx) except -1:
    cdef Py_ssize_t n, start, stop = 0, size = dy.shape[0]
    cdef double v, e, phi
    check_sizes("gelu_backward", size, x.shape[0], dx.shape[0])
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                v = x[n]
                e = exponential(-0.5 * v * v, x[n])
                phi = e * 0.3989422804014327                                # (3)
                dx[n] = <real> (dy[n] * (_gelu_cdf(v, e, x[n]) + v * phi))   # (1) (4)
    return 0


def gelu_backward(dy not None, x not None, dx not None):
    """Φ = erfc(-x / √2) / 2         (1)
    φ = exp(-x² / 2) / √(2π)      (3)
    dx = dy · (Φ + x · φ)         (4)
    """
    if in_float32("gelu_backward", dy):
        _gelu_backward[float](dy, x, dx)
    else:
        _gelu_backward[double](dy, x, dx)


cdef int _gelu_tanh_forward(const real[::1] x, real[::1] y) except -1:
    cdef Py_ssize_t n, start, stop = 0, size = x.shape[0]
    cdef double v, u
    check_sizes("gelu_tanh_forward", size, y.shape[0], size)
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                v = x[n]
                u = 1.5957691216057308 * (v + 0.044715 * v * v * v)   # (5)
                y[n] = <real> (v * _sigmoid(u, x[n]))                 # (6)
    return 0


def gelu_tanh_forward(x not None, y not None):
    """u = 2 √(2/π) (x + 0.044715 x³)   (5)
    y = x · σ(u)                     (6)
    """
    if in_float32("gelu_tanh_forward", x):
        _gelu_tanh_forward[float](x, y)
    else:
        _gelu_tanh_forward[double](x, y)


cdef int _gelu_tanh_backward(const real[::1] dy, const real[::1] x, real[::1] dx) except -1:
    cdef Py_ssize_t n, start, stop = 0, size = dy.shape[0]
    cdef double v, u, du, s
    check_sizes("gelu_tanh_backward", size, x.shape[0], dx.shape[0])
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                v = x[n]
                u = 1.5957691216057308 * (v + 0.044715 * v * v * v)   # (5)
                s = _sigmoid(u, x[n])
                du = 1.5957691216057308 * (1 + 0.134145 * v * v)      # (7)
                dx[n] = <real> (dy[n] * (s + v * s * (1 - s) * du))   # (8)
    return 0


def gelu_tanh_backward(dy not None, x not None, dx not None):
    """u = 2 √(2/π) (x + 0.044715 x³)       (5)
    u' = 2 √(2/π) (1 + 3 · 0.044715 x²)   (7)
    dx = dy · (σ(u) + x · σ(u) · (1 - σ(u)) · u')   (8)
    """
    if in_float32("gelu_tanh_backward", dy):
        _gelu_tanh_backward[float](dy, x, dx)
    else:
        _gelu_tanh_backward[double](dy, x, dx)
