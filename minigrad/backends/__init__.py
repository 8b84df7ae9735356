"""Switches of torch's for machines that minigrad does not compute on: they may be set.

cudnn        benchmark, deterministic, enabled
mps          is_available
accelerator  is_available; torch.accelerator stands beside torch.backends
"""

from . import accelerator, cudnn, mps

__all__ = ["accelerator", "cudnn", "mps"]
