# The square root in the precision of its argument, for optimizers.

from libc.math cimport sqrt, sqrtf

from .types cimport real


cdef inline real root(real x) noexcept nogil:
    # The single-precision root is twice as wide, and both vectorize.
    if real is float:
        return sqrtf(x)
    else:
        return sqrt(x)
