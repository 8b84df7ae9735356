"""Convolution without columns: tiles of sums that read the windows where they lie.

Derivation: docs/derivations/conv2d.md; what a tile is: docs/matrix_product.md

An image is cut into a room (`conv2d_room.pxd`), where windows side by side lie side by side. A tap
is an element of the window in one channel. For each tap a tile loads two runs of 16 windows from
the room, and multiplies them by the tap's weights for 8 outputs.

The gradient of the image is a convolution of dy by the same loops, one for each remainder. For the
gradient of the weight a tile has 8 taps, and the outputs side by side.

Every sum runs over its terms in one order, in parts of DEPTH, with one rounding per term: the bits
depend neither on the build nor on the number of threads. It is fast where `linear.pyx` is.
"""

from libc.stdlib cimport free
from libc.string cimport memset

from .conv2d_room cimport (
    RUN, Convolution, Sweep, checked, cut, furnish, set_band, set_taps, set_windows, up,
)
from .tile cimport COLUMNS, DEPTH, ROWS, multiply_add
from .types cimport check_signals_every, in_float32, real

cdef Py_ssize_t set_runs(const Sweep *s, Py_ssize_t height) noexcept nogil:
    """Where the runs start that cover the windows of so many rows; how many, an even number.

    Row by row, or, if that takes fewer, without regard to rows: then some windows are none.
    """
    cdef Py_ssize_t count = 0, p, q, end = (height - 1) * s.columns + s.out_w
    if up(end, RUN) < up(s.out_w, RUN) * height:
        while count * RUN < end:
            s.starts[count] = count * RUN
            count += 1
    else:
        for p in range(height):
            q = 0
            while q < s.out_w:
                s.starts[count] = p * s.columns + max(min(q, s.out_w - RUN), 0)
                count += 1
                q += RUN
    s.starts[count] = s.starts[count - 1]
    return up(count, 2)


# --- tiles -------------------------------------------------------------------------------------

cdef inline void add_run(real a, const real *b, real *sums) noexcept nogil:
    cdef Py_ssize_t m
    for m in range(RUN):
        sums[m] = multiply_add(a, b[m], sums[m])


cdef inline void add_runs(real a, const real *b, const real *c, real *sums) noexcept nogil:
    add_run(a, b, sums)
    add_run(a, c, sums + RUN)


cdef void window_tile(const real *weights, const real *first, const real *second,
                      const Py_ssize_t *offsets, Py_ssize_t taps, real *y) noexcept nogil:
    """y_om += Σ_k weights_ko · room[offsets_k + m] for 8 outputs and two runs of windows."""
    cdef real sums[ROWS][COLUMNS]
    cdef Py_ssize_t rows = ROWS if real is float else ROWS // 2, k, o, m
    cdef const real *b
    cdef const real *c
    memset(sums, 0, sizeof(sums))
    for k in range(taps):
        b, c = first + offsets[k], second + offsets[k]
        add_runs(weights[0], b, c, sums[0])                                            # (2a)
        add_runs(weights[1], b, c, sums[1])
        add_runs(weights[2], b, c, sums[2])
        add_runs(weights[3], b, c, sums[3])
        if real is float:
            add_runs(weights[4], b, c, sums[4])
            add_runs(weights[5], b, c, sums[5])
            add_runs(weights[6], b, c, sums[6])
            add_runs(weights[7], b, c, sums[7])
        weights += rows
    for o in range(rows):
        for m in range(COLUMNS):
            y[o * COLUMNS + m] += sums[o][m]


cdef void write_run(const Sweep *s, const real *sums, Py_ssize_t m, const real *bias,
                    Py_ssize_t end, real *y) noexcept nogil:
    """The sums of a run that starts at m into Y, with the bias, row by row; end: of all windows."""
    cdef Py_ssize_t stop = min(m + RUN, end), p, q, count, o, i
    cdef real *target
    cdef real offset
    while m < stop:
        p, q = m // s.columns, m % s.columns
        count = min(stop - m, s.out_w - q)   # none if q lies between the rows
        for o in range(s.outputs):
            offset = bias[o] if bias != NULL else 0
            target = y + o * s.plane_step + p * s.row_step + q * s.column_step
            if s.column_step == 1 and count == RUN:
                for i in range(RUN):
                    target[i] = sums[o * COLUMNS + i] + offset                         # (2a)
            elif s.column_step == 1:
                for i in range(count):
                    target[i] = sums[o * COLUMNS + i] + offset
            else:
                for i in range(count):
                    target[i * s.column_step] = sums[o * COLUMNS + i] + offset
        m += s.columns - q
        sums += s.columns - q


cdef void pack_weights(const Sweep *s, const real *weight, Py_ssize_t row_step,
                       real *packed) noexcept nogil:
    """packed[tile, tap, o], one tile of outputs after the other, and zeros up to its end."""
    cdef Py_ssize_t rows = ROWS if real is float else ROWS // 2, top = 0, k, o
    while top < s.outputs:
        for k in range(s.taps):
            for o in range(rows):
                packed[o] = 0
            for o in range(min(rows, s.outputs - top)):
                packed[o] = weight[(top + o) * row_step + s.in_weight[k]]
            packed += rows
        top += rows


cdef int sweep(const Sweep *s, const real *x, const real *weights, const real *bias, real *y,
               Py_ssize_t *done) except -1 nogil:
    """All outputs of one image."""
    cdef Py_ssize_t rows = ROWS if real is float else ROWS // 2
    cdef Py_ssize_t deepest = DEPTH if real is float else DEPTH // 2
    cdef Py_ssize_t begin = 0, height, run, runs, end, k, o
    cdef real *room = <real *>s.room
    cdef real *sums = <real *>s.sums
    while begin < s.out_h:
        height = min(s.band, s.out_h - begin)
        cut(s, x, begin, room)
        end = (height - 1) * s.columns + s.out_w
        run, runs = 0, set_runs(s, height)
        while run < runs:
            memset(sums, 0, up(s.outputs, rows) * COLUMNS * sizeof(real))
            k = 0
            while k < s.taps:
                o = 0
                while o < s.outputs:
                    window_tile(weights + o * s.taps + k * rows, room + s.starts[run],
                                room + s.starts[run + 1], s.offsets + k, min(deepest, s.taps - k),
                                sums + o * COLUMNS)
                    o += rows
                k += deepest
            write_run(s, <const real *>sums, s.starts[run], bias, end, y + begin * s.row_step)
            write_run(s, <const real *>sums + RUN, s.starts[run + 1], bias, end,
                      y + begin * s.row_step)
            check_signals_every(done, s.outputs * s.taps)
            run += 2
        begin += height
    return 0


cdef int sweep_all(const Convolution *c, const Sweep *s, const real *x, const real *weight,
                   Py_ssize_t row_step, const real *bias, real *y, Py_ssize_t y_step, int part,
                   int parts) except -1 nogil:
    """A part of the images, group by group."""
    cdef Py_ssize_t rows = ROWS if real is float else ROWS // 2
    cdef Py_ssize_t size = up(s.outputs, rows) * s.taps, count = c.samples * c.groups
    cdef Py_ssize_t image, g, done = 0
    cdef real *packed = <real *>s.weights
    cdef const real *part_of_bias = bias
    for g in range(c.groups):
        pack_weights(s, weight + g * c.outputs * c.channels * c.kernel_h * c.kernel_w, row_step,
                     packed + g * size)
    for image in range(count * part // parts, count * (part + 1) // parts):
        g = image % c.groups
        if bias != NULL:
            part_of_bias = bias + g * s.outputs
        sweep(s, x + image * s.planes * s.height * s.width, <const real *>packed + g * size,
              part_of_bias, y + image * y_step, &done)
    return 0


# --- the convolution ---------------------------------------------------------------------------

cdef int _forward(const Convolution *c, const real *x, const real *weight, const real *bias,
                  real *y, int part, int parts) except -1 nogil:
    cdef Sweep s
    set_windows(c, &s)
    furnish(&s, c.groups * up(c.outputs, ROWS) * s.taps, c.single)
    try:
        set_taps(c, &s)
        return sweep_all(c, &s, x, weight, s.taps, bias, y, s.outputs * s.plane_step, part, parts)
    finally:
        free(s.offsets)


# --- the gradient of the image -----------------------------------------------------------------

cdef int _remainder(const Convolution *c, Sweep *s, Py_ssize_t a, Py_ssize_t b, const real *dy,
                    const real *weight, real *dx, int part, int parts) except -1 nogil:
    """The part of dx whose rows and columns, counted with the zeros, leave these remainders."""
    cdef Py_ssize_t reach_h = (c.kernel_h - 1) * c.dilation_h // c.stride_h
    cdef Py_ssize_t reach_w = (c.kernel_w - 1) * c.dilation_w // c.stride_w
    # The first window that may begin above dx's first row, and that row.
    cdef Py_ssize_t p = up(max(c.top - a, 0), c.stride_h) // c.stride_h
    cdef Py_ssize_t q = up(max(c.left - b, 0), c.stride_w) // c.stride_w
    cdef Py_ssize_t h = p * c.stride_h + a - c.top, w = q * c.stride_w + b - c.left
    cdef Py_ssize_t o, i, j, y, x
    if h >= c.height or w >= c.width:
        return 0
    s.out_h, s.out_w = (c.height - 1 - h) // c.stride_h + 1, (c.width - 1 - w) // c.stride_w + 1
    s.top, s.left = reach_h - p, reach_w - q
    s.taps = c.outputs * c.kernel_h * c.kernel_w
    set_band(s, reach_h, reach_w)
    furnish(s, c.groups * up(c.channels, ROWS) * s.taps, c.single)
    try:
        s.taps = 0
        for o in range(c.outputs):
            for i in range(c.kernel_h):
                for j in range(c.kernel_w):
                    y, x = i * c.dilation_h, j * c.dilation_w
                    if y % c.stride_h == a and x % c.stride_w == b:
                        s.offsets[s.taps] = (                                          # (12)
                            o * s.plane + (reach_h - y // c.stride_h) * s.columns
                            + reach_w - x // c.stride_w)
                        s.in_weight[s.taps] = (o * c.channels * c.kernel_h + i) * c.kernel_w + j
                        s.taps += 1
        return sweep_all[real](c, s, dy, weight, c.kernel_h * c.kernel_w, NULL,
                               dx + h * c.width + w, c.channels * s.plane_step, part, parts)
    finally:
        free(s.offsets)


cdef int _image_gradient(const Convolution *c, const real *dy, const real *weight, real *dx,
                         int part, int parts) except -1 nogil:
    cdef Sweep s
    cdef Py_ssize_t a, b
    s.planes, s.height, s.width = c.outputs, c.out_h, c.out_w
    s.stride_h = s.stride_w = 1
    s.outputs = c.channels
    s.plane_step, s.row_step, s.column_step = c.height * c.width, c.stride_h * c.width, c.stride_w
    for a in range(c.stride_h):
        for b in range(c.stride_w):
            _remainder(c, &s, a, b, dy, weight, dx, part, parts)
    return 0


# --- the gradient of the weight ----------------------------------------------------------------

cdef void weight_tile(const real *room, const Py_ssize_t *offsets, Py_ssize_t row, const real *dy,
                      Py_ssize_t height, Py_ssize_t width, Py_ssize_t taps, Py_ssize_t outputs,
                      double *dweight, Py_ssize_t step) noexcept nogil:
    """dweight_ko += Σ_pq room[offsets_k + p · row + q] · dy_pqo for 8 taps and 32 outputs."""
    cdef real sums[ROWS][COLUMNS]
    cdef Py_ssize_t _p, q, k, o
    cdef const real *x0
    cdef const real *x1
    cdef const real *x2
    cdef const real *x3
    cdef const real *x4
    cdef const real *x5
    cdef const real *x6
    cdef const real *x7
    memset(sums, 0, sizeof(sums))
    for _p in range(height):
        x0, x1, x2, x3 = room + offsets[0], room + offsets[1], room + offsets[2], room + offsets[3]
        x4, x5, x6, x7 = room + offsets[4], room + offsets[5], room + offsets[6], room + offsets[7]
        for q in range(width):
            add_runs(x0[q], dy, dy + RUN, sums[0])                                     # (4a)
            add_runs(x1[q], dy, dy + RUN, sums[1])
            add_runs(x2[q], dy, dy + RUN, sums[2])
            add_runs(x3[q], dy, dy + RUN, sums[3])
            if real is float:
                add_runs(x4[q], dy, dy + RUN, sums[4])
                add_runs(x5[q], dy, dy + RUN, sums[5])
                add_runs(x6[q], dy, dy + RUN, sums[6])
                add_runs(x7[q], dy, dy + RUN, sums[7])
            dy += COLUMNS
        room += row
    for k in range(taps):
        for o in range(outputs):
            dweight[k * step + o] += sums[k][o]


cdef void put_outputs_last(const real *dy, Py_ssize_t outputs, Py_ssize_t plane, Py_ssize_t count,
                           real *turned) noexcept nogil:
    """turned[o // 32, i, o % 32] = dy[o, i], and zeros up to 32."""
    cdef Py_ssize_t top = 0, o, i
    while top < outputs:
        if outputs - top >= COLUMNS:
            for i in range(count):
                for o in range(COLUMNS):
                    turned[i * COLUMNS + o] = dy[(top + o) * plane + i]
        else:
            memset(turned, 0, count * COLUMNS * sizeof(real))
            for i in range(count):
                for o in range(outputs - top):
                    turned[i * COLUMNS + o] = dy[(top + o) * plane + i]
        turned += count * COLUMNS
        top += COLUMNS


cdef void weight_sums(const Sweep *s, const real *turned, Py_ssize_t height, Py_ssize_t tap,
                      double *dweight) noexcept nogil:
    """Add to dweight what some rows of windows give for the taps of one tile."""
    cdef Py_ssize_t rows = ROWS if real is float else ROWS // 2
    cdef Py_ssize_t deepest = DEPTH if real is float else DEPTH // 2
    cdef Py_ssize_t taps = min(rows, s.taps - tap), o = 0, outputs, p, q
    cdef const Py_ssize_t *offsets = s.offsets + tap
    cdef const real *room
    while o < s.outputs:
        outputs = min(<Py_ssize_t>COLUMNS, s.outputs - o)
        room, p = <const real *>s.room, 0
        while p < height:
            if s.out_w <= deepest:   # as many rows as a sum may have terms
                weight_tile(room, offsets, s.columns, turned, min(deepest // s.out_w, height - p),
                            s.out_w, taps, outputs, dweight + o, s.outputs)
                p += deepest // s.out_w
                room += deepest // s.out_w * s.columns
                turned += deepest // s.out_w * s.out_w * COLUMNS
            else:                    # a row in pieces
                q = 0
                while q < s.out_w:
                    weight_tile(room + q, offsets, s.columns, turned + q * COLUMNS, 1,
                                min(deepest, s.out_w - q), taps, outputs, dweight + o, s.outputs)
                    q += deepest
                p += 1
                room += s.columns
                turned += s.out_w * COLUMNS
        turned -= (p - height) * s.out_w * COLUMNS
        o += COLUMNS


cdef int _weight_gradient(const Convolution *c, const real *dy, const real *x, double *dweight,
                          int part, int parts) except -1 nogil:
    cdef Sweep s
    cdef Py_ssize_t rows = ROWS if real is float else ROWS // 2
    cdef Py_ssize_t image, tap, begin, height, tiles, done = 0
    set_windows(c, &s)
    furnish(&s, s.band * c.out_w * up(c.outputs, COLUMNS), c.single)
    tiles = up(s.taps, rows) // rows
    try:
        set_taps(c, &s)
        for image in range(c.samples * c.groups):
            begin = 0
            while begin < c.out_h:
                height = min(s.band, c.out_h - begin)
                cut(&s, x + image * s.planes * s.height * s.width, begin, <real *>s.room)
                put_outputs_last(dy + image * s.outputs * s.plane_step + begin * c.out_w, s.outputs,
                                 s.plane_step, height * c.out_w, <real *>s.weights)
                tap = tiles * part // parts * rows
                while tap < min(tiles * (part + 1) // parts * rows, s.taps):
                    weight_sums(&s, <const real *>s.weights, height, tap,
                                dweight + (image % c.groups * s.taps + tap) * s.outputs)
                    tap += rows
                    check_signals_every(&done, height * c.out_w * s.outputs)
                begin += height
    finally:
        free(s.offsets)
    return 0


# --- float32 or float64 ------------------------------------------------------------------------

cdef int forward(const Convolution *c, const void *x, const void *weight, const void *bias, void *y,
                 int part=0, int parts=1) except -1 nogil:
    """y = weight · windows of x + bias: a part of the images."""
    if c.single:
        return _forward[float](c, <const float *>x, <const float *>weight, <const float *>bias,
                               <float *>y, part, parts)
    return _forward[double](c, <const double *>x, <const double *>weight, <const double *>bias,
                            <double *>y, part, parts)


cdef int gradient_of_image(const Convolution *c, const void *dy, const void *weight, void *dx,
                           int part=0, int parts=1) except -1 nogil:
    """dx of a part of the images."""
    if c.single:
        return _image_gradient[float](c, <const float *>dy, <const float *>weight, <float *>dx,
                                      part, parts)
    return _image_gradient[double](c, <const double *>dy, <const double *>weight, <double *>dx,
                                   part, parts)


cdef int gradient_of_weight(const Convolution *c, const void *dy, const void *x, double *dweight,
                            int part=0, int parts=1) except -1 nogil:
    """Add the gradient of the weight (groups, taps, outputs), a part of the taps."""
    if c.single:
        return _weight_gradient[float](c, <const float *>dy, <const float *>x, dweight, part, parts)
    return _weight_gradient[double](c, <const double *>dy, <const double *>x, dweight, part, parts)


# --- for Python --------------------------------------------------------------------------------

cdef int _of_forward(
    const real[:, :, :, ::1] x, const real[:, :, :, ::1] weight, const real[::1] bias,
    real[:, :, :, ::1] y, tuple steps
) except -1:
    cdef Convolution c = checked("conv2d_forward", x.shape, weight.shape, y.shape, steps,
                                 sizeof(real) == sizeof(float))
    if bias is not None and bias.shape[0] != y.shape[1]:
        raise ValueError(f"conv2d_forward: y has {y.shape[1]} channels, bias {bias.shape[0]}")
    if y.size == 0 or weight.size == 0 or x.size == 0:
        raise ValueError("conv2d_forward: an array is empty")
    cdef const real *row = NULL
    if bias is not None:
        row = &bias[0]
    with nogil:
        return _forward[real](&c, &x[0, 0, 0, 0], &weight[0, 0, 0, 0], row, &y[0, 0, 0, 0], 0, 1)


def conv2d_forward(
    x not None, weight not None, bias, y not None, stride_h, stride_w, top, left, dilation_h,
    dilation_w
):
    """y from x, for as many groups as x has channels per channel of the weight.

    y[n, o, p, q] = Σ weight[o, c, i, j] · x[n, c, h, w] + bias[o]          (2a)
    h = p · stride_h + i · dilation_h − top, w = q · stride_w + j · dilation_w − left

    x (N, C, H, W), weight (O, C / groups, kernel_h, kernel_w), bias (O,) or None,
    y (N, O, out_h, out_w).
    """
    steps = stride_h, stride_w, top, left, dilation_h, dilation_w
    if in_float32("conv2d_forward", x):
        _of_forward[float](x, weight, bias, y, steps)
    else:
        _of_forward[double](x, weight, bias, y, steps)


cdef int _of_image(
    const real[:, :, :, ::1] dy, const real[:, :, :, ::1] weight, real[:, :, :, ::1] dx, tuple steps
) except -1:
    cdef Convolution c = checked("conv2d_image_gradient", dx.shape, weight.shape, dy.shape, steps,
                                 sizeof(real) == sizeof(float))
    if dy.size == 0 or weight.size == 0 or dx.size == 0:
        raise ValueError("conv2d_image_gradient: an array is empty")
    with nogil:
        return _image_gradient[real](
            &c, &dy[0, 0, 0, 0], &weight[0, 0, 0, 0], &dx[0, 0, 0, 0], 0, 1)


def conv2d_image_gradient(
    dy not None, weight not None, dx not None, stride_h, stride_w, top, left, dilation_h, dilation_w
):
    """dx from dy, shapes and steps as in conv2d_forward.

    dx[n, c, h, w] = Σ weight[o, c, i, j] · dy[n, o, p, q]                  (12)
    over all p · stride_h + i · dilation_h − top = h, q · stride_w + j · dilation_w − left = w
    """
    steps = stride_h, stride_w, top, left, dilation_h, dilation_w
    if in_float32("conv2d_image_gradient", dy):
        _of_image[float](dy, weight, dx, steps)
    else:
        _of_image[double](dy, weight, dx, steps)


cdef int _of_weight(
    const real[:, :, :, ::1] dy, const real[:, :, :, ::1] x, double[:, :, :, :, ::1] dweight,
    tuple steps
) except -1:
    cdef Py_ssize_t[4] weight = [dweight.shape[0] * dweight.shape[4], dweight.shape[1],
                                 dweight.shape[2], dweight.shape[3]]
    cdef Convolution c = checked("conv2d_weight_gradient", x.shape, weight, dy.shape, steps,
                                 sizeof(real) == sizeof(float))
    if dy.size == 0 or dweight.size == 0 or x.size == 0:
        raise ValueError("conv2d_weight_gradient: an array is empty")
    with nogil:
        return _weight_gradient[real](
            &c, &dy[0, 0, 0, 0], &x[0, 0, 0, 0], &dweight[0, 0, 0, 0, 0], 0, 1)


def conv2d_weight_gradient(
    dy not None, x not None, dweight not None, stride_h, stride_w, top, left, dilation_h, dilation_w
):
    """Adds the gradient of the weight to dweight, (groups, C / groups, kernel_h, kernel_w,
    O / groups) in double.

    dweight[g, c, i, j, o] += Σ dy[n, o, p, q] · x[n, c, h, w]              (4a)
    over all n, p, q, channels of group g, and h, w as in conv2d_forward
    """
    steps = stride_h, stride_w, top, left, dilation_h, dilation_w
    if in_float32("conv2d_weight_gradient", dy):
        _of_weight[float](dy, x, dweight, steps)
    else:
        _of_weight[double](dy, x, dweight, steps)
