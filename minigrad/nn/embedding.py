"""A table with a row per word, letter or class."""

from .._checks import flag, integer
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

    def __init__(
        self,
        num_embeddings,
        embedding_dim,
        padding_idx=None,
        max_norm=None,
        norm_type=2.0,
        scale_grad_by_freq=False,
        sparse=False,
        device=None,
        dtype=None,
    ):
        super().__init__()
        self.num_embeddings = integer("Embedding", "num_embeddings", num_embeddings)
        self.embedding_dim = integer("Embedding", "embedding_dim", embedding_dim)
        if max_norm is not None or scale_grad_by_freq is not False or sparse is not False:
            raise ValueError(
                "Embedding: max_norm, scale_grad_by_freq and sparse are not there; leave them out"
            )
        if padding_idx is not None:
            padding_idx = padding_row(padding_idx, self.num_embeddings)
        self.padding_idx = padding_idx
        size = self.num_embeddings, self.embedding_dim
        self.weight = Parameter(empty(*size, device=device, dtype=dtype))
        self.reset_parameters()

    @classmethod
    def from_pretrained(cls, embeddings, freeze=True, padding_idx=None):
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

    def reset_parameters(self):
        """Draw the weight anew."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            self.weight.detach()[self.padding_idx] = 0

    def forward(self, input):
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self):
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        return text if self.padding_idx is None else f"{text}, padding_idx={self.padding_idx}"
