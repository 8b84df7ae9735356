from ...tensor import Tensor, _Operand

def group_norm(
    input: _Operand,
    num_groups: int,
    weight: _Operand | None = None,
    bias: _Operand | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """y = weight · (input − mean) / √(var + eps) + bias, mean and var of a group of channels.

    input: (N, C) or (N, C, …), float32 or float64; each sample's C channels form num_groups groups
    of neighbors; var is divided by the number of values. weight, bias: (C,), of input's dtype, or
    None. Errors: ShapeError, DTypeError, TypeError; ValueError if num_groups does not divide C, if
    there is a single value to normalize, and if eps is not above 0. torch.nn.functional.group_norm.
    In the book: python -m minigrad book group_norm
    """
