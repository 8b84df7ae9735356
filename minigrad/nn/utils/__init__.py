"""Helpers for models: clip gradients, see all parameters as one vector, finish batch norm.

    clip_grad           scale all gradients together, by their norm
    convert_parameters  all parameters as one vector, and back
    recalibration       running statistics over a whole data set
    folding             a network without its batch norms, and with the same answers
    folded              what stands in such a network where a layer and its batch norm stood
    inspection          `nn.inspect_batch_norm`
    summary             `nn.summary`
    keras_weights       weights from Keras, and back
    detached_copy       a copy of a model that may run and change
"""

from typing import TYPE_CHECKING

from .clip_grad import clip_grad_norm_
from .convert_parameters import parameters_to_vector, vector_to_parameters

if TYPE_CHECKING:  # they come at their first use: absent/later.py
    from .folding import fold_batch_norm
    from .keras_weights import weights_from_keras, weights_to_keras
    from .recalibration import recalibrate

__all__ = [
    "clip_grad_norm_",
    "fold_batch_norm",
    "parameters_to_vector",
    "recalibrate",
    "vector_to_parameters",
    "weights_from_keras",
    "weights_to_keras",
]
