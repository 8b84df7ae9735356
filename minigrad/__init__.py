"""Backpropagation to read: arrays with history, and the gradient of every operation derived."""

from . import _built  # noqa: F401  first: it says in words what is wrong with the compiled modules
from . import autograd, ops
from .tensor import Tensor
