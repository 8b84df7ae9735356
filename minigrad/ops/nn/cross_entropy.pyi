from ...tensor import Tensor

def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Tensor:
    """−w_t · log softmax(input)_t of the right class t, and its mean (default), its sum, or each.

    input: logits (N, C), (C,) or (N, C, …), float32 or float64.
    target: integer labels (N,), () or (N, …) from 0 to C − 1; those equal to ignore_index have loss
    and gradient 0. Or class probabilities: floats in the shape of the input.
    weight: (C,), a factor for each class. The mean is divided by the sum of the weights of the
    labels; it is nan when no label counts. label_smoothing: the share of the target, from 0 to 1,
    that is spread over all classes. Errors: IndexError for a label that is not a class, ShapeError,
    DTypeError, ValueError. torch.nn.functional.cross_entropy (which takes no int32 labels).
    In the book: python -m minigrad book cross_entropy
    """

def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    ignore_index: int = -100,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """−w_t · input_t of the right class t, and its mean (default), its sum, or each.

    input: log-probabilities (N, C), (C,) or (N, C, …); the rest is as for cross_entropy with
    labels, which is this after log_softmax. torch.nn.functional.nll_loss.
    """
