"""Average pooling as layers."""

from __future__ import annotations

from collections.abc import Sequence

from .._checks import Pair, flag, integer, pair
from ..tensor import Tensor
from . import functional as F
from .module import Module


class AvgPool2d(Module):
    """The mean under each window: torch.nn.AvgPool2d.

    (N, C, H, W) → (N, C, out_h, out_w), or both without N, with
    out = (H + 2 · padding − kernel_size) // stride + 1, rounded up instead of down with ceil_mode.
    kernel_size, stride (None: kernel_size) and padding (zeros, which count unless
    count_include_pad is False): an integer, or a pair for height and width. divisor_override: a
    number to divide every sum by.
    """

    kernel_size: Pair
    stride: Pair
    padding: Pair

    def __init__(
        self,
        kernel_size: Pair,
        stride: Pair | None = None,
        padding: Pair = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        super().__init__()
        stride = kernel_size if stride is None else stride
        for name, value, at_least in (
            ("kernel_size", kernel_size, 1),
            ("stride", stride, 1),
            ("padding", padding, 0),
        ):
            pair("AvgPool2d", name, value, at_least=at_least)
            setattr(self, name, value)
        self.ceil_mode: bool = flag("AvgPool2d", "ceil_mode", ceil_mode)
        self.count_include_pad: bool = flag("AvgPool2d", "count_include_pad", count_include_pad)
        if divisor_override is not None:
            integer("AvgPool2d", "divisor_override", divisor_override, at_least=1)
        self.divisor_override: int | None = divisor_override

    def forward(self, input: Tensor) -> Tensor:
        return F.avg_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.ceil_mode,
            self.count_include_pad,
            self.divisor_override,
        )

    def extra_repr(self) -> str:
        return f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}"


class AdaptiveAvgPool2d(Module):
    """Means of windows so wide that output_size of them cover the image.

    (N, C, H, W) → (N, C, out_h, out_w), or both without N. output_size: an integer, or a pair, in
    which None keeps a side. torch.nn.AdaptiveAvgPool2d.
    """

    def __init__(self, output_size: int | Sequence[int | None]) -> None:
        super().__init__()
        sides = output_size if isinstance(output_size, (tuple, list)) else (output_size,) * 2
        known = tuple(1 if side is None else side for side in sides)
        pair("AdaptiveAvgPool2d", "output_size", known, at_least=1)
        self.output_size: int | Sequence[int | None] = output_size

    def forward(self, input: Tensor) -> Tensor:
        return F.adaptive_avg_pool2d(input, self.output_size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"
