"""Batch normalization: every channel gets the mean 0 and the variance 1, then a scale and a shift.

The formulas are in `_kernels/batch_norm.pyx`, derived in docs/derivations/batch_norm.md. The
gradients are operations of their own, so that they can be differentiated again. Their rules use
these same operations once more and nothing else, so a third derivative is as right as the first.
"""

cimport numpy as cnp

import numpy as np

from ... import _checks
from ..._kernels import active as kernels
from ..._kernels.types cimport real
from ...autograd.grad_mode cimport recording
from ...autograd.in_place cimport may_write
from ...errors import GraphError, ShapeError
from ...tensor cimport Function, Tensor, record, wrap
from ..math.arguments cimport floating, one_dtype
from ..math.broadcasting cimport contiguous_array, empty_array_like

cnp.import_array()


cdef class BatchNorm(Function):
    """y = γ · x̂ + β:  dx = γ · r · P(dy)  (8),  dgamma = Σ dy · x̂  (7),  dbeta = Σ dy  (6)

    The statistics are those of this call, whatever happens later.
    """

    cdef backward(self, Tensor dy):
        x, gamma = self.saved()
        dx, dgamma, dbeta = batch_norm_gradients(self, dy, x, gamma, self.needs(0))
        return dx, dgamma if self.needs(1) else None, dbeta if self.needs(2) else None

    def roads(self, Tensor dy not None):
        """The three roads from dy to dx."""
        if not self.training or type(self) is not BatchNorm:
            return {}
        x, gamma = self.saved()
        r, x_hat = inverse_std(self, x), normalized(self, x)
        dx_hat = dy if gamma is None else per_channel_view(self, gamma, x) * dy  # (8a)
        dims = reduced_dims(self, x)
        by_mean = dx_hat.mean(dims, keepdim=True).expand(x.shape)
        by_var = x_hat * (dx_hat * x_hat).mean(dims, keepdim=True)
        return {0: [
            ("road 1, straight: r·dx̂ (8b)", r * dx_hat),
            ("road 2, through the mean: −r·mean(dx̂) (8h)", -r * by_mean),
            ("road 3, through the variance: −r·x̂·mean(dx̂·x̂) (8e)", -r * by_var)]}


def batch_norm(
    input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1,
    eps=1e-5, *, axis=1, unbiased_running_var=True
):
    """y = weight · (input − mean) / √(var + eps) + bias, channel by channel.

    input: (N, C) or (N, C, …), float32 or float64; `axis` says which dimension the channels are
    (−1: the last), a mean is taken over all others. The others: (C,), of its dtype, or None.
    training: mean and (biased) var are those of the batch, and the running statistics, if given,
    become (1 − momentum) · running + momentum · batch in place, with the unbiased variance or, if
    unbiased_running_var is False (Keras, Flax, ONNX), with the biased one.
    Otherwise mean and var are the running ones, for the gradient as they were in this call.
    An empty batch changes nothing. Errors, all before anything changes: ShapeError, DTypeError,
    TypeError, GraphError; IndexError for an axis out of range; ValueError for one value per
    channel in training, a negative running variance, eps not above 0, momentum outside [0, 1].
    torch.nn.functional.batch_norm; axis and unbiased_running_var are additions.
    In the book: python -m minigrad book batch_norm
    """
    return batch_normalized(
        "batch_norm", input, running_mean, running_var, weight, bias, training, momentum, eps,
        axis, unbiased_running_var, None)


cdef Tensor batch_normalized(
    str operation, object input, object running_mean, object running_var, object weight,
    object bias, object training, object momentum, object eps, object axis,
    object unbiased_running_var, object corrected
):
    """batch_norm, or its relative `operation`, whose scale and shift depend on the statistics.

    corrected (or None): the gamma and beta of a training call, from (gamma, beta, mean, var,
    running_mean, running_var, eps).
    """
    cdef BatchNorm node = BatchNorm.__new__(BatchNorm)
    node.operation = operation
    cdef Tensor x = channels_of(node, input, axis)
    cdef Tensor run_mean = None, run_var = None, gamma, beta, y
    node.training = training if type(training) is bool else _checks.flag(
        operation, "training", training)
    node.eps = eps if type(eps) is float and 0 < eps < 1 else _checks.number(
        operation, "eps", eps, above=0)
    if type(momentum) is not float or not 0 <= momentum <= 1:
        momentum = _checks.number(operation, "momentum", momentum, at_least=0, at_most=1)
    cdef bint unbiased = unbiased_running_var if type(unbiased_running_var) is bool else (
        _checks.flag(operation, "unbiased_running_var", unbiased_running_var))
    if (running_mean is None) != (running_var is None):
        raise ValueError(
            f"{operation}: running_mean and running_var must be given both or neither")
    if running_mean is not None:
        run_mean = checked_running(node, "running_mean", running_mean, x)
        run_var = checked_running(node, "running_var", running_var, x)
        check_variance(node, contiguous_array(run_var))
    elif not node.training:
        raise ValueError(
            f"{operation}: running_mean and running_var must be given when training is False")
    gamma = ones_per_channel(node, x) if weight is None else per_channel(
        node, "weight", floating(operation, "weight", weight), x)
    beta = zeros_per_channel(node, x) if bias is None else per_channel(
        node, "bias", floating(operation, "bias", bias), x)
    cdef Py_ssize_t m = values_per_channel(node, x)
    if m == 1 and node.training:
        raise ValueError(
            f"{operation}: expected more than 1 value per channel when training, "
            f"got input of shape {tuple(x.shape)} (more: "
            "python -m minigrad book batch_norm#degenerate-batches)")

    if not node.training:
        node.mean = (<object>run_mean.array).astype(np.float64)
        node.var = (<object>run_var.array).astype(np.float64)
        return normalize_channels(node, x, gamma, beta, False)
    node.mean, node.var = doubles(channels(node, x)), doubles(channels(node, x))
    if corrected is not None:
        kernels.batch_norm_statistics(data(node, x), node.mean, node.var)
        gamma, beta = corrected(gamma, beta, node.mean, node.var, run_mean, run_var, node.eps)
    y = normalize_channels(node, x, gamma, beta, corrected is None)
    if run_mean is not None and m > 0:
        update(run_mean, run_var, node, momentum, m, unbiased)
    return y


def batch_statistics(input, axis=1):
    """(mean, var, m): mean and biased variance of every channel, and how many values each has.

    mean and var are float64 arrays of shape (C,), whatever the dtype; nothing is recorded.
    """
    cdef BatchNorm node = BatchNorm.__new__(BatchNorm)
    node.operation = "batch_norm"
    cdef Tensor x = channels_of(node, input, axis)
    mean, var = doubles(channels(node, x)), doubles(channels(node, x))
    kernels.batch_norm_statistics(data(node, x), mean, var)
    return mean, var, values_per_channel(node, x)


# --- operations --------------------------------------------------------------------------------

cdef Tensor normalize_channels(
    BatchNorm node, Tensor x, Tensor gamma, Tensor beta, bint new_statistics
):
    """y; node, which holds the statistics or receives them, becomes its history."""
    cdef Tensor y = wrap(empty_array_like(x.array))
    node.inv_std = empty_array_like(node.mean)
    kernels.batch_norm_forward(
        data(node, x), contiguous_array(gamma), contiguous_array(beta), data(node, y),
        node.mean, node.var, node.inv_std, node.eps, new_statistics)
    if recording(x, gamma, beta):
        record(node, y, (x, gamma, beta)).save((x, gamma))
    return y


cdef tuple batch_norm_gradients(BatchNorm call, Tensor dy, Tensor x, Tensor gamma, bint with_dx):
    """dx (None if not wanted), dgamma and dbeta of a call with these statistics."""
    cdef Tensor dx = wrap(empty_array_like(x.array)) if with_dx else None
    cdef Tensor dgamma = wrap(empty_array_like(gamma.array)), dbeta = wrap(
        empty_array_like(gamma.array))
    cdef BatchNorm node
    kernels.batch_norm_backward(
        data(call, dy), data(call, x), contiguous_array(gamma), call.mean, call.inv_std,
        None if dx is None else data(call, dx), dgamma.array, dbeta.array, call.training)
    if with_dx and recording(dy, x, gamma):
        node = with_statistics_of(call, BatchNormInput.__new__(BatchNormInput))
        record(node, dx, (dy, x, gamma)).save((dy, x, gamma))
    if recording(dy, x):
        node = with_statistics_of(call, BatchNormWeight.__new__(BatchNormWeight))
        record(node, dgamma, (dy, x)).save((dy, x))
    if recording(dy):
        node = with_statistics_of(call, BatchNormBias.__new__(BatchNormBias))
        record(node, dbeta, (dy,)).save((x.detach(),))
    return dx, dgamma, dbeta


cdef Tensor batch_norm_dx(BatchNorm call, Tensor dy, Tensor x, Tensor gamma):
    return batch_norm_gradients(call, dy, x, gamma, True)[0]


cdef Tensor normalized(BatchNorm call, Tensor x):
    """x_hat"""
    cdef BatchNorm node = with_statistics_of(call, BatchNorm.__new__(BatchNorm))
    return normalize_channels(node, x, ones_per_channel(call, x), zeros_per_channel(call, x), False)


cdef Tensor inverse_std(BatchNorm call, Tensor x):
    """r, shaped so that it broadcasts along x."""
    cdef Tensor r = per_channel_view(
        call, wrap((<object>call.inv_std).astype((<object>x.array).dtype)), x)
    if call.training and recording(x):
        record(with_statistics_of(call, InverseStd.__new__(InverseStd)), r, (x,)).save((x,))
    return r


cdef BatchNorm with_statistics_of(BatchNorm call, BatchNorm node):
    """node, with the statistics of another."""
    node.mean, node.var, node.inv_std = call.mean, call.var, call.inv_std
    node.eps, node.axis, node.training = call.eps, call.axis, call.training
    return node


cdef int update(
    Tensor running_mean, Tensor running_var, BatchNorm batch, double momentum, Py_ssize_t m,
    bint unbiased
) except -1:
    """Move the running statistics toward those of the batch, in place."""
    cdef cnp.ndarray mean = contiguous_array(running_mean), var = contiguous_array(running_var)
    kernels.batch_norm_update(batch.mean, batch.var, mean, var, momentum, m, unbiased)
    if mean is not running_mean.array:
        np.copyto(running_mean.array, mean)
    if var is not running_var.array:
        np.copyto(running_var.array, var)
    running_mean.written(batch.operation)
    running_var.written(batch.operation)
    return 0


# --- layouts: whichever dimension the channels are, a reshape leads to what the kernels take -----

cdef Py_ssize_t channels(BatchNorm call, Tensor x):
    return cnp.PyArray_DIM(x.array, call.axis)


cdef Py_ssize_t size_between(Tensor x, Py_ssize_t first, Py_ssize_t last):
    """The product of the sizes of the dimensions first .. last - 1."""
    cdef Py_ssize_t i, product = 1
    for i in range(first, last):
        product *= cnp.PyArray_DIM(x.array, i)
    return product


cdef Py_ssize_t values_per_channel(BatchNorm call, Tensor x):
    """m: how many values share a mean."""
    return size_between(x, 0, call.axis) * size_between(x, call.axis + 1, cnp.PyArray_NDIM(x.array))


cdef cnp.ndarray data(BatchNorm call, Tensor x):
    """x's values as (rows, C) if nothing follows the channels, else as (N, C, L)."""
    cdef cnp.ndarray array = contiguous_array(x)
    if cnp.PyArray_NDIM(array) == 2 and call.axis == 1:
        return array
    cdef Py_ssize_t N = size_between(x, 0, call.axis), C = channels(call, x)
    cdef Py_ssize_t L = size_between(x, call.axis + 1, cnp.PyArray_NDIM(array))
    if L == 1:
        return (<object>array).reshape(N, C)
    return (<object>array).reshape(N, C, L)


cdef tuple reduced_dims(BatchNorm call, Tensor x):
    """The dimensions that a mean is taken over."""
    return tuple([dim for dim in range(cnp.PyArray_NDIM(x.array)) if dim != call.axis])


cdef Tensor per_channel_view(BatchNorm call, Tensor u, Tensor x):
    """u, one number per channel, shaped so that it broadcasts along x."""
    cdef Py_ssize_t following = cnp.PyArray_NDIM(x.array) - 1 - call.axis
    return u.reshape((-1, *(1,) * following)) if following else u


cdef cnp.ndarray doubles(Py_ssize_t C):
    """Room for one double per channel."""
    cdef cnp.npy_intp size = C
    return cnp.PyArray_EMPTY(1, &size, cnp.NPY_FLOAT64, 0)


cdef Tensor ones_per_channel(BatchNorm call, Tensor x):
    return wrap(np.ones(channels(call, x), (<object>x.array).dtype))


cdef Tensor zeros_per_channel(BatchNorm call, Tensor x):
    return wrap(np.zeros(channels(call, x), (<object>x.array).dtype))


# --- checks ------------------------------------------------------------------------------------

cdef Tensor channels_of(BatchNorm node, object input, object axis):
    """input as a Tensor; node learns which of its dimensions the channels are."""
    cdef Tensor x = floating(node.operation, "input", input)
    cdef Py_ssize_t ndim = cnp.PyArray_NDIM(x.array)
    if ndim < 2:
        raise ShapeError(
            f"{node.operation}: expected input of shape (N, C) or (N, C, ...), got "
            f"{tuple(x.shape)}")
    if type(axis) is not int:
        axis = _checks.integer(node.operation, "axis", axis, at_least=-ndim)
    if not -ndim <= axis < ndim:
        raise IndexError(
            f"{node.operation}: axis {axis} is out of range for input of shape {tuple(x.shape)} "
            f"(expected {-ndim} to {ndim - 1})")
    node.axis = axis % ndim
    return x


cdef Tensor per_channel(BatchNorm call, str argument, Tensor u, Tensor x):
    """u, if it holds one number per channel, in x's dtype."""
    cdef Py_ssize_t C = channels(call, x)
    if cnp.PyArray_NDIM(u.array) != 1 or cnp.PyArray_DIM(u.array, 0) != C:
        raise ShapeError(
            f"{call.operation}: {argument} has shape {tuple(u.shape)}, expected ({C},): input has "
            f"{C} channels (its shape is {tuple(x.shape)}, the channels are dimension {call.axis})")
    one_dtype(call.operation, x, argument, u)
    return u


cdef Tensor checked_running(BatchNorm call, str argument, object value, Tensor x):
    """A running statistic, if it fits and may be changed in training."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"{call.operation}: {argument} must be a Tensor or None, got {_checks.class_of(value)}")
    if (<Tensor>value).wants_grad():
        raise GraphError(
            f"{call.operation}: {argument} requires a gradient, but none is computed; use "
            ".detach()")
    if call.training:
        may_write(call.operation, value)
    return per_channel(call, argument, value, x)


cdef Py_ssize_t first_negative(const real *u, Py_ssize_t size) noexcept:
    cdef Py_ssize_t c
    for c in range(size):
        if u[c] < 0:
            return c
    return -1


cdef int check_variance(BatchNorm call, cnp.ndarray var) except -1:
    cdef Py_ssize_t c, C = cnp.PyArray_SIZE(var)
    if cnp.PyArray_TYPE(var) == cnp.NPY_FLOAT32:
        c = first_negative(<const float *>cnp.PyArray_DATA(var), C)
    else:
        c = first_negative(<const double *>cnp.PyArray_DATA(var), C)
    if c >= 0:
        raise ValueError(
            f"{call.operation}: running_var of channel {c} is {(<object>var)[c]}; "
            "a variance cannot be negative")
    return 0


# --- second derivatives ------------------------------------------------------------------------

cdef class BatchNormInput(BatchNorm):
    """dx = gamma · r · P(dy), in evaluation gamma · r · dy; v arrives for it."""

    cdef backward(self, Tensor v):
        dy, x, gamma = self.saved()
        return second_gradients(self, v, dy, x, gamma, self.needs(0), self.needs(1))


cdef class BatchNormWeight(BatchNorm):
    """dgamma = Σ dy · x_hat; v arrives for it."""

    cdef backward(self, Tensor v):
        dy, x = self.saved()
        return per_channel_view(self, v, x) * normalized(self, x), batch_norm_dx(
            self, dy, x, v)  # (11h)


cdef class BatchNormBias(BatchNorm):
    """dbeta = Σ dy; v arrives for it."""

    cdef backward(self, Tensor v):
        (x,) = self.saved()
        return per_channel_view(self, v, x).expand(x.shape)  # (11h)


cdef class InverseStd(BatchNorm):
    """r = 1/√(var + eps) as a function of x; dr arrives for it."""

    cdef backward(self, Tensor dr):
        (x,) = self.saved()
        cdef Tensor r = inverse_std(self, x)
        return -dr * r * r * normalized(self, x) / max(values_per_channel(self, x), 1)  # (11f)


cdef tuple second_gradients(
    BatchNorm call, Tensor v, Tensor dy, Tensor x, Tensor gamma, bint with_dy, bint with_x
):
    """Gradients of Σ v · dx with respect to dy and x (None if not wanted) and gamma."""
    cdef Tensor ddy, dgamma
    ddy = batch_norm_dx(call, v, x, gamma) if with_dy else None  # (11b)
    dgamma = (v * batch_norm_dx(call, dy, x, ones_per_channel(call, x))).sum(
        reduced_dims(call, x))  # (11c)
    if not call.training or not with_x:
        return ddy, None, dgamma
    m = max(values_per_channel(call, x), 1)
    x_hat, r, scale = normalized(call, x), inverse_std(call, x), per_channel_view(call, gamma, x)
    v_x_hat = (v * x_hat).sum(reduced_dims(call, x), keepdim=True) / m
    dy_x_hat = (dy * x_hat).sum(reduced_dims(call, x), keepdim=True) / m
    s = -scale * r * (v * dy_x_hat + dy * v_x_hat)  # (11d)
    t_r = scale * per_channel_view(call, dgamma, x)  # (11e) times r
    dx = batch_norm_dx(call, s, x, ones_per_channel(call, x)) - t_r * r * x_hat / m  # (11g)
    return ddy, dx, dgamma


cdef tuple row_second_gradients(Tensor v, Tensor h, Tensor x, double eps, bint with_x):
    """Gradients of Σ v · r · P(h) with respect to h and x, for normalizations by rows.

    x is (rows, m): they are those of a batch norm without gamma whose channels are the rows.
    """
    cdef BatchNorm call = BatchNorm.__new__(BatchNorm)
    call.axis, call.eps, call.training = 0, eps, True
    call.mean, call.var = doubles(channels(call, x)), doubles(channels(call, x))
    kernels.batch_norm_statistics(data(call, x), call.mean, call.var)
    call.inv_std = 1 / np.sqrt(call.var + eps)
    return second_gradients(call, v, h, x, ones_per_channel(call, x), True, with_x)[:2]
