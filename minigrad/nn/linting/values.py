"""Mistakes that show in the numbers of a batch: inputs, activations, the loss, gradients."""

import math
from collections.abc import Iterator, Mapping

import numpy as np

from ...tensor import Tensor
from .finding import Finding, found
from .history import (
    PRODUCTS,
    History,
    Source,
    kind,
    shape_of,
    small_constant,
    small_value,
)

LARGE_INPUT = 20  # of a layer that learns
FEWEST_SAMPLES = 32  # below, a unit may rest on all of them by chance
FEWEST_UNITS, MANY_UNITS = 8, 16
FLAT = 0.01  # of the largest slope
MOSTLY = 0.75
SURE_AND_WRONG = 3  # times log C, before any training
LOST = 1000  # times log C, after some steps
LAYERS_APART, ROUNDING = 1e3, 1e-7


def mistakes_in_values(
    history: History, progress: str, data: np.ndarray | None
) -> Iterator[Finding]:
    """Findings in what the operations of a graph saved.

    progress: "fresh", "loaded" or "stepped". data: the batch, if it is known. If not, and no layer
    is frozen, what no parameter has touched is taken for it.
    """
    hidden = below_products(history)
    tells = data is None or data.ndim == 0 or bool((data != data[:1]).any())  # samples that differ
    for node in history.nodes:
        if not node.has_saved:
            continue
        name = kind(node)
        if name in PRODUCTS:
            yield from unscaled_input(history, node, data)
        elif name == "Relu" and tells:
            yield from dead_units(history, node)
        elif name in ("Sigmoid", "Tanh") and tells and node in hidden:
            yield from saturated_units(history, node)
        elif name == "CrossEntropy":
            yield from loss_beside_chance(history, node, progress)
    yield from infinite_loss(history, data)


def below_products(history: History) -> set[Source]:
    """The nodes whose values go through another layer with weights."""
    below: set[Source] = set()
    for node in reversed(history.nodes):
        if node in below or kind(node) in PRODUCTS:
            below.update(each for each in node.inputs if each is not None)
    return below


def unscaled_input(history: History, node: Source, batch: np.ndarray | None) -> Iterator[Finding]:
    """Data, not activations, that a weight multiplies first."""
    data = [k for k, each in enumerate(node.inputs[:2]) if each is None]
    weights = [each for each in node.inputs[:2] if isinstance(each, Tensor)]
    saved = node.saved_arrays()
    if len(data) != 1 or len(weights) != 1 or not saved or saved[0].size == 0:
        return
    low, high = float(saved[0].min()), float(saved[0].max())
    if batch is None and not history.is_whole:
        return
    if batch is not None and (low, high) != (float(batch.min()), float(batch.max())):
        return  # features, made by layers that do not learn
    if max(-low, high) > LARGE_INPUT:  # also for infinities, but not for NaN
        what = f"the first layer multiplies inputs from {low:.4g} to {high:.4g}"
        yield found("unscaled-input", what, history.layer(node), history.line(node))


def by_unit(array: np.ndarray) -> np.ndarray:
    """(samples, units): the units are dimension 1 of (N, C) and of images, else the last one."""
    units = np.moveaxis(array, 1, -1) if array.ndim == 4 else array
    return units.reshape(-1, units.shape[-1])


def dead_units(history: History, node: Source) -> Iterator[Finding]:
    saved = node.saved_arrays()
    if not saved or saved[0].ndim < 2:
        return
    values = by_unit(saved[0])
    samples, units = len(saved[0]), values.shape[1]
    if samples < FEWEST_SAMPLES or units < FEWEST_UNITS:
        return
    dead, always = int((values <= 0).all(axis=0).sum()), int((values > 0).all(axis=0).sum())
    if is_death(dead, always, units):
        what = f"{dead} of {units} units are 0 for all {samples} samples, after ReLU"
        yield found("dead-units", what, history.layer(node), history.line(node))


def is_death(dead: int, always: int, units: int) -> bool:
    """Whether so many units at 0 for every sample are more than chance, `always` others above it.

    Where inputs hardly differ, as deep in a new network, each unit is off or on for all samples,
    with even chances. So then it takes four standard deviations of such a coin, which is √units/2.
    """
    if 2 * dead < units:
        return False
    if 4 * always <= units - dead:  # the others do tell samples apart
        return units >= MANY_UNITS or 8 * dead >= 7 * units
    return dead >= units / 2 + 2 * math.sqrt(units)


def saturated_units(history: History, node: Source) -> Iterator[Finding]:
    saved = node.saved_arrays()
    if not saved or saved[0].ndim < 2 or len(saved[0]) < FEWEST_SAMPLES:
        return
    y = saved[0].astype(np.float64)
    slope = 1 - y * y if kind(node) == "Tanh" else 4 * y * (1 - y)  # 1 where it is largest
    share = float((slope < FLAT).mean())
    if share > MOSTLY:
        what = f"{share:.0%} of {kind(node).lower()}'s values are where it is flat"
        yield found("saturated-units", what, history.layer(node), history.line(node))


def loss_beside_chance(history: History, node: Source, progress: str) -> Iterator[Finding]:
    """Whether the network is far too sure, at the start or after its steps."""
    said = loss_and_classes(node)
    if said is None:
        return
    loss, classes = said
    chance, code, when = math.log(classes), "", ""
    if progress == "fresh" and loss > SURE_AND_WRONG * chance:
        code, when = "first-loss", "before any training"
    elif progress == "stepped" and loss > LOST * chance:
        code, when = "learning-rate", "after some steps"
    if code:
        what = (
            f"{when} the loss is {loss:.3g}; guessing among {classes} classes costs log {classes} "
            f"= {chance:.3g}"
        )
        yield found(code, what, history.layer(node), history.line(node))


def loss_and_classes(node: Source) -> tuple[float, int] | None:
    """The mean of −log p over the samples, whatever reduction and weights the loss has."""
    saved = node.saved_arrays()
    if len(saved) < 2 or saved[0].ndim != 2 or saved[1].shape != saved[0].shape[:1]:
        return None
    logits, labels = saved[0].astype(np.float64), saved[1]
    counted = (labels >= 0) & (labels < logits.shape[1])
    if logits.shape[1] < 2 or not counted.any() or not np.isfinite(logits).all():
        return None
    logits, labels = logits[counted], labels[counted]
    logits -= logits.max(axis=1, keepdims=True)
    said = np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(len(labels)), labels]
    return float(said.mean()), logits.shape[1]


# --- where an infinity was born ------------------------------------------------------------------


def infinite_loss(history: History, data: np.ndarray | None) -> Iterator[Finding]:
    """The first operation that made an infinity or NaN from finite numbers, if the loss has one."""
    loss = history.value.detach().numpy()
    if np.isfinite(loss).all() or (data is not None and data.size == 0):
        return
    if data is not None and not np.isfinite(data).all():
        what = f"the loss is {short(loss)}, because the batch already holds NaN or infinities"
        yield found("infinite-loss", what)
        return
    for tensor in history.uses:
        if isinstance(tensor, Tensor) and not np.isfinite(tensor.detach().numpy()).all():
            name = history.names.get(tensor)
            place = f"'{name}'" if name else "a leaf"
            what = f"the loss is {short(loss)}, because {place} already holds NaN or infinities"
            yield found("infinite-loss", what, name.rpartition(".")[0] if name else "")
            return
    for node in history.nodes:
        cause = birth(node)
        if cause:
            what = f"the loss is {short(loss)}: {cause}"
            yield found("infinite-loss", what, history.layer(node), history.line(node))
            return
    yield found("infinite-loss", f"the loss is {short(loss)}", history.layer(history.root))


def short(loss: np.ndarray) -> str:
    return f"{loss.item():.4g}" if loss.size == 1 else "not finite"


def birth(node: Source) -> str | None:
    """What an operation did, if it made an infinity or NaN of finite numbers."""
    name, saved = kind(node), node.saved_arrays()
    if name == "Log" and saved:
        zeros, negative = int((saved[0] == 0).sum()), int((saved[0] < 0).sum())
        if zeros:
            return (
                f"log is given {zeros} {'zero' if zeros == 1 else 'zeros'}, shape {saved[0].shape}"
            )
        return f"log is given {negative} negative numbers" if negative else None
    if name == "Exp" and saved and np.isinf(saved[0]).any():
        return f"exp overflows in {int(np.isinf(saved[0]).sum())} of {saved[0].size} numbers"
    value = small_value(node)
    if value is None or np.isfinite(value).all():
        return None
    inputs = [
        small_constant(node, k) if each is None else small_input(each)
        for k, each in enumerate(node.inputs)
    ]
    if all(each is not None and np.isfinite(each).all() for each in inputs):
        return f"{node.name()} makes it from finite numbers, shape {shape_of(node)}"
    return None


def small_input(source: Source) -> np.ndarray | None:
    return source.detach().numpy() if isinstance(source, Tensor) else small_value(source)


# --- gradients -----------------------------------------------------------------------------------


def gradients_apart(gradients: Mapping[str, np.ndarray]) -> Iterator[Finding]:
    """Whether the gradients of the weights, by name, are of very different sizes."""
    norms = {
        name: float(np.linalg.norm(each.astype(np.float64).ravel()))
        for name, each in gradients.items()
        if each.ndim >= 2
    }
    # What is smaller by the precision of float32 is a 0 but for rounding.
    least = ROUNDING * max(norms.values(), default=0.0)
    norms = {name: norm for name, norm in norms.items() if least < norm < math.inf}
    if len(norms) < 2:
        return
    small, large = min(norms, key=norms.__getitem__), max(norms, key=norms.__getitem__)
    if norms[large] > LAYERS_APART * norms[small]:
        what = (
            f"the gradient of '{large}' has the norm {norms[large]:.2g}, that of '{small}' "
            f"{norms[small]:.2g}: {norms[large] / norms[small]:.2g} times less"
        )
        yield found("gradient-scale", what, small.rpartition(".")[0])
