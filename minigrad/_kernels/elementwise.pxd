ctypedef enum Operation:
    ADD, SUB, MUL, DIV

# An operand seen as rows of `columns` elements: where the next row starts, and the step within a
# row (0 or 1).
ctypedef struct Operand:
    void *data
    Py_ssize_t row
    Py_ssize_t step

cdef bint has_loop(Operation operation, int type_number) noexcept nogil
cdef int elementwise(
    Operation operation, int type_number, Operand a, Operand b, void *y,
    Py_ssize_t rows, Py_ssize_t columns
) except -1 nogil
