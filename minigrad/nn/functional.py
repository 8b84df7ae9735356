"""The operations as functions under torch's names: each is the function of `ops`, not a copy."""

from __future__ import annotations

import numpy as np

from .._checks import class_of, integer
from ..dtypes import int64
from ..errors import DTypeError
from ..ops.array.creation import as_tensor, zeros
from ..ops.math.linear import linear
from ..ops.math.shaping import flatten
from ..ops.nn.activations import gelu, leaky_relu, relu, sigmoid, tanh
from ..ops.nn.avg_pool2d import adaptive_avg_pool2d, avg_pool2d
from ..ops.nn.batch_norm import batch_norm
from ..ops.nn.batch_renorm import batch_renorm
from ..ops.nn.conv2d import conv2d, conv_transpose2d
from ..ops.nn.cross_entropy import cross_entropy, nll_loss
from ..ops.nn.dropout import dropout, dropout2d
from ..ops.nn.embedding import embedding
from ..ops.nn.group_norm import group_norm
from ..ops.nn.layer_norm import layer_norm
from ..ops.nn.log_softmax import log_softmax
from ..ops.nn.losses import (
    binary_cross_entropy,
    binary_cross_entropy_with_logits,
    l1_loss,
    mse_loss,
    smooth_l1_loss,
)
from ..ops.nn.max_pool2d import max_pool2d
from ..ops.nn.softmax import softmax
from ..tensor import Tensor

__all__ = [
    "adaptive_avg_pool2d",
    "avg_pool2d",
    "batch_norm",
    "batch_renorm",
    "binary_cross_entropy",
    "binary_cross_entropy_with_logits",
    "conv2d",
    "conv_transpose2d",
    "cross_entropy",
    "dropout",
    "dropout2d",
    "embedding",
    "flatten",
    "gelu",
    "group_norm",
    "l1_loss",
    "layer_norm",
    "leaky_relu",
    "linear",
    "log_softmax",
    "max_pool2d",
    "mse_loss",
    "nll_loss",
    "one_hot",
    "relu",
    "sigmoid",
    "smooth_l1_loss",
    "softmax",
    "tanh",
]


def one_hot(tensor: Tensor, num_classes: int = -1) -> Tensor:
    """A 1 at the position of each label and 0 elsewhere: labels (…) → int64 (…, num_classes).

    With −1 there are as many classes as the largest label needs. Errors: IndexError for labels
    outside, DTypeError for anything but integers. torch.nn.functional.one_hot.
    """
    if not isinstance(tensor, Tensor):
        raise TypeError(f"one_hot: tensor must be a Tensor, got {class_of(tensor)}")
    labels = tensor.detach().numpy()
    if labels.dtype.kind not in "iu":
        raise DTypeError(f"one_hot: labels must be integers, got {tensor.dtype}")
    num_classes = integer("one_hot", "num_classes", num_classes, at_least=-1)
    if num_classes == -1:
        if not labels.size:
            raise ValueError("one_hot: without labels, num_classes must be given")
        num_classes = int(labels.max()) + 1
    outside = np.argwhere((labels < 0) | (labels >= num_classes))
    if len(outside):
        where = tuple(map(int, outside[0]))
        raise IndexError(
            f"one_hot: label {labels[where]} at {list(where)} is outside 0 to {num_classes - 1}"
        )
    try:
        result = zeros(*labels.shape, num_classes, dtype=int64)
    except MemoryError as error:
        raise MemoryError(f"one_hot: for {num_classes} classes: {error}") from None
    return result.scatter_(-1, as_tensor(labels[..., None].astype(np.int64)), 1)
