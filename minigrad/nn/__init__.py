"""Layers and models: modules that hold parameters."""

from .containers import ModuleDict, ModuleList, Sequential
from .module import Module, Parameter

__all__ = ["Module", "ModuleDict", "ModuleList", "Parameter", "Sequential"]
