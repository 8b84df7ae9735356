"""Max pooling: of the values under each window, the largest.

Derivation: docs/derivations/max_pool2d.md

Where the winners stand is a constant for the derivatives: the gradient is added there (`scatter`),
the gradient of that is read there (`gather`), and so on in turns.
"""

cimport numpy as cnp

from ... import _checks
from ..._kernels import active as kernels
from ..._runtime.array_pool cimport empty_array_of
from ...autograd.grad_mode cimport recording
from ...errors import ShapeError
from ...tensor cimport Function, Tensor, record, wrap
from ..math.arguments cimport floating
from ..math.broadcasting cimport contiguous_array

cnp.import_array()


cdef cnp.ndarray flat_planes(Tensor x):
    """x's values, (planes, H·W)."""
    cdef int ndim = cnp.PyArray_NDIM(x.array)
    cdef Py_ssize_t size = cnp.PyArray_DIM(x.array, ndim - 2) * cnp.PyArray_DIM(x.array, ndim - 1)
    return (<object>contiguous_array(x)).reshape(cnp.PyArray_SIZE(x.array) // size, size)


# --- rules -------------------------------------------------------------------------------------

cdef class MaxPool2D(Function):
    """y = x at the winners:  dx = dy at the winners, 0 elsewhere  (3)"""

    cdef tuple shape   # of x
    cdef readonly tuple windows   # kernel, steps, padding, dilation; None: an index was given

    cdef backward(self, Tensor dy):
        (index,) = self.saved()
        return scattered_gradient(dy, index, self.shape)

    def name(self):
        return "MaxPool2DWithIndicesBackward0"


cdef class MaxPool2DScatter(Function):
    """dx = dy at the winners' positions, 0 elsewhere; v arrives for it."""

    cdef backward(self, Tensor v):
        (index,) = self.saved()
        return gathered(v, index)


# --- operations --------------------------------------------------------------------------------

cdef Tensor recorded_max_pool(Tensor y, Tensor x, Tensor index, tuple windows):
    """y, recorded as x at the positions of the index."""
    cdef MaxPool2D node
    if recording(x):
        node = MaxPool2D.__new__(MaxPool2D)
        node.shape, node.windows = (<object>x.array).shape, windows
        record(node, y, (x,)).save((index,))
    return y


cdef Tensor gathered(Tensor x, Tensor index):
    """y[n, p] = x[n, index[n, p]]   (4)"""
    cdef Tensor y = wrap(empty_array_of((<object>index.array).shape, cnp.PyArray_TYPE(x.array)))
    kernels.max_pool2d_gather(flat_planes(x), flat_planes(index), flat_planes(y))
    return recorded_max_pool(y, x, index, None)


cdef Tensor scattered_gradient(Tensor dy, Tensor index, tuple shape):
    """dx[n, k] = Σ dy[n, p] over all p with index[n, p] = k   (3)"""
    cdef Tensor dx = wrap(empty_array_of(shape, cnp.PyArray_TYPE(dy.array)))
    kernels.max_pool2d_scatter(flat_planes(dy), flat_planes(index), flat_planes(dx))
    if recording(dy):
        record(MaxPool2DScatter.__new__(MaxPool2DScatter), dx, (dy,)).save((index,))
    return dx


cdef Tensor pooled_image(str name, object input):
    """An image, or a batch of them, with at least one value in each."""
    cdef Tensor x = floating(name, "input", input)
    if x.ndim not in (3, 4) or 0 in x.shape[x.ndim - 3:]:
        raise ShapeError(
            f"{name}: input must have shape (N, C, H, W) or (C, H, W), and only N may be 0, got "
            f"{tuple(x.shape)}")
    return x


cdef int check_padding(
    str name, object padding, tuple padded, object kernel_size, tuple kernel
) except -1:
    """At most half of the kernel, on either side."""
    if 2 * padded[0] > kernel[0] or 2 * padded[1] > kernel[1]:
        raise ValueError(
            f"{name}: padding {padding!r} is more than half of kernel_size {kernel_size!r}; "
            "there would be windows that see padding only")
    return 0


cdef Py_ssize_t windows_along(
    Py_ssize_t size, Py_ssize_t padding, Py_ssize_t kernel, Py_ssize_t stride, Py_ssize_t dilation,
    bint ceil_mode
):
    """How many windows stand along a side; 0 if not even one fits."""
    cdef Py_ssize_t room = size + 2 * padding - dilation * (kernel - 1) - 1, count
    if room < 0 and not (ceil_mode and room > -stride):
        return 0
    count = (room + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= size + padding:
        count -= 1   # a last window must not begin in the padding beyond the image
    return count


def max_pool2d(
    input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
):
    """The largest value under each window: (N, C, H, W) → (N, C, out_h, out_w), or without N.

    out = (H + 2·padding − dilation·(kernel_size − 1) − 1) // stride + 1, with ceil_mode rounded up
    (but no window begins beyond the image). kernel_size, stride (None: kernel_size), padding (−∞,
    at most half of kernel_size) and dilation: an integer, or a pair for height and width. Of equal
    values the first wins; a NaN wins against numbers. return_indices: also where the winners stand,
    h·W + w, int64 (−1 for a window that sees padding only). float32 or float64. Errors, before
    anything is computed: ShapeError, DTypeError, TypeError, ValueError.
    torch.nn.functional.max_pool2d.
    In the book: python -m minigrad book max_pool2d
    """
    cdef Tensor x = pooled_image("max_pool2d", input), y, index
    cdef Py_ssize_t height, width
    kernel = _checks.pair("max_pool2d", "kernel_size", kernel_size, at_least=1)
    steps = kernel if stride is None else _checks.pair("max_pool2d", "stride", stride, at_least=1)
    padded = _checks.pair("max_pool2d", "padding", padding, at_least=0)
    dilated = _checks.pair("max_pool2d", "dilation", dilation, at_least=1)
    ceil_mode = _checks.flag("max_pool2d", "ceil_mode", ceil_mode)
    return_indices = _checks.flag("max_pool2d", "return_indices", return_indices)
    check_padding("max_pool2d", padding, padded, kernel_size, kernel)
    height, width = [
        windows_along(size, pad, window, step, gap, ceil_mode)
        for size, pad, window, step, gap
        in zip(x.shape[x.ndim - 2:], padded, kernel, steps, dilated)]
    if height <= 0 or width <= 0:
        raise ShapeError(
            f"max_pool2d: no window of kernel_size {kernel_size!r} with dilation {dilation!r} fits "
            f"into input of shape {tuple(x.shape)} with padding {padding!r}")
    shape = (*x.shape[:x.ndim - 2], height, width)
    y = wrap(empty_array_of(shape, cnp.PyArray_TYPE(x.array)))
    index = wrap(empty_array_of(shape, cnp.NPY_INT64))
    cdef Py_ssize_t count = cnp.PyArray_SIZE(y.array) // (height * width)
    kernels.max_pool2d_forward(
        flat_planes(x).reshape(count, *x.shape[x.ndim - 2:]), y.array.reshape(count, height, width),
        index.array.reshape(count, height, width), *kernel, *steps, *padded, *dilated)
    recorded_max_pool(y, x, index, (kernel, steps, padded, dilated))
    return (y, index) if return_indices else y
