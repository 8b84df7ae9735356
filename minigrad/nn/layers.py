"""Layers: each holds its arguments and parameters, and calls the operation of the same name."""

from __future__ import annotations

import math
from typing import Any

from .._checks import choice, flag, integer, number
from ..autograd.grad_mode import is_grad_enabled
from ..devices import DeviceLike
from ..dtypes import DTypeLike
from ..errors import ShapeError
from ..ops.array.creation import empty
from ..tensor import Tensor
from . import functional as F
from . import init
from .linting.record import after_call
from .module import Module, Parameter


class Identity(Module):
    """y = x, whatever arguments it was made with. torch.nn.Identity."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Tensor) -> Tensor:
        return input


class Flatten(Module):
    """Joins the dimensions from `start_dim` to `end_dim` into one. torch.nn.Flatten."""

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim: int = integer("Flatten", "start_dim", start_dim, at_least=-math.inf)
        self.end_dim: int = integer("Flatten", "end_dim", end_dim, at_least=-math.inf)

    def forward(self, input: Tensor) -> Tensor:
        return F.flatten(input, self.start_dim, self.end_dim)

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Linear(Module):
    """y = x Wᵀ + b: x (…, in_features) → y (…, out_features). torch.nn.Linear.

    weight (out_features, in_features) and bias (out_features,) start from U(−k, k) with
    k = 1/√in_features.
    """

    weight: Parameter
    bias: Parameter | Any

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: DeviceLike | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        self.in_features: int = integer("Linear", "in_features", in_features)
        self.out_features: int = integer("Linear", "out_features", out_features)
        options: dict[str, Any] = {"dtype": dtype, "device": device}
        self.weight = Parameter(empty(self.out_features, self.in_features, **options))
        if flag("Linear", "bias", bias):
            self.bias = Parameter(empty(self.out_features, **options))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        # torch's kaiming_uniform_ with a = √5 is this same bound.
        bound = 1 / math.sqrt(self.in_features) if self.in_features else 0.0
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input: Tensor) -> Tensor:
        try:
            return F.linear(input, self.weight, self.bias)
        except ShapeError:
            shape = tuple(getattr(input, "shape", ()))
            images = len(shape) > 2 and math.prod(shape[1:]) == self.in_features
            image = len(shape) > 1 and math.prod(shape) == self.in_features
            raise ShapeError(
                f"{self}: expected input of shape (…, {self.in_features}), got {shape}"
                + ("; nn.Flatten() makes one row of each image" if images else "")
                + ("; x.reshape(1, -1) makes a row of one image" if image else "")
                + " (more: python -m minigrad book linear#the-linear-layer)"
            ) from None

    def extra_repr(self) -> str:
        bias = self.bias is not None
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={bias}"


class _Activation(Module):
    """An elementwise layer that can write its result over its input."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace: bool = flag(type(self).__name__, "inplace", inplace)

    def extra_repr(self) -> str:
        return "inplace=True" if self.inplace else ""


class ReLU(_Activation):
    """y = max(x, 0). torch.nn.ReLU."""

    def forward(self, input: Tensor) -> Tensor:
        return F.relu(input, self.inplace)


class LeakyReLU(_Activation):
    """y = x where x > 0, else negative_slope · x. torch.nn.LeakyReLU."""

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        super().__init__(inplace)
        self.negative_slope: float = number("LeakyReLU", "negative_slope", negative_slope)

    def forward(self, input: Tensor) -> Tensor:
        return F.leaky_relu(input, self.negative_slope, self.inplace)

    def extra_repr(self) -> str:
        return f"negative_slope={self.negative_slope}{', inplace=True' if self.inplace else ''}"


class Sigmoid(Module):
    """y = 1 / (1 + e^−x). torch.nn.Sigmoid."""

    def forward(self, input: Tensor) -> Tensor:
        return F.sigmoid(input)


class Tanh(Module):
    """y = tanh x. torch.nn.Tanh."""

    def forward(self, input: Tensor) -> Tensor:
        return F.tanh(input)


class GELU(Module):
    """y = x · Φ(x), Φ the normal distribution function ("none") or its tanh formula ("tanh").

    torch.nn.GELU.
    """

    def __init__(self, approximate: str = "none") -> None:
        super().__init__()
        self.approximate: str = choice("GELU", "approximate", approximate, ("none", "tanh"))

    def forward(self, input: Tensor) -> Tensor:
        return F.gelu(input, approximate=self.approximate)

    def extra_repr(self) -> str:
        return f"approximate={self.approximate!r}"


class _AlongDim(Module):
    """A layer that works along one dimension, which must be named before it runs."""

    def __init__(self, dim: int | None = None) -> None:
        super().__init__()
        name = type(self).__name__
        self.dim: int | None = dim if dim is None else integer(name, "dim", dim, at_least=-math.inf)

    def extra_repr(self) -> str:
        return f"dim={self.dim}"


class Softmax(_AlongDim):
    """y = e^x / Σ e^x along `dim`. torch.nn.Softmax."""

    def forward(self, input: Tensor) -> Tensor:
        return F.softmax(input, self.dim)


class LogSoftmax(_AlongDim):
    """y = log softmax(x) along `dim`. torch.nn.LogSoftmax."""

    def forward(self, input: Tensor) -> Tensor:
        return F.log_softmax(input, self.dim)


class Dropout(Module):
    """Sets each element to 0 with probability p and scales the rest by 1/(1−p), in training only.

    torch.nn.Dropout.
    """

    _drop = staticmethod(F.dropout)

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        self.p: float = number(type(self).__name__, "p", p, at_least=0, at_most=1)
        self.inplace: bool = flag(type(self).__name__, "inplace", inplace)

    def forward(self, input: Tensor) -> Tensor:
        y = self._drop(input, self.p, self.training, self.inplace)
        if self.training and self.p:
            state = vars(self)
            state["_record"] = after_call(state.get("_record", 0), is_grad_enabled())
        return y

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout2d(Dropout):
    """Dropout of whole channels: (N, C, H, W), each of the N · C planes kept or 0.

    torch.nn.Dropout2d.
    """

    _drop = staticmethod(F.dropout2d)
