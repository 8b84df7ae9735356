"""Mistakes that show in the model itself, without a loss: its attributes, weights and records."""

from collections.abc import Callable, Hashable, Iterator

import numpy as np

from ...autograd.transaction import last_writer
from ...tensor import Tensor
from .. import functional as F
from ..batch_norm import _BatchNorm
from ..batch_renorm import _BatchRenorm
from ..containers import Sequential
from ..conv2d import Conv2d
from ..layers import Dropout, Linear, Sigmoid, Softmax
from ..losses import BCEWithLogitsLoss, CrossEntropyLoss, NLLLoss
from ..module import Module, Parameter
from .finding import Finding, found
from .record import writes

KERAS = 0.9  # and above: hardly anybody wants the last batch to weigh so much
DEEPEST = 5  # lists and dictionaries within one another


def mistakes_in_model(model: Module, optimized: set[Tensor]) -> Iterator[Finding]:
    """Findings in a model; `optimized` are the parameters of the optimizer, if there is one."""
    yield from unregistered(model, optimized)
    yield from wrong_modes(model)
    yield from equal_weights(model)
    for name, layer in model.named_modules():
        if isinstance(layer, _BatchNorm) and layer.momentum is not None:
            if KERAS <= layer.momentum < 1:
                what = f"momentum={layer.momentum:g} of {type(layer).__name__}"
                yield found("keras-momentum", what, name)
        if isinstance(layer, Sequential) and type(layer).forward is Sequential.forward:
            yield from bias_in_row(model, name, layer)


LOSSES: dict[object, str] = {
    F.cross_entropy: "cross_entropy",
    F.nll_loss: "nll_loss",
    F.binary_cross_entropy_with_logits: "binary_cross_entropy_with_logits",
    CrossEntropyLoss: "cross_entropy",
    NLLLoss: "nll_loss",
    BCEWithLogitsLoss: "binary_cross_entropy_with_logits",
}
PAIRS = {
    ("cross_entropy", Softmax): "softmax-before-cross-entropy",
    ("nll_loss", Softmax): "probabilities-into-nll",
    ("binary_cross_entropy_with_logits", Sigmoid): "sigmoid-before-logits-loss",
}


def last_layer_and_loss(model: Module, loss: object) -> Iterator[Finding]:
    """What can be said of a model and its loss function without a batch."""
    last, name = model, ""
    while type(last).forward is Sequential.forward and len(last._modules) > 0:
        own, last = list(last._modules.items())[-1]
        name = path(name, own)
    key = type(loss) if isinstance(loss, Module) else loss
    wanted = LOSSES.get(key, "") if isinstance(key, Hashable) else ""
    code = PAIRS.get((wanted, type(last)))
    if code is not None:
        yield found(code, f"the last layer is {last}, and the loss is {wanted}", name)


def path(*names: str) -> str:
    return ".".join(filter(None, names))


def bias_in_row(model: Module, name: str, row: Sequential) -> Iterator[Finding]:
    """A Linear or Conv2d with a bias, directly before a batch norm of its outputs."""
    children = list(row._modules.items())
    for (own, layer), (following, norm) in zip(children, children[1:], strict=False):
        if type(norm).forward is not _BatchNorm.forward or isinstance(norm, _BatchRenorm):
            continue
        is_frozen = not norm.training and model.training
        size = {Linear: "out_features", Conv2d: "out_channels"}.get(type(layer))
        if size is None or is_frozen or layer.bias is None or not layer.bias.requires_grad:
            continue
        fits = norm.axis == 1 or (type(layer) is Linear and norm.axis == -1)
        if fits and getattr(layer, size) == norm.num_features and uses(model, layer.bias) == 1:
            what = (
                f"a trained bias of {layer.bias.numel()} numbers stands right before batch "
                f"normalization ('{path(name, following)}')"
            )
            yield found("bias-before-norm", what, path(name, own))


def uses(model: Module, parameter: Tensor) -> int:
    """In how many places of the model a parameter stands."""
    everywhere = model.named_parameters(remove_duplicate=False)
    return sum(each is parameter for _, each in everywhere)


# --- layers that the model does not know ----------------------------------------------------------


def unregistered(model: Module, optimized: set[Tensor]) -> Iterator[Finding]:
    """Modules and parameters in lists and dictionaries that are registered nowhere else."""
    known: set[object] = {*model.modules(), *model.parameters()}
    for name, module in model.named_modules():
        for attribute, value in vars(module).items():
            if attribute in module._kinds or not isinstance(value, (list, tuple, dict, set)):
                continue
            if attribute in ("_kinds", "_non_persistent") or attribute.endswith("_hooks"):
                continue
            hidden = [each for each in inside(value, 0) if each not in known]
            hidden = [each for each in hidden if matters(each, optimized)]
            if hidden:
                count = sum(each.numel() for layer in hidden for each in trained(layer))
                kinds = ", ".join(dict.fromkeys(type(each).__name__ for each in hidden))
                what = (
                    f"the {type(value).__name__} self.{attribute} holds {len(hidden)} of {kinds} "
                    f"with {count} numbers to train, which parameters() does not give"
                )
                yield found("unregistered-layers", what, path(name, attribute))


def inside(value: object, depth: int) -> Iterator[Module | Parameter]:
    """The modules and parameters in a list, tuple, set or dictionary, and in those within."""
    if isinstance(value, (Module, Parameter)):
        yield value
    elif isinstance(value, (list, tuple, dict, set)) and depth < DEEPEST:
        for each in value.values() if isinstance(value, dict) else value:
            yield from inside(each, depth + 1)


def trained(hidden: Module | Parameter) -> list[Tensor]:
    """What is to learn in a module, or the parameter itself."""
    own = [hidden] if isinstance(hidden, Parameter) else list(hidden.parameters())
    return [each for each in own if each.requires_grad]


def matters(hidden: Module | Parameter, optimized: set[Tensor]) -> bool:
    """Whether it hurts that nobody knows of it: it should learn and does not, or has modes."""
    own = trained(hidden)
    if isinstance(hidden, Module) and not list(hidden.parameters()):
        return any(isinstance(each, (Dropout, _BatchNorm)) for each in hidden.modules())
    return any(each not in optimized for each in own)


# --- modes ---------------------------------------------------------------------------------------


def wrong_modes(model: Module) -> Iterator[Finding]:
    """Calls under no_grad() in training mode, and steps in evaluation mode."""
    with_modes = [
        (name, each)
        for name, each in model.named_modules()
        if isinstance(each, _BatchNorm) or (isinstance(each, Dropout) and each.p > 0)
    ]
    for name, layer in with_modes:
        calls = layer._record
        if layer.training and model.training and calls > 0:
            did = "moved its statistics" if isinstance(layer, _BatchNorm) else "dropped values"
            what = (
                f"in training mode {type(layer).__name__} {did} in its last "
                f"{'call' if calls == 1 else f'{calls} calls'}, while nothing was recorded"
            )
            yield found("evaluation-in-training-mode", what, name)
            break  # one word for all of them: it is one mode
    if model.training or not with_modes:
        return
    parameters = list(model.parameters())
    steps = 0 if not parameters else min(map(steps_in_evaluation_mode(model), parameters))
    for name, layer in with_modes:
        own = [each for each in layer.parameters() if each.requires_grad]
        since = min(map(steps_in_evaluation_mode(layer), own)) if own else steps
        if since > 0 and not layer.training:
            what = (
                f"{since} {'step' if since == 1 else 'steps'} of an optimizer since eval() was "
                f"called, and {type(layer).__name__} is in evaluation mode"
            )
            yield found("training-in-evaluation-mode", what, name)
            break


def steps_in_evaluation_mode(model: Module) -> Callable[[Tensor], int]:
    """A function: how many steps a parameter of the model has made since the call of eval()."""
    steps: dict[Tensor, int] = {}
    for module in model.modules():
        own = [(name, each) for name, each in module._members(Parameter) if each is not None]
        if not own:
            continue
        written = writes(own) - module._record
        by_steps = all(last_writer(each).endswith(".step") for _, each in own)
        for _, each in own:
            steps[each] = written // len(own) if by_steps and not module.training else 0
    return lambda parameter: steps.get(parameter, 0)


# --- weights -------------------------------------------------------------------------------------


def equal_weights(model: Module) -> Iterator[Finding]:
    """Hidden layers all of whose units have the same weights.

    A last layer may start at zero, and so may the last one of a residual branch: their units get
    different gradients. So zeros count only in front of another layer of the same Sequential, or
    if all layers are equal.
    """
    layers = [
        (name, each)
        for name, each in model.named_modules()
        if isinstance(each, (Linear, Conv2d)) and each.weight.requires_grad
    ]
    all_equal = all(is_symmetric(each.weight.detach().numpy()) for _, each in layers)
    for name, layer in layers[:-1]:
        weight = layer.weight.detach().numpy()
        if not has_equal_units(weight):
            continue
        if weight.any() or all_equal or is_followed(model, name):
            values = np.unique(weight)
            which = f"all weights are {values[0]:g}" if len(values) == 1 else "the same weights"
            what = f"{which} in all {len(weight)} units of {type(layer).__name__}"
            yield found("equal-weights", what, name)


def has_equal_units(weight: np.ndarray) -> bool:
    return len(weight) > 1 and weight.size > 0 and bool((weight == weight[:1]).all())


def is_symmetric(weight: np.ndarray) -> bool:
    """Whether a layer treats all its units alike, or all its inputs."""
    return has_equal_units(weight) or bool((weight == weight.ravel()[:1]).all())


def is_followed(model: Module, name: str) -> bool:
    """Whether a layer stands in a Sequential, with another layer with weights behind it."""
    parent, _, own = name.rpartition(".")
    row = model.get_submodule(parent)
    if not isinstance(row, Sequential):
        return False
    names = list(row._modules)
    behind = [row._modules[each] for each in names[names.index(own) + 1 :]]
    return any(isinstance(each, (Linear, Conv2d)) for each in behind)
