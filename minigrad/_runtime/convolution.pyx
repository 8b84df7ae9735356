"""Convolutions without columns, by `_kernels/conv2d_tiles.pyx`, in parts on several threads.

They are meant for convolutions that fill the tiles, where our loops multiply (`matmul.pyx`). Others
become products of columns: `ops/nn/conv2d.pyx` asks first.
"""

cimport numpy as cnp

from .._kernels.conv2d_room cimport Convolution, forward_fills, image_fills, weight_fills
from .._kernels.conv2d_tiles cimport forward, gradient_of_image, gradient_of_weight
from .._kernels.switch cimport switch
from .matmul cimport SHARE, by_our_loops
from .workers cimport Part, enough_parts, in_parts

cnp.import_array()

cdef struct Task:
    Convolution c
    const void *a
    const void *b
    const void *bias
    void *y


cdef bint forward_in_tiles(const Convolution *c) noexcept:
    return by_our_loops() and forward_fills(c)


cdef bint image_in_tiles(const Convolution *c) noexcept:
    return by_our_loops() and image_fills(c)


cdef bint weight_in_tiles(const Convolution *c) noexcept:
    return by_our_loops() and weight_fills(c)


cdef int some_outputs(void *task, int part, int parts) except -1 nogil:
    cdef Task *t = <Task *>task
    return forward(&t.c, t.a, t.b, t.bias, t.y, part, parts)


cdef int some_images(void *task, int part, int parts) except -1 nogil:
    cdef Task *t = <Task *>task
    return gradient_of_image(&t.c, t.a, t.b, t.y, part, parts)


cdef int some_taps(void *task, int part, int parts) except -1 nogil:
    cdef Task *t = <Task *>task
    return gradient_of_weight(&t.c, t.a, t.b, <double *>t.y, part, parts)


cdef int divided(Part part, Convolution c, cnp.ndarray a, cnp.ndarray b, cnp.ndarray bias,
                 cnp.ndarray y) except -1:
    cdef const void *row = NULL if bias is None else cnp.PyArray_DATA(bias)
    cdef Task task = Task(c, cnp.PyArray_DATA(a), cnp.PyArray_DATA(b), row, cnp.PyArray_DATA(y))
    cdef double multiplications = <double>c.samples * c.groups * c.outputs * c.out_h * c.out_w
    multiplications *= c.channels * c.kernel_h * c.kernel_w
    cdef int parts = enough_parts(multiplications, SHARE)
    with nogil:
        return in_parts(part, &task, parts)


cdef tuple steps(Convolution c):
    return c.stride_h, c.stride_w, c.top, c.left, c.dilation_h, c.dilation_w


# All arrays are C-ordered, of one float dtype; only dweight is always in double.

cdef int conv2d_forward(
    Convolution c, cnp.ndarray x, cnp.ndarray weight, cnp.ndarray bias, cnp.ndarray y
) except -1:
    """y = weight · windows of x + bias"""
    if not switch.compiled:
        (<object>switch).conv2d_forward(x, weight, bias, y, *steps(c))
        return 0
    return divided(<Part>some_outputs, c, x, weight, bias, y)


cdef int conv2d_image_gradient(
    Convolution c, cnp.ndarray dy, cnp.ndarray weight, cnp.ndarray dx
) except -1:
    """dx: what each value of the image gave to all windows that see it."""
    if not switch.compiled:
        (<object>switch).conv2d_image_gradient(dy, weight, dx, *steps(c))
        return 0
    return divided(<Part>some_images, c, dy, weight, None, dx)


cdef int conv2d_weight_gradient(
    Convolution c, cnp.ndarray dy, cnp.ndarray x, cnp.ndarray dweight
) except -1:
    """Adds to dweight, (groups, C / groups, kernel_h, kernel_w, O / groups), dy · windows of x."""
    if not switch.compiled:
        (<object>switch).conv2d_weight_gradient(dy, x, dweight, *steps(c))
        return 0
    return divided(<Part>some_taps, c, dy, x, None, dweight)
