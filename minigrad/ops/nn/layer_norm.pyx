"""Layer normalization: every sample gets the mean 0 and the variance 1, then scales and shifts.

The formulas are in `_kernels/layer_norm.pyx`, derived in docs/derivations/layer_norm.md. As in
`batch_norm.pyx` the gradients are operations of their own. Their second derivatives are those of a
batch norm without gamma whose channels are the rows.
"""

import math

cimport numpy as cnp

import numpy as np

from ... import _checks
from ..._kernels import active as kernels
from ...autograd.grad_mode cimport recording
from ...errors import ShapeError
from ...tensor cimport Function, Tensor, record, wrap
from ..math.arguments cimport floating, one_dtype
from ..math.broadcasting cimport (
    contiguous_array, empty_array_like, flat, shape_if_broadcast, unbroadcast,
)
from .batch_norm cimport row_second_gradients

cnp.import_array()


# --- layouts: a row is what lies in the last dimensions, those of gamma ------------------------

cdef cnp.ndarray rows(Tensor x, Tensor gamma):
    """x's values as the kernels take them: (rows, D)."""
    cdef Py_ssize_t D = cnp.PyArray_SIZE(gamma.array)
    cdef Py_ssize_t leading = cnp.PyArray_NDIM(x.array) - cnp.PyArray_NDIM(gamma.array)
    return (<object>contiguous_array(x)).reshape(math.prod((<object>x.array).shape[:leading]), D)


cdef Tensor over_rows(Tensor u, Tensor gamma):
    """The sum of u over the dimensions that gamma does not have."""
    return unbroadcast(u, shape_if_broadcast(gamma.array, u.array))


# --- rules -------------------------------------------------------------------------------------

cdef class RowNorm(Function):
    """What the rules of normalizations by rows hold: the statistics of the call."""


cdef class LayerNorm(RowNorm):
    """y = γ · x̂ + β:  dx = r · P(γ · dy)  (8),  dgamma = Σ_n dy · x̂  (7),  dbeta = Σ_n dy  (6)"""

    cdef backward(self, Tensor dy):
        x, gamma = self.saved()
        dx, dgamma, dbeta = layer_norm_gradients(self, dy, x, gamma, self.needs(0))
        return dx, dgamma if self.needs(1) else None, dbeta if self.needs(2) else None


cdef class LayerNormInput(RowNorm):
    """dx = r · P(gamma · dy); v arrives for it."""

    cdef backward(self, Tensor v):
        dy, x, gamma = self.saved()
        cdef Tensor dh, dx
        dh, dx = gradients_of_projection(self, v, gamma * dy, x, self.needs(1))
        return gamma * dh, dx, over_rows(dy * dh, gamma)  # (11d)


cdef class LayerNormWeight(RowNorm):
    """dgamma = Σ_n dy · x_hat; v arrives for it."""

    cdef backward(self, Tensor v):
        dy, x = self.saved()
        cdef Tensor one = wrap(np.ones_like(v.array)), zero = wrap(np.zeros_like(v.array))
        x_hat = normalize_rows(x, one, zero, self.eps)
        return v * x_hat, layer_norm_dx(self, dy, x, v)  # (11e)


cdef class LayerNormBias(Function):
    """dbeta = Σ_n dy; v arrives for it."""

    cdef tuple shape

    cdef backward(self, Tensor v):
        return v.expand(self.shape)  # (11e)


cdef tuple gradients_of_projection(RowNorm call, Tensor v, Tensor h, Tensor x, bint with_dx):
    """Gradients of Σ v · r · P(h) with respect to h and to x (None if not wanted).

    Any shape whose rows, one for each mean, lie one after the other.
    """
    cdef Py_ssize_t R = cnp.PyArray_SIZE(call.mean)
    cdef tuple shape = (<object>x.array).shape
    cdef tuple matrix = (R, cnp.PyArray_SIZE(x.array) // max(R, 1))
    dh, dx = row_second_gradients(
        v.reshape(matrix), h.reshape(matrix), x.reshape(matrix), call.eps, with_dx)  # (11a) (11c)
    return dh.reshape(shape), None if dx is None else dx.reshape(shape)


cdef RowNorm with_row_statistics_of(RowNorm call, RowNorm node):
    """node, with the statistics of another."""
    node.mean, node.inv_std, node.eps = call.mean, call.inv_std, call.eps
    return node


# --- operations --------------------------------------------------------------------------------

cdef Tensor normalize_rows(Tensor x, Tensor gamma, Tensor beta, double eps):
    """y and its history."""
    cdef Tensor y = wrap(empty_array_like(x.array))
    cdef LayerNorm node = LayerNorm.__new__(LayerNorm)
    cdef cnp.ndarray data = rows(x, gamma)
    node.mean, node.inv_std = np.empty((2, cnp.PyArray_DIM(data, 0)))
    node.eps = eps
    kernels.layer_norm_forward(
        data, flat(gamma), flat(beta), rows(y, gamma), node.mean, node.inv_std, eps)
    if recording(x, gamma, beta):
        record(node, y, (x, gamma, beta)).save((x, gamma))
    return y


cdef tuple layer_norm_gradients(RowNorm call, Tensor dy, Tensor x, Tensor gamma, bint with_dx):
    """dx (None if not wanted), dgamma and dbeta of a call with these statistics."""
    cdef Tensor dx = wrap(empty_array_like(x.array)) if with_dx else None, dgamma, dbeta
    cdef LayerNormBias bias
    sums = np.empty((2, cnp.PyArray_SIZE(gamma.array)))
    kernels.layer_norm_backward(
        rows(dy, gamma), rows(x, gamma), flat(gamma), call.mean, call.inv_std,
        None if dx is None else rows(dx, gamma), *sums)
    dgamma, dbeta = [
        wrap(each.reshape(gamma.shape).astype((<object>x.array).dtype)) for each in sums]
    if with_dx and recording(dy, x, gamma):
        record(with_row_statistics_of(call, LayerNormInput.__new__(LayerNormInput)), dx, (
            dy, x, gamma)).save(
            (dy, x, gamma))
    if recording(dy, x):
        record(with_row_statistics_of(call, LayerNormWeight.__new__(LayerNormWeight)), dgamma, (
            dy, x)).save(
            (dy, x))
    if recording(dy):
        bias = LayerNormBias.__new__(LayerNormBias)
        bias.shape = (<object>x.array).shape
        record(bias, dbeta, (dy,))
    return dx, dgamma, dbeta


cdef Tensor layer_norm_dx(RowNorm call, Tensor dy, Tensor x, Tensor gamma):
    return layer_norm_gradients(call, dy, x, gamma, True)[0]


# --- the function ------------------------------------------------------------------------------

cdef Tensor per_feature(str argument, object value, tuple shape, Tensor x):
    """value, if it is a tensor of the normalized shape and of x's dtype."""
    cdef Tensor u = floating("layer_norm", argument, value)
    if (<object>u.array).shape != shape:
        raise ShapeError(
            f"layer_norm: {argument} has shape {tuple(u.shape)}, expected normalized_shape {shape}")
    one_dtype("layer_norm", x, argument, u)
    return u


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5):
    """y = weight · (input − mean) / √(var + eps) + bias, mean and var over the last dimensions.

    input: (…, *normalized_shape), float32 or float64; var is divided by the number of values.
    weight, bias: of shape normalized_shape (at least one dimension) and of input's dtype, or None.
    Errors: ShapeError, DTypeError, TypeError; ValueError for an eps not above 0.
    torch.nn.functional.layer_norm.
    In the book: python -m minigrad book layer_norm
    """
    cdef Tensor x = floating("layer_norm", "input", input), gamma, beta
    cdef tuple whole = (<object>x.array).shape, shape = _checks.sizes(
        "layer_norm", "normalized_shape", normalized_shape)
    eps = _checks.number("layer_norm", "eps", eps, above=0)
    if len(whole) < len(shape) or whole[len(whole) - len(shape):] != shape:
        raise ShapeError(
            f"layer_norm: normalized_shape is {shape}, expected input of shape "
            f"(…, {', '.join(map(str, shape))}), got {whole}")
    dtype = (<object>x.array).dtype
    gamma = wrap(np.ones(shape, dtype)) if weight is None else per_feature(
        "weight", weight, shape, x)
    beta = wrap(np.zeros(shape, dtype)) if bias is None else per_feature("bias", bias, shape, x)
    return normalize_rows(x, gamma, beta, eps)
