"""The operations as functions under torch's names: each is the function of `ops`, not a copy."""

from ..ops.activations import gelu, leaky_relu, relu, sigmoid, tanh
from ..ops.linear import linear
from ..ops.shaping import flatten

__all__ = ["flatten", "gelu", "leaky_relu", "linear", "relu", "sigmoid", "tanh"]
