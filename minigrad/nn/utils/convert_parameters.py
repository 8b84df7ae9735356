"""All parameters as one vector, and back."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from ..._checks import class_of
from ...autograd import transaction
from ...errors import DTypeError, ShapeError
from ...ops.array.joining import cat
from ...tensor import Tensor
from .clip_grad import _tensors


def parameters_to_vector(parameters: Iterable[Tensor]) -> Tensor:
    """All parameters, flattened and joined; differentiable. torch.nn.utils.parameters_to_vector."""
    parameters = _tensors("parameters_to_vector", parameters)
    if not parameters:
        raise ValueError("parameters_to_vector: parameters is empty; was its iterator used before?")
    return cat([parameter.reshape(-1) for parameter in parameters])


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Copy consecutive pieces of a vector into the parameters: all of it, or none.

    torch.nn.utils.vector_to_parameters, which lets them share the vector's memory instead.
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"vector_to_parameters: vec must be a Tensor, got {class_of(vec)}")
    parameters = _tensors("vector_to_parameters", parameters)
    sizes = [math.prod(parameter.shape) for parameter in parameters]
    if tuple(vec.shape) != (sum(sizes),):
        raise ShapeError(
            f"vector_to_parameters: the parameters have {sum(sizes)} elements, "
            f"vec has shape {tuple(vec.shape)}"
        )
    for parameter in parameters:
        if parameter.dtype is not vec.dtype:
            raise DTypeError(
                f"vector_to_parameters: vec is {vec.dtype}, a parameter {parameter.dtype}"
            )
    pieces = np.split(vec.detach().numpy().copy(), np.cumsum(sizes)[:-1]) if sizes else []
    shaped = [piece.reshape(p.shape) for piece, p in zip(pieces, parameters, strict=True)]
    transaction.assign("vector_to_parameters", parameters, shaped)
