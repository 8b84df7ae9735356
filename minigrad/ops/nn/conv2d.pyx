"""Convolution: every output is a weighted sum of what lies under one window of the image.

Derivation: docs/derivations/conv2d.md

The sum of dy · conv2d(x, weight) is linear in each of x, weight and dy. Its derivatives by dy, x
and weight are three operations: the convolution, the gradient of the image and that of the weight.
The derivatives of each are the other two, so the three rules below give derivatives of any order.
Where our loops multiply and their tiles are filled, `_kernels/conv2d_tiles.pyx` computes each from
the windows where they lie. Otherwise the batch is worked through block by block:
`_kernels/conv2d.pyx` brings a block into columns (or back), and `_runtime/matmul.pyx` multiplies.
What is kept for the backward pass are the image and the weight alone.
"""

cimport numpy as cnp

import numpy as np

from ... import _checks
from ..._kernels import active as kernels
from ..._runtime.array_pool cimport empty_array_of
from ..._runtime.convolution cimport (
    Convolution as Sizes, conv2d_forward, conv2d_image_gradient, conv2d_weight_gradient,
    forward_in_tiles, image_in_tiles, weight_in_tiles,
)
from ..._runtime.fp_warnings import quietly
from ..._runtime.matmul cimport products
from ...autograd.grad_mode cimport recording
from ...errors import ShapeError
from ...tensor cimport Function, Tensor, record, wrap
from ..math.arguments cimport floating, one_dtype
from ..math.broadcasting cimport contiguous_array

cnp.import_array()

cdef enum:
    # Numbers that a block's columns and outputs have together: they stay in the cache (1 MB of
    # float32). Only a single row of outputs can take more, for which the block is then that row.
    BLOCK = 262144


cdef class Windows:
    """How the windows lie: everything that x, weight and dy have to agree on."""

    cdef readonly Py_ssize_t N, C, O, groups   # samples, channels in and out, groups of channels
    cdef readonly Py_ssize_t height, width, kernel_h, kernel_w, out_h, out_w
    cdef readonly Py_ssize_t stride_h, stride_w, top, left, dilation_h, dilation_w
    cdef object dtype

    cdef tuple x_shape(self):
        return self.N, self.C, self.height, self.width

    cdef tuple weight_shape(self):
        return self.O, self.C // self.groups, self.kernel_h, self.kernel_w

    cdef tuple y_shape(self):
        return self.N, self.O, self.out_h, self.out_w

    cdef Py_ssize_t column(self):
        """How many numbers a column has in each group."""
        return self.C // max(self.groups, 1) * self.kernel_h * self.kernel_w

    cdef bint are_points(self):
        """Whether each window is one point of the image, and the image its own columns."""
        return (self.kernel_h == self.kernel_w == self.stride_h == self.stride_w == 1
                and self.top == self.left == 0
                and self.out_h == self.height and self.out_w == self.width)

    cdef Sizes sizes(self):
        """The same for the loops that read the windows where they lie."""
        cdef Py_ssize_t groups = max(self.groups, 1)
        return Sizes(
            self.N, groups, self.C // groups, self.O // groups, self.height, self.width,
            self.kernel_h, self.kernel_w, self.out_h, self.out_w, self.stride_h, self.stride_w,
            self.top, self.left, self.dilation_h, self.dilation_w,
            self.dtype.num == cnp.NPY_FLOAT32)

    cdef list blocks(self):
        """Slices (of the samples, of the rows of outputs) that together are the whole batch."""
        cdef Py_ssize_t row = max(self.out_w * (self.groups * self.column() + self.O), 1)
        cdef Py_ssize_t rows = max(min(BLOCK // row, self.out_h), 1), samples = 1
        if rows >= self.out_h and self.out_h > 0:
            samples = max(BLOCK // (row * self.out_h), 1)
        return [(slice(n, min(n + samples, self.N)), slice(r, min(r + rows, self.out_h)))
                for n in range(0, self.N, samples) for r in range(0, self.out_h, rows)]

    cdef object columns(self, samples, rows):
        """Room for the columns of a block: (samples, C, kernel_h, kernel_w, rows, out_w)."""
        return empty_array_of((samples.stop - samples.start, self.C, self.kernel_h, self.kernel_w,
                               rows.stop - rows.start, self.out_w), self.dtype.num)

    cdef object matrices(self, columns, rows):
        """The columns of these rows of outputs, one matrix per sample and group."""
        return columns.reshape(
            len(columns), self.groups, self.column(), (rows.stop - rows.start) * self.out_w)

    cdef tuple steps(self, rows):
        """What the kernels must know of a block whose outputs begin at these rows."""
        return (self.stride_h, self.stride_w, self.top - rows.start * self.stride_h, self.left,
                self.dilation_h, self.dilation_w)

    cdef object gathered(self, cnp.ndarray x, samples, rows):
        """The columns of a block as matrices."""
        part = (<object>x)[samples]
        if self.are_points():
            return self.matrices(part[:, :, rows], rows)
        columns = self.columns(samples, rows)
        kernels.conv2d_gather(part, columns, *self.steps(rows))
        return self.matrices(columns, rows)

    cdef object by_group(self, Tensor y):
        """Outputs (N, O, out_h, out_w), one matrix per sample and group."""
        return (<object>contiguous_array(y)).reshape(
            self.N, self.groups, self.O // self.groups, self.out_h * self.out_w)

    cdef object within(self, matrices, samples, rows):
        """The part of such matrices that belongs to a block."""
        return matrices[samples, :, :, rows.start * self.out_w:rows.stop * self.out_w]

    cdef object weights(self, Tensor weight):
        """The weight, one matrix per group, as of one sample."""
        return (<object>contiguous_array(weight)).reshape(
            1, self.groups, self.O // self.groups, self.column())


# --- rules -------------------------------------------------------------------------------------

cdef class Convolution(Function):
    """y = w · u + b, u the columns of x:  dx = wᵀ dy  (6),  dw = Σ dy uᵀ  (4),  db = Σ dy  (3)"""

    cdef readonly Windows windows

    cdef backward(self, Tensor dy):
        x, weight = self.saved()
        dx = input_gradient(self.windows, dy, weight) if self.needs(0) else None
        dweight = weight_gradient(self.windows, dy, x) if self.needs(1) else None
        # In two sums over neighboring dimensions, for which nothing has to be moved.
        dbias = dy.sum((2, 3)).sum(0) if self.needs(2) else None                 # (3)
        return dx, dweight, dbias


cdef class ConvolutionInput(Function):
    """dx from dy and weight; v arrives for it.

    ddy = conv2d(v, weight)   (7)
    dweight is the gradient of the weight of a convolution of v   (8)
    """

    cdef readonly Windows windows

    cdef backward(self, Tensor v):
        dy, weight = self.saved()
        ddy = convolution(self.windows, v, weight, None) if self.needs(0) else None          # (7)
        return ddy, weight_gradient(self.windows, dy, v) if self.needs(1) else None          # (8)


cdef class ConvolutionWeight(Function):
    """dweight from dy and x; v arrives for it.

    ddy = conv2d(x, v)   (9)
    dx is the gradient of the image of a convolution with v   (10)
    """

    cdef Windows windows

    cdef backward(self, Tensor v):
        dy, x = self.saved()
        ddy = convolution(self.windows, x, v, None) if self.needs(0) else None               # (9)
        return ddy, input_gradient(self.windows, dy, v) if self.needs(1) else None           # (10)


# --- operations --------------------------------------------------------------------------------

cdef object pairwise_products(a, b, out):
    """A matrix product of each pair of matrices, without warnings."""
    # With one term in each sum, as in a group of one channel, there is nothing to add up.
    return quietly(np.multiply, a, b, out) if a.shape[3] == 1 else products(a, b, out)


cdef Tensor convolution(Windows windows, Tensor x, Tensor weight, Tensor bias):
    """y = weight · columns + b   (2)"""
    cdef Tensor y = wrap(empty_array_of(windows.y_shape(), windows.dtype.num))
    cdef Convolution node
    cdef cnp.ndarray image = contiguous_array(x)
    cdef Sizes sizes = windows.sizes()
    if not windows.are_points() and forward_in_tiles(&sizes):
        conv2d_forward(sizes, image, contiguous_array(weight),                               # (2)
                       None if bias is None else contiguous_array(bias), y.array)
    else:
        convolve_by_columns(windows, image, weight, bias, y)
    if recording(x, weight, bias):
        node = Convolution.__new__(Convolution)
        node.windows = windows
        record(node, y, (x, weight, bias))
        node.save((x if node.needs(1) else None, weight if node.needs(0) else None))
    return y


cdef int convolve_by_columns(
    Windows windows, cnp.ndarray image, Tensor weight, Tensor bias, Tensor y
) except -1:
    if bias is not None:
        offsets = bias.array.reshape(windows.groups, windows.O // windows.groups, 1)
    weights, outputs = windows.weights(weight), windows.by_group(y)
    for samples, rows in windows.blocks():
        part = windows.within(outputs, samples, rows)
        pairwise_products(weights, windows.gathered(image, samples, rows), part)           # (2)
        if bias is not None:
            quietly(np.add, part, offsets, part)                                 # (2)
    return 0


cdef Tensor weight_gradient(Windows windows, Tensor dy, Tensor x):
    """dweight = Σ dy · columnsᵀ over the samples   (4)"""
    cdef Sizes sizes = windows.sizes()
    cdef Tensor dweight
    cdef ConvolutionWeight node
    if not windows.are_points() and weight_in_tiles(&sizes):
        turned = np.zeros(
            (sizes.groups, sizes.channels, sizes.kernel_h, sizes.kernel_w, sizes.outputs))
        conv2d_weight_gradient(sizes, contiguous_array(dy), contiguous_array(x), turned)    # (4)
        total = turned.transpose(0, 4, 1, 2, 3)
    else:
        total = weight_gradient_by_columns(windows, dy, x)
    dweight = wrap(quietly(total.reshape(windows.weight_shape()).astype, windows.dtype))
    if recording(dy, x):
        node = ConvolutionWeight.__new__(ConvolutionWeight)
        node.windows = windows
        record(node, dweight, (dy, x)).save((dy, x))
    return dweight


cdef object weight_gradient_by_columns(Windows windows, Tensor dy, Tensor x):
    """In double, over the blocks and their samples."""
    cdef Py_ssize_t outs = windows.O // windows.groups, K = windows.column()
    image, dys = contiguous_array(x), windows.by_group(dy)
    total = np.zeros((windows.groups, outs, K))
    for samples, rows in windows.blocks():
        part, columns = windows.within(dys, samples, rows), windows.gathered(image, samples, rows)
        if outs * K > (outs + K) * part.shape[3]:
            # Few windows per sample: the samples side by side make one long product.
            part, columns = side_by_side(part), side_by_side(columns)
        terms = pairwise_products(part, columns.swapaxes(2, 3), None)                      # (4)
        quietly(np.add, total, quietly(np.add.reduce, terms, 0, np.float64), total)          # (4)
    return total


cdef object side_by_side(matrices):
    """(n, groups, rows, L) → (1, groups, rows, n·L)"""
    n, groups, rows, L = matrices.shape
    return matrices.transpose(1, 2, 0, 3).reshape(1, groups, rows, n * L)


cdef Tensor input_gradient(Windows windows, Tensor dy, Tensor weight):
    """dx = scatter(dcolumns), dcolumns = weightᵀ · dy   (5)"""
    cdef Tensor dx = wrap(empty_array_of(windows.x_shape(), windows.dtype.num))
    cdef ConvolutionInput node
    cdef Sizes sizes = windows.sizes()
    if not windows.are_points() and image_in_tiles(&sizes):
        conv2d_image_gradient(
            sizes, contiguous_array(dy), contiguous_array(weight), dx.array)                 # (5)
    else:
        image_gradient_by_columns(windows, dy, weight, dx)
    if recording(dy, weight):
        node = ConvolutionInput.__new__(ConvolutionInput)
        node.windows = windows
        record(node, dx, (dy, weight)).save((dy, weight))
    return dx


cdef int image_gradient_by_columns(
    Windows windows, Tensor dy, Tensor weight, Tensor dx
) except -1:
    dys, weights = windows.by_group(dy), windows.weights(weight).swapaxes(2, 3)
    dx.array.fill(0)
    for samples, rows in windows.blocks():
        columns = windows.columns(samples, rows)
        du = windows.matrices(columns, rows)
        pairwise_products(weights, windows.within(dys, samples, rows), du)                 # (5)
        kernels.conv2d_scatter(columns, dx.array[samples], *windows.steps(rows))
    return 0


# --- the function ------------------------------------------------------------------------------

cdef Py_ssize_t outputs_along(
    Py_ssize_t size, Py_ssize_t padding, Py_ssize_t kernel, Py_ssize_t stride, Py_ssize_t dilation
):
    """How many windows fit along a side that has `padding` zeros more; 0: not even one."""
    cdef Py_ssize_t left_over = size + padding - dilation * (kernel - 1) - 1
    return left_over // stride + 1 if left_over >= 0 else 0


cdef tuple image_shape(str name, Tensor x):
    """(N, C, H, W) of an image, or of a batch of them."""
    shape = (<object>x.array).shape
    if len(shape) not in (3, 4):
        raise ShapeError(
            f"{name}: input must have shape (N, C, H, W) or (C, H, W), got {shape}")
    return shape if len(shape) == 4 else (1, *shape)


cdef str channels_elsewhere(tuple shape, expected):
    """A hint, for images (N, H, W, C) and for gray images (N, H, W), which no layer expects."""
    if len(shape) == 4 and shape[3] == expected:
        return "; channels that come last are brought forward by x.permute(0, 3, 1, 2)"
    if len(shape) == 3 and shape[2] == expected:
        return "; channels that come last are brought forward by x.permute(2, 0, 1)"
    if len(shape) == 3 and expected == 1:
        return "; gray images (N, H, W) get their channel by x.unsqueeze(1)"
    return ""


cdef int parameters_fit(str name, Tensor x, Tensor weight, Tensor bias) except -1:
    one_dtype(name, x, "weight", weight)
    if bias is not None:
        one_dtype(name, x, "bias", bias)
    return 0


cdef Windows arranged(Tensor x, Tensor weight, Tensor bias, stride, padding, dilation, groups):
    """The windows of this call, if everything fits."""
    cdef Windows windows = Windows.__new__(Windows)
    cdef Py_ssize_t kernel_h, kernel_w, dilation_h, dilation_w, tall, wide
    x_shape, w_shape = (<object>x.array).shape, (<object>weight.array).shape
    N, C, height, width = image_shape("conv2d", x)
    if len(w_shape) != 4 or 0 in w_shape[2:]:
        raise ShapeError(
            "conv2d: weight must have shape (out_channels, in_channels / groups, kernel_h, "
            f"kernel_w) with a kernel of at least 1 × 1, got {w_shape}")
    windows.N, windows.C, windows.height, windows.width = N, C, height, width
    windows.O, per_group, kernel_h, kernel_w = w_shape
    windows.kernel_h, windows.kernel_w = kernel_h, kernel_w
    windows.groups = min(
        _checks.integer("conv2d", "groups", groups, at_least=1), _checks.LARGEST_STEP)
    if windows.O % windows.groups:
        raise ShapeError(
            f"conv2d: weight of shape {w_shape} has {windows.O} output channels, "
            f"which groups = {groups} does not divide")
    expected = per_group * windows.groups
    if windows.C != expected:
        raise ShapeError(
            f"conv2d: input has {windows.C} channels (its shape is {x_shape}), but weight "
            f"of shape {w_shape} with groups = {groups} expects {expected}"
            f"{channels_elsewhere(x_shape, expected)} (more: python -m minigrad book conv2d#eq-2a)")
    if bias is not None and tuple(bias.shape) != (windows.O,):
        raise ShapeError(
            f"conv2d: bias must have shape ({windows.O},), got {tuple(bias.shape)}")
    parameters_fit("conv2d", x, weight, bias)
    windows.dtype = (<object>x.array).dtype
    windows.stride_h, windows.stride_w = _checks.pair("conv2d", "stride", stride, at_least=1)
    dilation_h, dilation_w = _checks.pair("conv2d", "dilation", dilation, at_least=1)
    windows.dilation_h, windows.dilation_w = dilation_h, dilation_w
    if isinstance(padding, str) and padding == "same":
        if windows.stride_h != 1 or windows.stride_w != 1:
            raise ValueError(
                f"conv2d: padding='same' needs stride 1, got stride {stride!r}: the output of "
                "strided convolutions is smaller than the input")
        tall, wide = dilation_h * (kernel_h - 1), dilation_w * (kernel_w - 1)
        windows.top, windows.left = tall // 2, wide // 2   # an odd zero goes to the end
    elif isinstance(padding, str):
        if padding != "valid":
            raise ValueError(
                "conv2d: padding must be 'same', 'valid', an integer or a pair of integers, got "
                f"{padding!r}")
        tall = wide = 0
        windows.top = windows.left = 0
    else:
        windows.top, windows.left = _checks.pair("conv2d", "padding", padding, at_least=0)
        tall, wide = 2 * windows.top, 2 * windows.left
    windows.out_h = outputs_along(
        windows.height, tall, kernel_h, windows.stride_h, windows.dilation_h)
    windows.out_w = outputs_along(
        windows.width, wide, kernel_w, windows.stride_w, windows.dilation_w)
    if windows.out_h == 0 or windows.out_w == 0:
        raise ShapeError(
            f"conv2d: a window of {dilation_h * (kernel_h - 1) + 1} × "
            f"{dilation_w * (kernel_w - 1) + 1} does not fit into an image of {windows.height} × "
            f"{windows.width}, with padding {windows.height + tall} × {windows.width + wide} "
            "(more: python -m minigrad book conv2d#eq-1a)")
    return windows


def conv2d(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """y[n, o, p, q] = Σ weight[o, c, i, j] · input[n, c, p·s+i·d−pad, q·s+j·d−pad] + bias[o]

    input (N, C, H, W) or (C, H, W), weight (O, C/groups, kernel_h, kernel_w), bias (O,) or None,
    all of one float dtype → (N, O, out_h, out_w), out = (H + 2·pad − d·(kernel − 1) − 1) // s + 1.
    stride, padding and dilation: an integer, or a pair for height and width. padding: zeros on each
    side; "valid" is 0, "same" makes y as large as input (stride 1; an odd zero goes to the end).
    Each of the groups of output channels sees its own input channels only. Errors, all before
    anything is computed: ShapeError, DTypeError, TypeError, ValueError. torch.nn.functional.conv2d.
    In the book: python -m minigrad book conv2d
    """
    cdef Tensor x = floating("conv2d", "input", input)
    cdef Tensor w = floating("conv2d", "weight", weight)
    cdef Tensor b = None if bias is None else floating("conv2d", "bias", bias)
    cdef Windows windows = arranged(x, w, b, stride, padding, dilation, groups)
    if cnp.PyArray_NDIM(x.array) == 3:
        return convolution(windows, x.unsqueeze(0), w, b).squeeze(0)
    return convolution(windows, x, w, b)


# --- seen from the other side --------------------------------------------------------------------

cdef Windows spread(
    Tensor x, Tensor weight, Tensor bias, stride, padding, output_padding, groups, dilation
):
    """The windows of the convolution whose outputs are x, and whose image is the result."""
    cdef Windows windows = Windows.__new__(Windows)
    cdef str name = "conv_transpose2d"
    w_shape = (<object>weight.array).shape
    N, C, height, width = image_shape(name, x)
    if 0 in (C, height, width):
        raise ShapeError(
            f"{name}: only N may be 0, got input of shape {(<object>x.array).shape}")
    if len(w_shape) != 4 or 0 in w_shape[2:]:
        raise ShapeError(
            f"{name}: weight must have shape (in_channels, out_channels / groups, kernel_h, "
            f"kernel_w) with a kernel of at least 1 × 1, got {w_shape}")
    groups = _checks.integer(name, "groups", groups, at_least=1)
    if w_shape[0] != C or C % groups:
        raise ShapeError(
            f"{name}: input has {C} channels (its shape is {(<object>x.array).shape}), but weight "
            f"of shape {w_shape} expects {w_shape[0]}, a multiple of groups = {groups}"
            f"{channels_elsewhere((<object>x.array).shape, w_shape[0])}")
    windows.groups, windows.dtype = groups, (<object>x.array).dtype
    windows.N, windows.O, windows.out_h, windows.out_w = N, C, height, width
    windows.C = w_shape[1] * groups
    windows.kernel_h, windows.kernel_w = w_shape[2:]
    if bias is not None and tuple(bias.shape) != (windows.C,):
        raise ShapeError(
            f"{name}: bias must have shape ({windows.C},), got {tuple(bias.shape)}")
    parameters_fit(name, x, weight, bias)
    steps = _checks.pair(name, "stride", stride, at_least=1)
    gaps = _checks.pair(name, "dilation", dilation, at_least=1)
    edges = _checks.pair(name, "padding", padding, at_least=0)
    more = _checks.pair(name, "output_padding", output_padding, at_least=0)
    windows.stride_h, windows.stride_w = steps
    windows.dilation_h, windows.dilation_w = gaps
    windows.top, windows.left = edges
    sizes = []
    for size, step, gap, edge, extra, kernel in zip(
            (height, width), steps, gaps, edges, more, w_shape[2:]):
        if extra >= max(step, gap):
            raise ValueError(
                f"{name}: output_padding must be smaller than stride or dilation, got "
                f"{output_padding!r} with stride {stride!r} and dilation {dilation!r}")
        sizes.append((size - 1) * step - 2 * edge + gap * (kernel - 1) + extra + 1)
    if min(sizes) < 1:
        raise ShapeError(
            f"{name}: of input of shape {(<object>x.array).shape}, padding {padding!r} leaves "
            "nothing of the output")
    if max(sizes) > _checks.LARGEST_STEP:
        raise ValueError(f"{name}: an output of {sizes[0]} × {sizes[1]} is too large")
    windows.height, windows.width = sizes
    return windows


def conv_transpose2d(
    input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
):
    """y[n, o, h, w] = Σ weight[c, o, i, j] · input[n, c, p, q] + bias[o], over p·s + i·d − pad = h

    The gradient of the image of a convolution, (5), as a forward step: each input is spread over
    one window. input (N, C, H, W) or (C, H, W), weight (C, O/groups, kernel_h, kernel_w), bias (O,)
    or None → (N, O, out_h, out_w), out = (H − 1)·s − 2·pad + d·(kernel − 1) + output_padding + 1.
    All of one float dtype; numbers or pairs, as in conv2d. Errors: ShapeError, DTypeError,
    TypeError, ValueError. torch.nn.functional.conv_transpose2d.
    """
    cdef str name = "conv_transpose2d"
    cdef Tensor x = floating(name, "input", input), w = floating(name, "weight", weight)
    cdef Tensor b = None if bias is None else floating(name, "bias", bias)
    cdef Windows windows = spread(x, w, b, stride, padding, output_padding, groups, dilation)
    cdef bint alone = cnp.PyArray_NDIM(x.array) == 3
    y = input_gradient(windows, x.unsqueeze(0) if alone else x, w)
    if b is not None:
        y = y + b.reshape(windows.C, 1, 1)
    return y.squeeze(0) if alone else y
