"""The kernels in NumPy: same names, arguments and results; slow, and easy to step through."""

import math

import numpy as np

# --- activations ---------------------------------------------------------------------------------


def relu_forward(x, y):
    y[...] = np.where(x < 0, 0, x)


def relu_backward(dy, y, dx):
    dx[...] = np.where(y <= 0, 0, dy)


def leaky_relu_forward(x, y, slope):
    y[...] = np.where(x > 0, x, x.dtype.type(slope) * x)


def leaky_relu_backward(dy, x, dx, slope):
    dx[...] = np.where(x > 0, dy, dy.dtype.type(slope) * dy)


def _sigmoid(x):
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1) / (1 + e)


def sigmoid_forward(x, y):
    y[...] = _sigmoid(x.astype(np.float64))


def sigmoid_backward(dy, y, dx):
    dx[...] = dy * y * (1 - y)


def tanh_forward(x, y):
    y[...] = np.tanh(x.astype(np.float64))


def tanh_backward(dy, y, dx):
    dx[...] = dy * (1 - y * y)


# gelu stops at ±100, where Φ, φ and σ have reached their limits, lest 0 · ∞ appear at ±∞.
_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def gelu_forward(x, y):
    x = np.maximum(x.astype(np.float64), -100)
    y[...] = x * (_erfc(-x / np.sqrt(2)) / 2)


def gelu_backward(dy, x, dx):
    x = np.clip(x.astype(np.float64), -100, 100)
    phi = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    dx[...] = dy * (_erfc(-x / np.sqrt(2)) / 2 + x * phi)


def gelu_tanh_forward(x, y):
    x = np.maximum(x.astype(np.float64), -100)
    y[...] = x * _sigmoid(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))


def gelu_tanh_backward(dy, x, dx):
    x = np.clip(x.astype(np.float64), -100, 100)
    s = _sigmoid(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    du = 2 * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x**2)
    dx[...] = dy * (s + x * s * (1 - s) * du)


# --- batch norm ----------------------------------------------------------------------------------


def _batch_norm_layout(x):
    """The axes of a channel's values, how many values, and the shape that spreads (C,) over x."""
    axes = (0,) if x.ndim == 2 else (0, 2)
    m = math.prod(x.shape[axis] for axis in axes)
    return axes, max(m, 1), (-1,) if x.ndim == 2 else (-1, 1)


def batch_norm_statistics(x, mean, var):
    axes, m, spread = _batch_norm_layout(x)
    x = x.astype(np.float64)
    start = x[:1] if x.ndim == 2 else x[:1, :, :1]
    mean[...] = start.sum(axes) + (x - start).sum(axes) / m
    var[...] = ((x - mean.reshape(spread)) ** 2).sum(axes) / m


def batch_norm_forward(x, gamma, beta, y, mean, var, inv_std, eps, training):
    _, _, spread = _batch_norm_layout(x)
    if training:
        batch_norm_statistics(x, mean, var)
    x = x.astype(np.float64)
    inv_std[...] = 1 / np.sqrt(var + eps)
    x_hat = (x - mean.reshape(spread)) * inv_std.reshape(spread)
    y[...] = gamma.reshape(spread) * x_hat + beta.reshape(spread)


def batch_norm_backward(dy, x, gamma, mean, inv_std, dx, dgamma, dbeta, training):
    """dx = γ r (dy − mean(dy) − x̂ · mean(dy · x̂))   (0)   with r = inv_std, in training"""
    axes, m, spread = _batch_norm_layout(x)
    x_hat = (x - mean.reshape(spread)) * inv_std.reshape(spread)
    sum_dy = dy.sum(axes, dtype=np.float64)
    sum_dy_x_hat = (dy * x_hat).sum(axes)
    dbeta[...] = sum_dy
    dgamma[...] = sum_dy_x_hat
    if dx is None:
        return
    scale = (gamma * inv_std).reshape(spread)
    if training:
        sums = sum_dy.reshape(spread) + x_hat * sum_dy_x_hat.reshape(spread)
        dx[...] = scale * (dy - sums / m)
    else:
        dx[...] = scale * dy


def batch_norm_update(mean, var, running_mean, running_var, momentum, m, unbiased):
    factor = m / (m - 1) if unbiased else 1
    running_mean[...] = (1 - momentum) * running_mean + momentum * mean
    running_var[...] = (1 - momentum) * running_var + momentum * (factor * var)


# --- batch renorm --------------------------------------------------------------------------------


def batch_renorm_correction(mean, var, running_mean, running_var, R, D, eps, r_max, d_max):
    sigma_run = np.sqrt(running_var.astype(np.float64) + eps)
    R[...] = np.clip(np.sqrt(var + eps) / sigma_run, 1 / r_max, r_max)
    D[...] = np.clip((mean - running_mean) / sigma_run, -d_max, d_max)


# --- linear --------------------------------------------------------------------------------------


def matmul(a, b, y):
    np.matmul(a, b, out=y)


def linear_forward(x, weight, bias, y):
    np.matmul(x, weight.T, out=y)
    y += bias


# --- conv2d, max_pool2d --------------------------------------------------------------------------


def _under(windows, window, stride, dilation, before, size):
    """Where along a side element i of window o lies, (window, windows); outside: `size`."""
    o, i = np.arange(windows), np.arange(window)[:, None]
    position = o * stride + i * dilation - before
    return np.where((position < 0) | (position >= size), size, position)


def _places(x, columns, stride_h, stride_w, top, left, dilation_h, dilation_w):
    """The rows and columns of x for all (i, j, o, p), where H and W stand for outside."""
    kernel_h, kernel_w, out_h, out_w = columns.shape[2:]
    h = _under(out_h, kernel_h, stride_h, dilation_h, top, x.shape[2])
    w = _under(out_w, kernel_w, stride_w, dilation_w, left, x.shape[3])
    return h[:, None, :, None], w[None, :, None, :]


def conv2d_gather(x, columns, stride_h, stride_w, top, left, dilation_h, dilation_w):
    h, w = _places(x, columns, stride_h, stride_w, top, left, dilation_h, dilation_w)
    columns[...] = np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1)))[:, :, h, w]


def conv2d_scatter(columns, x, stride_h, stride_w, top, left, dilation_h, dilation_w):
    N, C, H, W = x.shape
    h, w = _places(x, columns, stride_h, stride_w, top, left, dilation_h, dilation_w)
    dx = np.zeros((N, C, H + 1, W + 1), x.dtype)
    np.add.at(dx, (slice(None), slice(None), h, w), columns)
    x += dx[:, :, :H, :W]


def _windows(x, weight, y, *steps):
    """The columns of x (N, groups, C / groups, kernel_h, kernel_w, out_h, out_w)."""
    columns = np.empty((*x.shape[:2], *weight[2:], *y[2:]), x.dtype)
    conv2d_gather(x, columns, *steps)
    return columns.reshape(len(x), -1, *weight[1:], *y[2:])


def conv2d_forward(x, weight, bias, y, stride_h, stride_w, top, left, dilation_h, dilation_w):
    steps = stride_h, stride_w, top, left, dilation_h, dilation_w
    u = _windows(x, weight.shape, y.shape, *steps)
    w = weight.reshape(u.shape[1], -1, *weight.shape[1:])
    y[...] = np.einsum("gocij,ngcijpq->ngopq", w, u).reshape(y.shape)
    if bias is not None:
        y += bias[:, None, None]


def conv2d_image_gradient(dy, weight, dx, stride_h, stride_w, top, left, dilation_h, dilation_w):
    steps = stride_h, stride_w, top, left, dilation_h, dilation_w
    w = weight.reshape(dx.shape[1] // weight.shape[1], -1, *weight.shape[1:])
    dys = dy.reshape(len(dy), len(w), -1, *dy.shape[2:])
    du = np.einsum("gocij,ngopq->ngcijpq", w, dys)
    dx[...] = 0
    conv2d_scatter(du.reshape(*dx.shape[:2], *du.shape[3:]), dx, *steps)


def conv2d_weight_gradient(dy, x, dweight, stride_h, stride_w, top, left, dilation_h, dilation_w):
    steps = stride_h, stride_w, top, left, dilation_h, dilation_w
    groups, *window, outputs = dweight.shape
    u = _windows(x, (groups * outputs, *window), dy.shape, *steps)
    dys = dy.reshape(len(dy), groups, outputs, *dy.shape[2:])
    dweight += np.einsum("ngopq,ngcijpq->gcijo", dys, u)


def max_pool2d_forward(
    x, y, index, kernel_h, kernel_w, stride_h, stride_w, top, left, dilation_h, dilation_w
):
    H, W = x.shape[1:]
    y[...], index[...] = -np.inf, -1
    h = _under(y.shape[1], kernel_h, stride_h, dilation_h, top, H)
    w = _under(y.shape[2], kernel_w, stride_w, dilation_w, left, W)
    padded = np.pad(x, ((0, 0), (0, 1), (0, 1)))
    for i, j in np.ndindex(kernel_h, kernel_w):
        value = padded[:, h[i][:, None], w[j]]
        position = h[i][:, None] * W + w[j]
        wins = (value > y) | np.isnan(value) | (index == -1)
        wins &= (h[i] < H)[:, None] & (w[j] < W)
        y[...] = np.where(wins, value, y)
        index[...] = np.where(wins, position, index)


def max_pool2d_scatter(dy, index, dx):
    padded = np.zeros((dx.shape[0], dx.shape[1] + 1), dx.dtype)  # the last for the index -1
    np.add.at(padded, (np.arange(len(dx))[:, None], index), dy)
    dx[...] = padded[:, :-1]


def max_pool2d_gather(x, index, y):
    y[...] = np.pad(x, ((0, 0), (0, 1)))[np.arange(len(x))[:, None], index]


# --- dropout -------------------------------------------------------------------------------------


def dropout_forward(x, u, y, mask, p):
    mask[...] = u >= p
    y[...] = x * (mask * x.dtype.type(1 / (1 - p) if p < 1 else 0))


def dropout_backward(dy, mask, dx, p):
    dx[...] = dy * (mask * dy.dtype.type(1 / (1 - p) if p < 1 else 0))


# --- group norm ----------------------------------------------------------------------------------


def _groups(u, mean):
    """u (N, C, L) as (N, groups, values per group), for the groups that the statistics have."""
    return u.reshape(*mean.shape, u.shape[1] // mean.shape[1] * u.shape[2])


def group_norm_forward(x, gamma, beta, y, mean, inv_std, eps):
    if x.size == 0:
        return
    groups = _groups(x, mean).astype(np.float64)
    mean[...] = groups[..., 0] + (groups - groups[..., :1]).mean(2)
    inv_std[...] = 1 / np.sqrt(((groups - mean[..., None]) ** 2).mean(2) + eps)
    x_hat = ((groups - mean[..., None]) * inv_std[..., None]).reshape(x.shape)
    y[...] = gamma[:, None] * x_hat + beta[:, None]


def group_norm_backward(dy, x, gamma, mean, inv_std, dx, dgamma, dbeta):
    x_hat = (_groups(x, mean) - mean[..., None]) * inv_std[..., None]
    dbeta[...] = dy.sum((0, 2), dtype=np.float64)
    dgamma[...] = (dy * x_hat.reshape(x.shape)).sum((0, 2))
    if dx is None or dx.size == 0:
        return
    h = _groups(np.multiply(gamma[:, None], dy, dtype=np.float64), mean)
    along = (h * x_hat).mean(2, keepdims=True)
    rest = h - h.mean(2, keepdims=True) - x_hat * along
    dx[...] = (inv_std[..., None] * rest).reshape(x.shape)


# --- layer norm ----------------------------------------------------------------------------------


def layer_norm_forward(x, gamma, beta, y, mean, inv_std, eps):
    if x.size == 0:
        return
    x = x.astype(np.float64)
    mean[...] = x[:, 0] + (x - x[:, :1]).mean(1)
    inv_std[...] = 1 / np.sqrt(((x - mean[:, None]) ** 2).mean(1) + eps)
    y[...] = gamma * ((x - mean[:, None]) * inv_std[:, None]) + beta


def layer_norm_backward(dy, x, gamma, mean, inv_std, dx, dgamma, dbeta):
    x_hat = (x - mean[:, None]) * inv_std[:, None]
    dbeta[...] = dy.sum(0, dtype=np.float64)
    dgamma[...] = (dy * x_hat).sum(0)
    if dx is None or dx.size == 0:
        return
    h = np.multiply(gamma, dy, dtype=np.float64)
    along = (h * x_hat).mean(1, keepdims=True)
    dx[...] = inv_std[:, None] * (h - h.mean(1, keepdims=True) - x_hat * along)


# --- softmax, log-softmax, cross-entropy: in float64, rounded once at the end --------------------


def _exponentials(x):
    """e = exp(x − m), m = max x, and the rest: the sum of e without the 1 of the maximum."""
    x = x.astype(np.float64)
    m = x.max(axis=1, keepdims=True, initial=-np.inf)
    e = np.exp(x - m)
    rest = np.where(np.arange(x.shape[1]) == x.argmax(axis=1)[:, None], m - m, e) if x.size else e
    return e, m, rest.sum(axis=1, keepdims=True)


def softmax_forward(x, y, scratch):
    e, _, rest = _exponentials(x)
    y[...] = e / (1 + rest)


def softmax_backward(dy, y, dx):
    dy, y = dy.astype(np.float64), y.astype(np.float64)
    dx[...] = y * (dy - (dy * y).sum(axis=1, keepdims=True))


def log_softmax_forward(x, y, scratch):
    _, m, rest = _exponentials(x)
    y[...] = (x - m) - np.log1p(rest)


def log_softmax_backward(dy, y, dx):
    dy, y = dy.astype(np.float64), y.astype(np.float64)
    dx[...] = dy - np.exp(y) * dy.sum(axis=1, keepdims=True)


def label_outside(targets, C, ignore_index):
    outside = ((targets < 0) | (targets >= C)) & (targets != ignore_index)
    return int(outside.argmax()) if outside.any() else -1


def _weighed(weight, h):
    """weight · h, where a weight of 0 takes out an infinite h."""
    return weight * np.where((weight == 0) & (h == np.inf), 0, h)


def cross_entropy_forward(
    logits, targets, weight, loss, error, scratch, ignore_index, label_smoothing, reduction
):
    """error = (softmax(x) − onehot(t)) / N   (0)   without weights, smoothing and ignored rows"""
    if label_outside(targets, logits.shape[1], ignore_index) >= 0:
        raise IndexError("cross_entropy_forward: a label is outside 0 … C - 1")
    counted = targets != ignore_index
    x, t = logits[counted], targets[counted, None]
    hard, soft = 1 - label_smoothing, label_smoothing / max(x.shape[1], 1)
    w = np.ones(x.shape[1]) if weight is None else weight.astype(np.float64)
    w_t, is_t = w[t], t == np.arange(len(w))

    e, m, rest = _exponentials(x)
    h = (m - x) + np.log1p(rest)
    row = _weighed(hard * w_t, np.take_along_axis(h, t, axis=1)).sum(axis=1)
    if soft:
        row += _weighed(soft * w, h).sum(axis=1)
    divisor = w_t.sum() if reduction == "mean" else 1.0
    if reduction == "none":
        loss[...] = 0
        loss[counted] = row
    else:
        loss[...] = row.sum() / divisor
    if error is not None:
        not_t = np.where(e == 1, rest, (1 + rest) - e)
        y, not_t = e / (1 + rest), not_t / (1 + rest)
        slope = (hard * w_t + soft * w.sum()) * y - soft * w
        slope_t = soft * (y * w.sum() - w) - hard * w_t * not_t
        error[...] = 0
        error[counted] = np.where(is_t, slope_t, slope) / divisor if divisor else 0


def cross_entropy_backward(dloss, error, targets, dlogits, ignore_index):
    dlogits[...] = np.where(targets == ignore_index, 0, dloss)[:, None] * error


# --- optimizers ----------------------------------------------------------------------------------


def sgd_step(updates):
    """p ← p − lr · g   (0)   without momentum and weight decay"""
    for g, p, buf, dampening, o in updates:
        d = (-g if o.maximize else g) + o.weight_decay * p
        if buf is None:
            p -= o.lr * d
            continue
        buf[...] = o.momentum * buf + (1 - dampening) * d
        p -= o.lr * (d + o.momentum * buf if o.nesterov else buf)


def adam_step(updates):
    """p ← p − lr · m̂ / (√v̂ + eps)   (0)   without weight decay"""
    for g, p, m, v, v_max, t, o in updates:
        d = (-g if o.maximize else g) + (0 if o.decoupled else o.weight_decay * p)
        m[...] = o.beta1 * m + (1 - o.beta1) * d
        v[...] = o.beta2 * v + (1 - o.beta2) * d**2
        largest = v if v_max is None else np.maximum(v_max, v, out=v_max)
        keep = 1 - o.lr * o.weight_decay if o.decoupled else 1
        denominator = np.sqrt(largest) / (1 - o.beta2**t) ** 0.5 + o.eps
        p[...] = keep * p - o.lr / (1 - o.beta1**t) * m / denominator


def rmsprop_step(updates):
    """p ← p − lr · g / (√v + eps)   (0)   without weight decay and momentum"""
    for g, p, v, m, buf, o in updates:
        d = (-g if o.maximize else g) + o.weight_decay * p
        v[...] = o.alpha * v + (1 - o.alpha) * d**2
        if m is not None:
            m[...] = o.alpha * m + (1 - o.alpha) * d
        q = d / (np.sqrt(v if m is None else np.maximum(v - m**2, 0)) + o.eps)
        if buf is not None:
            buf[...] = o.momentum * buf + q
        p -= o.lr * (q if buf is None else buf)


# --- reductions ----------------------------------------------------------------------------------


def sum_forward(x, y, divisor):
    y[...] = x.sum(axis=1, dtype=np.float64) / divisor


def var_forward(x, mean, y, divisor):
    y[...] = np.square(x - mean[:, None, :]).sum(axis=1) / divisor
