# Convolution without columns: the room into which an image is cut, and what lies where in it.
#
# There are zeros around the image, and its rows and columns are sorted by their remainder after
# division by the stride. So windows side by side lie side by side: what element (i, j) of window
# (p, q) sees in channel c is room[offset_cij + p · columns + q].

from libc.stdlib cimport malloc
from libc.string cimport memset

from .sliding_window cimport check_extent, check_steps, inside
from .tile cimport COLUMNS, ROWS
from .types cimport real

cdef enum:
    RUN = 16        # windows that are loaded together
    ROOM = 131072   # numbers of the image at a time, 512 KB in float32: some rows of a large image
    MOST_ROOM = 1048576   # if one row of windows needs more
    FEW_TAPS = 24         # with fewer, writing the outputs takes longer than the sums
    FEW_WINDOWS = 32      # with fewer, so does adding up the weight's gradient

ctypedef struct Convolution:
    Py_ssize_t samples, groups, channels, outputs   # the last two of one group
    Py_ssize_t height, width, kernel_h, kernel_w, out_h, out_w
    Py_ssize_t stride_h, stride_w, top, left, dilation_h, dilation_w
    bint single                                     # float32, otherwise float64

ctypedef struct Sweep:
    # What is read: planes of an image, in steps and with zeros around, cut into
    # rows · columns numbers each, enough for `band` rows of windows.
    Py_ssize_t planes, height, width, stride_h, stride_w, top, left
    Py_ssize_t band, rows, columns, plane
    # What is multiplied: where each tap lies in the room and in the weight.
    Py_ssize_t taps
    Py_ssize_t *offsets
    Py_ssize_t *in_weight
    # What is written.
    Py_ssize_t outputs, out_h, out_w, plane_step, row_step, column_step
    # Memory: the starts of the runs, the weights tile by tile, the room, sums for all outputs.
    Py_ssize_t *starts
    void *weights
    void *room
    void *sums


cdef inline Py_ssize_t up(Py_ssize_t n, Py_ssize_t step) noexcept nogil:
    return (n + step - 1) // step * step


# --- memory ------------------------------------------------------------------------------------

cdef inline void set_band(Sweep *s, Py_ssize_t reach_h, Py_ssize_t reach_w) noexcept nogil:
    """The room for windows that reach so many rows and columns beyond their first."""
    s.columns = s.out_w + reach_w
    cdef Py_ssize_t row = max(s.planes * s.stride_h * s.stride_w * s.columns, 1)
    s.band = max(min(ROOM // row - reach_h, s.out_h), 1)
    s.rows = s.band + reach_h
    # An odd number of cache lines, so that planes do not push each other out of the cache.
    s.plane = (up(s.rows * s.columns, RUN) // RUN | 1) * RUN


cdef inline int furnish(Sweep *s, Py_ssize_t numbers, bint single) except -1 nogil:
    """Memory for a sweep, and for so many numbers behind `weights`; `offsets` is what to free."""
    cdef Py_ssize_t size = sizeof(float) if single else sizeof(double)
    cdef Py_ssize_t taps = up(s.taps, ROWS), runs = s.band * (s.out_w // RUN + 1) + 1
    cdef Py_ssize_t sums = up(s.outputs, ROWS) * COLUMNS
    cdef Py_ssize_t room = s.planes * s.stride_h * s.stride_w * s.plane + RUN
    cdef char *block = <char *>malloc(
        (2 * taps + runs) * sizeof(Py_ssize_t) + (numbers + sums + room) * size)
    if block == NULL:
        with gil:
            raise MemoryError("conv2d: no memory for the image and the zeros around it")
    s.offsets = <Py_ssize_t *>block
    s.in_weight = s.offsets + taps
    s.starts = s.in_weight + taps
    s.weights = s.starts + runs
    s.sums = <char *>s.weights + numbers * size
    s.room = <char *>s.sums + sums * size
    return 0


# --- reading -----------------------------------------------------------------------------------

cdef inline void cut(const Sweep *s, const real *x, Py_ssize_t begin, real *room) noexcept nogil:
    """room[c, a, b, r, q] = x[c, (begin + r) · stride_h + a − top, q · stride_w + b − left] (11)"""
    cdef Py_ssize_t _plane, a, b, r, q, h, first = 0, last = 0
    cdef const real *row
    for _plane in range(s.planes):
        for a in range(s.stride_h):
            for b in range(s.stride_w):
                inside(b - s.left, s.stride_w, s.width, s.columns, &first, &last)
                for r in range(s.rows):
                    h = (begin + r) * s.stride_h + a - s.top
                    if not 0 <= h < s.height:
                        memset(room, 0, s.columns * sizeof(real))
                    else:
                        row = x + h * s.width + b - s.left
                        for q in range(first):
                            room[q] = 0
                        if s.stride_w == 1:
                            for q in range(first, last):
                                room[q] = row[q]
                        else:
                            for q in range(first, last):
                                room[q] = row[q * s.stride_w]
                        for q in range(last, s.columns):
                            room[q] = 0
                    room += s.columns
                memset(room, 0, (s.plane - s.rows * s.columns) * sizeof(real))
                room += s.plane - s.rows * s.columns
        x += s.height * s.width
    memset(room, 0, RUN * sizeof(real))   # what the last run loads, and nobody uses


cdef inline void set_windows(const Convolution *c, Sweep *s) noexcept nogil:
    """A sweep over x: the windows of a convolution."""
    s.planes, s.height, s.width = c.channels, c.height, c.width
    s.stride_h, s.stride_w, s.top, s.left = c.stride_h, c.stride_w, c.top, c.left
    s.taps = c.channels * c.kernel_h * c.kernel_w
    s.outputs, s.out_h, s.out_w = c.outputs, c.out_h, c.out_w
    s.plane_step, s.row_step, s.column_step = c.out_h * c.out_w, c.out_w, 1
    set_band(s, (c.kernel_h - 1) * c.dilation_h // c.stride_h,
             (c.kernel_w - 1) * c.dilation_w // c.stride_w)


cdef inline void set_taps(const Convolution *c, Sweep *s) noexcept nogil:
    """Where element (i, j) of the first window lies in channel k's planes."""
    cdef Py_ssize_t k, i, j, h, w, tap = 0
    for k in range(c.channels):
        for i in range(c.kernel_h):
            for j in range(c.kernel_w):
                h, w = i * c.dilation_h, j * c.dilation_w
                s.offsets[tap] = (                                                   # (11)
                    ((k * s.stride_h + h % s.stride_h) * s.stride_w + w % s.stride_w) * s.plane
                    + h // s.stride_h * s.columns + w // s.stride_w)
                s.in_weight[tap] = tap
                tap += 1
    for k in range(s.taps, up(s.taps, ROWS)):
        s.offsets[k] = 0   # in the last tile of the weight's gradient: read, not used


# --- what fits ----------------------------------------------------------------------------------

cdef inline bint has_room(const Convolution *c) noexcept nogil:
    """Whether the rows that one row of windows sees are few enough to be cut at a time.

    They are not if windows lie far apart, or what they see.
    """
    cdef double rows = <double>((c.kernel_h - 1) * c.dilation_h // c.stride_h + 1) * c.stride_h
    cdef double columns = (c.kernel_w - 1) * c.dilation_w // c.stride_w + max(c.out_w, c.width)
    return rows * columns * c.stride_w * max(c.channels, c.outputs) <= MOST_ROOM


cdef inline bint fills_tiles(
    Py_ssize_t outputs, Py_ssize_t taps, Py_ssize_t height, Py_ssize_t width, Py_ssize_t columns
) noexcept nogil:
    """Whether sums are long, and at least half of what the tiles of a sweep compute is wanted."""
    cdef double runs = min(up(width, RUN) * height, up((height - 1) * columns + width, RUN))
    return taps >= FEW_TAPS and up(outputs, ROWS) * runs <= 2. * outputs * height * width


cdef inline bint forward_fills(const Convolution *c) noexcept nogil:
    return has_room(c) and fills_tiles(
        c.outputs, c.channels * c.kernel_h * c.kernel_w, c.out_h, c.out_w,
        c.out_w + (c.kernel_w - 1) * c.dilation_w // c.stride_w)


cdef inline bint image_fills(const Convolution *c) noexcept nogil:
    cdef Py_ssize_t height = up(c.height, c.stride_h) // c.stride_h
    cdef Py_ssize_t width = up(c.width, c.stride_w) // c.stride_w
    return has_room(c) and fills_tiles(
        c.channels, c.outputs * c.kernel_h * c.kernel_w // (c.stride_h * c.stride_w), height, width,
        width + (c.kernel_w - 1) * c.dilation_w // c.stride_w)


cdef inline bint weight_fills(const Convolution *c) noexcept nogil:
    return (has_room(c) and c.channels * c.kernel_h * c.kernel_w >= FEW_TAPS
            and c.out_h * c.out_w >= FEW_WINDOWS and up(c.outputs, COLUMNS) <= 2 * c.outputs)


cdef inline Convolution checked(
    str kernel, Py_ssize_t *x, Py_ssize_t *weight, Py_ssize_t *y, tuple steps, bint single
) except *:
    """The convolution of arrays of these shapes, if they fit."""
    cdef Py_ssize_t stride_h, stride_w, top, left, dilation_h, dilation_w
    stride_h, stride_w, top, left, dilation_h, dilation_w = steps
    cdef Convolution c
    check_extent(kernel, x[2], x[3], weight[2], weight[3], y[2], y[3])
    check_steps(kernel, stride_h, stride_w, top, left, dilation_h, dilation_w)
    c.samples, c.channels, c.height, c.width = x[0], weight[1], x[2], x[3]
    c.groups = x[1] // max(weight[1], 1)
    c.outputs = weight[0] // max(c.groups, 1)
    c.kernel_h, c.kernel_w, c.out_h, c.out_w = weight[2], weight[3], y[2], y[3]
    c.stride_h, c.stride_w, c.top, c.left = stride_h, stride_w, top, left
    c.dilation_h, c.dilation_w, c.single = dilation_h, dilation_w, single
    if not (y[0] == x[0] and c.groups * weight[1] == x[1] and c.groups * c.outputs == y[1] > 0
            and y[1] == weight[0] and min(c.kernel_h, c.kernel_w, top + 1, left + 1) > 0
            and has_room(&c)):
        raise ValueError(
            f"{kernel}: x is ({x[0]}, {x[1]}, {x[2]}, {x[3]}), weight ({weight[0]}, {weight[1]}, "
            f"{weight[2]}, {weight[3]}), y ({y[0]}, {y[1]}, {y[2]}, {y[3]}), stride {stride_h}, "
            f"{stride_w}, padding {top}, {left}, dilation {dilation_h}, {dilation_w}")
    return c
