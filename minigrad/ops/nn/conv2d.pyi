from ...tensor import Tensor, _Operand

def conv2d(
    input: _Operand,
    weight: _Operand,
    bias: _Operand | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] | str = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> Tensor:
    """y[n, o, p, q] = Σ weight[o, c, i, j] · input[n, c, p·s+i·d−pad, q·s+j·d−pad] + bias[o]

    input (N, C, H, W) or (C, H, W), weight (O, C/groups, kernel_h, kernel_w), bias (O,) or None,
    all of one float dtype → (N, O, out_h, out_w), out = (H + 2·pad − d·(kernel − 1) − 1) // s + 1.
    stride, padding and dilation: an integer, or a pair for height and width. padding: zeros on each
    side; "valid" is 0, "same" makes y as large as input (stride 1; an odd zero goes to the end).
    Each of the groups of output channels sees its own input channels only. Errors, all before
    anything is computed: ShapeError, DTypeError, TypeError, ValueError. torch.nn.functional.conv2d.
    In the book: python -m minigrad book conv2d
    """

def conv_transpose2d(
    input: _Operand,
    weight: _Operand,
    bias: _Operand | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    output_padding: int | tuple[int, int] = 0,
    groups: int = 1,
    dilation: int | tuple[int, int] = 1,
) -> Tensor:
    """y[n, o, h, w] = Σ weight[c, o, i, j] · input[n, c, p, q] + bias[o], over p·s + i·d − pad = h

    The gradient of the image of a convolution, (5), as a forward step: each input is spread over
    one window. input (N, C, H, W) or (C, H, W), weight (C, O/groups, kernel_h, kernel_w), bias (O,)
    or None → (N, O, out_h, out_w), out = (H − 1)·s − 2·pad + d·(kernel − 1) + output_padding + 1.
    All of one float dtype; numbers or pairs, as in conv2d. Errors: ShapeError, DTypeError,
    TypeError, ValueError. torch.nn.functional.conv_transpose2d.
    """
