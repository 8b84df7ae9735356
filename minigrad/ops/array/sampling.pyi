from ..._size import Shape
from ...devices import DeviceLike
from ...dtypes import DTypeLike
from ...random import Generator
from ...tensor import Tensor

def rand(
    *shape: Shape,
    size: Shape | None = None,
    generator: Generator | None = None,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Numbers spread evenly over [0, 1), of the shape rand(2, 3) or rand((2, 3)). torch.rand."""

def randn(
    *shape: Shape,
    size: Shape | None = None,
    generator: Generator | None = None,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normally distributed numbers, mean 0 and standard deviation 1: randn(2, 3). torch.randn."""

def normal(
    mean: Tensor | float,
    std: Tensor | float = 1.0,
    size: Shape | None = None,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normally distributed numbers of this mean and standard deviation, each a number or a tensor.

    Of the shape `size`, or, where one of both is a tensor, of the shape to which they broadcast; no
    gradient passes. torch.normal.
    """

def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """rand in the shape and dtype of `input`. torch.rand_like."""

def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """randn in the shape and dtype of `input`. torch.randn_like."""

def randint(
    low: int,
    high: Shape | None = None,
    size: Shape | None = None,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """Integers from `low` (or 0) to `high` − 1: randint(high, size), randint(low, high, size).

    int64 unless `dtype` says otherwise. torch.randint.
    """

def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike | None = None,
    device: DeviceLike | None = None,
    requires_grad: bool = False,
) -> Tensor:
    """The integers 0 to n − 1 in random order. torch.randperm."""

def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Positions drawn with probabilities proportional to the numbers ≥ 0 in `input` (or each row).

    Shapes (C,) → (num_samples,), (N, C) → (N, num_samples); int64. Without `replacement` no
    position is drawn twice. Errors: ValueError, ShapeError, DTypeError. torch.multinomial.
    """

def normal_(
    self: Tensor, mean: float = 0, std: float = 1, *, generator: Generator | None = None
) -> Tensor:
    """self ← normally distributed numbers of this mean and deviation. torch.Tensor.normal_."""

def uniform_(
    self: Tensor, a: float = 0, b: float = 1, *, generator: Generator | None = None
) -> Tensor:
    """self ← numbers spread evenly over [a, b). torch.Tensor.uniform_."""
