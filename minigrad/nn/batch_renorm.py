"""Batch renormalization as a layer: a batch norm whose training agrees with its evaluation.

Derivation: docs/derivations/batch_renorm.md
"""

from __future__ import annotations

import math

from .._checks import integer, limit
from ..devices import DeviceLike
from ..dtypes import DTypeLike
from . import functional as F
from .batch_norm import _BatchNorm


class _BatchRenorm(_BatchNorm):
    """What both batch renormalizations share: the limits, and the steps at which they widen."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        affine: bool = True,
        device: DeviceLike | None = None,
        dtype: DTypeLike | None = None,
        *,
        bias: bool = True,
        axis: int = 1,
        unbiased_running_var: bool = True,
        r_max: float = 3.0,
        d_max: float = 5.0,
        warmup_steps: int = 5_000,
        r_max_steps: int | None = 40_000,
        d_max_steps: int | None = 25_000,
    ) -> None:
        super().__init__(
            num_features, eps, momentum, affine, True, device, dtype,
            bias=bias, axis=axis, unbiased_running_var=unbiased_running_var,
        )  # fmt: skip
        name = type(self).__name__
        self.r_max: float = limit(name, "r_max", r_max, at_least=1)
        self.d_max: float = limit(name, "d_max", d_max, at_least=0)
        self.warmup_steps: int = integer(name, "warmup_steps", warmup_steps)
        self.r_max_steps: int | None = self._check_steps("r_max", r_max_steps)
        self.d_max_steps: int | None = self._check_steps("d_max", d_max_steps)

    def _check_steps(self, name, steps):
        """The step at which the limit `name` is reached; None: it holds from the first."""
        if steps is None:
            return None
        owner = type(self).__name__
        steps = integer(owner, f"{name}_steps", steps)
        if steps < self.warmup_steps:
            raise ValueError(
                f"{owner}: {name}_steps must be >= warmup_steps ({self.warmup_steps}), got {steps}"
            )
        if getattr(self, name) == math.inf:
            raise ValueError(
                f"{owner}: no number of steps leads to {name}=inf; use {name}_steps=None"
            )
        return steps

    def _limit(self, first, last, steps):
        """Between `first`, to which it is held for warmup_steps, and `last`, reached at `steps`."""
        done = self.num_batches_tracked.item()
        if steps is None or done >= steps:
            return last
        if done <= self.warmup_steps:
            return first
        return first + (last - first) * (done - self.warmup_steps) / (steps - self.warmup_steps)

    def limits(self) -> tuple[float, float]:
        """(r_max, d_max) of the next training step.

        (1, 0), which is batch norm, for the first warmup_steps batches; then both grow linearly,
        until r_max is reached at batch r_max_steps and d_max at batch d_max_steps.
        """
        return (
            self._limit(1.0, self.r_max, self.r_max_steps),
            self._limit(0.0, self.d_max, self.d_max_steps),
        )

    def _normalize(self, *arguments, **options):
        return F.batch_renorm(*arguments, *self.limits(), **options)

    def extra_repr(self) -> str:
        text = f"{super().extra_repr()}, r_max={self.r_max}, d_max={self.d_max}"
        if self.r_max_steps is None and self.d_max_steps is None:
            return text
        return (
            f"{text}, warmup_steps={self.warmup_steps}, "
            f"r_max_steps={self.r_max_steps}, d_max_steps={self.d_max_steps}"
        )


class BatchRenorm1d(_BatchRenorm):
    """y = weight · (R · (x − mean) / √(var + eps) + D) + bias for x (N, C) or (N, C, L).

    Training: mean and var are batch statistics; R and D lead back to the running statistics, as
    evaluation uses them, but no further than 1/r_max … r_max and ±d_max, and no gradient flows
    through them. So small batches, or batches that are not drawn at random, train well.
    The limits widen with the steps: see `limits`. r_max_steps=None or d_max_steps=None: that limit
    is constant; infinity means no limit. r_max=1, d_max=0 is BatchNorm1d, as is evaluation. The
    other arguments, the state and the errors are as in BatchNorm1d.
    Ioffe 2017, arXiv:1702.03275, whose schedule is the default; torch has no such layer.
    """

    _dimensions = (2, 3)


class BatchRenorm2d(_BatchRenorm):
    """The same for images: x (N, C, H, W), or (N, H, W, C) with axis=-1. See BatchRenorm1d."""

    _dimensions = (4,)
