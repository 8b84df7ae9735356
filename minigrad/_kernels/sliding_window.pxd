# What the kernels that slide a window over a plane share: conv2d and max_pool2d.
#
# Along each side of the plane, element i of window o lies at o·stride + i·dilation - padding. Where
# that is outside the plane, there is padding.

cdef enum:
    LARGEST = 2147483647   # steps and sizes up to here cannot overflow what is computed from them


cdef inline int check_steps(
    str kernel, Py_ssize_t stride_h, Py_ssize_t stride_w, Py_ssize_t top, Py_ssize_t left,
    Py_ssize_t dilation_h, Py_ssize_t dilation_w
) except -1:
    """Raise ValueError where a step is not positive, or anything too large to compute with."""
    if not (1 <= stride_h <= LARGEST and 1 <= stride_w <= LARGEST
            and -LARGEST <= top <= LARGEST and -LARGEST <= left <= LARGEST
            and 1 <= dilation_h <= LARGEST and 1 <= dilation_w <= LARGEST):
        raise ValueError(
            f"{kernel}: stride {stride_h}, {stride_w}, padding {top}, {left} and dilation "
            f"{dilation_h}, {dilation_w}; expected steps from 1 to {LARGEST}")
    return 0


cdef inline int check_extent(str kernel, Py_ssize_t a, Py_ssize_t b, Py_ssize_t c, Py_ssize_t d,
                             Py_ssize_t e, Py_ssize_t f) except -1:
    """Raise ValueError where a side of an array is too long to compute with."""
    if not max(a, b, c, d, e, f) <= LARGEST:
        raise ValueError(f"{kernel}: a side of an array is longer than {LARGEST}")
    return 0


cdef inline void inside(
    Py_ssize_t start, Py_ssize_t stride, Py_ssize_t size, Py_ssize_t count,
    Py_ssize_t *first, Py_ssize_t *last
) noexcept nogil:
    """Of o = 0 … count - 1, those with 0 <= start + o·stride < size are first … last - 1."""
    first[0] = min((stride - 1 - start) // stride, count) if start < 0 else 0
    last[0] = min((size - 1 - start) // stride + 1, count) if start < size else 0
    last[0] = max(first[0], last[0])
