from ...tensor import Tensor, _Operand

def avg_pool2d(
    input: _Operand,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int] | None = None,
    padding: int | tuple[int, int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Tensor: ...
def adaptive_avg_pool2d(
    input: _Operand, output_size: int | tuple[int | None, int | None] | None
) -> Tensor: ...
