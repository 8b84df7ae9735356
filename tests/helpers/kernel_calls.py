"""A valid call of every kernel, of any size: what tests vary, break and interrupt."""

import numpy as np

from minigrad import _kernels


def _ones(*shape, dtype=np.float32):
    return np.ones(shape, dtype)


def _wide(*shape):
    return np.ones(shape, np.float64)


def _labels(*shape):
    return np.zeros(shape, np.int64)


def _elements(arrays, *numbers):
    return lambda n: [_ones(n) for _ in range(arrays)] + list(numbers)


def _windows(n):
    """An image (1, 4, side, side) and its columns for 3 × 3 windows."""
    side = max(int((n / 36) ** 0.5), 3)
    return _ones(1, 4, side, side), _ones(1, 4, 3, 3, side, side)


def _convolved(n):
    """Images (samples, 5, 14, 14) under 5 × 5 windows with a step of 1, and their outputs."""
    samples = max(n // 980, 1)
    return _ones(samples, 5, 14, 14), _ones(12, 5, 5, 5), _ones(samples, 12, 14, 14)


def _conv2d_forward(n):
    x, weight, y = _convolved(n)
    return [x, weight, _ones(12), y, 1, 1, 2, 2, 1, 1]


def _conv2d_image_gradient(n):
    x, weight, y = _convolved(n)
    return [y, weight, x, 1, 1, 2, 2, 1, 1]


def _conv2d_weight_gradient(n):
    x, _, y = _convolved(n)
    return [y, x, _wide(1, 5, 5, 5, 12), 1, 1, 2, 2, 1, 1]


def _pooled(n):
    return max(n // 4096, 1), 64 * 64 // 4, 64 * 64


SGD = _kernels.SGDOptions(lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=False, maximize=False)
ADAM = _kernels.AdamOptions(
    lr=0.1, beta1=0.9, beta2=0.99, eps=1e-8, weight_decay=0.1, decoupled=True, maximize=False
)


RMSPROP = _kernels.RMSpropOptions(
    lr=0.1, alpha=0.9, eps=1e-8, weight_decay=0.1, momentum=0.9, maximize=False
)


def _rmsprop(n):
    return [[(*[_ones(n) for _ in range(5)], RMSPROP)]]


def _sgd(n):
    return [[(_ones(n), _ones(n), _ones(n), 0.0, SGD)]]


def _adam(n):
    arrays = [_ones(n) for _ in range(5)]
    return [[(*arrays, 1, ADAM)]]


def _max_pool2d_forward(n):
    planes = max(n // 4096, 1)
    x, y = _ones(planes, 64, 64), _ones(planes, 32, 32)
    return [x, y, _labels(planes, 32, 32), 3, 3, 2, 2, 1, 1, 1, 1]


def _max_pool2d_scatter(n):
    planes, windows, places = _pooled(n)
    return [_ones(planes, windows), _labels(planes, windows), _ones(planes, places)]


def _max_pool2d_gather(n):
    planes, windows, places = _pooled(n)
    return [_ones(planes, places), _labels(planes, windows), _ones(planes, windows)]


ROW = 64  # the length of a row, and the number of channels or classes


def _rows(n):
    return max(n // ROW, 1)


CALLS = {
    "relu_forward": _elements(2),
    "relu_backward": _elements(3),
    "leaky_relu_forward": _elements(2, 0.1),
    "leaky_relu_backward": _elements(3, 0.1),
    "sigmoid_forward": _elements(2),
    "sigmoid_backward": _elements(3),
    "tanh_forward": _elements(2),
    "tanh_backward": _elements(3),
    "gelu_forward": _elements(2),
    "gelu_backward": _elements(3),
    "gelu_tanh_forward": _elements(2),
    "gelu_tanh_backward": _elements(3),
    "sgd_step": _sgd,
    "adam_step": _adam,
    "rmsprop_step": _rmsprop,
    "batch_norm_statistics": lambda n: [_ones(_rows(n), ROW), _wide(ROW), _wide(ROW)],
    "batch_norm_forward": lambda n: [
        _ones(_rows(n), ROW), _ones(ROW), _ones(ROW), _ones(_rows(n), ROW),
        _wide(ROW), _wide(ROW), _wide(ROW), 1e-5, True,
    ],
    "batch_norm_backward": lambda n: [
        _ones(_rows(n), ROW), _ones(_rows(n), ROW), _ones(ROW), _wide(ROW), _wide(ROW),
        _ones(_rows(n), ROW), _ones(ROW), _ones(ROW), True,
    ],
    "batch_norm_update": lambda n: [_wide(n), _wide(n), _ones(n), _ones(n), 0.1, 5, True],
    "batch_renorm_correction": lambda n: [
        _wide(n), _wide(n), _ones(n), _ones(n), _ones(n), _ones(n), 1e-5, 3.0, 5.0,
    ],
    "conv2d_gather": lambda n: [*_windows(n), 1, 1, 1, 1, 1, 1],
    "conv2d_scatter": lambda n: [*_windows(n)[::-1], 1, 1, 1, 1, 1, 1],
    "conv2d_forward": _conv2d_forward,
    "conv2d_image_gradient": _conv2d_image_gradient,
    "conv2d_weight_gradient": _conv2d_weight_gradient,
    "label_outside": lambda n: [_labels(n), 3, -100],
    "cross_entropy_forward": lambda n: [
        _ones(_rows(n), ROW), _labels(_rows(n)), _ones(ROW), _ones(1), _ones(_rows(n), ROW),
        _wide(ROW), -100, 0.1, "mean",
    ],
    "cross_entropy_backward": lambda n: [
        _ones(1), _ones(_rows(n), ROW), _labels(_rows(n)), _ones(_rows(n), ROW), -100,
    ],
    "dropout_forward": lambda n: [_ones(n), _ones(n), _ones(n), np.ones(n, np.uint8), 0.5],
    "dropout_backward": lambda n: [_ones(n), np.ones(n, np.uint8), _ones(n), 0.5],
    "group_norm_forward": lambda n: [
        _ones(_rows(n), 4, 16), _ones(4), _ones(4), _ones(_rows(n), 4, 16),
        _wide(_rows(n), 2), _wide(_rows(n), 2), 1e-5,
    ],
    "group_norm_backward": lambda n: [
        _ones(_rows(n), 4, 16), _ones(_rows(n), 4, 16), _ones(4), _wide(_rows(n), 2),
        _wide(_rows(n), 2), _ones(_rows(n), 4, 16), _wide(4), _wide(4),
    ],
    "layer_norm_forward": lambda n: [
        _ones(_rows(n), ROW), _ones(ROW), _ones(ROW), _ones(_rows(n), ROW),
        _wide(_rows(n)), _wide(_rows(n)), 1e-5,
    ],
    "layer_norm_backward": lambda n: [
        _ones(_rows(n), ROW), _ones(_rows(n), ROW), _ones(ROW), _wide(_rows(n)),
        _wide(_rows(n)), _ones(_rows(n), ROW), _wide(ROW), _wide(ROW),
    ],
    "linear_forward": lambda n: [
        _ones(_rows(n), ROW), _ones(ROW, ROW), _ones(ROW), _ones(_rows(n), ROW),
    ],
    "log_softmax_forward": lambda n: [_ones(_rows(n), ROW), _ones(_rows(n), ROW), _wide(ROW)],
    "log_softmax_backward": lambda n: [_ones(_rows(n), ROW) for _ in range(3)],
    "matmul": lambda n: [_ones(_rows(n), ROW), _ones(ROW, ROW), _ones(_rows(n), ROW)],
    "max_pool2d_forward": _max_pool2d_forward,
    "max_pool2d_scatter": _max_pool2d_scatter,
    "max_pool2d_gather": _max_pool2d_gather,
    "sum_forward": lambda n: [_ones(1, _rows(n), ROW), _wide(1, ROW), 1.0],
    "var_forward": lambda n: [_ones(1, _rows(n), ROW), _wide(1, ROW), _wide(1, ROW), 1.0],
    "softmax_forward": lambda n: [_ones(_rows(n), ROW), _ones(_rows(n), ROW), _wide(ROW)],
    "softmax_backward": lambda n: [_ones(_rows(n), ROW) for _ in range(3)],
}  # fmt: skip


def names():
    return sorted(_kernels._compiled)
