"""Rows of a table, one per index: what turns words or letters into vectors.

A row that several indices name receives the sum of their gradients, as in every gather.
"""

cimport numpy as cnp

import numpy as np

from ... import _checks
from ...errors import DTypeError, ShapeError
from ...tensor cimport Tensor
from ..math.arguments cimport floating, operand
from ..math.selection import where

cnp.import_array()


def embedding(
    input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False,
    sparse=False
):
    """y[…, :] = weight[input[…], :]: indices (…), weight (V, D) → (…, D).

    input: int64 or int32. padding_idx: a row that receives no gradient. The last four arguments
    have no other values here. Errors: IndexError, ShapeError, DTypeError, ValueError.
    torch.nn.functional.embedding.
    """
    cdef Tensor index = operand("embedding", "input", input)
    cdef Tensor w = floating("embedding", "weight", weight)
    if (<object>index.array).dtype not in (np.int64, np.int32):
        raise DTypeError(f"embedding: input must be int64 or int32, got {index.dtype}; "
                         "indices are .long()")
    if cnp.PyArray_NDIM(w.array) != 2:
        raise ShapeError(f"embedding: weight must be a matrix (V, D), got shape {tuple(w.shape)}")
    if max_norm is not None or scale_grad_by_freq is not False or sparse is not False:
        raise ValueError("embedding: max_norm, scale_grad_by_freq and sparse are not there; leave "
                         "them out")
    count = w.shape[0]
    outside = (index.array < 0) | (index.array >= count)
    if outside.any():
        raise IndexError(f"embedding: index {index.array[outside][0]} is outside 0 to {count - 1}, "
                         "the rows of weight")
    y = w[index]
    if padding_idx is None:
        return y
    row = padding_row(padding_idx, count)
    return where((index == row).unsqueeze(-1), y.detach(), y)


def padding_row(padding_idx, count):
    """The row that padding_idx names, counted from the front."""
    row = _checks.index("embedding", "padding_idx", padding_idx)
    if not -count <= row < count:
        raise ValueError(f"embedding: padding_idx must be from {-count} to {count - 1}, got {row}")
    return row % count
