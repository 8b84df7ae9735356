"""Mistakes that show in the optimizer, and in what became of gradients."""

import copy
from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np

from ..._runtime.fp_warnings import quietly
from ...autograd.transaction import gradient_use, last_writer
from ...optim import SGD, Adam, AdamW, Optimizer
from ...tensor import Tensor
from ..module import Module, Parameter
from .finding import Finding, found

FOR_ONE_LAYER = 1e3  # alone, it may start next to 0, and then a large step is right


def parameters_of(optimizer: Optimizer | None) -> list[Tensor]:
    """All that an optimizer changes, in its order."""
    if optimizer is None:
        return []
    return [p for group in optimizer.param_groups for p in group["params"]]


def progress_of(model: Module) -> str:
    """What has changed its parameters: "stepped" (an optimizer), "loaded", or "fresh" (nothing)."""
    writers = {last_writer(each) for each in model.parameters()}
    if any(each.endswith(".step") for each in writers):
        return "stepped"
    return "loaded" if any(each.endswith("load_state_dict") for each in writers) else "fresh"


def mistakes_in_training(model: Module, optimizer: Optimizer | None) -> Iterator[Finding]:
    """Findings in what backward, zero_grad and step did with the gradients."""
    names: dict[Tensor, str] = {each: name for name, each in model.named_parameters()}
    reused = [name for each, name in names.items() if gradient_use(each) == "reused"]
    if reused:
        what = (
            f"a step used the gradient of {listed(reused)}, backward() added to it, and another "
            "step used the sum"
        )
        yield found("zero-grad-missing", what, layer_of(reused[0]))
    own = parameters_of(optimizer)
    if optimizer is None or not own:
        return
    if all(isinstance(each, Parameter) for each in own) and not any(each in names for each in own):
        what = (
            f"none of the {len(own)} tensors of {type(optimizer).__name__} is one of the "
            f"{len(names)} parameters of the model"
        )
        yield found("foreign-optimizer", what)
        return
    yield from idle_steps(optimizer, own, names)


def idle_steps(
    optimizer: Optimizer, own: list[Tensor], names: Mapping[Tensor, str]
) -> Iterator[Finding]:
    """Steps that found no gradient: thrown away before, not yet there, or never made."""
    idle = optimizer._idle or 0
    if idle <= 0:
        return
    steps = "step" if idle == 1 else f"{idle} steps"
    dropped = [each for each in own if gradient_use(each) == "dropped"]
    waiting = [each for each in own if each._grad is not None and not gradient_use(each)]
    name = type(optimizer).__name__
    zeros = "only zeros" if any(each._grad is not None for each in dropped) else "no gradient"
    if dropped:
        what = (
            f"the last {steps} found {zeros}; zero_grad() had thrown away the gradients of "
            f"{len(dropped)} parameters, which no step of {name} had used"
        )
        yield found("step-order", what)
    elif idle > 1 and waiting:
        what = (
            f"the last {steps} found no gradient, or zeros, and now {len(waiting)} parameters of "
            f"{name} have one that no step has used"
        )
        yield found("step-order", what)
    elif idle > 1 and set(names) <= set(own):
        if all(each._grad is None and not gradient_use(each) for each in own):
            what = f"the last {steps} found no gradient: no backward() has reached the model"
            yield found("loss-without-history", what)


def large_steps(
    optimizer: Optimizer, gradients: Mapping[Tensor, Tensor], names: Mapping[Tensor, str]
) -> Iterator[Finding]:
    """Whether the next step is larger than the weights, for most of them."""
    if type(optimizer) not in (SGD, Adam, AdamW):
        return
    copies = {each: each.detach().clone() for each in parameters_of(optimizer)}
    for each, copied in copies.items():
        copied.grad = gradients[each].detach().clone() if each in gradients else None
    trial = copy.copy(optimizer)
    trial._idle = 0
    trial.param_groups = [
        {**group, "params": [copies[each] for each in group["params"]]}
        for group in optimizer.param_groups
    ]
    copied_state = {copies[each]: copy.deepcopy(own) for each, own in optimizer.state.items()}
    trial.state = defaultdict(dict, copied_state)
    quietly(trial.step)
    sizes = []
    for each, copied in copies.items():
        before = each.detach().numpy().astype(np.float64)
        weight = float(np.linalg.norm(before))
        if each.ndim >= 2 and each in gradients and weight > 0:
            step = float(quietly(np.linalg.norm, copied.detach().numpy() - before))
            sizes.append((step / weight, each))
    bound = 1.0 if len(sizes) > 1 else FOR_ONE_LAYER
    large = [(ratio, each) for ratio, each in sizes if not ratio <= bound]
    if 2 * len(large) > len(sizes):
        ratio, worst = max(large, key=lambda pair: pair[0])
        rates = ", ".join(dict.fromkeys(f"{group['lr']:g}" for group in optimizer.param_groups))
        what = (
            f"the next step of {type(optimizer).__name__}(lr={rates}) is larger than the weights "
            f"for {len(large)} of {len(sizes)} weight tensors"
        )
        if worst in names:
            what += f"; that of '{names[worst]}' is {ratio:.3g} times as large"
        yield found("learning-rate", what, layer_of(names.get(worst, "")))


def listed(names: list[str]) -> str:
    """The first of the names, and how many more there are."""
    return f"'{names[0]}'" + (f" and {len(names) - 1} more" if len(names) > 1 else "")


def layer_of(parameter: str) -> str:
    return parameter.rpartition(".")[0]
