from .types cimport real


ctypedef struct Matrix:
    void *data
    Py_ssize_t rows, columns
    Py_ssize_t row_stride, column_stride   # to the next row and the next column, in elements

cdef inline Matrix transposed(Matrix x) noexcept nogil:
    return Matrix(x.data, x.columns, x.rows, x.column_stride, x.row_stride)

cdef bint has_wide_vectors() noexcept nogil
cdef bint worthwhile(Matrix a, Matrix b, bint single) noexcept nogil
cdef int multiply(
    Matrix a, Matrix b, Matrix y, bint single, int part=*, int parts=*) except -1 nogil
cdef int add_bias(const real *bias, real *y, Py_ssize_t rows, Py_ssize_t columns) except -1 nogil
