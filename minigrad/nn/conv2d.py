"""Convolution as a layer. Derivation: docs/derivations/conv2d.md"""

from __future__ import annotations

import math
from typing import Any

from .._checks import Pair, flag, integer, pair
from ..devices import DeviceLike
from ..dtypes import DTypeLike
from ..errors import ShapeError
from ..ops.array.creation import empty
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module, Parameter


class _Convolution(Module):
    """What convolutions in both directions share."""

    in_channels: int
    out_channels: int
    kernel_size: tuple[int, int]
    groups: int
    weight: Parameter
    bias: Parameter | Any

    _shown = {"padding": (0, 0), "dilation": (1, 1), "groups": 1}  # by repr, unless they are these

    def _check_groups(self, name):
        for argument in ("in_channels", "out_channels"):
            channels = getattr(self, argument)
            if channels % self.groups:
                raise ValueError(
                    f"{name}: {argument} {channels} must be divisible by groups {self.groups}"
                )

    def _make_parameters(self, name, rows, columns, bias, device, dtype):
        """weight (rows, columns, kernel_h, kernel_w) and bias (out_channels,) or None, drawn."""
        options = {"dtype": dtype, "device": device}
        self.weight = Parameter(empty(rows, columns, *self.kernel_size, **options))
        if flag(name, "bias", bias):
            self.bias = Parameter(empty(self.out_channels, **options))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw weight and bias anew."""
        # torch's kaiming_uniform_ with a = √5 is this same bound.
        fan_in = math.prod(self.weight.shape[1:])
        bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def extra_repr(self) -> str:
        text = (
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, "
            f"stride={self.stride}"
        )
        for name, usual in self._shown.items():
            if getattr(self, name) != usual:
                text += f", {name}={getattr(self, name)}"
        return text if self.bias is not None else f"{text}, bias=False"


def _only_zeros(name, padding_mode):
    if not isinstance(padding_mode, str) or padding_mode != "zeros":
        raise ValueError(
            f"{name}: padding_mode must be 'zeros', the only one there is, got {padding_mode!r}"
        )
    return padding_mode


class Conv2d(_Convolution):
    """Each output is a weighted sum of what lies under one window: torch.nn.Conv2d.

    (N, in_channels, H, W) → (N, out_channels, out_h, out_w), or both without N, with
    out = (H + 2 · padding − dilation · (kernel_size − 1) − 1) // stride + 1.
    kernel_size, stride, padding and dilation: an integer, or a pair for height and width.
    padding: zeros on each side; "valid" is 0, "same" keeps H and W (stride 1 only). groups: the
    channels are cut into as many parts, each with weights of its own. weight (out_channels,
    in_channels / groups, kernel_h, kernel_w) and bias (out_channels,) start from U(−k, k) with
    k = 1/√(in_channels / groups · kernel_h · kernel_w).
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Pair | str = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        device: DeviceLike | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        self.in_channels: int = integer("Conv2d", "in_channels", in_channels)
        self.out_channels: int = integer("Conv2d", "out_channels", out_channels)
        self.kernel_size: tuple[int, int] = pair("Conv2d", "kernel_size", kernel_size, at_least=1)
        self.stride: tuple[int, int] = pair("Conv2d", "stride", stride, at_least=1)
        if isinstance(padding, str):
            if padding not in ("same", "valid"):
                raise ValueError(
                    "Conv2d: padding must be 'same', 'valid', an integer or a pair of integers, "
                    f"got {padding!r}"
                )
            if padding == "same" and self.stride != (1, 1):
                raise ValueError(f"Conv2d: padding='same' needs stride 1, got stride {stride!r}")
            self.padding: tuple[int, int] | str = padding
        else:
            self.padding = pair("Conv2d", "padding", padding, at_least=0)
        self.dilation: tuple[int, int] = pair("Conv2d", "dilation", dilation, at_least=1)
        self.groups: int = integer("Conv2d", "groups", groups, at_least=1)
        self._check_groups("Conv2d")
        self.padding_mode = _only_zeros("Conv2d", padding_mode)
        seen = self.in_channels // self.groups
        self._make_parameters("Conv2d", self.out_channels, seen, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        settings = self.stride, self.padding, self.dilation, self.groups
        try:
            return F.conv2d(input, self.weight, self.bias, *settings)
        except ShapeError as error:
            raise ShapeError(f"{self}: {error}") from None


class ConvTranspose2d(_Convolution):
    """Each input is spread over one window: a convolution seen from the other side.

    (N, in_channels, H, W) → (N, out_channels, out_h, out_w), or both without N, with
    out = (H − 1) · stride − 2 · padding + dilation · (kernel_size − 1) + output_padding + 1. The
    arguments are those of Conv2d; output_padding, smaller than stride or dilation, adds to one
    side. weight (in_channels, out_channels / groups, kernel_h, kernel_w) and bias (out_channels,)
    start from U(−k, k) with k = 1/√(out_channels / groups · kernel_h · kernel_w).
    torch.nn.ConvTranspose2d.
    """

    _shown = {"padding": (0, 0), "dilation": (1, 1), "output_padding": (0, 0), "groups": 1}

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Pair = 0,
        output_padding: Pair = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Pair = 1,
        padding_mode: str = "zeros",
        device: DeviceLike | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        name = "ConvTranspose2d"
        self.in_channels: int = integer(name, "in_channels", in_channels, at_least=1)
        self.out_channels: int = integer(name, "out_channels", out_channels, at_least=1)
        self.kernel_size: tuple[int, int] = pair(name, "kernel_size", kernel_size, at_least=1)
        self.stride: tuple[int, int] = pair(name, "stride", stride, at_least=1)
        self.padding: tuple[int, int] = pair(name, "padding", padding, at_least=0)
        self.output_padding: tuple[int, int] = pair(
            name, "output_padding", output_padding, at_least=0
        )
        self.dilation: tuple[int, int] = pair(name, "dilation", dilation, at_least=1)
        self.groups: int = integer(name, "groups", groups, at_least=1)
        self._check_groups(name)
        self.padding_mode = _only_zeros(name, padding_mode)
        shared = self.out_channels // self.groups
        self._make_parameters(name, self.in_channels, shared, bias, device, dtype)

    def forward(self, input: Tensor) -> Tensor:
        settings = self.stride, self.padding, self.output_padding, self.groups, self.dilation
        try:
            return F.conv_transpose2d(input, self.weight, self.bias, *settings)
        except ShapeError as error:
            raise ShapeError(f"{self}: {error}") from None
