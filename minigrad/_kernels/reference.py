"""The kernels in NumPy: same names, same arguments, same results; slow, and easy to step through."""

import math

import numpy as np


# --- activations ---------------------------------------------------------------------------------


def relu_forward(x, y):
    y[...] = np.where(x <= 0, 0, x)


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


_erfc = np.vectorize(math.erfc, otypes=[np.float64])


def gelu_forward(x, y):
    x = x.astype(np.float64)
    y[...] = x * _erfc(-x / np.sqrt(2)) / 2


def gelu_backward(dy, x, dx):
    x = x.astype(np.float64)
    phi = np.exp(-x * x / 2) / np.sqrt(2 * np.pi)
    dx[...] = dy * (_erfc(-x / np.sqrt(2)) / 2 + x * phi)


def gelu_tanh_forward(x, y):
    x = x.astype(np.float64)
    y[...] = x * _sigmoid(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))


def gelu_tanh_backward(dy, x, dx):
    x = x.astype(np.float64)
    s = _sigmoid(2 * np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))
    du = 2 * np.sqrt(2 / np.pi) * (1 + 3 * 0.044715 * x**2)
    dx[...] = dy * (s + x * s * (1 - s) * du)


# --- dropout -------------------------------------------------------------------------------------


def dropout_forward(x, u, y, mask, p):
    mask[...] = u >= p
    y[...] = x * (mask * x.dtype.type(1 / (1 - p) if p < 1 else 0))


def dropout_backward(dy, mask, dx, p):
    dx[...] = dy * (mask * dy.dtype.type(1 / (1 - p) if p < 1 else 0))


# --- optimisers ----------------------------------------------------------------------------------


def sgd_step(updates):
    for g, p, buf, lr, momentum, dampening, weight_decay, nesterov, maximize in updates:
        d = (-g if maximize else g) + weight_decay * p
        if buf is None:
            p -= lr * d
            continue
        buf[...] = momentum * buf + (1 - dampening) * d
        p -= lr * (d + momentum * buf if nesterov else buf)


def adam_step(updates):
    for update in updates:
        g, p, m, v, v_max, t, lr, beta1, beta2, eps, weight_decay, decoupled, maximize = update
        d = (-g if maximize else g) + (0 if decoupled else weight_decay * p)
        m[...] = beta1 * m + (1 - beta1) * d
        v[...] = beta2 * v + (1 - beta2) * d**2
        largest = v if v_max is None else np.maximum(v_max, v, out=v_max)
        keep = 1 - lr * weight_decay if decoupled else 1
        denominator = np.sqrt(largest) / (1 - beta2**t) ** 0.5 + eps
        p[...] = keep * p - lr / (1 - beta1**t) * m / denominator
