"""Layer normalization as a layer: it owns γ and β, and has neither memory nor modes.

γ and β are `weight` and `bias` here, as in torch. Derivation: docs/derivations/layer_norm.md
"""

from __future__ import annotations

from .._checks import class_of, flag, number, sizes
from .._size import Shape
from ..devices import DeviceLike
from ..dtypes import DTypeLike
from ..tensor import Tensor
from . import functional as F
from ._affine import Affine


class LayerNorm(Affine):
    """y = weight · (x − mean) / √(var + eps) + bias for x (…, *normalized_shape), by samples.

    mean and var are taken over the last dimensions, whose sizes are normalized_shape (an integer
    stands for a single one); var is divided by the number of values. weight and bias have this
    shape. The same in training and evaluation. elementwise_affine=False: neither weight nor bias.
    Errors: ShapeError, DTypeError. torch.nn.LayerNorm.
    """

    def __init__(
        self,
        normalized_shape: Shape,
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
        device: DeviceLike | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        several = isinstance(normalized_shape, (tuple, list))
        self.normalized_shape: tuple[int, ...] = sizes(
            "LayerNorm", "normalized_shape", normalized_shape if several else (normalized_shape,)
        )
        self.eps: float = number("LayerNorm", "eps", eps, above=0)
        self.elementwise_affine: bool = flag("LayerNorm", "elementwise_affine", elementwise_affine)
        bias = flag("LayerNorm", "bias", bias) and self.elementwise_affine
        affine = self.elementwise_affine
        self._learn(self.normalized_shape, affine, bias, dtype=dtype, device=device)
        self.reset_parameters()

    def forward(self, input: Tensor) -> Tensor:
        if not isinstance(input, Tensor):
            raise TypeError(f"LayerNorm: input must be a Tensor, got {class_of(input)}")
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self) -> str:
        return (
            f"{self.normalized_shape}, eps={self.eps}, "
            f"elementwise_affine={self.elementwise_affine}, bias={self.bias is not None}"
        )
