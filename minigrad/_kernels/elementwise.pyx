"""y = a + b, a − b, a · b and a / b over rows; either operand may repeat (a scalar, row, column).

NumPy has these too. On small arrays, which a learner's network is made of, ours cost a tenth of
NumPy's call. They raise no floating-point warnings. Only `ops/math/elementwise.pyx` calls them.
"""

cimport cython
cimport numpy as cnp
from libc.stdint cimport uint64_t

from .types cimport SIGNAL_INTERVAL, check_signals_every

ctypedef fused number:
    float
    double
    uint64_t   # the bits of int64: its sum, difference and product have the same, and wrap around


@cython.cdivision(True)   # 1 / 0 is inf, in the debug build too
@cython.overflowcheck(False)
cdef inline number operate(Operation operation, number a, number b) noexcept nogil:
    if operation == ADD:
        return a + b
    if operation == SUB:
        return a - b
    if operation == MUL:
        return a * b
    return a / b


cdef inline void run_row(
    Operation operation, const number *a, const number *b, number *y,
    Py_ssize_t columns, Py_ssize_t a_step, Py_ssize_t b_step
) noexcept nogil:
    cdef Py_ssize_t i
    for i in range(columns):
        y[i] = operate(operation, a[i * a_step], b[i * b_step])


cdef inline void choose_steps(
    Operation operation, const number *a, const number *b, number *y,
    Py_ssize_t columns, Py_ssize_t a_step, Py_ssize_t b_step
) noexcept nogil:
    # Written out so that the compiler knows operation and steps, and vectorizes each loop.
    if a_step and b_step:
        run_row(operation, a, b, y, columns, 1, 1)
    elif a_step:
        run_row(operation, a, b, y, columns, 1, 0)
    elif b_step:
        run_row(operation, a, b, y, columns, 0, 1)
    else:
        run_row(operation, a, b, y, columns, 0, 0)


cdef inline void choose_operation(
    Operation operation, const number *a, const number *b, number *y,
    Py_ssize_t columns, Py_ssize_t a_step, Py_ssize_t b_step
) noexcept nogil:
    if operation == ADD:
        choose_steps(ADD, a, b, y, columns, a_step, b_step)
    elif operation == SUB:
        choose_steps(SUB, a, b, y, columns, a_step, b_step)
    elif operation == MUL:
        choose_steps(MUL, a, b, y, columns, a_step, b_step)
    else:
        choose_steps(DIV, a, b, y, columns, a_step, b_step)


cdef int run(
    Operation operation, const number *a, Operand a_form, const number *b, Operand b_form,
    number *y, Py_ssize_t rows, Py_ssize_t columns
) except -1 nogil:
    cdef Py_ssize_t _n, start, width, done = 0
    for _n in range(rows):
        start = 0
        while start < columns:
            width = min(<Py_ssize_t>SIGNAL_INTERVAL, columns - start)
            choose_operation(operation, a + start * a_form.step, b + start * b_form.step, y + start,
                             width, a_form.step, b_form.step)
            start += width
            check_signals_every(&done, width)
        a += a_form.row
        b += b_form.row
        y += columns
    return 0


cdef bint has_loop(Operation operation, int type_number) noexcept nogil:
    """Whether `elementwise` takes these arrays; it does not divide integers."""
    if type_number == cnp.NPY_INT64:
        return operation != DIV
    return type_number == cnp.NPY_FLOAT32 or type_number == cnp.NPY_FLOAT64


cdef int elementwise(
    Operation operation, int type_number, Operand a, Operand b, void *y,
    Py_ssize_t rows, Py_ssize_t columns
) except -1 nogil:
    """Fill y, `rows` rows of `columns` contiguous elements; all three of one dtype."""
    if type_number == cnp.NPY_FLOAT32:
        return run(
            operation, <const float *>a.data, a, <const float *>b.data, b, <float *>y,
            rows, columns)
    if type_number == cnp.NPY_FLOAT64:
        return run(
            operation, <const double *>a.data, a, <const double *>b.data, b, <double *>y,
            rows, columns)
    return run(
        operation, <const uint64_t *>a.data, a, <const uint64_t *>b.data, b, <uint64_t *>y,
        rows, columns)
