"""Dropout. The formulas are in `_kernels/dropout.pyx`, derived in docs/derivations/dropout.md."""

cimport numpy as cnp

import numpy as np

from ... import _checks
from ..._kernels import active as kernels
from ...autograd.grad_mode cimport recording
from ...autograd.in_place cimport may_write, overwrite
from ...errors import ShapeError
from ...random import generator_or_default
from ...tensor cimport Function, Tensor, record, wrap
from ..math.arguments cimport floating, operand
from ..math.broadcasting cimport empty_array_like, flat

cnp.import_array()


cdef class Dropout(Function):
    """y = mask · x / (1 − p):  dx = mask · dy / (1 − p)  (3); its own gradient is this again."""

    cdef double p

    cdef backward(self, Tensor dy):
        (mask,) = self.saved()
        return dropout_backward(dy, mask, self.p)


cdef Tensor dropout_backward(Tensor dy, Tensor mask, double p):
    cdef Tensor dx = wrap(empty_array_like(dy.array))
    kernels.dropout_backward(flat(dy), flat(mask), flat(dx), p)
    return recorded_dropout(dx, dy, mask, p)


cdef Tensor recorded_dropout(Tensor y, Tensor x, Tensor mask, double p):
    """y, recorded as dropout of x with this mask."""
    cdef Dropout node
    if recording(x):
        node = Dropout.__new__(Dropout)
        node.p = p
        record(node, y, (x,)).save((mask,))
    return y


def dropout(input, p=0.5, training=True, inplace=False):
    """Each element 0 with probability p, else input / (1 − p); `input` itself when not training.

    float32 or float64 (any dtype when not training), any shape. Draws from the default generator
    (`manual_seed`). inplace: write the result over `input`. torch.nn.functional.dropout.
    In the book: python -m minigrad book dropout
    """
    cdef double probability = _checks.number("dropout", "p", p, at_least=0, at_most=1)
    cdef Tensor x = operand("dropout", "input", input), y, mask
    _checks.flag("dropout", "inplace", inplace)
    if not _checks.flag("dropout", "training", training) or probability == 0:
        return x
    x = floating("dropout", "input", x)
    if inplace:
        may_write("dropout", x)   # a refused call draws nothing
    cdef cnp.ndarray row = flat(x)
    y, mask = wrap(empty_array_like(x.array)), wrap(np.empty(cnp.PyArray_SIZE(row), np.uint8))
    u = generator_or_default("dropout", None).random(cnp.PyArray_SIZE(row), (<object>row).dtype)
    kernels.dropout_forward(row, u, flat(y), mask.array, probability)
    recorded_dropout(y, x, mask, probability)
    return overwrite("dropout", x, y) if inplace else y


def dropout2d(input, p=0.5, training=True, inplace=False):
    """Dropout of whole channels: each plane of (N, C, H, W), or row of (N, C, L), is kept or 0.

    The other arguments are those of dropout. torch.nn.functional.dropout2d.
    """
    cdef Tensor x = operand("dropout2d", "input", input), ones
    _checks.number("dropout2d", "p", p, at_least=0, at_most=1)
    _checks.flag("dropout2d", "inplace", inplace)
    if x.ndim not in (3, 4):
        raise ShapeError(f"dropout2d: input must have shape (N, C, H, W) or (N, C, L), got "
                         f"{tuple(x.shape)}")
    if not _checks.flag("dropout2d", "training", training) or p == 0:
        return x
    x = floating("dropout2d", "input", x)
    if inplace:
        may_write("dropout2d", x)
    ones = wrap(np.ones((*x.shape[:2], *(1,) * (x.ndim - 2)), (<object>x.array).dtype))
    y = x * dropout(ones, p)
    return overwrite("dropout2d", x, y) if inplace else y
