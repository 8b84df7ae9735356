"""Activations: y = f(x), element by element. The formulas are in `_kernels/activations.pyx`.

Derivations: relu.md, leaky_relu.md, sigmoid.md, tanh.md and gelu.md of docs/derivations.
Each backward is an operation of its own with a rule of its own, so that it can be differentiated
again. Its arriving gradient, of the loss by `dx`, is called `ddx`.
"""

cimport numpy as cnp

import numpy as np

from ... import _checks
from ..._kernels import active as kernels
from ...autograd.grad_mode cimport recording
from ...autograd.in_place cimport overwrite
from ...errors import DTypeError
from ...tensor cimport Function, Tensor, record, wrap
from ...tensor import method
from ..math.arguments cimport as_float, floating, operand
from ..math.arithmetic import exp
from ..math.broadcasting cimport contiguous_array, empty_array_like
from ..math.selection import clamp

cnp.import_array()


# --- relu --------------------------------------------------------------------------------------

cdef class Relu(Function):
    """y = max(x, 0):  dx = dy where y > 0, else 0  (2)"""

    cdef backward(self, Tensor dy):
        (y,) = self.saved()
        return relu_backward(dy, y)


def relu(input, inplace=False):
    """y = max(input, 0), elementwise; the gradient at 0 is 0. NaN stays NaN.

    Any shape; integers too. inplace: write the result over `input`. torch.nn.functional.relu.
    In the book: python -m minigrad book relu
    """
    cdef Tensor x = operand("relu", "input", input), y
    cdef bint over = inplace is not False and _checks.flag("relu", "inplace", inplace)
    if cnp.PyArray_ISBOOL(x.array):
        raise DTypeError("relu: input must be numbers, got minigrad.bool")
    if not cnp.PyArray_ISFLOAT(x.array):
        y = wrap(np.asarray(np.maximum(x.array, 0)))
    else:
        y = wrap(empty_array_like(x.array))
        kernels.relu_forward(contiguous_array(x), y.array)
        if recording(x):
            record(Relu.__new__(Relu), y, (x,)).save((y,))
    return overwrite("relu", x, y) if over else y


cdef class ReluBackward(Function):
    """Linear in dy; flat in y wherever it has a derivative."""

    cdef backward(self, Tensor ddx):
        (y,) = self.saved()
        return (relu_backward(ddx, y) if self.needs(0) else None,
                wrap(np.zeros_like(ddx.array)) if self.needs(1) else None)


cdef Tensor relu_backward(Tensor dy, Tensor y):
    cdef Tensor dx = wrap(empty_array_like(dy.array))
    kernels.relu_backward(contiguous_array(dy), contiguous_array(y), dx.array)
    if recording(dy, y):
        record(ReluBackward.__new__(ReluBackward), dx, (dy, y)).save((y,))
    return dx


# --- leaky_relu --------------------------------------------------------------------------------

cdef class LeakyRelu(Function):
    """y = x where x > 0, else slope · x:  dx = dy where x > 0, else slope · dy  (2)"""

    cdef readonly double slope

    cdef backward(self, Tensor dy):
        (x,) = self.saved()
        return leaky_relu_backward(dy, x, self.slope)


def leaky_relu(input, negative_slope=0.01, inplace=False):
    """y = input where input > 0, else negative_slope · input, elementwise.

    float32 or float64, any shape. inplace: write the result over `input`.
    torch.nn.functional.leaky_relu.
    In the book: python -m minigrad book leaky_relu
    """
    cdef Tensor x = floating("leaky_relu", "input", input), y
    cdef double slope = _checks.number("leaky_relu", "negative_slope", negative_slope)
    cdef LeakyRelu node
    if _checks.flag("leaky_relu", "inplace", inplace):
        return overwrite("leaky_relu", x, leaky_relu(x.clone(), slope))
    y = wrap(empty_array_like(x.array))
    if slope == 0:   # 0, and not 0 · ∞, at −∞
        kernels.relu_forward(contiguous_array(x), y.array)
    else:
        kernels.leaky_relu_forward(contiguous_array(x), y.array, slope)
    if recording(x):
        node = LeakyRelu.__new__(LeakyRelu)
        node.slope = slope
        record(node, y, (x,)).save((x,))
    return y


cdef class LeakyReluBackward(LeakyRelu):
    """Linear in dy; flat in x wherever it has a derivative."""

    cdef backward(self, Tensor ddx):
        (x,) = self.saved()
        return (leaky_relu_backward(ddx, x, self.slope) if self.needs(0) else None,
                wrap(np.zeros_like(ddx.array)) if self.needs(1) else None)


cdef Tensor leaky_relu_backward(Tensor dy, Tensor x, double slope):
    cdef Tensor dx = wrap(empty_array_like(dy.array))
    cdef LeakyRelu node
    kernels.leaky_relu_backward(contiguous_array(dy), contiguous_array(x), dx.array, slope)
    if recording(dy, x):
        node = LeakyReluBackward.__new__(LeakyReluBackward)
        node.slope = slope
        record(node, dx, (dy, x)).save((x,))
    return dx


# --- sigmoid -----------------------------------------------------------------------------------

cdef class Sigmoid(Function):
    """y = σ(x):  dx = dy · y · (1 − y)  (3)"""

    cdef backward(self, Tensor dy):
        (y,) = self.saved()
        return sigmoid_backward(dy, y)


def sigmoid(input):
    """y = 1 / (1 + e^(−input)), elementwise, without overflow.

    Any shape; integers give the default float dtype. torch.sigmoid.
    In the book: python -m minigrad book sigmoid
    """
    cdef Tensor x = as_float(operand("sigmoid", "input", input)), y
    y = wrap(empty_array_like(x.array))
    kernels.sigmoid_forward(contiguous_array(x), y.array)
    if recording(x):
        record(Sigmoid.__new__(Sigmoid), y, (x,)).save((y,))
    return y


cdef class SigmoidBackward(Function):
    """dx = dy · y · (1 − y):  dL/d(dy) = ddx · y · (1 − y),  dL/dy = ddx · dy · (1 − 2y)"""

    cdef backward(self, Tensor ddx):
        dy, y = self.saved()
        return (sigmoid_backward(ddx, y) if self.needs(0) else None,
                ddx * dy * (1 - 2 * y) if self.needs(1) else None)   # (3d) (3e) of sigmoid.md


cdef Tensor sigmoid_backward(Tensor dy, Tensor y):
    cdef Tensor dx = wrap(empty_array_like(dy.array))
    kernels.sigmoid_backward(contiguous_array(dy), contiguous_array(y), dx.array)
    if recording(dy, y):
        record(SigmoidBackward.__new__(SigmoidBackward), dx, (dy, y)).save((dy, y))
    return dx


# --- tanh --------------------------------------------------------------------------------------

cdef class Tanh(Function):
    """y = tanh x:  dx = dy · (1 − y²)  (3)"""

    cdef backward(self, Tensor dy):
        (y,) = self.saved()
        return tanh_backward(dy, y)


def tanh(input):
    """y = tanh(input), elementwise; integers give the default float dtype. torch.tanh.

    In the book: python -m minigrad book tanh
    """
    cdef Tensor x = as_float(operand("tanh", "input", input)), y
    y = wrap(empty_array_like(x.array))
    kernels.tanh_forward(contiguous_array(x), y.array)
    if recording(x):
        record(Tanh.__new__(Tanh), y, (x,)).save((y,))
    return y


cdef class TanhBackward(Function):
    """dx = dy · (1 − y²):  dL/d(dy) = ddx · (1 − y²),  dL/dy = −2 · ddx · dy · y"""

    cdef backward(self, Tensor ddx):
        dy, y = self.saved()
        return (tanh_backward(ddx, y) if self.needs(0) else None,
                -2 * ddx * dy * y if self.needs(1) else None)   # (3d) (3e) of tanh.md


cdef Tensor tanh_backward(Tensor dy, Tensor y):
    cdef Tensor dx = wrap(empty_array_like(dy.array))
    kernels.tanh_backward(contiguous_array(dy), contiguous_array(y), dx.array)
    if recording(dy, y):
        record(TanhBackward.__new__(TanhBackward), dx, (dy, y)).save((dy, y))
    return dx


# --- gelu --------------------------------------------------------------------------------------

cdef class Gelu(Function):
    """y = x · Φ(x):  dx = dy · (Φ(x) + x φ(x))  (4);  by_tanh: with the approximation of Φ"""

    cdef readonly bint by_tanh

    cdef backward(self, Tensor dy):
        (x,) = self.saved()
        return gelu_backward(dy, x, self.by_tanh)


def gelu(input, approximate="none"):
    """y = input · Φ(input), elementwise, with Φ the normal distribution function.

    approximate: "none", or "tanh" for Φ ≈ (1 + tanh(√(2/π) (input + 0.044715 input³))) / 2.
    float32 or float64, any shape. torch.nn.functional.gelu.
    In the book: python -m minigrad book gelu
    """
    cdef Tensor x = floating("gelu", "input", input), y
    cdef Gelu node
    if not isinstance(approximate, str) or approximate not in ("none", "tanh"):
        raise ValueError(f"gelu: approximate must be 'none' or 'tanh', got {approximate!r}")
    y = wrap(empty_array_like(x.array))
    kernel = kernels.gelu_tanh_forward if approximate == "tanh" else kernels.gelu_forward
    kernel(contiguous_array(x), y.array)
    if recording(x):
        node = Gelu.__new__(Gelu)
        node.by_tanh = approximate == "tanh"
        record(node, y, (x,)).save((x,))
    return y


cdef class GeluBackward(Gelu):
    """dx = dy · y'(x):  dL/d(dy) = ddx · y'(x),  dL/dx = ddx · dy · y''(x)"""

    cdef backward(self, Tensor ddx):
        dy, x = self.saved()
        return (gelu_backward(ddx, x, self.by_tanh) if self.needs(0) else None,
                ddx * dy * gelu_curvature(x, self.by_tanh) if self.needs(1) else None)


cdef Tensor gelu_curvature(Tensor x, bint by_tanh):
    """y'' = φ(x) (2 − x²), (4b) of gelu.md, or s (1 − s) (2u' + x u'' + x (1 − 2s) u'²), (8c)"""
    x = clamp(x, -100, 100)   # beyond, both are 0, and must not become 0 · ∞
    if not by_tanh:
        return exp(-0.5 * x * x) / (2 * np.pi) ** 0.5 * (2 - x * x)   # (4b)
    cdef double scale = 2 * (2 / np.pi) ** 0.5
    s = sigmoid(scale * (x + 0.044715 * x**3))
    du = scale * (1 + 3 * 0.044715 * x * x)
    ddu = scale * 6 * 0.044715 * x
    return s * (1 - s) * (2 * du + x * ddu + x * (1 - 2 * s) * du * du)   # (8c)


cdef Tensor gelu_backward(Tensor dy, Tensor x, bint by_tanh):
    cdef Tensor dx = wrap(empty_array_like(dy.array))
    cdef Gelu node
    kernel = kernels.gelu_tanh_backward if by_tanh else kernels.gelu_backward
    kernel(contiguous_array(dy), contiguous_array(x), dx.array)
    if recording(dy, x):
        node = GeluBackward.__new__(GeluBackward)
        node.by_tanh = by_tanh
        record(node, dx, (dy, x)).save((dy, x))
    return dx


method("relu", relu)
method("sigmoid", sigmoid)
method("tanh", tanh)
