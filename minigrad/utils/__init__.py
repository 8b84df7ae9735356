"""As torch.utils: `minigrad.utils.data`; and History, the record of a training."""

from . import data
from .history import History

__all__ = ["History", "data"]
