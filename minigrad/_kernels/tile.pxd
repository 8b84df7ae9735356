# What the tiles of sums share: those of the matrix product and those of convolution.

from libc.math cimport fma, fmaf

from .types cimport real

cdef enum:
    ROWS = 8        # of a tile in float32; half as many in float64
    COLUMNS = 32    # of a tile
    DEPTH = 256     # terms of a sum in float32, half as many in float64


cdef inline real multiply_add(real a, real b, real c) noexcept nogil:
    """a · b + c, rounded once."""
    if real is float:
        return fmaf(a, b, c)
    else:
        return fma(a, b, c)
