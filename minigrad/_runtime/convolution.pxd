cimport numpy as cnp

from .._kernels.conv2d_room cimport Convolution


cdef bint forward_in_tiles(const Convolution *c) noexcept
cdef bint image_in_tiles(const Convolution *c) noexcept
cdef bint weight_in_tiles(const Convolution *c) noexcept
cdef int conv2d_forward(
    Convolution c, cnp.ndarray x, cnp.ndarray weight, cnp.ndarray bias, cnp.ndarray y) except -1
cdef int conv2d_image_gradient(
    Convolution c, cnp.ndarray dy, cnp.ndarray weight, cnp.ndarray dx) except -1
cdef int conv2d_weight_gradient(
    Convolution c, cnp.ndarray dy, cnp.ndarray x, cnp.ndarray dweight) except -1
