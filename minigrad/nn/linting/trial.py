"""One run of a copy of the model on a batch: the model itself does not change."""

import random
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...autograd import detect_anomaly, grad
from ...autograd.grad_mode import enable_grad
from ...random import fork_rng
from ...tensor import Tensor
from ..module import Module
from ..utils.detached_copy import detached_copy


@dataclass
class Trial:
    """What a run gave: output, loss, the names of the copy's parameters, their gradients."""

    names: dict[Tensor, str] = field(default_factory=dict)
    output: Tensor | None = None
    loss: Tensor | None = None
    gradients: dict[str, Tensor] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def run_trial(
    model: Module, loss: Callable[..., Any] | None, inputs: tuple[Any, ...], target: Any
) -> Trial:
    """Run a copy of the model forward once, then the loss, and backward; errors become notes."""
    trial = Trial()
    generators = np.random.get_state(), random.getstate()
    try:
        with (
            warnings.catch_warnings(),
            fork_rng(),
            enable_grad(),
            detect_anomaly(check_nan=False),
        ):
            warnings.simplefilter("ignore")
            run_copy(trial, model, loss, inputs, target)
    finally:
        np.random.set_state(generators[0])
        random.setstate(generators[1])
    return trial


def run_copy(
    trial: Trial,
    model: Module,
    loss: Callable[..., Any] | None,
    inputs: tuple[Any, ...],
    target: Any,
) -> None:
    place = "the model could not be copied"
    try:
        copied = detached_copy(model)
        for module in copied.modules():
            module._forward_hooks.clear()
            module._forward_pre_hooks.clear()
        trial.names.update((each, name) for name, each in copied.named_parameters())
        place = "the model raised an error on the batch"
        output = copied(*map(own_copy, inputs))
        trial.output = output if isinstance(output, Tensor) else None
        if loss is None or target is None:
            return
        place = "the loss function raised an error"
        value = loss(output, own_copy(target))
        trial.loss = value if isinstance(value, Tensor) else None
        if trial.loss is None or value.numel() != 1:
            seen = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"{value!r:.50}"
            trial.notes.append(f"the loss function gave {seen}, not a Tensor of one number")
            return
        learned = [each for each in trial.names if each.requires_grad]
        if not learned or not value.requires_grad:
            trial.notes.append("the loss does not depend on any parameter of the model")
            return
        place = "backward raised an error"
        found = grad(value, learned, retain_graph=True, allow_unused=True)
        for each, gradient in zip(learned, found, strict=True):
            if gradient is not None:
                trial.gradients[trial.names[each]] = gradient
    except Exception as error:  # whatever the code of others raises
        trial.notes.append(f"{place}: {type(error).__name__}: {error}")


def own_copy(value: Any) -> Any:
    """A tensor that the model may write into."""
    return value.detach().clone() if isinstance(value, Tensor) else value
