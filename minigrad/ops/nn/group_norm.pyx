"""Group normalization: every group of channels of a sample gets the mean 0 and the variance 1.

The formulas are in `_kernels/group_norm.pyx`, derived in docs/derivations/group_norm.md. A group is
a row of a layer norm: what is hard in the second derivatives is computed there.
"""

import sys

cimport numpy as cnp

import numpy as np

from ... import _checks
from ..._kernels import active as kernels
from ...autograd.grad_mode cimport recording
from ...errors import ShapeError
from ...tensor cimport Function, Tensor, record, wrap
from ..math.arguments cimport floating, one_dtype
from ..math.broadcasting cimport contiguous_array, empty_array_like
from .layer_norm cimport RowNorm, gradients_of_projection, with_row_statistics_of

cnp.import_array()


# --- layouts: the channels are dimension 1 -----------------------------------------------------

cdef cnp.ndarray planes(Tensor x):
    """x's values as the kernels take them: (N, C, L)."""
    cdef Py_ssize_t i, L = 1
    for i in range(2, cnp.PyArray_NDIM(x.array)):
        L *= cnp.PyArray_DIM(x.array, i)
    return (<object>contiguous_array(x)).reshape(*(<object>x.array).shape[:2], L)


cdef Tensor channel_view(Tensor u, Tensor x):
    """u, one number per channel, shaped so that it broadcasts along x."""
    return u.reshape((-1, *(1,) * (cnp.PyArray_NDIM(x.array) - 2)))


cdef Tensor per_channel_sum(Tensor u):
    return u.sum((0, *range(2, cnp.PyArray_NDIM(u.array))))


# --- rules -------------------------------------------------------------------------------------

cdef class GroupNorm(RowNorm):
    """y = γ · x̂ + β:  dx = r · P(γ · dy)  (7),  dgamma = Σ dy · x̂  (5),  dbeta = Σ dy  (4)"""

    cdef backward(self, Tensor dy):
        x, gamma = self.saved()
        dx, dgamma, dbeta = group_norm_gradients(self, dy, x, gamma, self.needs(0))
        return dx, dgamma if self.needs(1) else None, dbeta if self.needs(2) else None


cdef class GroupNormInput(RowNorm):
    """dx = r · P(gamma · dy); v arrives for it."""

    cdef backward(self, Tensor v):
        dy, x, gamma = self.saved()
        cdef Tensor dh, dx, scale = channel_view(gamma, x)
        dh, dx = gradients_of_projection(self, v, scale * dy, x, self.needs(1))
        return scale * dh, dx, per_channel_sum(dy * dh)  # (8a)


cdef class GroupNormWeight(RowNorm):
    """dgamma = Σ dy · x_hat; v arrives for it."""

    cdef backward(self, Tensor v):
        dy, x = self.saved()
        cdef Tensor one = wrap(np.ones_like(v.array)), zero = wrap(np.zeros_like(v.array))
        x_hat = normalize_groups(x, one, zero, cnp.PyArray_DIM(self.mean, 1), self.eps)
        return channel_view(v, x) * x_hat, group_norm_dx(self, dy, x, v)  # (8b)


cdef class GroupNormBias(Function):
    """dbeta = Σ dy; v arrives for it."""

    cdef Tensor like

    cdef backward(self, Tensor v):
        return channel_view(v, self.like).expand(self.like.shape)  # (8b)


# --- operations --------------------------------------------------------------------------------

cdef Tensor normalize_groups(Tensor x, Tensor gamma, Tensor beta, Py_ssize_t groups, double eps):
    """y and its history."""
    cdef Tensor y = wrap(empty_array_like(x.array))
    cdef GroupNorm node = GroupNorm.__new__(GroupNorm)
    node.mean, node.inv_std = np.empty((2, cnp.PyArray_DIM(x.array, 0), groups))
    node.eps = eps
    kernels.group_norm_forward(
        planes(x), contiguous_array(gamma), contiguous_array(beta), planes(
            y), node.mean, node.inv_std, eps)
    if recording(x, gamma, beta):
        record(node, y, (x, gamma, beta)).save((x, gamma))
    return y


cdef tuple group_norm_gradients(RowNorm call, Tensor dy, Tensor x, Tensor gamma, bint with_dx):
    """dx (None if not wanted), dgamma and dbeta of a call with these statistics."""
    cdef Tensor dx = wrap(empty_array_like(x.array)) if with_dx else None, dgamma, dbeta
    cdef GroupNormBias bias
    sums = np.empty((2, cnp.PyArray_SIZE(gamma.array)))
    kernels.group_norm_backward(
        planes(dy), planes(x), contiguous_array(gamma), call.mean, call.inv_std,
        None if dx is None else planes(dx), *sums)
    dgamma, dbeta = [wrap(each.astype((<object>x.array).dtype)) for each in sums]
    if with_dx and recording(dy, x, gamma):
        record(with_row_statistics_of(call, GroupNormInput.__new__(GroupNormInput)), dx, (
            dy, x, gamma)).save(
            (dy, x, gamma))
    if recording(dy, x):
        record(with_row_statistics_of(call, GroupNormWeight.__new__(GroupNormWeight)), dgamma, (
            dy, x)).save(
            (dy, x))
    if recording(dy):
        bias = GroupNormBias.__new__(GroupNormBias)
        bias.like = x.detach()
        record(bias, dbeta, (dy,))
    return dx, dgamma, dbeta


cdef Tensor group_norm_dx(RowNorm call, Tensor dy, Tensor x, Tensor gamma):
    return group_norm_gradients(call, dy, x, gamma, True)[0]


# --- the function ------------------------------------------------------------------------------

cdef Tensor channel_parameter(str argument, object value, Tensor x):
    """value, if it is a tensor of one number per channel and of x's dtype."""
    cdef Tensor u = floating("group_norm", argument, value)
    cdef Py_ssize_t C = cnp.PyArray_DIM(x.array, 1)
    if cnp.PyArray_NDIM(u.array) != 1 or cnp.PyArray_DIM(u.array, 0) != C:
        raise ShapeError(
            f"group_norm: {argument} has shape {tuple(u.shape)}, expected ({C},): input has {C} "
            f"channels (its shape is {tuple(x.shape)})")
    one_dtype("group_norm", x, argument, u)
    return u


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5):
    """y = weight · (input − mean) / √(var + eps) + bias, mean and var of a group of channels.

    input: (N, C) or (N, C, …), float32 or float64; each sample's C channels form num_groups groups
    of neighbors; var is divided by the number of values. weight, bias: (C,), of input's dtype, or
    None. Errors: ShapeError, DTypeError, TypeError; ValueError if num_groups does not divide C, if
    there is a single value to normalize, and if eps is not above 0. torch.nn.functional.group_norm.
    In the book: python -m minigrad book group_norm
    """
    cdef Tensor x = floating("group_norm", "input", input), gamma, beta
    cdef Py_ssize_t groups, C
    groups = min(_checks.integer("group_norm", "num_groups", num_groups, at_least=1), sys.maxsize)
    eps = _checks.number("group_norm", "eps", eps, above=0)
    if cnp.PyArray_NDIM(x.array) < 2:
        raise ShapeError(
            f"group_norm: expected input of shape (N, C) or (N, C, ...), got {tuple(x.shape)}")
    C = cnp.PyArray_DIM(x.array, 1)
    if C % groups:
        raise ShapeError(
            f"group_norm: {C} channels do not fall into {num_groups} groups of one size (input of "
            f"shape {tuple(x.shape)})")
    gamma = wrap(np.ones(C, (<object>x.array).dtype)) if weight is None else channel_parameter(
        "weight", weight, x)
    beta = wrap(np.zeros(C, (<object>x.array).dtype)) if bias is None else channel_parameter(
        "bias", bias, x)
    if cnp.PyArray_SIZE(x.array) == groups and cnp.PyArray_DIM(x.array, 0) == 1:
        raise ValueError(
            f"group_norm: expected more than 1 value per group, got input of shape "
            f"{tuple(x.shape)} for {groups} groups")
    return normalize_groups(x, gamma, beta, groups, eps)
