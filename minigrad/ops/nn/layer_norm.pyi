from collections.abc import Sequence

from ...tensor import Tensor, _Operand

def layer_norm(
    input: _Operand,
    normalized_shape: Sequence[int],
    weight: _Operand | None = None,
    bias: _Operand | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """y = weight · (input − mean) / √(var + eps) + bias, mean and var over the last dimensions.

    input: (…, *normalized_shape), float32 or float64; var is divided by the number of values.
    weight, bias: of shape normalized_shape (at least one dimension) and of input's dtype, or None.
    Errors: ShapeError, DTypeError, TypeError; ValueError for an eps not above 0.
    torch.nn.functional.layer_norm.
    In the book: python -m minigrad book layer_norm
    """
