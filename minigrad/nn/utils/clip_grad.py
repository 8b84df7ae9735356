"""Clip gradients: scale all of them together, by their norm."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator

import numpy as np

from ..._checks import class_of, flag, items, limit, number
from ..._runtime.fp_warnings import quietly
from ...autograd import transaction
from ...ops.array.creation import as_tensor
from ...tensor import Tensor


def _tensors(function, parameters):
    if isinstance(parameters, Tensor):
        parameters = [parameters]
    parameters = items(function, "parameters", parameters, "Tensors in a list")
    for k, parameter in enumerate(parameters):
        if not isinstance(parameter, Tensor):
            came = class_of(parameter)
            raise TypeError(f"{function}: parameters[{k}] must be a Tensor, got {came}")
    return parameters


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor],
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients together so that their norm, seen as one vector, is at most max_norm.

    grad ← grad · min(1, max_norm / (norm + 1e-6)), all or none; returns the norm as a tensor.
    `parameters` is a Tensor or an iterable of them; `norm_type` a number above 0, or inf or "inf",
    the largest |grad|; max_norm=inf only measures. `foreach` chooses between torch's loops and
    changes nothing. torch.nn.utils.clip_grad_norm_.
    """
    max_norm = limit("clip_grad_norm_", "max_norm", max_norm, at_least=0)
    norm_type = _order(norm_type)
    flag("clip_grad_norm_", "error_if_nonfinite", error_if_nonfinite)
    if foreach is not None:
        flag("clip_grad_norm_", "foreach", foreach)
    used_up = isinstance(parameters, Iterator)
    parameters = _tensors("clip_grad_norm_", parameters)
    if used_up and not parameters:
        warnings.warn(
            "clip_grad_norm_: parameters is an iterator with nothing left, so nothing is clipped; "
            "was it used before? model.parameters() makes a new one",
            stacklevel=2,
        )
    gradients = [p._grad for p in parameters if p._grad is not None]
    if not gradients:
        return as_tensor(0.0)
    arrays = [gradient.detach().numpy() for gradient in gradients]
    norms = [quietly(_norm, array.ravel(), norm_type) for array in arrays]
    total = quietly(_norm, np.array(norms), norm_type)
    if error_if_nonfinite and not math.isfinite(total):
        raise RuntimeError(
            f"clip_grad_norm_: the norm of the gradients is {total}, so they cannot be clipped; "
            "error_if_nonfinite=False scales them anyway"
        )
    scale = max_norm / (total + 1e-6)
    if not scale > 1:  # NaN, as in torch, makes all of them NaN
        scaled = [np.asarray(quietly(np.multiply, array, scale)) for array in arrays]
        transaction.assign("clip_grad_norm_", gradients, scaled)
    return as_tensor(quietly(np.array, total, dtype=np.result_type(*arrays)))


def _order(norm_type):
    """The order of a norm: a float above 0, also infinity, in a number or in a string."""
    order = norm_type
    if isinstance(norm_type, str):
        try:
            order = float(norm_type)
        except ValueError:
            pass  # an error below
    if isinstance(order, (float, np.floating)) and order == math.inf:
        return math.inf
    try:
        return number("clip_grad_norm_", "norm_type", order, above=0)
    except (TypeError, ValueError) as error:
        raise type(error)(
            f"clip_grad_norm_: norm_type must be a number > 0, or 'inf', got {norm_type!r}"
        ) from None


def _norm(vector, order):
    """The p-norm in double; scaled first, so that no power overflows."""
    largest = float(np.abs(vector).max(initial=0.0))
    if order == math.inf or largest == 0 or not math.isfinite(largest):
        return largest
    scaled = np.abs(vector, dtype=np.float64) / largest
    return largest * float((scaled**order).sum() ** (1 / order))
