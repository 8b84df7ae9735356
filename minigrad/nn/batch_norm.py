"""Batch normalization as a layer: it owns γ, β, the running statistics and the mode.

γ and β are `weight` and `bias` here, as in torch. Derivation: docs/derivations/batch_norm.md
"""

from __future__ import annotations

from typing import Any, Self

from .._checks import class_of, flag, integer, number
from ..autograd.grad_mode import is_grad_enabled
from ..devices import DeviceLike
from ..dtypes import DTypeLike, int64
from ..errors import ShapeError
from ..ops.array.creation import empty, zeros
from ..tensor import Tensor
from . import functional as F
from ._affine import Affine
from .linting.record import RENEWED, after_call


class _BatchNorm(Affine):
    """What all batch normalizations share; a subclass says how many dimensions its input has."""

    running_mean: Tensor | Any
    running_var: Tensor | Any
    num_batches_tracked: Tensor | Any
    _dimensions: tuple[int, ...] = ()
    _younger = ("num_batches_tracked",)  # torch has had it since 0.4.1; other libraries do not
    _normalize = staticmethod(F.batch_norm)

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
        device: DeviceLike | None = None,
        dtype: DTypeLike | None = None,
        *,
        bias: bool = True,
        axis: int = 1,
        unbiased_running_var: bool = True,
    ) -> None:
        super().__init__()
        name = type(self).__name__
        self.num_features: int = integer(name, "num_features", num_features, at_least=1)
        self.eps: float = number(name, "eps", eps, above=0)
        if momentum is not None:
            momentum = number(name, "momentum", momentum, at_least=0, at_most=1)
        self.momentum: float | None = momentum
        self.affine: bool = flag(name, "affine", affine)
        self.track_running_stats: bool = flag(name, "track_running_stats", track_running_stats)
        bias = flag(name, "bias", bias)
        self.axis: int = self._check_axis(axis)
        self.unbiased_running_var: bool = flag(name, "unbiased_running_var", unbiased_running_var)
        options: dict[str, Any] = {"dtype": dtype, "device": device}
        self._learn(self.num_features, affine, affine and bias, **options)
        tracked = self.track_running_stats
        for name in ("running_mean", "running_var"):
            self.register_buffer(name, empty(self.num_features, **options) if tracked else None)
        self.register_buffer("num_batches_tracked", zeros((), dtype=int64) if tracked else None)
        self.reset_parameters()
        vars(self)["_record"] = 0  # for nn.lint: see linting/record.py

    @classmethod
    def from_keras(
        cls,
        num_features: int,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
    ) -> Self:
        """The layer that Keras makes from these arguments, with Keras' meanings.

        `axis` is that of the channels (−1: the last), `momentum` weighs the *old* value,
        running_var remembers the biased variance, center=False drops bias (β), scale=False drops
        weight (γ). keras.layers.BatchNormalization of Keras 3.
        """
        name = f"{cls.__name__}.from_keras"
        momentum = number(name, "momentum", momentum, at_least=0, at_most=1)
        epsilon = number(name, "epsilon", epsilon, above=0)
        center, scale = flag(name, "center", center), flag(name, "scale", scale)
        new_weight = round(1 - momentum, 15)  # 0.01 for 0.99, not 0.010000000000000009
        layer = cls(
            num_features, epsilon, new_weight, center or scale, bias=center, axis=axis,
            unbiased_running_var=False,
        )  # fmt: skip
        if not scale:
            layer.weight = None
        return layer

    def reset_running_stats(self) -> None:
        """Forget all batches: mean 0, variance 1, count 0."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()
        vars(self)["_record"] = RENEWED

    def reset_parameters(self) -> None:
        """Start anew: weight 1, bias 0, and no batch seen."""
        self.reset_running_stats()
        super().reset_parameters()

    def _check_axis(self, axis):
        name, ndim = type(self).__name__, max(self._dimensions)
        axis = integer(name, "axis", axis, at_least=-ndim)
        if axis >= ndim:
            raise ValueError(f"{name}: axis must be below {ndim}, got {axis}")
        return axis

    def _check_input(self, input):
        name = type(self).__name__
        if not isinstance(input, Tensor):
            raise TypeError(f"{name}: input must be a Tensor, got {class_of(input)}")
        shape, ndim, axis = input.shape, input.ndim, self.axis
        if ndim not in self._dimensions:
            wanted = " or ".join(f"{count}D" for count in self._dimensions)
            raise ShapeError(f"{name}: expected {wanted} input (got {ndim}D input)")
        if not -ndim <= axis < ndim:
            raise ShapeError(f"{name}: input of shape {tuple(shape)} has no axis {axis}")
        if shape[axis] != self.num_features:
            hint = ""
            if axis in (-1, ndim - 1) and shape[1] == self.num_features:
                hint = f"; axis=1 has {self.num_features}: channels come second here, last in Keras"
            elif axis == 1 and shape[-1] == self.num_features:
                hint = "; for channels that come last there is axis=-1"
            raise ShapeError(
                f"{name}: expected {self.num_features} channels (num_features) along axis "
                f"{axis}, got {shape[axis]} in input of shape {tuple(shape)}{hint}"
            )

    def forward(self, input: Tensor) -> Tensor:
        self._check_input(input)
        state = vars(self)  # five look-ups of attributes would take longer
        mean, var, count = state["running_mean"], state["running_var"], state["num_batches_tracked"]
        by_batch = self.training or (mean is None and var is None)
        if self.training and not self.track_running_stats:
            mean = var = None
        learns = self.training and mean is not None and count is not None
        momentum = self.momentum
        if momentum is None:  # 1/1, 1/2, 1/3, …: the plain average of all batches so far
            seen = (
                integer(type(self).__name__, "num_batches_tracked", count.item()) if learns else 0
            )
            momentum = 1 / (seen + 1) if learns else 0.0
        weight, bias = state["weight"], state["bias"]
        y = self._normalize(
            input, mean, var, weight, bias, by_batch, momentum, self.eps,
            axis=self.axis, unbiased_running_var=self.unbiased_running_var,
        )  # fmt: skip
        if learns and input.numel() > 0:
            count += 1
            state["_record"] = after_call(state.get("_record", 0), is_grad_enabled())
        return y

    def extra_repr(self) -> str:
        text = (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, "
            f"affine={self.affine}, bias={self.bias is not None}, "
            f"track_running_stats={self.track_running_stats}"
        )  # torch's text; what torch does not have appears only if it is not the default
        if self.affine and self.weight is None:
            text += ", weight=False"
        if self.axis != 1:
            text += f", axis={self.axis}"
        return text if self.unbiased_running_var else text + ", unbiased_running_var=False"


class BatchNorm1d(_BatchNorm):
    """y = weight · (x − mean) / √(var + eps) + bias for x (N, C) or (N, C, L), channel by channel.

    Training: mean and var of the batch (var divided by its number of values m), and
    running ← (1 − momentum) · running + momentum · batch, var there divided by m − 1;
    momentum=None averages all batches equally. Evaluation: the running statistics, or batch
    statistics if there are none (track_running_stats=False). affine=False: no weight, no bias.
    `axis` is the dimension of the channels (−1: (N, L, C)); unbiased_running_var=False divides
    by m in running_var, too. An empty batch counts for nothing.
    Errors, before anything changes: ShapeError, DTypeError, and ValueError for a single value per
    channel in training. torch.nn.BatchNorm1d has no axis, unbiased_running_var, from_keras.
    Which momentum, freezing, other libraries: docs/batch_norm_conventions.md
    """

    _dimensions = (2, 3)


class BatchNorm2d(_BatchNorm):
    """The same for images: x (N, C, H, W), a channel has m = N · H · W values.

    axis=-1 takes (N, H, W, C). torch.nn.BatchNorm2d; arguments, modes and errors: BatchNorm1d.
    """

    _dimensions = (4,)
