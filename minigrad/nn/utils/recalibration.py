"""Population statistics: what running statistics only estimate, computed anew over data.

Running statistics are a moving average over batches that the network saw while it still changed.
After training there is time for Algorithm 2 of Ioffe & Szegedy 2015: send the data through the
finished network once more, batch by batch, and average.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..._runtime.fp_warnings import quietly
from ...autograd import transaction
from ...autograd.grad_mode import no_grad
from ...ops.array.creation import as_tensor
from ...ops.nn.batch_norm import batch_statistics
from ...tensor import Tensor
from ..batch_norm import _BatchNorm
from ..module import Module
from .detached_copy import detached_copy


class Population:
    """The statistics of the calls of one layer, averaged by the number of values per channel."""

    calls: int
    values: int
    mean: np.ndarray
    var: np.ndarray
    scatter: np.ndarray

    def __init__(self, layer: Any) -> None:
        self.unbiased: bool = layer.unbiased_running_var
        self.calls = self.values = 0
        self.mean, self.var, self.scatter = np.zeros((3, layer.num_features))

    def add(self, mean: np.ndarray, var: np.ndarray, m: int) -> None:
        """Count a call whose batch has this mean, this biased variance and m values per channel."""
        if self.unbiased:
            var = var * (m / (m - 1))
        self.calls += 1
        self.values += m
        part, step = m / self.values, mean - self.mean
        self.mean += part * step
        self.var += part * (var - self.var)
        # The variance of the means of the calls, for the question how much batches differ.
        self.scatter += part * ((1 - part) * step**2 - self.scatter)


def tracked(module: Module) -> bool:
    """Whether a module is a batch normalization that has running statistics."""
    return (
        isinstance(module, _BatchNorm)
        and module.running_mean is not None
        and module.running_var is not None
    )


def populations(
    function: str, model: Module, loader: Iterable[Any]
) -> dict[str, tuple[Any, Population]]:
    """{name: (layer, Population)} of the tracked batch normalizations, over a loader's batches.

    A copy of the model runs, without gradients: these layers normalize by the batch, as they do in
    training, and all else is in evaluation mode. The model itself is not touched.
    """
    if not isinstance(model, Module):
        raise TypeError(f"{function}: model must be a Module, got {type(model).__name__}")
    if isinstance(loader, (Tensor, np.ndarray, str, dict)) or not hasattr(loader, "__iter__"):
        raise TypeError(
            f"{function}: expected a DataLoader or another iterable of batches, "
            f"got {type(loader).__name__}; for one batch x write [x]"
        )
    found: dict[str, tuple[Any, Population]] = {
        name: (layer, Population(layer)) for name, layer in model.named_modules() if tracked(layer)
    }
    if not found:
        raise ValueError(
            f"{function}: {type(model).__name__} has no batch normalization with running statistics"
        )
    other = detached_copy(model).eval()
    layers = {name: other.get_submodule(name) for name in found}
    for name, layer in layers.items():
        watch(function, name, layer, found[name][1])
    came = False
    try:
        with no_grad():
            for k, batch in enumerate(loader):
                x = input_of(function, k, batch)
                other(x)
                came = came or x.numel() > 0
    finally:  # a layer that holds a function that holds the layer would wait for the collector
        for layer in layers.values():
            del layer.forward
    if not any(population.calls for _, population in found.values()):
        if came:
            names = ", ".join(f"'{name}'" for name in found)
            raise ValueError(f"{function}: no batch reaches {names}; does forward call it?")
        raise ValueError(f"{function}: the loader gave no batch with values")
    return found


def watch(function: str, name: str, layer: Any, population: Population) -> None:
    """Let a layer, of a copy, normalize by the batch and tell `population` of each call."""
    forward = layer.forward
    layer.training = True

    def watched(input, *args, **kwargs):
        layer._check_input(input)
        mean, var, m = batch_statistics(input, layer.axis)
        if m == 1:
            raise ValueError(
                f"{function}: a batch gives layer '{name}' one value per channel, which has no "
                f"variance (input of shape {tuple(input.shape)}); leave it out: drop_last=True"
            )
        if m > 0:
            population.add(mean, var, m)
            # A renormalization corrects what batch and running statistics differ by: now nothing.
            layer.running_mean.copy_(as_tensor(mean))
            layer.running_var.copy_(as_tensor(var))
        return forward(input, *args, **kwargs)

    layer.forward = watched


def input_of(function: str, k: int, batch: Any) -> Tensor:
    """What the model gets of batch number k: a tensor, or the first of several."""
    first = batch[0] if isinstance(batch, (tuple, list)) and batch else batch
    if not isinstance(first, Tensor):
        inside = "" if first is batch else f" that begins with {type(first).__name__}"
        raise TypeError(
            f"{function}: batch {k} must be a Tensor, or a tuple or list that begins with the "
            f"input Tensor; got {type(batch).__name__}{inside}"
        )
    return first


def recalibrate(model: Module, loader: Iterable[Any]) -> dict[str, int]:
    """Running statistics of all batch normalizations in `model`, computed anew from data.

    running_mean ← Σ mₖ·μₖ / Σ mₖ and running_var ← Σ mₖ·σₖ² / Σ mₖ over the batches k of `loader`,
    in double: mₖ values per channel, with the mean μₖ and the variance σₖ² (divided by mₖ − 1, or
    by mₖ if the layer has unbiased_running_var=False). num_batches_tracked ← the number of calls.
    The layers normalize by the batch meanwhile, dropout is off, and no gradient is recorded.
    A batch is a tensor, or a tuple or list whose first element is the input.

    Written at the end, all together: after an error, in the loader or in the model, everything is
    as it was. Modes, gradients and random numbers of the model do not change in any case: a copy of
    it runs. A layer that the model did not call keeps its statistics.
    Returns {name of the layer: how many values per channel are in its statistics}.
    Errors: TypeError; ValueError for a model without running statistics, a loader without batches,
    one value per channel in a batch, and statistics that are not finite.
    Ioffe & Szegedy 2015, Algorithm 2; "precise batch norm"; torch.optim.swa_utils.update_bn, which
    resets first, leaves dropout on, and lets a short batch count as a full one.
    """
    found = populations("recalibrate", model, loader)
    tensors, arrays = [], []
    for name, (layer, population) in found.items():
        if not population.calls:
            continue
        for running, values in [
            (layer.running_mean, population.mean),
            (layer.running_var, population.var),
        ]:
            array = quietly(values.astype, running.dtype.numpy)
            if not np.isfinite(array).all():
                channel = np.flatnonzero(~np.isfinite(array))[0]
                raise ValueError(
                    f"recalibrate: the statistics of layer '{name}', channel {channel}, are not "
                    f"finite ({array[channel]}); nothing was changed"
                )
            tensors.append(running)
            arrays.append(array)
        if layer.num_batches_tracked is not None:
            tensors.append(layer.num_batches_tracked)
            arrays.append(np.array(population.calls))
    transaction.assign("recalibrate", tensors, arrays)
    return {name: population.values for name, (_, population) in found.items()}
