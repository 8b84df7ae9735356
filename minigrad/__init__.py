"""Backpropagation to read: arrays with history, and the gradient of every operation derived."""

from . import _built  # noqa: F401  first: it says in words what is wrong with the compiled modules
from . import autograd, ops
from .tensor import Tensor
from .ops.comparison import (
    allclose, bitwise_and, bitwise_not, bitwise_or, bitwise_xor, eq, equal, ge, gt, isclose, isfinite, isinf, isnan,
    le, logical_and, logical_not, logical_or, logical_xor, lt, ne,
)
from .ops.selection import clamp, maximum, minimum, where
from .errors import CheckpointError, DTypeError, GraphError, ShapeError
