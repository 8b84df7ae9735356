from ...tensor import Tensor

def mse_loss(
    input: Tensor,
    target: Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """(input − target)², and its mean (default), its sum, or each.

    One shape (others are broadcast, with a warning); weight, of that shape: a factor for each
    square, and the mean is then divided by the sum of the weights. torch.nn.functional.mse_loss.
    """

def l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    weight: Tensor | None = None,
) -> Tensor:
    """|input − target|, and its mean (default), its sum, or each; shapes and weight as in mse_loss.

    The gradient is the sign of the difference, 0 where there is none. torch.nn.functional.l1_loss.
    """

def smooth_l1_loss(
    input: Tensor,
    target: Tensor,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Tensor:
    """d² / (2 · beta) where |d| < beta, else |d| − beta / 2, with d = input − target.

    A square near 0 and an absolute value far away, which meet with one slope at beta. One shape
    (others are broadcast, with a warning); the mean (default), the sum, or each.
    torch.nn.functional.smooth_l1_loss.
    """

def binary_cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
) -> Tensor:
    """−w · (t · log x + (1 − t) · log(1 − x)), and its mean (default), its sum, or each.

    x = input, probabilities from 0 to 1; t = target, of its shape; w = weight is broadcast. So that
    x = 0 and 1 have a loss, a logarithm counts as at least −100, and x · (1 − x) in the gradient as
    at least 1e-12, as in torch. binary_cross_entropy_with_logits needs no such bounds: prefer it.
    Errors: ValueError (not a probability), ShapeError, DTypeError.
    torch.nn.functional.binary_cross_entropy. Derivation: docs/derivations/binary_cross_entropy.md.
    """

def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor | None = None,
    size_average: None = None,
    reduce: None = None,
    reduction: str = "mean",
    pos_weight: Tensor | None = None,
) -> Tensor:
    """−w · (p · t · log σ(x) + (1 − t) · log(1 − σ(x))), and its mean (default), its sum, or each.

    Computed as w · (p · t · softplus(−x) + (1 − t) · softplus(x)), where nothing cancels; x is the
    input, t the target of its shape, from 0 to 1; w = weight and p = pos_weight are broadcast.
    For x = ±∞ the loss is 0 where it is right, or weighs 0, else ∞; the gradient is σ(x) − t.
    Errors: ShapeError, DTypeError. torch.nn.functional.binary_cross_entropy_with_logits.
    """
