from ...tensor import Tensor

def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx: int | None = None,
    max_norm: None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Tensor:
    """y[…, :] = weight[input[…], :]: indices (…), weight (V, D) → (…, D).

    input: int64 or int32. padding_idx: a row that receives no gradient. The last four arguments
    have no other values here. Errors: IndexError, ShapeError, DTypeError, ValueError.
    torch.nn.functional.embedding.
    """

def padding_row(padding_idx: int, count: int) -> int:
    """The row that padding_idx names, counted from the front."""
