from ...tensor import Tensor

def dropout(input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """Each element 0 with probability p, else input / (1 − p); `input` itself when not training.

    float32 or float64 (any dtype when not training), any shape. Draws from the default generator
    (`manual_seed`). inplace: write the result over `input`. torch.nn.functional.dropout.
    In the book: python -m minigrad book dropout
    """

def dropout2d(
    input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False
) -> Tensor:
    """Dropout of whole channels: each plane of (N, C, H, W), or row of (N, C, L), is kept or 0.

    The other arguments are those of dropout. torch.nn.functional.dropout2d.
    """
