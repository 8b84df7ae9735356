"""Batch normalization folded into the layer before it, for inference.

In evaluation y = γ·r·(z − mean) + β is affine in z, and z = W x + b, a linear layer or a
convolution, is affine in x. Together they are affine, too: y = (γ·r·W) x + (β + γ·r·(b − mean)).
docs/derivations/batch_norm.md (12a)
"""

import copy
from collections import Counter
from typing import Any, NamedTuple, TypeVar

import numpy as np

from ..._runtime.fp_warnings import quietly
from ...display.html import html_block, html_facts, html_text
from ...errors import ShapeError
from ...ops.array.creation import from_numpy
from ..batch_norm import BatchNorm1d, BatchNorm2d, _BatchNorm
from ..batch_renorm import BatchRenorm1d, BatchRenorm2d
from ..containers import Sequential
from ..conv2d import Conv2d
from ..layers import Linear
from ..module import Module, Parameter
from .detached_copy import detached_copy
from .folded import FoldedConv2d, FoldedLinear, Taken, plain, whole

# What a subclass may define that still computes as its base, and what of Python's own it may not.
HARMLESS = {"extra_repr", "reset_parameters"}
HARMFUL = {"__call__", "__getattr__", "__getattribute__"}

Model = TypeVar("Model", bound=Module)


class Folding(NamedTuple):
    """What `fold_batch_norm` did, by the names of the layers.

    `folded`: pairs (batch normalization, layer that took it in). `kept`: pairs (batch
    normalization, why it stayed).
    """

    folded: list[tuple[str, str]]
    kept: list[tuple[str, str]]

    def __str__(self):
        lines = [f"{norm} is folded into {layer}" for norm, layer in self.folded]
        lines += [f"{norm} stays: {why}" for norm, why in self.kept]
        return "\n".join(lines) or "there is no batch normalization"

    def __repr__(self):
        return str(self)

    def _repr_html_(self) -> str:
        rows = [(norm, f"folded into {layer}") for norm, layer in self.folded]
        rows += [(norm, f"stays: {why}") for norm, why in self.kept]
        return html_block(html_facts(rows) if rows else html_text(str(self)))


class Slot(NamedTuple):
    """A position in a Sequential."""

    container: Sequential
    key: str
    path: str

    @property
    def layer(self):
        return self.container._modules[self.key]

    @property
    def identity(self):
        return id(self.container), self.key

    @property
    def parent(self):
        return self.path.rpartition(".")[0]


def fold_batch_norm(model: Model) -> Model:
    """A copy of `model` for inference, in which layers have taken in their batch normalizations.

    W' = γ·r·W and b' = β + γ·r·(b − running_mean) with r = 1/√(running_var + eps), computed in
    double, for every Linear and Conv2d directly followed by a batch normalization in a Sequential,
    also across the borders of nested ones; an Identity takes the place of the normalization, so
    that all other layers keep their names. Only in a Sequential is the order certain. What stands
    elsewhere stays as it is, as does a batch normalization without running statistics, along an
    axis that is not the layer's outputs, or with hooks or its own class; `copy.folding` says
    what was folded, and why the rest was not.

    Both halves of a folded pair run only where their Sequential runs as a whole. A forward that
    calls its layers one by one, a part of it, or uses weight or bias of a folded layer, gets a
    RuntimeError: between the two, its values differ from the model's.

    The copy is in evaluation mode; `model` does not change. A Linear whose batch normalization was
    for (N, C) takes 2D inputs only, and says so. TypeError for anything but a Module.
    torch.nn.utils.fusion.fuse_linear_bn_eval and fuse_conv_bn_eval, for a whole model.
    """
    if not isinstance(model, Module):
        raise TypeError(f"fold_batch_norm: model must be a Module, got {type(model).__name__}")
    other = detached_copy(model).eval()
    modules = dict(other.named_modules(remove_duplicate=False))
    uses = Counter(map(id, modules.values()))
    seen = seen_by_others(modules)
    folded: dict[Any, tuple[str, str]] = {}
    kept: dict[Any, tuple[str, str]] = {}
    for path, module in modules.items():
        parent = modules[path.rpartition(".")[0]]
        if not is_chain(module) or (is_chain(parent) and is_inline(module) and path):
            continue
        before: Any = None
        for slot in slots_of(module, path):
            if isinstance(slot.layer, _BatchNorm):
                why = obstacle(before, slot, uses)
                if why is None:
                    put(before, slot, modules, id(before.container) in seen)
                    folded[slot.identity] = slot.path, before.path
                    continue
                kept.setdefault(slot.identity, (slot.path, why))
            before = slot
    for path, module in modules.items():
        parent = modules[path.rpartition(".")[0]]
        place = id(parent), path.rpartition(".")[2]
        if isinstance(module, _BatchNorm) and place not in folded:
            why = f"the forward of {type(parent).__name__} decides what comes before it"
            kept.setdefault(place, (path, why if path else "it is the whole model"))
    other.folding = Folding(list(folded.values()), list(kept.values()))
    return other


def is_chain(module):
    """Whether a module surely runs its children one after the other, if it is called."""
    if not isinstance(module, Sequential) or type(module).__call__ is not Module.__call__:
        return False
    return runs_as(module, Sequential)


def is_inline(module):
    """Whether its children might as well stand in the chain around it."""
    return is_chain(module) and not has_hooks(module)


def runs_as(module, kind):
    """Whether a module's forward is the one of a class: a subclass may define its own."""
    return type(module).forward is kind.forward and "forward" not in vars(module)


def is_known(module, *kinds):
    """Whether its class is one of these, or one that differs by how it is made and printed."""
    for each in type(module).__mro__:
        if each in kinds:
            return True
        for name in vars(each):
            own = name.startswith("__") and name.endswith("__")
            if name in HARMFUL or not (own or name in HARMLESS):
                return False
    return False


def seen_by_others(modules):
    """The ids of all modules that are below one with a class of its own, or have one.

    Its forward may do with them as it likes.
    """
    foreign, seen = set(), set()
    for path, module in modules.items():  # parents come first
        above = path.rpartition(".")[0] if path else None
        if above in foreign or not (is_chain(module) and is_known(module, Sequential)):
            foreign.add(path)
            seen.add(id(module))
    return seen


def has_hooks(module):
    hooks = [*module._forward_pre_hooks.values(), *module._forward_hooks.values()]
    return any(hook is not two_dimensional for hook in hooks)


def slots_of(chain, path):
    """The slots of a chain, and of the chains inside it, in order."""
    for key, child in chain._modules.items():
        here = f"{path}.{key}" if path else key
        if is_inline(child):
            yield from slots_of(child, here)
        else:
            yield Slot(chain, key, here)


def obstacle(before, slot, uses):
    """Why the batch normalization in `slot` cannot go into what is `before`; None if it can."""
    norm = slot.layer
    if before is None:
        return "nothing comes before it in its Sequential"
    layer = plain(before.layer)
    kind = type(layer).__name__
    if not isinstance(layer, (Linear, Conv2d)):
        return f"it follows a {kind}"
    if not runs_as(norm, _BatchNorm) or has_hooks(norm):
        return "it has hooks or a forward of its own"
    if not (runs_as(layer, Linear) or runs_as(layer, Conv2d)) or has_hooks(before.layer):
        return f"the {kind} before it has hooks or a forward of its own"
    if not is_known(norm, BatchNorm1d, BatchNorm2d, BatchRenorm1d, BatchRenorm2d):
        return f"its class {type(norm).__name__} has attributes of its own"
    if not is_known(layer, Linear, Conv2d):
        return f"the class {kind} of the layer before it has attributes of its own"
    if norm.training:
        return "it stays in training mode"
    if before.container is not slot.container and (
        uses[id(before.container)] > 1 or uses[id(slot.container)] > 1
    ):
        return "it and the layer before it are in Sequentials that are used in several places"
    if norm.running_mean is None or norm.running_var is None:
        return "it has no running statistics"
    if isinstance(layer, Conv2d):
        fits = 4 in norm._dimensions and norm.axis in (1, -3)
    else:
        fits = norm.axis == -1 or (2 in norm._dimensions and norm.axis == 1)
    if not fits:
        return f"its channels are along axis {norm.axis}, the outputs of {kind} are not"
    outputs = layer.weight.shape[0]
    if norm.num_features != outputs:
        return f"it has {norm.num_features} channels, the {kind} {outputs} outputs"
    if norm.running_mean.dtype is not layer.weight.dtype:
        return f"it is {norm.running_mean.dtype}, the {kind} is {layer.weight.dtype}"
    if not all(np.isfinite(array).all() for array in lines(layer, norm)):
        return "its statistics make values that are not finite"
    return None


def lines(layer, norm):
    """W' and b' in the dtype of W."""
    weight, gamma, beta, mean, var, bias = (
        None if tensor is None else tensor.detach().numpy().astype(np.float64)
        for tensor in (
            layer.weight, norm.weight, norm.bias, norm.running_mean, norm.running_var, layer.bias
        )
    )  # fmt: skip
    slope = quietly(np.reciprocal, quietly(np.sqrt, var + norm.eps))
    slope = slope if gamma is None else gamma * slope
    shift = -slope * mean if bias is None else slope * (bias - mean)
    shift = shift if beta is None else beta + shift
    weight = weight * slope.reshape(-1, *[1] * (weight.ndim - 1))
    return [quietly(array.astype, layer.weight.dtype.numpy) for array in (weight, shift)]


def put(before, slot, modules, sealed):
    """Put halves of a folded pair into both slots, and tell the Sequentials around them."""
    pair = before.path, slot.path
    home = modules[common([before.parent, slot.parent])]
    if before.container is slot.container:
        home = slot.container
    for end in (before, slot):
        chain, path = end.container, end.parent
        while chain is not home:
            whole(chain)
            path = path.rpartition(".")[0]
            chain = modules[path]
    layer = merged(plain(before.layer), slot.layer)
    kind = FoldedLinear if isinstance(layer, Linear) else FoldedConv2d
    setattr(before.container, before.key, kind.of(layer, sealed)._stand(whole(home), pair))
    setattr(slot.container, slot.key, Taken()._stand(whole(home), pair))


def common(paths):
    """The path down to which all are the same."""
    same = []
    for names in zip(*(path.split(".") for path in paths), strict=False):
        if len(set(names)) > 1:
            break
        same.append(names[0])
    return ".".join(same)


def merged(layer, norm):
    """The layer that does the work of both."""
    weight, bias = map(from_numpy, lines(layer, norm))
    result = copy.deepcopy(layer)
    result.weight = Parameter(weight, layer.weight.requires_grad)
    result.bias = Parameter(bias, layer.weight.requires_grad)
    if isinstance(layer, Linear) and norm.axis == 1 and not result._forward_pre_hooks:
        result.register_forward_pre_hook(two_dimensional)
    return result


def two_dimensional(layer, inputs):
    """A batch norm of (N, C, L) keeps axis 1, but the outputs of a Linear are the last axis."""
    if inputs and inputs[0].ndim != 2:
        raise ShapeError(
            f"{layer}: a batch normalization was folded into this layer, which is possible for 2D "
            f"inputs only, got shape {tuple(inputs[0].shape)}"
        )
