"""Losses that compare numbers, and binary cross-entropy; what losses share."""

import warnings

cimport numpy as cnp

import numpy as np

from ... import _checks
from ..._runtime.fp_warnings import quietly
from ...autograd.grad_mode cimport recording
from ...errors import DTypeError, ShapeError
from ...tensor cimport Function, Tensor, record, wrap
from ..math.arguments cimport floating, operand, operands
from ..math.arithmetic import absolute, log
from ..math.broadcasting cimport all_finite, shape_if_broadcast, unbroadcast
from ..math.elementwise cimport MUL, broadcast_binary
from ..math.selection import clamp
from .activations import sigmoid

cnp.import_array()


cdef str reduction_named(str operation, object reduction, object size_average, object reduce):
    """`reduction`, which must be one of three words; torch's older two arguments are refused."""
    if size_average is not None or reduce is not None:
        raise ValueError(
            f"{operation}: size_average and reduce were replaced by reduction; leave them None")
    if not isinstance(reduction, str) or reduction not in ("none", "mean", "sum"):
        raise ValueError(
            f"{operation}: reduction must be 'none', 'mean' or 'sum', got {reduction!r}")
    return reduction


cdef Tensor reduced_loss(Tensor losses, str reduction):
    """The losses themselves, their mean or their sum."""
    if reduction == "none":
        return losses
    return losses.mean() if reduction == "mean" else losses.sum()


# --- 0 · ∞ -------------------------------------------------------------------------------------

cdef class Weighed(Function):
    """y = a · b with 0 · ∞ = 0:  da = dy · b,  db = dy · a, with the same product."""

    cdef object a_shape
    cdef object b_shape

    cdef backward(self, Tensor dy):
        a, b = self.saved()
        return (unbroadcast(weighed_product(dy, b), self.a_shape) if self.needs(0) else None,
                unbroadcast(weighed_product(dy, a), self.b_shape) if self.needs(1) else None)


cdef Tensor weighed_product(Tensor a, Tensor b):
    """a · b, where a 0 takes out what is infinite: a term without weight is not in the sum.

    That is the limit of q · log p for q = 0, however p → 0. A NaN stays one.
    """
    cdef Tensor y
    cdef Weighed node
    a, b = operands("mul", a, b)
    y = wrap(broadcast_binary("mul", MUL, a.array, b.array, None))
    if not all_finite(y.array):
        undefined = np.isnan(y.array) & ~(np.isnan(a.array) | np.isnan(b.array))
        np.copyto(y.array, 0, where=undefined)
    if recording(a, b):
        node = Weighed.__new__(Weighed)
        node.a_shape = shape_if_broadcast(a.array, y.array)
        node.b_shape = shape_if_broadcast(b.array, y.array)
        record(node, y, (a, b)).save(
            (a if node.needs(1) else None, b if node.needs(0) else None))
    return y


# --- losses of a difference ----------------------------------------------------------------------

cdef tuple difference_of(str name, object input, object target, object weight):
    """input − target, and the weights of that shape, if there are any."""
    cdef Tensor x = operand(name, "input", input), t = operand(name, "target", target), w = None
    x, t = operands(name, x, t)
    if not cnp.PyArray_ISFLOAT(x.array):
        raise DTypeError(
            f"{name}: input or target must be float32 or float64, got {x.dtype} for both")
    if not cnp.PyArray_SAMESHAPE(x.array, t.array):
        warn_of_broadcast(name, tuple(x.shape), tuple(t.shape))
    if weight is not None:
        w = floating(name, "weight", weight)
        if not cnp.PyArray_SAMESHAPE(w.array, x.array):
            raise ShapeError(
                f"{name}: weight must have the input's shape {tuple(x.shape)}, got "
                f"{tuple(w.shape)}")
    return x - t, w


cdef int warn_of_broadcast(str name, tuple shape, tuple target_shape) except -1:
    if not all([m == n or 1 in (m, n) for m, n in zip(shape[::-1], target_shape[::-1])]):
        raise ShapeError(f"{name}: input has shape {shape}, target {target_shape}")
    warnings.warn(
        f"{name}: input has shape {shape}, target {target_shape}; they are broadcast, so more "
        "pairs are compared than there are targets; give both one shape", stacklevel=1)
    return 0


cdef Tensor reduced_with_weights(Tensor losses, Tensor w, str reduction):
    """As reduced_loss; the mean of weighted losses is divided by the sum of the weights."""
    if w is None:
        return reduced_loss(losses, reduction)
    losses = weighed_product(losses, w)
    return losses.sum() / w.sum() if reduction == "mean" else reduced_loss(losses, reduction)


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """(input − target)², and its mean (default), its sum, or each.

    One shape (others are broadcast, with a warning); weight, of that shape: a factor for each
    square, and the mean is then divided by the sum of the weights. torch.nn.functional.mse_loss.
    """
    reduction = reduction_named("mse_loss", reduction, size_average, reduce)
    difference, w = difference_of("mse_loss", input, target, weight)
    square = difference * difference if w is None else weighed_product(difference, difference)
    return reduced_with_weights(square, w, reduction)


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None):
    """|input − target|, and its mean (default), its sum, or each; shapes and weight as in mse_loss.

    The gradient is the sign of the difference, 0 where there is none. torch.nn.functional.l1_loss.
    """
    reduction = reduction_named("l1_loss", reduction, size_average, reduce)
    difference, w = difference_of("l1_loss", input, target, weight)
    return reduced_with_weights(absolute(difference), w, reduction)


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0):
    """d² / (2 · beta) where |d| < beta, else |d| − beta / 2, with d = input − target.

    A square near 0 and an absolute value far away, which meet with one slope at beta. One shape
    (others are broadcast, with a warning); the mean (default), the sum, or each.
    torch.nn.functional.smooth_l1_loss.
    """
    reduction = reduction_named("smooth_l1_loss", reduction, size_average, reduce)
    bound = _checks.number("smooth_l1_loss", "beta", beta, at_least=0)
    difference, _ = difference_of("smooth_l1_loss", input, target, None)
    if bound == 0:
        return reduced_loss(absolute(difference), reduction)
    near = clamp(difference, -bound, bound)   # d itself, or ±beta: both cases in one product
    return reduced_loss(near / bound * (difference - near / 2), reduction)


# --- binary cross-entropy ----------------------------------------------------------------------

cdef class BinaryCrossEntropy(Function):
    """y = −t · log x − (1 − t) · log(1 − x):

    dx = dy · (x − t) / (x · (1 − x))  (2),  dt = dy · (log(1 − x) − log x)  (3)
    """

    cdef backward(self, Tensor dy):
        x, t = self.saved()
        dx = dt = None
        if self.needs(0):
            dx = dy * ((x - t) / clamp(x * (1 - x), min=1e-12))                  # (2)
        if self.needs(1):
            dt = dy * (clamp(log(1 - x), min=-100) - clamp(log(x), min=-100))    # (3)
        return dx, dt


cdef Tensor binary_losses(Tensor x, Tensor t):
    """Of probabilities x and targets t of one shape; a logarithm counts as at least −100."""
    p, q = (<object>x.array).astype(np.float64), (<object>t.array).astype(np.float64)
    hit, miss = [np.maximum(quietly(np.log, each), -100) for each in (p, 1 - p)]
    given = quietly(np.add, quietly(np.multiply, q, hit), quietly(np.multiply, 1 - q, miss))   # (1)
    losses = quietly(np.negative, given)
    cdef Tensor y = wrap(np.asarray(losses, dtype=(<object>x.array).dtype))
    if recording(x, t):
        record(BinaryCrossEntropy.__new__(BinaryCrossEntropy), y, (x, t)).save((x, t))
    return y


def binary_cross_entropy(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean"
):
    """−w · (t · log x + (1 − t) · log(1 − x)), and its mean (default), its sum, or each.

    x = input, probabilities from 0 to 1; t = target, of its shape; w = weight is broadcast. So that
    x = 0 and 1 have a loss, a logarithm counts as at least −100, and x · (1 − x) in the gradient as
    at least 1e-12, as in torch. binary_cross_entropy_with_logits needs no such bounds: prefer it.
    Errors: ValueError (not a probability), ShapeError, DTypeError.
    torch.nn.functional.binary_cross_entropy. Derivation: docs/derivations/binary_cross_entropy.md.
    """
    cdef str name = "binary_cross_entropy"
    cdef Tensor x = floating(name, "input", input), t = fitting_target(name, target, x)
    reduction = reduction_named(name, reduction, size_average, reduce)
    for argument, each, hint in (
        ("input", <object>x.array, "; put a sigmoid before it, or give the logits to "
                                   "binary_cross_entropy_with_logits"),
        ("target", <object>t.array, ""),
    ):
        outside = ~((each >= 0) & (each <= 1))
        if outside.any():
            raise ValueError(
                f"{name}: {argument} must be probabilities from 0 to 1, got "
                f"{each[outside][0]}{hint}")
    w = None if weight is None else factor(name, "weight", weight, x)
    x, t = operands(name, x, t)
    losses = binary_losses(x, t)
    return reduced_loss(losses if w is None else weighed_product(losses, w), reduction)


cdef Tensor fitting_target(str name, object value, Tensor x):
    """The target, if it has the input's shape; yes and no are 1 and 0."""
    cdef Tensor t = operand(name, "target", value)
    cdef tuple shape = (<object>x.array).shape, own = (<object>t.array).shape
    if shape != own:
        hint = "; target.unsqueeze(-1) has it" if shape == (*own, 1) else ""
        raise ShapeError(f"{name}: target must have the input's shape {shape}, got {own}{hint}")
    return t.to(x.dtype) if cnp.PyArray_ISBOOL(t.array) else t


# --- the same from logits ------------------------------------------------------------------------

cdef class Softplus(Function):
    """y = log(1 + eˣ):  dx = dy · sigmoid x"""

    cdef backward(self, Tensor dy):
        (x,) = self.saved()
        return dy * sigmoid(x)


cdef Tensor softplus(Tensor x):
    y = quietly(np.logaddexp, (<object>x.array).astype(np.float64), 0)
    cdef Tensor result = wrap(np.asarray(y, dtype=(<object>x.array).dtype))
    if recording(x):
        record(Softplus.__new__(Softplus), result, (x,)).save((x,))
    return result


def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
):
    """−w · (p · t · log σ(x) + (1 − t) · log(1 − σ(x))), and its mean (default), its sum, or each.

    Computed as w · (p · t · softplus(−x) + (1 − t) · softplus(x)), where nothing cancels; x is the
    input, t the target of its shape, from 0 to 1; w = weight and p = pos_weight are broadcast.
    For x = ±∞ the loss is 0 where it is right, or weighs 0, else ∞; the gradient is σ(x) − t.
    Errors: ShapeError, DTypeError. torch.nn.functional.binary_cross_entropy_with_logits.
    """
    cdef str name = "binary_cross_entropy_with_logits"
    cdef Tensor x = floating(name, "input", input), t = fitting_target(name, target, x)
    reduction = reduction_named(name, reduction, size_average, reduce)
    positive = weighed_product(t, softplus(-x))
    if pos_weight is not None:
        positive = weighed_product(positive, factor(name, "pos_weight", pos_weight, x))
    losses = positive + weighed_product(1 - t, softplus(x))
    if weight is not None:
        losses = weighed_product(losses, factor(name, "weight", weight, x))
    return reduced_loss(losses, reduction)


cdef Tensor factor(str name, str argument, object value, Tensor x):
    """A weight that can be broadcast to x's shape."""
    cdef Tensor w = floating(name, argument, value)
    cdef tuple shape = (<object>x.array).shape, own = (<object>w.array).shape
    cdef bint fits = all([n in (1, m) for m, n in zip(shape[::-1], own[::-1])])
    if len(own) > len(shape) or not fits:
        raise ShapeError(f"{name}: {argument} of shape {own} does not broadcast to {shape}")
    return w
