"""Mistakes that show in the graph of a loss: which operation follows which."""

from collections.abc import Iterator

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
    through,
)


def mistakes_in_graph(history: History) -> Iterator[Finding]:
    """Findings about single operations and what they were given, each layer once."""
    for node in history.nodes:
        name = kind(node)
        if name in ("CrossEntropy", "LogSoftmax"):
            yield from before_softmax(history, node)
        elif name == "Weighed":
            yield from before_nll(history, node)
        elif name == "Softplus":
            yield from before_logits_loss(history, node)
        elif name == "BatchNorm" and node.training:
            yield from before_batch_norm(history, node)
    yield from summed_norm(history)


def before_softmax(history: History, node: Source) -> Iterator[Finding]:
    """What cross_entropy or log_softmax was given, which should be scores."""
    source, moved = through(node.inputs[0])
    picked, _ = through(node.inputs[0], frozenset({"Index"}))  # of some samples
    layer, line = history.layer(source), history.line(node)
    wanted = "cross_entropy" if kind(node) == "CrossEntropy" else "log_softmax"
    if is_softmax(picked):
        what = f"{wanted} is given softmax's result, shape {shape_of(source)}"
        yield found("softmax-before-cross-entropy", what, layer, line)
    elif kind(source) == "LogSoftmax" and not moved:
        own, classes = source.dim, class_dim(node, source)
        if own == classes:
            what = f"{wanted} is given the result of log_softmax over dimension {own}"
            yield found("log-softmax-twice", what, layer, line)
        elif kind(node) == "CrossEntropy":
            yield over_batch(history, source, classes)


def before_nll(history: History, node: Source) -> Iterator[Finding]:
    """What nll_loss was given: it picks from it, negates and weighs, which nothing else does."""
    negated: Source = node.inputs[0]
    picked: Source = negated.inputs[0] if kind(negated) == "Neg" else None
    if kind(picked) != "Index":
        return
    source, moved = through(picked.inputs[0])
    if kind(source) == "Log" and kind(source.inputs[0]) == "Softmax":
        yield from over_another(history, source.inputs[0], moved)
    elif is_softmax(source):
        what = f"nll_loss is given softmax's result, shape {shape_of(source)}"
        yield found("probabilities-into-nll", what, history.layer(source), history.line(node))
    elif kind(source) == "LogSoftmax":
        yield from over_another(history, source, moved)


def over_another(history: History, source: Source, moved: bool) -> Iterator[Finding]:
    """Probabilities along another dimension than that in which the loss picks."""
    classes = min(1, len(shape_of(source)) - 1)
    if source.dim != classes and not moved:
        yield over_batch(history, source, classes)


def over_batch(history: History, source: Source, classes: int) -> Finding:
    shape, dim = shape_of(source), source.dim
    name = "softmax" if kind(source) == "Softmax" else "log_softmax"
    what = (
        f"{name} runs over dimension {dim} of shape {shape}; the loss looks for classes in "
        f"dimension {classes}"
    )
    return found("log-softmax-over-batch", what, history.layer(source), history.line(source))


def before_logits_loss(history: History, node: Source) -> Iterator[Finding]:
    """What binary_cross_entropy_with_logits was given; nothing else uses this softplus."""
    source, _ = through(node.inputs[0], frozenset({"Neg"}))
    if is_sigmoid(source):
        what = (
            f"binary_cross_entropy_with_logits is given sigmoid's result, shape {shape_of(source)}"
        )
        yield found("sigmoid-before-logits-loss", what, history.layer(source), history.line(node))


def before_batch_norm(history: History, node: Source) -> Iterator[Finding]:
    """A bias that only the normalization sees, and takes out again."""
    source, shape, axis = node.inputs[0], shape_of(node), node.axis
    bias: Source = None
    if kind(source) == "Linear" and axis == len(shape) - 1:
        bias = source.inputs[2]
    elif kind(source) == "Convolution" and axis == 1:
        bias = source.inputs[2]
    elif kind(source) == "Add" and len(shape) == 2 and axis == 1:
        leaves = [each for each in source.inputs if isinstance(each, Tensor)]
        products = [each for each in source.inputs if kind(each) in PRODUCTS]
        if len(leaves) == len(products) == 1 and shape_of(leaves[0]) in (shape[1:], (1, shape[1])):
            bias = leaves[0]
    if not isinstance(bias, Tensor) or not bias.requires_grad:
        return
    if history.uses[bias] == history.uses[source] == 1:
        what = f"a trained bias of {bias.numel()} numbers stands right before batch normalization"
        yield found("bias-before-norm", what, history.layer(source), history.line(node))


def summed_norm(history: History) -> Iterator[Finding]:
    """Whether the loss is nothing but the sum or mean of a batch norm's output."""
    if history.value.numel() != 1 or kind(history.root) not in ("Sum", "Mean"):
        return
    source, _ = through(history.root, frozenset({"Sum", "Mean"}))
    if kind(source) == "BatchNorm" and source.training:
        what = (
            f"the loss is the plain {kind(history.root).lower()} of batch normalization's output, "
            f"shape {shape_of(source)}"
        )
        yield found("norm-probed-by-sum", what, history.layer(source))


# --- what an operation is, also when it was written out -------------------------------------------


def class_dim(node: Source, source: Source) -> int:
    """The dimension in which a loss looks for classes, or along which log_softmax works."""
    if kind(node) == "LogSoftmax":
        return int(node.dim)
    return min(1, len(shape_of(source)) - 1)


def is_softmax(source: Source) -> bool:
    """Softmax, or e / e.sum(…) with e = z.exp()."""
    if kind(source) != "Div":
        return kind(source) == "Softmax"
    above, below = source.inputs
    total, _ = through(below)
    return kind(above) == "Exp" and kind(total) == "Sum" and total.inputs[0] is above


def is_sigmoid(source: Source) -> bool:
    """Sigmoid, or 1 / (1 + z.exp())."""
    if kind(source) != "Div":
        return kind(source) == "Sigmoid"
    above, below = source.inputs
    if above is not None or kind(below) != "Add" or not is_one(small_constant(source, 0)):
        return False
    ones = [k for k, each in enumerate(below.inputs) if each is None]
    rest = [each for each in below.inputs if each is not None]
    return (
        len(ones) == len(rest) == 1
        and is_one(small_constant(below, ones[0]))
        and kind(rest[0]) == "Exp"
    )


def is_one(value: np.ndarray | None) -> bool:
    return value is not None and value.ndim == 0 and value.item() == 1
