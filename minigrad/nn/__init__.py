"""Layers and models: modules that hold parameters."""

from . import functional, init, utils
from .batch_norm import BatchNorm1d, BatchNorm2d
from .batch_renorm import BatchRenorm1d, BatchRenorm2d
from .containers import ModuleDict, ModuleList, Sequential
from .conv2d import Conv2d
from .group_norm import GroupNorm
from .layer_norm import LayerNorm
from .layers import (
    GELU,
    Dropout,
    Flatten,
    Identity,
    LeakyReLU,
    Linear,
    LogSoftmax,
    ReLU,
    Sigmoid,
    Softmax,
    Tanh,
)
from .losses import BCEWithLogitsLoss, CrossEntropyLoss, MSELoss, NLLLoss
from .max_pool2d import MaxPool2d
from .module import Module, Parameter
from .utils.inspection import inspect_batch_norm
from .utils.summary import summary

__all__ = [
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchRenorm1d",
    "BatchRenorm2d",
    "BCEWithLogitsLoss",
    "Conv2d",
    "CrossEntropyLoss",
    "Dropout",
    "Flatten",
    "GELU",
    "GroupNorm",
    "Identity",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "MaxPool2d",
    "Module",
    "ModuleDict",
    "ModuleList",
    "MSELoss",
    "NLLLoss",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "functional",
    "init",
    "inspect_batch_norm",
    "summary",
    "utils",
]
