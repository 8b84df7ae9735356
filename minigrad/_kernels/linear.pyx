"""The matrix product, and the linear layer, which is a product plus a bias.

Derivation: docs/derivations/linear.md; how it becomes fast: docs/matrix_product.md

Y is computed tile by tile, in sums that stay in the vector registers while k runs: 8 rows of 32
columns in float32 are 16 registers of AVX-512, half of those there are. For each k a tile reads 32
numbers side by side of B and 8 of a column of A. Around it, A and B are cut so that what is read
again and again lies in the caches: a panel of B, whose rows are copied together, in the first; the
rows of A that it meets in the second.

A sum of more than DEPTH terms is a sum of such sums, so that fewer roundings follow each other.
`fma` rounds once, also where the processor cannot do it: what this kernel computes depends neither
on the build nor on the layout of A and B nor on how many other rows and columns there are. It is
fast where the processor has `fma` and vectors of 16 floats; `_runtime/matmul.pyx` asks for that.
"""

from libc.string cimport memset

from .._runtime.workers cimport begin_of
from .tile cimport COLUMNS, DEPTH, ROWS, multiply_add
from .types cimport check_signals_every, in_float32, real

cdef enum:
    PANEL = 4096    # doubles, 32 KB: DEPTH · COLUMNS floats
    STRIP = 1024    # doubles: DEPTH · ROWS floats
    HEIGHT = 512    # rows of A that one panel meets: 512 KB
    TALL = 4        # times as many rows as columns
    FEW = 64        # rows of A for which rows of B are read where they lie
    SHARED = 262144        # multiplications from which BLAS asks its own threads, 64³
    LARGEST = 1073741824   # multiplications of a product, 1024³: 11 ms in float32

cdef extern from *:
    """
    #ifdef __AVX512F__
    #define MINIGRAD_HAS_WIDE_VECTORS 1
    #else
    #define MINIGRAD_HAS_WIDE_VECTORS 0
    #endif
    """
    const bint WIDE_VECTORS "MINIGRAD_HAS_WIDE_VECTORS"


cdef inline void add_row(real a, const real *b, real *sums) noexcept nogil:
    cdef Py_ssize_t m
    for m in range(COLUMNS):
        sums[m] = multiply_add(a, b[m], sums[m])


cdef void tile(const real *a, Py_ssize_t a_row_stride, Py_ssize_t a_column_stride, const real *b,
               Py_ssize_t b_row_stride, Py_ssize_t K, real *y, Py_ssize_t y_row_stride,
               bint first) noexcept nogil:
    """Sums over K for the rows and columns of a tile of Y; they are written, or added to Y."""
    cdef real sums[ROWS][COLUMNS]
    cdef Py_ssize_t rows = ROWS if real is float else ROWS // 2, _k, n, m
    memset(sums, 0, sizeof(sums))
    for _k in range(K):
        # Row by row without a loop, so that compilers keep the sums in registers.
        add_row(a[0], b, sums[0])                                                      # (1a)
        add_row(a[a_row_stride], b, sums[1])
        add_row(a[2 * a_row_stride], b, sums[2])
        add_row(a[3 * a_row_stride], b, sums[3])
        if real is float:
            add_row(a[4 * a_row_stride], b, sums[4])
            add_row(a[5 * a_row_stride], b, sums[5])
            add_row(a[6 * a_row_stride], b, sums[6])
            add_row(a[7 * a_row_stride], b, sums[7])
        a += a_column_stride
        b += b_row_stride
    for n in range(rows):
        for m in range(COLUMNS):
            y[n * y_row_stride + m] = sums[n][m] if first else y[n * y_row_stride + m] + sums[n][m]


cdef void pack(const real *x, Py_ssize_t across, Py_ssize_t along, Py_ssize_t count,
               Py_ssize_t width, Py_ssize_t K, real *packed) noexcept nogil:
    """`count` rows or columns side by side, packed[k, i] = x[i, k], and zeros up to `width`."""
    cdef Py_ssize_t i, k
    if count < width:
        memset(packed, 0, K * width * sizeof(real))
    if across == 1 and count == COLUMNS:
        for k in range(K):
            for i in range(COLUMNS):
                packed[k * COLUMNS + i] = x[k * along + i]
    else:
        for k in range(K):
            for i in range(count):
                packed[k * width + i] = x[i * across + k * along]


cdef void write_tile(const real *sums, Py_ssize_t rows, Py_ssize_t columns, bint first, real *y,
                     Py_ssize_t y_row_stride, Py_ssize_t y_column_stride) noexcept nogil:
    """Write the sums of a tile into Y, or add them to what is there."""
    cdef Py_ssize_t n, m
    if y_column_stride == 1:
        for n in range(rows):
            if first:
                for m in range(columns):
                    y[n * y_row_stride + m] = sums[n * COLUMNS + m]
            else:
                for m in range(columns):
                    y[n * y_row_stride + m] += sums[n * COLUMNS + m]
    else:
        for m in range(columns):
            for n in range(rows):
                if first:
                    y[n * y_row_stride + m * y_column_stride] = sums[n * COLUMNS + m]
                else:
                    y[n * y_row_stride + m * y_column_stride] += sums[n * COLUMNS + m]


cdef int tiled(Matrix a, Matrix b, Matrix y, real *y_data) except -1 nogil:
    cdef const real *a_data = <const real *>a.data
    cdef const real *b_data = <const real *>b.data
    cdef double[PANEL] panel_room
    cdef double[STRIP] strip_room
    cdef real *panel = <real *>panel_room
    cdef real *strip = <real *>strip_room
    cdef real[ROWS * COLUMNS] sums
    cdef Py_ssize_t tile_rows = ROWS if real is float else ROWS // 2
    cdef Py_ssize_t deepest = DEPTH if real is float else DEPTH // 2
    cdef Py_ssize_t K = a.columns, k = 0, top, left, row, depth, end, rows, columns, step
    cdef Py_ssize_t a_row_stride, a_column_stride, done = 0
    cdef const real *part_of_a
    cdef const real *part_of_b
    cdef real *part_of_y
    while k < K:
        depth = min(deepest, K - k)
        top = 0
        while top < y.rows:
            end = min(top + HEIGHT, y.rows)
            left = 0
            while left < y.columns:
                columns = min(<Py_ssize_t>COLUMNS, y.columns - left)
                part_of_b, step = b_data + k * b.row_stride + left * b.column_stride, b.row_stride
                if b.column_stride != 1 or columns < COLUMNS or end - top >= FEW:
                    pack(part_of_b, b.column_stride, b.row_stride, columns, COLUMNS, depth, panel)
                    part_of_b, step = panel, COLUMNS
                row = top
                while row < end:
                    rows = min(tile_rows, end - row)
                    part_of_a = a_data + row * a.row_stride + k * a.column_stride
                    part_of_y = y_data + row * y.row_stride + left * y.column_stride
                    a_row_stride, a_column_stride = a.row_stride, a.column_stride
                    if rows < tile_rows:
                        pack(part_of_a, a.row_stride, a.column_stride, rows, tile_rows, depth,
                             strip)
                        part_of_a, a_row_stride, a_column_stride = strip, 1, tile_rows
                    if rows == tile_rows and columns == COLUMNS and y.column_stride == 1:
                        tile(part_of_a, a_row_stride, a_column_stride, part_of_b, step, depth,
                             part_of_y, y.row_stride, k == 0)
                    else:
                        tile(part_of_a, a_row_stride, a_column_stride, part_of_b, step, depth, sums,
                             COLUMNS, 1)
                        write_tile(<const real *>sums, rows, columns, k == 0, part_of_y,
                                   y.row_stride, y.column_stride)
                    row += tile_rows
                check_signals_every(&done, (end - top) * depth)
                left += COLUMNS
            top = end
        k += depth
    return 0


cdef bint better_transposed(Matrix a, Matrix b) noexcept nogil:
    """Whether Yᵀ = Bᵀ Aᵀ is computed instead: less has to be packed, or nothing."""
    return b.column_stride != 1 and (a.row_stride == 1 or a.rows < b.columns)


cdef bint has_wide_vectors() noexcept nogil:
    """Whether these loops were compiled for vectors of 16 floats; otherwise BLAS is faster."""
    return WIDE_VECTORS


cdef bint worthwhile(Matrix a, Matrix b, bint single) noexcept nogil:
    """Whether these loops are meant for Y = A B: it fills at least half of the tiles, and A is not
    so large that it should be packed, too.

    A quarter will do where BLAS would use its threads: they would go on waiting for more, busily,
    for longer than a whole training step, on the processors that our own workers need.
    """
    cdef Py_ssize_t height = ROWS if single else ROWS // 2, width = COLUMNS
    if better_transposed(a, b):
        height, width = width, height
    cdef double rows = (a.rows + height - 1) // height * height
    cdef double columns = (b.columns + width - 1) // width * width
    cdef double values = <double>a.rows * b.columns, multiplications = values * a.columns
    return (rows * columns <= (4 if multiplications > SHARED else 2) * values
            and multiplications <= LARGEST)


cdef int multiply(
    Matrix a, Matrix b, Matrix y, bint single, int part=0, int parts=1
) except -1 nogil:
    """Y = A B where A has at least one column; all float32 if `single`, else float64.

    Or one of several parts of Y: some of its columns, so that each panel of B is packed once, or,
    where Y is much higher than it is wide, some of its rows.
    """
    cdef Py_ssize_t begin, size = sizeof(float) if single else sizeof(double)
    if better_transposed(a, b):
        a, b, y = transposed(b), transposed(a), transposed(y)
    if parts > 1 and y.rows < TALL * y.columns:
        begin = begin_of(part, parts, y.columns, COLUMNS)
        b.columns = y.columns = begin_of(part + 1, parts, y.columns, COLUMNS) - begin
        b.data = <char *>b.data + begin * b.column_stride * size
        y.data = <char *>y.data + begin * y.column_stride * size
    elif parts > 1:
        begin = begin_of(part, parts, y.rows, FEW)
        a.rows = y.rows = begin_of(part + 1, parts, y.rows, FEW) - begin
        a.data = <char *>a.data + begin * a.row_stride * size
        y.data = <char *>y.data + begin * y.row_stride * size
    if single:
        return tiled(a, b, y, <float *>y.data)
    return tiled(a, b, y, <double *>y.data)


cdef int add_bias(const real *bias, real *y, Py_ssize_t rows, Py_ssize_t columns) except -1 nogil:
    """y_nm += b_m, for a Y whose rows lie one after another."""
    cdef Py_ssize_t _n, m, done = 0
    for _n in range(rows):
        for m in range(columns):
            y[m] = y[m] + bias[m]                                                      # (3a)
        y += columns
        check_signals_every(&done, columns)
    return 0


cdef Matrix matrix_view(str kernel, const real *x, Py_ssize_t *shape, Py_ssize_t *strides) except *:
    cdef Py_ssize_t size = sizeof(real)
    if strides[0] % size or strides[1] % size:
        raise ValueError(
            f"{kernel}: elements of {size} bytes that lie {strides[0]} and {strides[1]} bytes "
            "apart")
    return Matrix(<void *>x, shape[0], shape[1], strides[0] // size, strides[1] // size)


cdef int _matmul(const real[:, :] a, const real[:, :] b, real[:, :] y) except -1:
    if a.shape[1] != b.shape[0] or y.shape[0] != a.shape[0] or y.shape[1] != b.shape[1]:
        raise ValueError(
            f"matmul: a is ({a.shape[0]}, {a.shape[1]}), b ({b.shape[0]}, {b.shape[1]}), y "
            f"({y.shape[0]}, {y.shape[1]})")
    if y.shape[0] == 0 or y.shape[1] == 0:
        return 0
    if a.shape[1] == 0:
        y[:, :] = 0
        return 0
    cdef Matrix A = matrix_view("matmul", &a[0, 0], a.shape, a.strides)
    cdef Matrix B = matrix_view("matmul", &b[0, 0], b.shape, b.strides)
    cdef Matrix Y = matrix_view("matmul", <const real *>&y[0, 0], y.shape, y.strides)
    with nogil:
        return multiply(A, B, Y, sizeof(real) == sizeof(float))


def matmul(a not None, b not None, y not None):
    """Y = A B for any strides.

    y_nm = Σ_k a_nk b_km                                            (1a)
    """
    if in_float32("matmul", a):
        _matmul[float](a, b, y)
    else:
        _matmul[double](a, b, y)


cdef int _linear_forward(
    const real[:, :] x, const real[:, :] weight, const real[::1] bias, real[:, ::1] y
) except -1:
    if (x.shape[1] != weight.shape[1] or y.shape[0] != x.shape[0] or y.shape[1] != weight.shape[0]
            or bias.shape[0] != y.shape[1]):
        raise ValueError(
            f"linear_forward: x is ({x.shape[0]}, {x.shape[1]}), weight ({weight.shape[0]}, "
            f"{weight.shape[1]}), bias ({bias.shape[0]},), y ({y.shape[0]}, {y.shape[1]})")
    _matmul[real](x, weight.T, y)
    if y.shape[0] > 0 and y.shape[1] > 0:
        with nogil:
            add_bias(&bias[0], &y[0, 0], y.shape[0], y.shape[1])
    return 0


def linear_forward(x not None, weight not None, bias not None, y not None):
    """Y = X Wᵀ + b; x and weight in any layout, y in rows without gaps.

    y_nm = Σ_c x_nc w_mc + b_m                                      (3a)
    """
    if in_float32("linear_forward", x):
        _linear_forward[float](x, weight, bias, y)
    else:
        _linear_forward[double](x, weight, bias, y)
