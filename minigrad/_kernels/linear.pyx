"""The matrix product, of which the linear layer and its gradients are made.

Derivation: docs/derivations/linear.md; how it becomes fast: docs/matrix_product.md

Y is computed tile by tile, in sums that stay in the vector registers while k runs: 8 rows of 32
columns in float32 are 16 registers of AVX-512, half of what there is. For each k a tile reads 32
numbers side by side of B and 8 of a column of A. Around it, A and B are cut so that what is read
again and again lies in the caches: a panel of B, whose rows are copied together, in the first; the
rows of A that it meets in the second.

A sum of more than DEPTH terms is a sum of such sums, so that fewer roundings follow one another.
`fma` rounds once, also where the processor cannot do it: what this kernel computes depends neither
on the build nor on the layout of A and B nor on how many other rows and columns there are. It is
fast where the processor has `fma` and vectors of 16 floats; `products.pyx` knows that.
"""

from libc.math cimport fma, fmaf
from libc.string cimport memset

from .types cimport in_float32, pause, real

cdef enum:
    ROWS = 8        # of a tile in float32; half as many in float64
    COLUMNS = 32    # of a tile
    DEPTH = 256     # of a panel in float32, half in float64
    PANEL = 4096    # doubles, 32 KB: DEPTH · COLUMNS floats
    STRIP = 1024    # doubles: DEPTH · ROWS floats
    HEIGHT = 512    # rows of A that one panel meets: 512 KB
    FEW = 64        # rows of A for which rows of B are read where they lie


cdef inline void add_row(real a, const real *b, real *sums) noexcept nogil:
    cdef Py_ssize_t m
    for m in range(COLUMNS):
        if real is float:
            sums[m] = fmaf(a, b[m], sums[m])
        else:
            sums[m] = fma(a, b[m], sums[m])


cdef void tile(const real *a, Py_ssize_t a_down, Py_ssize_t a_along, const real *b,
               Py_ssize_t b_down, Py_ssize_t K, real *y, Py_ssize_t y_down,
               bint first) noexcept nogil:
    """Sums over K for the rows and columns of a tile of Y; they are written, or added to Y."""
    cdef real sums[ROWS][COLUMNS]
    cdef Py_ssize_t rows = ROWS if real is float else ROWS // 2, _k, n, m
    memset(sums, 0, sizeof(sums))
    for _k in range(K):
        # Row by row without a loop: so compilers keep the sums in registers.
        add_row(a[0], b, sums[0])                                                      # (1a)
        add_row(a[a_down], b, sums[1])
        add_row(a[2 * a_down], b, sums[2])
        add_row(a[3 * a_down], b, sums[3])
        if real is float:
            add_row(a[4 * a_down], b, sums[4])
            add_row(a[5 * a_down], b, sums[5])
            add_row(a[6 * a_down], b, sums[6])
            add_row(a[7 * a_down], b, sums[7])
        a += a_along
        b += b_down
    for n in range(rows):
        for m in range(COLUMNS):
            y[n * y_down + m] = sums[n][m] if first else y[n * y_down + m] + sums[n][m]


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


cdef void put(const real *sums, Py_ssize_t rows, Py_ssize_t columns, bint first, real *y,
              Py_ssize_t y_down, Py_ssize_t y_along) noexcept nogil:
    """Write the sums of a tile into Y, or add them to what is there."""
    cdef Py_ssize_t n, m
    if y_along == 1:
        for n in range(rows):
            if first:
                for m in range(columns):
                    y[n * y_down + m] = sums[n * COLUMNS + m]
            else:
                for m in range(columns):
                    y[n * y_down + m] += sums[n * COLUMNS + m]
    else:
        for m in range(columns):
            for n in range(rows):
                if first:
                    y[n * y_down + m * y_along] = sums[n * COLUMNS + m]
                else:
                    y[n * y_down + m * y_along] += sums[n * COLUMNS + m]


cdef int by_tiles(Matrix a, Matrix b, Matrix y, real *y_data) except -1 nogil:
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
    cdef Py_ssize_t a_down, a_along, done = 0
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
                part_of_b, step = b_data + k * b.down + left * b.along, b.down
                if b.along != 1 or columns < COLUMNS or end - top >= FEW:
                    pack(part_of_b, b.along, b.down, columns, COLUMNS, depth, panel)
                    part_of_b, step = panel, COLUMNS
                row = top
                while row < end:
                    rows = min(tile_rows, end - row)
                    part_of_a = a_data + row * a.down + k * a.along
                    part_of_y = y_data + row * y.down + left * y.along
                    a_down, a_along = a.down, a.along
                    if rows < tile_rows:
                        pack(part_of_a, a.down, a.along, rows, tile_rows, depth, strip)
                        part_of_a, a_down, a_along = strip, 1, tile_rows
                    if rows == tile_rows and columns == COLUMNS and y.along == 1:
                        tile(part_of_a, a_down, a_along, part_of_b, step, depth, part_of_y, y.down,
                             k == 0)
                    else:
                        tile(part_of_a, a_down, a_along, part_of_b, step, depth, sums, COLUMNS, 1)
                        put(<const real *>sums, rows, columns, k == 0, part_of_y, y.down, y.along)
                    row += tile_rows
                pause(&done, (end - top) * depth)
                left += COLUMNS
            top = end
        k += depth
    return 0


cdef inline Matrix transposed(Matrix x) noexcept nogil:
    return Matrix(x.data, x.columns, x.rows, x.along, x.down)


cdef bint turns(Matrix a, Matrix b) noexcept nogil:
    """Whether Yᵀ = Bᵀ Aᵀ is computed instead: less has to be packed, or nothing."""
    return b.along != 1 and (a.down == 1 or a.rows < b.columns)


cdef bint fills_tiles(Matrix a, Matrix b, bint single) noexcept nogil:
    """Whether at least half of what the tiles of Y = A B compute belongs to Y."""
    cdef Py_ssize_t height = ROWS if single else ROWS // 2, width = COLUMNS
    if turns(a, b):
        height, width = width, height
    cdef double rows = (a.rows + height - 1) // height * height
    cdef double columns = (b.columns + width - 1) // width * width
    return rows * columns <= 2. * a.rows * b.columns


cdef int multiply(Matrix a, Matrix b, Matrix y, bint single) except -1 nogil:
    """Y = A B where A has at least one column; all float32 if `single`, else float64."""
    if turns(a, b):
        a, b, y = transposed(b), transposed(a), transposed(y)
    if single:
        return by_tiles(a, b, y, <float *>y.data)
    return by_tiles(a, b, y, <double *>y.data)


cdef Matrix view(const real *x, Py_ssize_t *shape, Py_ssize_t *strides) except *:
    cdef Py_ssize_t size = sizeof(real)
    if strides[0] % size or strides[1] % size:
        raise ValueError(
            f"matmul: elements of {size} bytes that lie {strides[0]} and {strides[1]} bytes apart")
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
    cdef Matrix A = view(&a[0, 0], a.shape, a.strides), B = view(&b[0, 0], b.shape, b.strides)
    cdef Matrix Y = view(<const real *>&y[0, 0], y.shape, y.strides)
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
