from ...tensor cimport Tensor

# What windows that are pooled have in common, whatever is taken from them.

cdef Tensor pooled_image(str name, object input)
cdef int check_padding(str name, object padding, tuple padded, object kernel_size, tuple kernel)\
    except -1
cdef Py_ssize_t windows_along(
    Py_ssize_t size, Py_ssize_t padding, Py_ssize_t kernel, Py_ssize_t stride, Py_ssize_t dilation,
    bint ceil_mode)
