"""Losses as modules: they hold the options, and weights as buffers."""

from __future__ import annotations

import math

from .._checks import choice, class_of, integer, number
from ..tensor import Tensor
from . import functional as F
from .module import Module

REDUCTIONS = ("none", "mean", "sum")


class _Loss(Module):
    """The mean of a batch's losses, their sum, or all of them ("none")."""

    def __init__(
        self, reduction: str, size_average: bool | None = None, reduce: bool | None = None
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if size_average is not None or reduce is not None:
            meant = "none" if reduce is False else "sum" if size_average is False else "mean"
            raise ValueError(
                f"{name}: size_average and reduce have become reduction; write reduction={meant!r}"
            )
        self.reduction: str = choice(name, "reduction", reduction, REDUCTIONS)

    def _keep(self, name, weight):
        if weight is not None and not isinstance(weight, Tensor):
            came = class_of(weight)
            raise TypeError(f"{type(self).__name__}: {name} must be a Tensor or None, got {came}")
        self.register_buffer(name, weight)


class MSELoss(_Loss):
    """(input − target)². torch.nn.MSELoss."""

    def __init__(
        self,
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction, size_average, reduce)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.mse_loss(input, target, reduction=self.reduction)


class L1Loss(_Loss):
    """|input − target|. torch.nn.L1Loss."""

    def __init__(
        self,
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction, size_average, reduce)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.l1_loss(input, target, reduction=self.reduction)


class SmoothL1Loss(_Loss):
    """d² / (2 · beta) where |d| < beta, else |d| − beta / 2, with d = input − target.

    torch.nn.SmoothL1Loss.
    """

    def __init__(
        self,
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        beta: float = 1.0,
    ) -> None:
        super().__init__(reduction, size_average, reduce)
        self.beta: float = number("SmoothL1Loss", "beta", beta, at_least=0)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


class NLLLoss(_Loss):
    """−weight[target] · input[target], for log-probabilities (N, C). torch.nn.NLLLoss."""

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction, size_average, reduce)
        self._keep("weight", weight)
        self.ignore_index: int = integer(
            "NLLLoss", "ignore_index", ignore_index, at_least=-math.inf
        )

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.nll_loss(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
        )


class CrossEntropyLoss(_Loss):
    """−log softmax(input)[target], for logits (N, C). torch.nn.CrossEntropyLoss."""

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        size_average: bool | None = None,
        ignore_index: int = -100,
        reduce: bool | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__(reduction, size_average, reduce)
        self._keep("weight", weight)
        self.ignore_index: int = integer(
            "CrossEntropyLoss", "ignore_index", ignore_index, at_least=-math.inf
        )
        self.label_smoothing: float = number(
            "CrossEntropyLoss", "label_smoothing", label_smoothing, at_least=0, at_most=1
        )

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.cross_entropy(
            input,
            target,
            self.weight,
            ignore_index=self.ignore_index,
            reduction=self.reduction,
            label_smoothing=self.label_smoothing,
        )


class BCELoss(_Loss):
    """−weight · (t · log x + (1 − t) · log(1 − x)), for probabilities x: after a sigmoid.

    BCEWithLogitsLoss, without the sigmoid, is right for large logits, too. torch.nn.BCELoss.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction, size_average, reduce)
        self._keep("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy(input, target, self.weight, reduction=self.reduction)


class BCEWithLogitsLoss(_Loss):
    """−weight · (pos_weight · t · log σ(x) + (1 − t) · log(1 − σ(x))).

    torch.nn.BCEWithLogitsLoss.
    """

    def __init__(
        self,
        weight: Tensor | None = None,
        *,
        size_average: bool | None = None,
        reduce: bool | None = None,
        reduction: str = "mean",
        pos_weight: Tensor | None = None,
    ) -> None:
        super().__init__(reduction, size_average, reduce)
        self._keep("weight", weight)
        self._keep("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        return F.binary_cross_entropy_with_logits(
            input, target, self.weight, reduction=self.reduction, pos_weight=self.pos_weight
        )
