"""How the values of operations that work element by element are computed.

`broadcast_binary` computes a + b, a − b, a · b and a / b: by the loops of
`_kernels/elementwise.pyx` where the layout of both arrays suits them, else by NumPy.
"""

cimport numpy as cnp

import numpy as np

from ..._kernels.elementwise cimport Operand, elementwise, has_loop
from ..._kernels.switch cimport switch
from ..._runtime.array_pool cimport MAX_DIMENSIONS, empty_array
from ..._runtime.fp_warnings import quietly
from ..._runtime.workers cimport Part, begin_of, enough_parts, in_parts
from ...errors import ShapeError
from ...tensor cimport Tensor, wrap

cnp.import_array()

cdef enum:
    SHARE = 131072   # elements for a thread: 20 µs, or 50 if they are in no cache

cdef struct Loop:
    Operation operation
    int type_number
    Operand a, b
    void *y
    Py_ssize_t rows, columns, itemsize

cdef dict UFUNCS = {ADD: np.add, SUB: np.subtract, MUL: np.multiply, DIV: np.true_divide}


cdef cnp.ndarray broadcast_binary(
    str name, Operation operation, cnp.ndarray a, cnp.ndarray b, cnp.ndarray out
):
    """a op b with broadcasting, into `out` if given, by our loop where the layout allows it."""
    cdef int ndim = max(cnp.PyArray_NDIM(a), cnp.PyArray_NDIM(b)), i, columns_from
    cdef Py_ssize_t[MAX_DIMENSIONS] shape
    cdef Py_ssize_t a_size, b_size, rows = 1, columns = 1
    cdef Operand a_form, b_form
    cdef Loop loop
    cdef int parts
    cdef cnp.ndarray y = out
    cdef int type_number = cnp.PyArray_TYPE(a)
    cdef bint ours = (switch.compiled
                      and cnp.PyArray_IS_C_CONTIGUOUS(a) and cnp.PyArray_IS_C_CONTIGUOUS(b)
                      and has_loop(operation, type_number)
                      and (out is None or cnp.PyArray_ISCARRAY(out)))
    for i in range(ndim):
        a_size = size_at(a, i - ndim + cnp.PyArray_NDIM(a))
        b_size = size_at(b, i - ndim + cnp.PyArray_NDIM(b))
        if a_size != b_size and a_size != 1 and b_size != 1:
            raise ShapeError(
                f"{name}: shapes {(<object>a).shape} and {(<object>b).shape} do not broadcast: "
                f"sizes {a_size} and {b_size} at dimension {i - ndim} differ and neither is 1 "
                "(more: python -m minigrad book broadcasting#any-shapes)")
        shape[i] = b_size if a_size == 1 else a_size
    if not ours:
        return numpy_binary(operation, a, b, y)
    # Try each split of the dimensions into rows and columns, widest rows first.
    for columns_from in range(ndim + 1):
        if (seen_as_rows(a, ndim, shape, columns_from, &a_form)
                and seen_as_rows(b, ndim, shape, columns_from, &b_form)):
            break
    else:
        return numpy_binary(operation, a, b, y)
    if y is None:
        y = empty_array(ndim, <cnp.npy_intp *>shape, type_number)
    for i in range(ndim):
        if i < columns_from:
            rows *= shape[i]
        else:
            columns *= shape[i]
    if rows * columns < 2 * SHARE:
        elementwise(operation, type_number, a_form, b_form, cnp.PyArray_DATA(y), rows, columns)
    else:
        loop = Loop(operation, type_number, a_form, b_form, cnp.PyArray_DATA(y), rows, columns,
                    cnp.PyArray_ITEMSIZE(y))
        parts = enough_parts(rows * columns, SHARE)
        with nogil:
            in_parts(<Part>some_elements, &loop, parts)
    return y


cdef int some_elements(void *task, int part, int parts) except -1 nogil:
    """A part of a large loop: some of its rows, or, if there is one row, some of its columns."""
    cdef Loop loop = (<Loop *>task)[0]
    cdef Py_ssize_t first, last, to_y = loop.itemsize
    cdef Py_ssize_t to_a = loop.a.step * loop.itemsize, to_b = loop.b.step * loop.itemsize
    if loop.rows == 1:
        first, last = begin_of(part, parts, loop.columns, 16), begin_of(
            part + 1, parts, loop.columns, 16)
        loop.columns = last - first
    else:
        first, last = begin_of(part, parts, loop.rows, 1), begin_of(part + 1, parts, loop.rows, 1)
        loop.rows = last - first
        to_y *= loop.columns
        to_a, to_b = loop.a.row * loop.itemsize, loop.b.row * loop.itemsize
    loop.a.data = <char *>loop.a.data + first * to_a
    loop.b.data = <char *>loop.b.data + first * to_b
    return elementwise(loop.operation, loop.type_number, loop.a, loop.b,
                       <char *>loop.y + first * to_y, loop.rows, loop.columns)


cdef cnp.ndarray numpy_binary(Operation operation, cnp.ndarray a, cnp.ndarray b, cnp.ndarray out):
    return np.asarray(quietly(UFUNCS[operation], a, b, out=out))


cdef bint seen_as_rows(
    cnp.ndarray a, int ndim, Py_ssize_t *shape, Py_ssize_t columns_from, Operand *form
) noexcept:
    """See `a`, broadcast to `shape`, as rows that each repeat one element or run on; False if not.

    The dimensions from `columns_from` on make a row, those before it count the rows.
    """
    cdef int offset = ndim - cnp.PyArray_NDIM(a), i
    cdef Py_ssize_t row_size = 1, column_size = 1, rows = 1, columns = 1, size
    form.data = cnp.PyArray_DATA(a)
    for i in range(ndim):
        size = 1 if i < offset else cnp.PyArray_DIM(a, i - offset)
        if i < columns_from:
            row_size *= size
            rows *= shape[i]
        else:
            column_size *= size
            columns *= shape[i]
    if (row_size != rows and row_size != 1) or (column_size != columns and column_size != 1):
        return False
    form.step = 0 if column_size == 1 else 1
    form.row = 0 if row_size == 1 else column_size
    return True


cdef inline Py_ssize_t size_at(cnp.ndarray a, int i) noexcept:
    """The size of dimension i; 1 in front of the first, as broadcasting has it."""
    return cnp.PyArray_DIM(a, i) if i >= 0 else 1


# --- of one tensor -----------------------------------------------------------------------------

cdef Tensor mapped(object ufunc, Tensor x):
    """A NumPy function of each element."""
    return wrap(np.asarray(quietly(ufunc, without_gaps(x))))


cdef cnp.ndarray without_gaps(Tensor x):
    """Its array, copied if it has gaps or runs backward: there NumPy's loops round differently."""
    if cnp.PyArray_IS_C_CONTIGUOUS(x.array) or cnp.PyArray_IS_F_CONTIGUOUS(x.array):
        return x.array
    return cnp.PyArray_NewCopy(x.array, cnp.NPY_KEEPORDER)
