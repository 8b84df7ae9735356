"""Weights from Keras and back: other names, other orders of dimensions, channels last.

Keras keeps a kernel (in, out) or (height, width, in, out) where torch has (out, in) or
(out, in, height, width). Its images have the channels last, so a flattened image has other columns.
"""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..._checks import items
from ...errors import ShapeError
from ..batch_norm import _BatchNorm
from ..conv2d import Conv2d, ConvTranspose2d
from ..embedding import Embedding
from ..group_norm import GroupNorm
from ..layer_norm import LayerNorm
from ..layers import Linear
from ..module import Module

LAYERS = (Linear, Conv2d, ConvTranspose2d, Embedding, _BatchNorm, LayerNorm, GroupNorm)
MEMBERS = ("weight", "bias", "running_mean", "running_var")  # in the order of Keras
AXES = {Linear: (1, 0), Conv2d: (3, 2, 0, 1), ConvTranspose2d: (3, 2, 0, 1)}  # ours among Keras'


class _Place(NamedTuple):
    """Where an array of Keras belongs, and how its dimensions become ours."""

    key: str
    shape: tuple[int, ...]  # ours
    axes: tuple[int, ...]
    channels: int  # of the flattened images that a Linear layer is given; 0: of none

    def keras_shape(self) -> tuple[int, ...]:
        return tuple(self.shape[axis] for axis in np.argsort(self.axes))

    def from_keras(self, array: Any) -> Any:
        if self.channels:
            pixels = array.reshape(-1, self.channels, array.shape[1])
            array = pixels.swapaxes(0, 1).reshape(array.shape)
        return array.transpose(self.axes)

    def to_keras(self, array: Any) -> Any:
        array = array.transpose(np.argsort(self.axes))
        if self.channels:
            pixels = array.reshape(self.channels, -1, array.shape[1])
            array = pixels.swapaxes(0, 1).reshape(array.shape)
        return np.ascontiguousarray(array)


def weights_from_keras(model: Module, weights: Sequence[Any]) -> None:
    """Load what a Keras model's `get_weights()` returns into `model`, all of it or nothing.

    The layers of both must come in the same order, and in Keras be built with the same settings;
    for batch norm there is `BatchNorm1d.from_keras`, and the eps of LayerNorm and GroupNorm is 1e-3
    there. The first Linear after convolutions is given flattened images: its columns are put into
    the order (channel, row, column). `num_batches_tracked` stays. Errors: ShapeError and ValueError
    that name the array and the parameter; TypeError for a layer that Keras does not have.
    """
    arrays = items(
        "weights_from_keras", "weights", weights, "a list, a Keras model's get_weights()"
    )
    places = list(_places("weights_from_keras", model))
    if len(arrays) != len(places):
        names = ", ".join(place.key for place in places)
        raise ValueError(
            f"weights_from_keras: weights holds {len(arrays)} arrays, and the model takes "
            f"{len(places)}: {names}"
        )
    state = {}
    for number, (place, array) in enumerate(zip(places, arrays, strict=True)):
        shape, wanted = np.shape(array), place.keras_shape()
        if shape != wanted:
            raise ShapeError(
                f"weights_from_keras: weights[{number}], for {place.key}, must have Keras' shape "
                f"{wanted}, got {shape}"
            )
        state[place.key] = place.from_keras(np.asarray(array))
    model.load_state_dict(state, strict=False)


def weights_to_keras(model: Module) -> list[np.ndarray[Any, Any]]:
    """The arrays that `set_weights()` of a Keras model with the same layers takes."""
    state = model.state_dict()
    places = _places("weights_to_keras", model)
    return [place.to_keras(state[place.key].numpy()) for place in places]


def _places(operation: str, model: object) -> Iterator[_Place]:
    """A place for each array, in the order in which Keras has them."""
    if not isinstance(model, Module):
        kind = type(model).__name__
        raise TypeError(f"{operation}: model must be a minigrad.nn.Module, got {kind}")
    channels = 0
    for path, module in model.named_modules():
        own = [name for name in MEMBERS if getattr(module, name, None) is not None]
        if not isinstance(module, LAYERS):
            if list(module.parameters(recurse=False)):
                raise TypeError(
                    f"{operation}: layer {path!r} is {type(module).__name__}, with parameters that "
                    "Keras does not know; load it with load_state_dict"
                )
            continue
        order = next((AXES[kind] for kind in AXES if isinstance(module, kind)), None)
        for name in own:
            shape = tuple(getattr(module, name).shape)
            axes, flattened = tuple(range(len(shape))), 0
            if name == "weight" and order:
                axes = order
                flattened = channels if len(order) == 2 and shape[1] % (channels or 1) == 0 else 0
            yield _Place(f"{path}.{name}" if path else name, shape, axes, flattened)
        if isinstance(module, (Conv2d, ConvTranspose2d)):
            channels = module.out_channels
        elif isinstance(module, Linear):
            channels = 0
