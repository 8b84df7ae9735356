"""Group normalization as a layer: it owns γ and β, and has neither memory nor modes.

γ and β are `weight` and `bias` here, as in torch. Derivation: docs/derivations/group_norm.md
"""

from __future__ import annotations

from .._checks import class_of, flag, integer, number
from ..devices import DeviceLike
from ..dtypes import DTypeLike
from ..errors import ShapeError
from ..tensor import Tensor
from . import functional as F
from ._affine import Affine


class GroupNorm(Affine):
    """y = weight · (x − mean) / √(var + eps) + bias for x (N, num_channels, …), by groups.

    The channels of each sample form num_groups groups, neighbors together. Each has its mean and
    var (divided by the number of values); weight and bias have one value per channel. The same in
    training and evaluation. affine=False: neither weight nor bias. Errors: ShapeError, DTypeError,
    ValueError if num_groups does not divide num_channels. torch.nn.GroupNorm.
    """

    def __init__(
        self,
        num_groups: int,
        num_channels: int,
        eps: float = 1e-5,
        affine: bool = True,
        device: DeviceLike | None = None,
        dtype: DTypeLike | None = None,
        *,
        bias: bool = True,
    ) -> None:
        super().__init__()
        self.num_groups: int = integer("GroupNorm", "num_groups", num_groups, at_least=1)
        self.num_channels: int = integer("GroupNorm", "num_channels", num_channels)
        if self.num_channels % self.num_groups:
            raise ValueError(
                f"GroupNorm: num_channels ({self.num_channels}) must be divisible by num_groups "
                f"({self.num_groups})"
            )
        self.eps: float = number("GroupNorm", "eps", eps, above=0)
        self.affine: bool = flag("GroupNorm", "affine", affine)
        bias = flag("GroupNorm", "bias", bias) and self.affine
        self._learn(self.num_channels, self.affine, bias, dtype=dtype, device=device)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        if not isinstance(input, Tensor):
            raise TypeError(f"GroupNorm: input must be a Tensor, got {class_of(input)}")
        if input.ndim >= 2 and input.shape[1] != self.num_channels:
            raise ShapeError(
                f"GroupNorm: expected {self.num_channels} channels (num_channels), "
                f"got {input.shape[1]} in input of shape {tuple(input.shape)}"
            )
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, "
            f"bias={self.bias is not None}"
        )
