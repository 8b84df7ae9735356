# Where an array lives, for the kernels that walk a list of arrays of any shape (the optimisers).
#
# A typed memoryview cannot do that: it fixes the number of dimensions, and acquiring one can fail
# half way through the list.

cimport numpy as cnp


cdef inline void* address(str kernel, str name, object array, cnp.ndarray like) except? NULL:
    """Address of an array of the dtype and size of `like`; the caller keeps the array alive."""
    if not isinstance(array, cnp.ndarray):
        raise TypeError(f"{kernel}: {name} is {type(array).__name__}, expected an array")
    if cnp.PyArray_TYPE(<cnp.ndarray> array) != cnp.PyArray_TYPE(like):
        raise TypeError(f"{kernel}: {name} is {array.dtype}, the parameter is {like.dtype}")
    if not cnp.PyArray_ISCARRAY_RO(<cnp.ndarray> array):
        raise ValueError(f"{kernel}: {name} is not C-contiguous, aligned and of native byte order")
    if cnp.PyArray_SIZE(<cnp.ndarray> array) != cnp.PyArray_SIZE(like):
        raise ValueError(f"{kernel}: {name} has {array.size} elements, the parameter {like.size}")
    return cnp.PyArray_DATA(<cnp.ndarray> array)


cdef inline void* writable(str kernel, str name, object array, cnp.ndarray like) except? NULL:
    """The same for an array that the kernel writes."""
    cdef void* data = address(kernel, name, array, like)
    if not cnp.PyArray_ISWRITEABLE(<cnp.ndarray> array):
        raise ValueError(f"{kernel}: {name} is read-only")
    return data


cdef inline bint is_single(str kernel, object p) except -1:
    """True for a float32 parameter, False for float64; no other dtype has a gradient."""
    if not isinstance(p, cnp.ndarray):
        raise TypeError(f"{kernel}: p is {type(p).__name__}, expected an array")
    cdef int kind = cnp.PyArray_TYPE(<cnp.ndarray> p)
    if kind != cnp.NPY_FLOAT and kind != cnp.NPY_DOUBLE:
        raise TypeError(f"{kernel}: p is {p.dtype}, expected float32 or float64")
    return kind == cnp.NPY_FLOAT
