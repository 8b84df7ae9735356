# The upper tail of the normal distribution, for loops that the C compiler is to vectorize.
#
# For z >= 0 the chance of a value above z is
#
#     tail(z) = 1/2 · erfc(z/√2) = e^(-z²/2) · t · g(t),   t = 1 / (1 + 0.28 z)
#
# The first factor falls steeply and is known. What is left falls like 1/z, as t does, so g is a
# smooth function on 0 <= t <= 1; it is interpolated at the thirteen Chebyshev points (0.28 is where
# that works best). The relative error is below 1e-9 for every z. Float64 arrays take libm's erfc.

from libc.math cimport erfc

from .types cimport real


cdef inline double upper_tail(double z, double e, real like) noexcept nogil:
    """The chance of a value above z >= 0, given e = e^(-z²/2); `like` chooses the accuracy."""
    cdef double t
    if real is float:
        t = 1 / (1 + 0.28 * z)
        return e * t * _tail_polynomial(t)
    else:
        return 0.5 * erfc(z * 0.7071067811865476)   # z/√2


cdef inline double _tail_polynomial(double t) noexcept nogil:
    """g(t) of the note above."""
    cdef double g = 0.0096314042708081
    g = g * t - 0.05675351947279
    g = g * t + 0.13153389086193
    g = g * t - 0.14328310832581
    g = g * t + 0.073906339654188
    g = g * t - 0.041048188891351
    g = g * t + 0.020170777966972
    g = g * t + 0.032643827998706
    g = g * t + 0.061427911308391
    g = g * t + 0.08541616638917
    g = g * t + 0.10294683053214
    g = g * t + 0.11170382931563
    g = g * t + 0.111703838539
    return g
