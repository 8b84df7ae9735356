# The address of an array, for kernels that work element by element, whatever the shape: the
# activations, and the optimizers, which walk a list of arrays.
#
# A typed memoryview fixes the number of dimensions, and acquiring one can fail halfway through a
# list. It also takes ten times as long as these checks, which counts beside the work on a small
# array.

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


cdef inline Py_ssize_t elements(
    str kernel, cnp.ndarray a, cnp.ndarray b, cnp.ndarray y
) except -1:
    """How many elements each of three arrays has; y is the one that the kernel writes."""
    cdef Py_ssize_t size = cnp.PyArray_SIZE(a)
    if size != cnp.PyArray_SIZE(b) or size != cnp.PyArray_SIZE(y):
        raise ValueError(f"{kernel}: arrays of {size}, {b.size} and {y.size} elements")
    cdef int kind = cnp.PyArray_TYPE(a)
    if (kind != cnp.NPY_FLOAT and kind != cnp.NPY_DOUBLE
            or kind != cnp.PyArray_TYPE(b) or kind != cnp.PyArray_TYPE(y)):
        raise TypeError(
            f"{kernel}: arrays of {(<object> a).dtype}, {(<object> b).dtype} and "
            f"{(<object> y).dtype}, expected one dtype, float32 or float64")
    if not (cnp.PyArray_ISCARRAY_RO(a) and cnp.PyArray_ISCARRAY_RO(b)
            and cnp.PyArray_ISCARRAY_RO(y)):
        raise ValueError(
            f"{kernel}: an array is not C-contiguous, aligned and of native byte order")
    if not cnp.PyArray_ISWRITEABLE(y):
        raise ValueError(f"{kernel}: the array to write is read-only")
    return size


cdef inline bint is_float32(cnp.ndarray array) noexcept:
    """Which of its two forms a kernel takes for this array."""
    return cnp.PyArray_TYPE(array) == cnp.NPY_FLOAT
