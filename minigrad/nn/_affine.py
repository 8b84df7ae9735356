"""What normalizations end with: a scale γ and a shift β, both learned."""

from __future__ import annotations

from typing import Any

from ..ops.array.creation import empty
from . import init
from .module import Module, Parameter


class Affine(Module):
    """The base of layers that give weight · x_hat + bias: γ and β are `weight` and `bias`."""

    weight: Parameter | Any
    bias: Parameter | Any

    def _learn(self, shape, weight, bias, **options):
        """Make γ and β, if they are wanted, as tensors of this shape; otherwise None."""
        for name, wanted in (("weight", weight), ("bias", bias)):
            self.register_parameter(name, Parameter(empty(shape, **options)) if wanted else None)

    def reset_parameters(self) -> None:
        """Start anew: weight 1, bias 0."""
        if self.weight is not None:
            init.ones_(self.weight)
        if self.bias is not None:
            init.zeros_(self.bias)
