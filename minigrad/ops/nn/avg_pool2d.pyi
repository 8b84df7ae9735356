from collections.abc import Sequence

from ...tensor import Tensor, _Operand

def avg_pool2d(
    input: _Operand,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor:
    """The mean under each window: (N, C, H, W) → (N, C, out_h, out_w), or without N.

    out = (H + 2·padding − kernel_size) // stride + 1, with ceil_mode rounded up. kernel_size,
    stride (None: kernel_size) and padding (zeros, at most half of kernel_size): an integer, or a
    pair for height and width. Zeros of the padding count, unless count_include_pad is False;
    divisor_override: a number to divide every sum by. float32 or float64. Errors: ShapeError,
    DTypeError, TypeError, ValueError. torch.nn.functional.avg_pool2d.
    """

def adaptive_avg_pool2d(input: _Operand, output_size: int | Sequence[int | None] | None) -> Tensor:
    """Means of windows so wide that there are output_size of them: (…, H, W) → (…, out_h, out_w).

    Window p of n goes from ⌊p · H / n⌋ to ⌈(p + 1) · H / n⌉. output_size: an integer, or a pair, in
    which None keeps a side. torch.nn.functional.adaptive_avg_pool2d.
    """
