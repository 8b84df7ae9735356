"""Max pooling as a layer. Derivation: docs/derivations/max_pool2d.md"""

from __future__ import annotations

from typing import Any

from .._checks import Pair, flag, pair
from ..tensor import Tensor
from . import functional as F
from .module import Module


class MaxPool2d(Module):
    """The largest value under each window: torch.nn.MaxPool2d.

    (N, C, H, W) → (N, C, out_h, out_w), or both without N, with
    out = (H + 2 · padding − dilation · (kernel_size − 1) − 1) // stride + 1, rounded up instead of
    down with ceil_mode. kernel_size, stride (None: kernel_size), padding (at most half of
    kernel_size; counts as −∞) and dilation: an integer, or a pair for height and width.
    return_indices: also return where the largest values stand in their planes.
    """

    kernel_size: Pair
    stride: Pair
    padding: Pair
    dilation: Pair

    def __init__(
        self,
        kernel_size: Pair,
        stride: Pair | None = None,
        padding: Pair = 0,
        dilation: Pair = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        super().__init__()
        stride = kernel_size if stride is None else stride
        for name, value, at_least in (
            ("kernel_size", kernel_size, 1),
            ("stride", stride, 1),
            ("padding", padding, 0),
            ("dilation", dilation, 1),
        ):
            pair("MaxPool2d", name, value, at_least=at_least)
            setattr(self, name, value)
        sides = zip(
            pair("MaxPool2d", "kernel_size", kernel_size, at_least=1),
            pair("MaxPool2d", "padding", padding, at_least=0),
            strict=True,
        )
        if any(2 * padded > kernel for kernel, padded in sides):
            raise ValueError(
                f"MaxPool2d: padding {padding!r} is more than half of kernel_size {kernel_size!r}"
            )
        self.return_indices: Any = flag("MaxPool2d", "return_indices", return_indices)
        self.ceil_mode: bool = flag("MaxPool2d", "ceil_mode", ceil_mode)

    def forward(self, input: Tensor) -> Tensor | Any:
        return F.max_pool2d(
            input,
            self.kernel_size,
            self.stride,
            self.padding,
            self.dilation,
            self.ceil_mode,
            self.return_indices,
        )

    def extra_repr(self) -> str:
        return (
            f"kernel_size={self.kernel_size}, stride={self.stride}, padding={self.padding}, "
            f"dilation={self.dilation}, ceil_mode={self.ceil_mode}"
        )
