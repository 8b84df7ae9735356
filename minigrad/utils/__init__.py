"""As torch.utils: `minigrad.utils.data`."""

from . import data

__all__ = ["data"]
