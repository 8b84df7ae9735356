"""Activations, element by element: each forward and backward, on contiguous arrays of any shape.

Derivations: docs/derivations/relu.md, leaky_relu.md, sigmoid.md, tanh.md, gelu.md
"""

from libc.math cimport copysign, fabs

cimport numpy as cnp

from .array_arguments cimport elements, is_float32
from .exponential cimport exponential, exponential_minus_one
from .normal_cdf cimport upper_tail
from .types cimport chunk_end, real

cnp.import_array()


# --- relu ---

cdef int _relu_forward(const real *x, real *y, Py_ssize_t size) except -1:
    cdef Py_ssize_t n, start, stop = 0
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                y[n] = 0 if x[n] < 0 else x[n]   # (1)
    return 0


def relu_forward(cnp.ndarray x not None, cnp.ndarray y not None):
    """y = 0 where x < 0, else x   (1)"""
    cdef Py_ssize_t size = elements("relu_forward", x, x, y)
    if is_float32(x):
        _relu_forward(<const float *> x.data, <float *> y.data, size)
    else:
        _relu_forward(<const double *> x.data, <double *> y.data, size)


cdef int _relu_backward(const real *dy, const real *y, real *dx, Py_ssize_t size) except -1:
    cdef Py_ssize_t n, start, stop = 0
    cdef real g   # read before the choice: a load inside it would keep the loop from vectorizing
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                g = dy[n]
                dx[n] = 0 if y[n] <= 0 else g   # (2)
    return 0


def relu_backward(cnp.ndarray dy not None, cnp.ndarray y not None, cnp.ndarray dx not None):
    """dx = 0 where y <= 0, else dy   (2)"""
    cdef Py_ssize_t size = elements("relu_backward", dy, y, dx)
    if is_float32(dy):
        _relu_backward(<const float *> dy.data, <const float *> y.data, <float *> dx.data, size)
    else:
        _relu_backward(<const double *> dy.data, <const double *> y.data, <double *> dx.data, size)


# --- leaky_relu ---

cdef int _leaky_relu_forward(const real *x, real *y, Py_ssize_t size, real slope) except -1:
    cdef Py_ssize_t n, start, stop = 0
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                y[n] = x[n] if x[n] > 0 else slope * x[n]   # (1)
    return 0


def leaky_relu_forward(cnp.ndarray x not None, cnp.ndarray y not None, slope):
    """y = x where x > 0, else slope · x   (1)"""
    cdef Py_ssize_t size = elements("leaky_relu_forward", x, x, y)
    if is_float32(x):
        _leaky_relu_forward[float](<const float *> x.data, <float *> y.data, size, slope)
    else:
        _leaky_relu_forward[double](<const double *> x.data, <double *> y.data, size, slope)


cdef int _leaky_relu_backward(
    const real *dy, const real *x, real *dx, Py_ssize_t size, real slope
) except -1:
    cdef Py_ssize_t n, start, stop = 0
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                dx[n] = dy[n] if x[n] > 0 else slope * dy[n]   # (2)
    return 0


def leaky_relu_backward(
    cnp.ndarray dy not None, cnp.ndarray x not None, cnp.ndarray dx not None, slope
):
    """dx = dy where x > 0, else slope · dy   (2)"""
    cdef Py_ssize_t size = elements("leaky_relu_backward", dy, x, dx)
    if is_float32(dy):
        _leaky_relu_backward[float](
            <const float *> dy.data, <const float *> x.data, <float *> dx.data, size, slope)
    else:
        _leaky_relu_backward[double](
            <const double *> dy.data, <const double *> x.data, <double *> dx.data, size, slope)


# --- sigmoid ---

cdef inline double _sigmoid(double x, real like) noexcept nogil:
    cdef double e = exponential(-fabs(x), like)   # (1)
    return (e if x < 0 else 1.) / (1. + e)        # (2)


cdef int _sigmoid_forward(const real *x, real *y, Py_ssize_t size) except -1:
    cdef Py_ssize_t n, start, stop = 0
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                y[n] = <real> _sigmoid(x[n], x[n])
    return 0


def sigmoid_forward(cnp.ndarray x not None, cnp.ndarray y not None):
    """e = exp(-|x|)                               (1)
    y = 1 / (1 + e) where x >= 0, else e / (1 + e)   (2)
    """
    cdef Py_ssize_t size = elements("sigmoid_forward", x, x, y)
    if is_float32(x):
        _sigmoid_forward(<const float *> x.data, <float *> y.data, size)
    else:
        _sigmoid_forward(<const double *> x.data, <double *> y.data, size)


cdef int _sigmoid_backward(const real *dy, const real *y, real *dx, Py_ssize_t size) except -1:
    cdef Py_ssize_t n, start, stop = 0
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                dx[n] = dy[n] * y[n] * (1 - y[n])   # (3)
    return 0


def sigmoid_backward(cnp.ndarray dy not None, cnp.ndarray y not None, cnp.ndarray dx not None):
    """dx = dy · y · (1 - y)   (3)"""
    cdef Py_ssize_t size = elements("sigmoid_backward", dy, y, dx)
    if is_float32(dy):
        _sigmoid_backward(<const float *> dy.data, <const float *> y.data, <float *> dx.data, size)
    else:
        _sigmoid_backward(
            <const double *> dy.data, <const double *> y.data, <double *> dx.data, size)


# --- tanh ---

cdef int _tanh_forward(const real *x, real *y, Py_ssize_t size) except -1:
    cdef Py_ssize_t n, start, stop = 0
    cdef double m
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                m = exponential_minus_one(-2 * fabs(<double> x[n]), x[n])   # (1)
                y[n] = <real> copysign(m / (2 + m), x[n])                   # (2)
    return 0


def tanh_forward(cnp.ndarray x not None, cnp.ndarray y not None):
    """m = exp(-2|x|) - 1           (1)
    y = sign(x) · (-m) / (2 + m)   (2)
    """
    cdef Py_ssize_t size = elements("tanh_forward", x, x, y)
    if is_float32(x):
        _tanh_forward(<const float *> x.data, <float *> y.data, size)
    else:
        _tanh_forward(<const double *> x.data, <double *> y.data, size)


cdef int _tanh_backward(const real *dy, const real *y, real *dx, Py_ssize_t size) except -1:
    cdef Py_ssize_t n, start, stop = 0
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                dx[n] = dy[n] * (1 - y[n] * y[n])   # (3)
    return 0


def tanh_backward(cnp.ndarray dy not None, cnp.ndarray y not None, cnp.ndarray dx not None):
    """dx = dy · (1 - y²)   (3)"""
    cdef Py_ssize_t size = elements("tanh_backward", dy, y, dx)
    if is_float32(dy):
        _tanh_backward(<const float *> dy.data, <const float *> y.data, <float *> dx.data, size)
    else:
        _tanh_backward(<const double *> dy.data, <const double *> y.data, <double *> dx.data, size)


# --- gelu ---

# Beyond ±100 the functions Φ and σ(u) are 0 or 1 and their slopes 0, whatever the dtype. Stopping
# there changes only the result at ±∞, which is then the limit and not 0 · ∞.

cdef inline double _not_below(double x) noexcept nogil:
    return -100. if x < -100. else x


cdef inline double _between(double x) noexcept nogil:
    x = _not_below(x)
    return 100. if x > 100. else x


cdef inline double _gelu_cdf(double x, double e, real like) noexcept nogil:
    cdef double tail = upper_tail(fabs(x), e, like)
    return tail if x < 0 else 1 - tail


cdef int _gelu_forward(const real *x, real *y, Py_ssize_t size) except -1:
    cdef Py_ssize_t n, start, stop = 0
    cdef double v, e
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                v = _not_below(x[n])
                e = exponential(-0.5 * v * v, x[n])
                y[n] = <real> (v * _gelu_cdf(v, e, x[n]))   # (1) (2)
    return 0


def gelu_forward(cnp.ndarray x not None, cnp.ndarray y not None):
    """Φ = erfc(-x / √2) / 2   (1)
    y = x · Φ               (2)
    """
    cdef Py_ssize_t size = elements("gelu_forward", x, x, y)
    if is_float32(x):
        _gelu_forward(<const float *> x.data, <float *> y.data, size)
    else:
        _gelu_forward(<const double *> x.data, <double *> y.data, size)


cdef int _gelu_backward(const real *dy, const real *x, real *dx, Py_ssize_t size) except -1:
    cdef Py_ssize_t n, start, stop = 0
    cdef double v, e, phi
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                v = _between(x[n])
                e = exponential(-0.5 * v * v, x[n])
                phi = e * 0.3989422804014327                                # (3)
                dx[n] = <real> (dy[n] * (_gelu_cdf(v, e, x[n]) + v * phi))   # (1) (4)
    return 0


def gelu_backward(cnp.ndarray dy not None, cnp.ndarray x not None, cnp.ndarray dx not None):
    """Φ = erfc(-x / √2) / 2         (1)
    φ = exp(-x² / 2) / √(2π)      (3)
    dx = dy · (Φ + x · φ)         (4)
    """
    cdef Py_ssize_t size = elements("gelu_backward", dy, x, dx)
    if is_float32(dy):
        _gelu_backward(<const float *> dy.data, <const float *> x.data, <float *> dx.data, size)
    else:
        _gelu_backward(<const double *> dy.data, <const double *> x.data, <double *> dx.data, size)


cdef int _gelu_tanh_forward(const real *x, real *y, Py_ssize_t size) except -1:
    cdef Py_ssize_t n, start, stop = 0
    cdef double v, u
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                v = _not_below(x[n])
                u = 1.5957691216057308 * (v + 0.044715 * v * v * v)   # (5)
                y[n] = <real> (v * _sigmoid(u, x[n]))                 # (6)
    return 0


def gelu_tanh_forward(cnp.ndarray x not None, cnp.ndarray y not None):
    """u = 2 √(2/π) (x + 0.044715 x³)   (5)
    y = x · σ(u)                     (6)
    """
    cdef Py_ssize_t size = elements("gelu_tanh_forward", x, x, y)
    if is_float32(x):
        _gelu_tanh_forward(<const float *> x.data, <float *> y.data, size)
    else:
        _gelu_tanh_forward(<const double *> x.data, <double *> y.data, size)


cdef int _gelu_tanh_backward(const real *dy, const real *x, real *dx, Py_ssize_t size) except -1:
    cdef Py_ssize_t n, start, stop = 0
    cdef double v, u, du, s
    with nogil:
        while stop < size:
            start, stop = stop, chunk_end(stop, size)
            for n in range(start, stop):
                v = _between(x[n])
                u = 1.5957691216057308 * (v + 0.044715 * v * v * v)   # (5)
                s = _sigmoid(u, x[n])
                du = 1.5957691216057308 * (1 + 0.134145 * v * v)      # (7)
                dx[n] = <real> (dy[n] * (s + v * s * (1 - s) * du))   # (8)
    return 0


def gelu_tanh_backward(cnp.ndarray dy not None, cnp.ndarray x not None, cnp.ndarray dx not None):
    """u = 2 √(2/π) (x + 0.044715 x³)       (5)
    u' = 2 √(2/π) (1 + 3 · 0.044715 x²)   (7)
    dx = dy · (σ(u) + x · σ(u) · (1 - σ(u)) · u')   (8)
    """
    cdef Py_ssize_t size = elements("gelu_tanh_backward", dy, x, dx)
    if is_float32(dy):
        _gelu_tanh_backward(
            <const float *> dy.data, <const float *> x.data, <float *> dx.data, size)
    else:
        _gelu_tanh_backward(
            <const double *> dy.data, <const double *> x.data, <double *> dx.data, size)
