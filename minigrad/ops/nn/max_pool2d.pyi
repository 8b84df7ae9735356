from typing import Literal, overload

from ...tensor import Tensor, _Operand

_Pair = int | tuple[int, int]

@overload
def max_pool2d(
    input: _Operand,
    kernel_size: _Pair,
    stride: _Pair | None = None,
    padding: _Pair = 0,
    dilation: _Pair = 1,
    ceil_mode: bool = False,
    return_indices: Literal[False] = False,
) -> Tensor:
    """The largest value under each window: (N, C, H, W) → (N, C, out_h, out_w), or without N.

    out = (H + 2·padding − dilation·(kernel_size − 1) − 1) // stride + 1, with ceil_mode rounded up
    (but no window begins beyond the image). kernel_size, stride (None: kernel_size), padding (−∞,
    at most half of kernel_size) and dilation: an integer, or a pair for height and width. Of equal
    values the first wins; a NaN wins against numbers. return_indices: also where the winners stand,
    h·W + w, int64 (−1 for a window that sees padding only). float32 or float64. Errors, before
    anything is computed: ShapeError, DTypeError, TypeError, ValueError.
    torch.nn.functional.max_pool2d.
    In the book: python -m minigrad book max_pool2d
    """

@overload
def max_pool2d(
    input: _Operand,
    kernel_size: _Pair,
    stride: _Pair | None = None,
    padding: _Pair = 0,
    dilation: _Pair = 1,
    ceil_mode: bool = False,
    *,
    return_indices: Literal[True],
) -> tuple[Tensor, Tensor]: ...
