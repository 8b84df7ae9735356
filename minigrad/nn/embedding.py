"""A table with a row per word, letter or class."""

from __future__ import annotations

from typing import Self

from .._checks import flag, integer
from ..devices import DeviceLike
from ..dtypes import DTypeLike
from ..errors import ShapeError
from ..ops.array.creation import empty
from ..ops.nn.embedding import padding_row
from ..tensor import Tensor
from . import functional as F
from . import init
from .module import Module, Parameter


class Embedding(Module):
    """y = weight[input]: indices (…) → rows (…, embedding_dim). torch.nn.Embedding.

    weight (num_embeddings, embedding_dim) starts from N(0, 1); the row padding_idx, if there is
    one, from 0, and it receives no gradient.
    """

    weight: Parameter

    def __init__(
        self,
        num_embeddings: int,
        embedding_dim: int,
        padding_idx: int | None = None,
        max_norm: None = None,
        norm_type: float = 2.0,
        scale_grad_by_freq: bool = False,
        sparse: bool = False,
        device: DeviceLike | None = None,
        dtype: DTypeLike | None = None,
    ) -> None:
        super().__init__()
        self.num_embeddings: int = integer("Embedding", "num_embeddings", num_embeddings)
        self.embedding_dim: int = integer("Embedding", "embedding_dim", embedding_dim)
        if max_norm is not None or scale_grad_by_freq is not False or sparse is not False:
            raise ValueError(
                "Embedding: max_norm, scale_grad_by_freq and sparse are not there; leave them out"
            )
        if padding_idx is not None:
            padding_idx = padding_row(padding_idx, self.num_embeddings)
        self.padding_idx: int | None = padding_idx
        size = self.num_embeddings, self.embedding_dim
        self.weight = Parameter(empty(*size, device=device, dtype=dtype))
        self.reset_parameters()

    @classmethod
    def from_pretrained(
        cls, embeddings: Tensor, freeze: bool = True, padding_idx: int | None = None
    ) -> Self:
        """A layer whose weight is `embeddings`, and by default stays so."""
        if not isinstance(embeddings, Tensor):
            kind = type(embeddings).__name__
            raise TypeError(f"from_pretrained: embeddings must be a Tensor, got {kind}")
        if embeddings.ndim != 2:
            raise ShapeError(
                f"from_pretrained: embeddings must be a matrix, got shape {tuple(embeddings.shape)}"
            )
        freeze = flag("from_pretrained", "freeze", freeze)
        layer = cls(0, embeddings.shape[1])
        layer.num_embeddings = len(embeddings)
        if padding_idx is not None:
            layer.padding_idx = padding_row(padding_idx, len(embeddings))
        layer.weight = Parameter(embeddings.detach(), requires_grad=not freeze)
        return layer

    def reset_parameters(self) -> None:
        """Draw the weight anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.detach()[self.padding_idx] = 0

    def forward(self, input: Tensor) -> Tensor:
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self) -> str:
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        return text if self.padding_idx is None else f"{text}, padding_idx={self.padding_idx}"
