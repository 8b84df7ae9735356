"""As torch.utils: `minigrad.utils.data`; and History, the record of a training."""

from typing import TYPE_CHECKING

from . import data

if TYPE_CHECKING:  # it comes at its first use: absent/later.py
    from .history import History

__all__ = ["History", "data"]
