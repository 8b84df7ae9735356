"""The graph of a loss, as the checks of lint read it: nodes in order, names, shapes, lines."""

from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np

from ...tensor import Function, Tensor

SAME_VALUES = {"View", "UnsafeView", "Unsqueeze", "Squeeze", "Expand", "Clone", "ToCopy"}
REORDERED = {"Transpose", "T", "Permute"}  # the same values, but dimensions have other numbers
PRODUCTS = {"Linear", "Convolution", "Matmul"}

# A node, whose rule may have fields of its own; a leaf; or None, where no gradient is wanted.
Source: TypeAlias = Any


class History:
    """The nodes below a tensor, inputs first; `names` are those of the parameters of a model."""

    def __init__(self, root: Tensor, names: Mapping[Tensor, str], own_line: str | None) -> None:
        self.root: Function | None = root.grad_fn
        self.value = root
        self.names = names
        self.is_whole: bool = all(each.requires_grad for each in names)  # no layer is frozen
        self.own_line = own_line  # where lint itself was called: no line of the model
        self.nodes: list[Source] = list(in_order(self.root))
        self.uses: dict[Function | Tensor, int] = {}
        for node in self.nodes:
            for each in node.inputs:
                if each is not None:
                    self.uses[each] = self.uses.get(each, 0) + 1

    def layer(self, source: Source) -> str:
        """The layer whose parameter is met first on the way down from a node."""
        while isinstance(source, Function):
            for each in source.inputs:
                if isinstance(each, Tensor) and each in self.names:
                    return self.names[each].rpartition(".")[0]
            source = next((each for each in source.inputs if isinstance(each, Function)), None)
        return ""

    def line(self, node: Function) -> str | None:
        """The line of the program that called an operation, if it is known."""
        calls = node.called_at
        if not calls:
            return None
        line = f"{calls[-1].filename}:{calls[-1].lineno}"
        return None if line == self.own_line else line

    def is_freed(self) -> bool:
        """Whether a backward pass has used up the graph."""
        return any(kind(node) in KEEPERS and not node.has_saved for node in self.nodes)


KEEPERS = PRODUCTS | {"CrossEntropy", "BatchNorm", "Relu", "Sigmoid", "Tanh", "Log", "Exp",
                      "Softmax", "LogSoftmax", "Mul", "Div", "Pow", "Softplus"}  # fmt: skip


def in_order(root: Function | None) -> Iterator[Function]:
    """Every node below the root, inputs first."""
    entered: set[Function] = set()
    stack: list[tuple[Function, bool]] = [] if root is None else [(root, False)]
    while stack:
        node, finished = stack.pop()
        if finished:
            yield node
        elif node not in entered:
            entered.add(node)
            stack.append((node, True))
            stack += [(each, False) for each in node.inputs if isinstance(each, Function)]


def kind(source: Source) -> str:
    """The class name of one of minigrad's own nodes; "" for a leaf, and for nodes of others."""
    if not isinstance(source, Function) or not type(source).__module__.startswith("minigrad.ops."):
        return ""
    return type(source).__name__


def through(source: Source, also: frozenset[str] = frozenset()) -> tuple[Source, bool]:
    """Where the values of `source` were computed, and whether dimensions changed their places."""
    moved = False
    while isinstance(source, Function) and kind(source) in SAME_VALUES | REORDERED | also:
        moved = moved or kind(source) in REORDERED
        source = source.inputs[0]
    return source, moved


def shape_of(source: Source) -> tuple[int, ...]:
    """The shape of the values that a node made."""
    if isinstance(source, Tensor):
        return tuple(source.shape)
    value = None if source is None else source.picture()[0]
    if value is None:
        return ()
    return value if isinstance(value, tuple) else value.shape


def small_value(node: Function) -> np.ndarray | None:
    """The values that a node made, if they are few enough to be remembered."""
    value = node.picture()[0]
    return None if isinstance(value, tuple) else value


def small_constant(node: Function, place: int) -> np.ndarray | None:
    """The input at a place that wants no gradient, if it is small."""
    value = node.picture()[2][place]
    return value if isinstance(value, np.ndarray) else None
