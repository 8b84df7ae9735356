from .conv2d_room cimport Convolution


cdef int forward(
    const Convolution *c, const void *x, const void *weight, const void *bias, void *y,
    int part=*, int parts=*) except -1 nogil
cdef int gradient_of_image(
    const Convolution *c, const void *dy, const void *weight, void *dx,
    int part=*, int parts=*) except -1 nogil
cdef int gradient_of_weight(
    const Convolution *c, const void *dy, const void *x, double *dweight,
    int part=*, int parts=*) except -1 nogil
