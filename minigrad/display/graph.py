"""A picture of the graph: what `tensor.graph()` returns, and how it is laid out and drawn.

Every box is a tensor: a leaf with its name, or an operation with the value it made. The layout is
the classic layered one: rank by the longest path, order within a rank by the middle of the
neighbors, then positions that keep neighbors close. No other program is needed.
This is all it will do: larger graphs go to Graphviz by `.to_dot()`.
"""

from __future__ import annotations

import os
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ..serialization.atomic_write import path_of, write
from ..tensor import Tensor, method
from .rules import snake_case
from .svg import Box, draw
from .terminal import fitting

LARGEST = 2000  # boxes; a picture of more is unreadable
SMALL = 64  # elements of the largest array that a box keeps; see PICTURE_SIZE


class Graph:
    """The graph below a tensor: shown by Jupyter, saved as a picture, or exported.

    `.save(path)` writes .svg, .dot, .mmd (Mermaid) or .txt; `.to_svg()`, `.to_dot()` and
    `.to_mermaid()` give the text. Small tensors show their numbers, large ones their range and
    their share of zeros: as long as a rule has them saved, which is until the backward pass.
    Gradients come from the last backward pass, of leaves and of small tensors. What a walk has seen
    is complete: `loss.walk(model).graph()`.
    """

    def __init__(self, boxes: list[Box]) -> None:
        self.boxes: list[Box] = boxes

    def __repr__(self) -> str:
        operations = sum(box.kind in ("operation", "output") for box in self.boxes)
        return f"<Graph of {operations} operations and {len(self.boxes) - operations} leaves>"

    def __str__(self) -> str:
        return fitting(self._text())

    def _text(self) -> str:
        number = {box: i for i, box in enumerate(self.boxes)}
        return "\n".join(
            f"{number[box]:>3}  {' '.join(line for _, line in box.lines)}"
            + (f"  <- {', '.join(str(number[each]) for each in box.inputs)}" if box.inputs else "")
            for box in self.boxes
        )

    def _repr_svg_(self):
        return self.to_svg()

    def to_svg(self) -> str:
        """The picture as SVG text; it follows the reader's light or dark theme."""
        return draw(self.boxes)

    def to_dot(self) -> str:
        """The graph in Graphviz's language."""
        number = {box: f"n{i}" for i, box in enumerate(self.boxes)}
        rows = [
            "digraph minigrad {",
            "  rankdir=LR;",
            '  node [shape=box, style=rounded, fontname="monospace"];',
        ]
        for box in self.boxes:
            label = "\\n".join(
                line.replace("\\", "\\\\").replace('"', '\\"') for _, line in box.lines
            )
            rows.append(f'  {number[box]} [label="{label}", class="{box.kind}"];')
        rows += [f"  {number[each]} -> {number[box]};" for box in self.boxes for each in box.inputs]
        return "\n".join([*rows, "}", ""])

    def to_mermaid(self) -> str:
        """The graph in Mermaid's language, which GitHub draws inside Markdown."""
        number = {box: f"n{i}" for i, box in enumerate(self.boxes)}
        rows = ["graph LR"]
        for box in self.boxes:
            label = "<br/>".join(escape(line).replace('"', "&quot;") for _, line in box.lines)
            rows.append(f'  {number[box]}["{label}"]:::{box.kind}')
        rows += [f"  {number[each]} --> {number[box]}" for box in self.boxes for each in box.inputs]
        return "\n".join([*rows, ""])

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the graph to `path`; the suffix chooses the form: .svg, .dot, .mmd or .txt."""
        path = Path(path_of("graph.save", path))
        forms = {
            ".svg": self.to_svg,
            ".dot": self.to_dot,
            ".mmd": self.to_mermaid,
            ".txt": lambda: f"{self._text()}\n",
        }
        if path.suffix not in forms:
            raise ValueError(
                f"graph.save: the suffix of {path.name!r} must be one of {', '.join(forms)}"
            )
        write(path, [forms[path.suffix]().encode()])


def graph(self: Tensor, model: Any = None, /, **names: Tensor) -> Graph:
    """The graph below this tensor: Jupyter shows it, `.save("graph.svg")` writes it.

    model: a Module whose parameters are to be called by their names; names: tensors by name, as in
    `loss.graph(w=w, x=x)`. Operations that ran within `autograd.detect_anomaly()` show the line of
    your program that called them.
    """
    boxes = list(collect(self, names_of("graph", model, names)).values())
    for box in boxes:
        describe(box)
    return Graph(boxes)


method("graph", graph)


def names_of(operation: str, model: Any, names: Any) -> dict[Tensor, str]:
    """{tensor: its name}, of the parameters of a model and of further tensors."""
    known: dict[Tensor, str] = {}
    if model is not None:
        if isinstance(model, type) or not hasattr(model, "named_parameters"):
            raise TypeError(f"{operation}: model must be a Module, got {type(model).__name__}")
        known.update((parameter, name) for name, parameter in model.named_parameters())
    for name, tensor in names.items():
        if not isinstance(tensor, Tensor):
            raise TypeError(f"{operation}: {name} must be a Tensor, got {type(tensor).__name__}")
        known[tensor] = name
    return known


def collect(root: Tensor, names: Any) -> dict[Any, Box]:
    """{what it stands for: its box} of the graph below `root`, inputs first.

    A box stands for a Function, for a leaf, or for an input that collects nothing.
    """
    names_of_nodes = {
        tensor.grad_fn: name for tensor, name in names.items() if tensor.grad_fn is not None
    }
    names_of_memory = {address(tensor.detach().numpy()): name for tensor, name in names.items()}
    boxes: dict[Any, Any] = {}
    known: dict[Any, Any] = {}

    def leaf_box(tensor):
        box = Box(
            "parameter", names.get(tensor, "leaf"), tuple(tensor.shape), tensor.detach().numpy()
        )
        if tensor._grad is not None:
            box.gradient = tensor._grad.detach().numpy()
        return box

    if root.grad_fn is None:
        return {root: leaf_box(root)}
    stack: list[Any] = [root.grad_fn]
    while stack:
        key = stack.pop()
        if key in boxes and boxes[key] is not None:
            continue
        if len(boxes) > LARGEST:
            raise ValueError(
                f"graph: more than {LARGEST} operations; draw a smaller part of the computation"
            )
        if isinstance(key, Tensor):
            boxes[key] = leaf_box(key)
            continue
        if key not in boxes:
            boxes[key] = None  # entered; finished when it comes up again, after its inputs
            stack.append(key)
            stack.extend(
                each for each in reversed(key.inputs) if each is not None and each not in boxes
            )
            continue
        value, gradient, constants = key.picture()
        title = snake_case(type(key))
        if key in names_of_nodes:
            title = f"{names_of_nodes[key]} = {title}"
        box = Box(
            "output" if key is root.grad_fn else "operation",
            title,
            *shape_and_value(value),
            gradient,
            call_of(key)[0],
        )
        for source, constant in zip(key.inputs, constants, strict=True):
            if source is not None:
                box.inputs.append(boxes[source])
            elif constant is not None:
                box.inputs.append(constant_box(boxes, constant, names_of_memory))
        del boxes[key]
        boxes[key] = box
        known.update(key.known_values())
    for key, array in known.items():
        if boxes[key].value is None and array.shape == boxes[key].shape:
            boxes[key].value = array
    return boxes


def call_of(node: Any) -> tuple[str, str]:
    """("spirals.py:12", "y = model(x)"): the line of the call, if detect_anomaly remembered it."""
    if not node.called_at:
        return "", ""
    call = node.called_at[-1]
    return f"{Path(call.filename).name}:{call.lineno}", call.line or ""


def constant_box(boxes: dict[Any, Box], constant: Any, names_of_memory: Any) -> Box:
    """The box of an input that wants no gradient: the same for the same memory."""
    shape, value = shape_and_value(constant)
    key = constant if value is None else address(value)
    if value is None:
        return boxes.setdefault(object(), Box("input", "input", shape))
    if key not in boxes:
        boxes[key] = Box(
            "input",
            names_of_memory.get(key, "constant" if value.ndim == 0 else "input"),
            shape,
            value,
        )
    return boxes[key]


def shape_and_value(shown: Any) -> tuple[tuple[int, ...], Any]:
    """(shape, value) of what a node remembers: an array, or only a shape."""
    return (shown, None) if isinstance(shown, tuple) else (shown.shape, shown)


def address(array: np.ndarray) -> tuple[Any, ...]:
    """What tells two arrays apart: their first byte, shape and strides."""
    return array.__array_interface__["data"][0], array.shape, array.strides


def describe(box: Box) -> None:
    """Write the lines of a box, each with the role that decides its color.

    Of what is large it keeps nothing else: a picture should hold no activations.
    """
    lines = [("title", box.title)]
    if box.called:
        lines.append(("called", box.called))
    if box.shape:
        lines.append(("shape", " × ".join(map(str, box.shape))))
    if box.value is not None:
        lines += [("value", row) for row in shown_rows(box.value)]
    if box.gradient is not None:
        rows = shown_rows(box.gradient)
        if box.gradient.ndim == 0:
            rows = [f"grad {rows[0]}"]
        else:
            rows.insert(0, "grad")
        lines += [("gradient", row) for row in rows]
    box.lines = lines
    if box.value is not None and box.value.size > SMALL:
        box.value = None
    if box.gradient is not None and box.gradient.size > SMALL:
        box.gradient = None


def shown_rows(array: np.ndarray) -> list[str]:
    """The rows of an array, in two digits, and how many of its numbers are zero if not all show."""
    rows = rows_of(array[None] if array.ndim == 1 else array, 2)  # a vector as a row
    zeros = np.count_nonzero(array == 0)
    if "…" not in rows[0] or not zeros:
        return rows
    share = 100 * zeros / array.size
    return [*rows, f"{share:.0f} % zeros" if share >= 1 else "< 1 % zeros"]


def rows_of(array: np.ndarray, digits: int = 3) -> list[str]:
    """An array in at most four short lines; larger ones as their range."""
    if array.size == 0:
        return ["empty"]
    if array.ndim == 0:
        return [short_number(array[()])]
    if array.ndim == 1 and array.size <= 5:
        return [f"[{', '.join(short_number(each, digits) for each in array)}]"]
    if array.ndim == 2 and array.shape[0] <= 4 and array.shape[1] <= 4:
        columns = [[short_number(each, digits) for each in column] for column in array.T]
        columns = [[cell.rjust(max(map(len, cells))) for cell in cells] for cells in columns]
        return [" ".join(row) for row in zip(*columns, strict=True)]
    low, high = array.min(), array.max()
    if low == high:
        return [f"all {short_number(low, digits)}"]
    return [f"{short_number(low, digits)} … {short_number(high, digits)}"]


def short_number(value: Any, digits: int = 3) -> str:
    """A number in about six characters, with a real minus sign; integers in full."""
    if not isinstance(value, float | np.floating):
        text = str(value)
    elif 10**digits <= abs(float(value)) < 1e5:
        text = f"{value:.0f}"
    else:
        text = f"{value:.{digits}g}".replace("e-0", "e-").replace("e+0", "e").replace("e+", "e")
    return text.replace("-", "−")
