"""Switches of torch's for machines that minigrad does not compute on: they may be set.

cudnn  benchmark, deterministic, enabled
mps    is_available
"""

from . import cudnn, mps

__all__ = ["cudnn", "mps"]
