"""Layers and models: modules that hold parameters. In reading order:

    module        Module finds parameters, walks over layers and calls `forward`
    layers        Linear, and activations as layers
    containers    Sequential and lists of layers
    losses        losses as layers
    init          the first values of parameters
    batch_norm    running statistics, around the rule of `ops/nn`
    layer_norm    the same per sample, without running statistics
    group_norm    the same per group of channels
    batch_renorm  for batches that are too small for batch norm
    conv2d        weights that move over images
    max_pool2d    the largest value of each window
    avg_pool2d    the mean of each window
    embedding     a table with a row per word
    functional    the functions of `ops`, under torch's names
    _affine       what normalizations share: γ and β
    state_dict    saving, loading and converting what a module holds
    _html         how a module looks in a notebook
    _members      the dictionaries `_parameters`, `_buffers` and `_modules`

The folders can wait: utils, helpers for models, and linting, which names mistakes.
"""

from typing import TYPE_CHECKING

from . import functional, init, utils
from .avg_pool2d import AdaptiveAvgPool2d, AvgPool2d
from .batch_norm import BatchNorm1d, BatchNorm2d
from .batch_renorm import BatchRenorm1d, BatchRenorm2d
from .containers import ModuleDict, ModuleList, Sequential
from .conv2d import Conv2d, ConvTranspose2d
from .embedding import Embedding
from .group_norm import GroupNorm
from .layer_norm import LayerNorm
from .layers import (
    GELU,
    Dropout,
    Dropout2d,
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
from .losses import (
    BCELoss,
    BCEWithLogitsLoss,
    CrossEntropyLoss,
    L1Loss,
    MSELoss,
    NLLLoss,
    SmoothL1Loss,
)
from .max_pool2d import MaxPool2d
from .module import Module, Parameter

if TYPE_CHECKING:  # they come at their first use: absent/later.py
    from .linting.lint import lint
    from .utils.inspection import inspect_batch_norm
    from .utils.summary import summary

__all__ = [
    "AdaptiveAvgPool2d",
    "AvgPool2d",
    "BatchNorm1d",
    "BatchNorm2d",
    "BatchRenorm1d",
    "BatchRenorm2d",
    "BCELoss",
    "BCEWithLogitsLoss",
    "Conv2d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "Dropout",
    "Dropout2d",
    "Embedding",
    "Flatten",
    "GELU",
    "GroupNorm",
    "Identity",
    "L1Loss",
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
    "SmoothL1Loss",
    "Softmax",
    "Tanh",
    "functional",
    "init",
    "inspect_batch_norm",
    "lint",
    "summary",
    "utils",
]
