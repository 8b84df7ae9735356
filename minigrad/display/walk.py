"""The backward pass, one contribution at a time: what `loss.walk()` returns.

The walk is recorded while `backward` runs, by an observer that sees every node, what has arrived
there, and what its rule answers. Nothing is computed a second time: the sums that are shown are the
additions of the engine, in its order. `walk_page.py` makes a page of it.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np

from ..autograd.anomaly import observed
from ..errors import GraphError
from ..serialization.atomic_write import path_of, write
from ..tensor import Function, Tensor, method
from .graph import Graph, call_of, collect, describe, names_of, rows_of
from .modules import grouped
from .rules import Formula, cited, formulas_of
from .svg import Box, cut_off
from .terminal import fitting
from .walk_page import HOW_TO_SEE_LINES, page, times

CELLS = 64  # elements of the largest array that is shown number by number
BINS = 8
MOST = 500  # operations: a longer walk is nothing to read

ELEMENTWISE = (".arithmetic", ".selection")
BROADCASTING = "broadcasting"  # the page of the book


class Walk:
    """A recorded backward pass: printed, shown by Jupyter, or saved as a page.

    `.steps` has one entry per operation, in the order of the pass: what arrived there, and per
    input one row with the rule, its contribution, and the sum so far. `.leaves` has the gradients
    of the leaves. `.save("walk.html")` writes a page that needs nothing else; `.beside(other)` lays
    two walks side by side.
    """

    def __init__(
        self,
        boxes: list[Box],
        steps: list[dict[str, Any]],
        leaves: list[dict[str, Any]],
        groups: dict[Box, Any],
    ) -> None:
        self.boxes: list[Box] = boxes
        self.steps: list[dict[str, Any]] = steps
        self.leaves: list[dict[str, Any]] = leaves
        self.groups: dict[Box, Any] = (
            groups  # {box: the Group of its module}; empty without a model
        )

    def __repr__(self) -> str:
        return f"<Walk of {len(self.steps)} steps to {len(self.leaves)} leaves>"

    def __str__(self) -> str:
        lines = []
        for number, step in enumerate(self.steps, 1):
            lines.append(f"{number:>3}  {step['title']}: dy = {brief(step['arrived'])}")
            if step["line"]:
                lines.append(f"     called at {cut_off(step['line'], 88)}")
            for row in step["rows"]:
                lines.append(in_columns(f"       to {row['title']}", row, row["contribution"]))
                for road in row["roads"]:
                    lines.append(in_columns(" " * 10, road, road["value"]))
                if row["before"] is not None:
                    lines.append(
                        f"            was {brief(row['before'])}, the roads add up to "
                        f"{brief(row['after'])}"
                    )
        lines.append("leaves")
        for leaf in self.leaves:
            update = "" if leaf["update"] is None else f"  lr·|grad|/|w| {leaf['update']:.2g}"
            lines.append(f"     {leaf['title']}: grad = {brief(leaf['gradient'])}{update}")
        places = [each for step in self.steps for row in step["rows"] for each in row["book"]]
        if places:
            lines.append(f"derivations: python -m minigrad book {places[0]}")
        if self.steps and not any(step["line"] for step in self.steps):
            lines.append(HOW_TO_SEE_LINES)
        return fitting("\n".join(lines))

    def _repr_html_(self):
        return page([self], whole=False)

    def graph(self) -> Graph:
        """The picture of `loss.graph(model)`, with the gradients of all nodes, large ones, too."""
        return Graph(self.boxes)

    def beside(self, other: Walk) -> Pair:
        """This walk and another one, which go step by step together."""
        if not isinstance(other, Walk):
            raise TypeError(f"walk.beside: other must be a Walk, got {type(other).__name__}")
        return Pair(self, other)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to `path`, a file whose name ends in .html; whole or not at all."""
        write_page(path, [self])


class Pair:
    """Two walks side by side: `.save(path)` and Jupyter show them on one page."""

    def __init__(self, left: Walk, right: Walk) -> None:
        self.walks: list[Walk] = [left, right]

    def __repr__(self) -> str:
        return f"<{self.walks[0]!r} beside {self.walks[1]!r}>"

    def _repr_html_(self):
        return page(self.walks, whole=False)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the page to `path`, a file whose name ends in .html; whole or not at all."""
        write_page(path, self.walks)


def write_page(path: str | os.PathLike[str], walks: list[Walk]) -> None:
    path = Path(path_of("walk.save", path))
    if path.suffix not in (".html", ".htm"):
        raise ValueError(f"walk.save: the name must end in .html, got {path.name!r}")
    write(path, [page(walks).encode()])


def walk(self: Tensor, model: Any = None, optimizer: Any = None, /) -> Walk:
    """Run `backward()` once and return it as a Walk: what arrived where, and what was handed on.

    `.grad` is afterwards what `backward()` gives, bit for bit; the graph is freed as it frees it.
    model: a Module whose parameters are to be called by their names, and whose modules can be shown
    as one box each; on the page a graph of more than 40 boxes starts so. optimizer: for its
    learning rate, so that the leaves show lr·|grad| beside |w|. GraphError beyond 500 operations.
    The graph was recorded before walk is called, and remembering the lines of your program would
    slow every operation down. So they appear where you asked for it: run the forward pass within
    `autograd.detect_anomaly()`.
    """
    if not isinstance(self, Tensor):
        raise TypeError(f"walk: expected a tensor to walk from, got {type(self).__name__}")
    known = names_of("walk", model, {})
    rates = learning_rates(optimizer)
    boxes = collect(self, known)
    if sum(isinstance(key, Function) for key in boxes) > MOST:
        raise GraphError(
            f"walk: the graph has more than {MOST} operations; call walk on a smaller part, or on "
            "a loss of fewer steps"
        )
    for key, box in boxes.items():
        box.title += layer_suffix(key, boxes)
    recorder = Recorder(boxes)
    with observed(recorder):
        self.backward()
    leaves = leaves_of(boxes, rates, recorder.seen)
    for box in boxes.values():
        describe(box)
    groups = {} if model is None else grouped(boxes, known, type(model).__name__)
    return Walk(list(boxes.values()), recorder.steps, leaves, groups)


method("walk", walk)


class Recorder:
    """Called with (node, dy, answer) for every node of the pass, in its order."""

    def __init__(self, boxes: dict[Any, Box]) -> None:
        self.boxes: dict[Any, Box] = boxes
        self.steps: list[dict[str, Any]] = []
        self.number: dict[Box, int] = {box: i for i, box in enumerate(boxes.values())}
        self.sums: dict[Any, Tensor] = {}  # key -> the sum so far, as the engine forms it
        self.seen: dict[Any, int] = {}  # key -> the last step that contributed to it

    def __call__(self, node: Any, dy: Tensor, answer: Any) -> None:
        answers = answer if isinstance(answer, tuple) else (answer,)
        kind = type(node)
        formulas = formulas_of(kind)
        roads = node.roads(dy) or {}
        rows = []
        for i, (key, dx) in enumerate(zip(node.inputs, answers, strict=False)):
            if key is None or dx is None:
                continue
            before = self.sums.get(key)
            self.seen[key] = len(self.steps) + 1
            after = self.sums[key] = dx if before is None else before.detach() + dx.detach()
            formula = formulas[i] if i < len(formulas) else Formula("", "", "")
            repeated = repetition(node, dy, dx)
            rows.append(
                {
                    "to": self.number[self.boxes[key]],
                    "title": self.boxes[key].title,
                    "rule": formula.text + repeated,
                    "book": [each for each in (formula.place, repeated and BROADCASTING) if each],
                    "contribution": shown(dx),
                    "roads": [road(kind, each, part) for each, part in roads.get(i, ())],
                    "before": None if before is None else shown(before),
                    "after": shown(after),
                }
            )
        self.sums.pop(node, None)
        box = self.boxes[node]
        box.gradient, box.arrives = dy.detach().numpy(), len(self.steps) + 1
        self.steps.append(
            {
                "node": self.number[box],
                "title": box.title,
                "arrived": shown(dy),
                "line": "  ".join(filter(None, call_of(node))),
                "rows": rows,
            }
        )


def layer_suffix(key: Any, boxes: dict[Any, Box]) -> str:
    """ " of 0" for the operation of the layer whose parameters are called 0.weight and 0.bias."""
    if isinstance(key, Function):
        leaves = [boxes[each].title for each in key.inputs if isinstance(each, Tensor)]
        for layer, dot, _ in (title.rpartition(".") for title in leaves):
            if dot:
                return f" of {layer}"
    return ""


def road(kind: type, name: str, value: Tensor) -> dict[str, Any]:
    """One summand of a contribution, and its equation."""
    name, place = cited(kind, name)
    return {"rule": name, "book": [place] if place else [], "value": shown(value)}


def in_columns(start: str, row: dict[str, Any], value: dict[str, Any]) -> str:
    """A line of the text: who, the rule, its places in the book, the value."""
    places = f"({', '.join(row['book'])})" if row["book"] else ""
    return "  ".join(filter(None, (start, row["rule"], places, brief(value))))


def repetition(node: Any, dy: Tensor, dx: Tensor) -> str:
    """What a rule does beside its formula where broadcasting repeated an input."""
    if not type(node).__module__.endswith(ELEMENTWISE) or dx.shape == dy.shape:
        return ""
    return f"; it was repeated, so summed: {times(dy.shape)} → {times(dx.shape)}"


def leaves_of(
    boxes: dict[Any, Box], rates: dict[Tensor, float], seen: dict[Any, int]
) -> list[dict[str, Any]]:
    found = []
    for i, (key, box) in enumerate(boxes.items()):
        if not isinstance(key, Tensor) or key._grad is None:
            continue
        gradient, value = key._grad.detach().numpy(), key.detach().numpy()
        update, size = None, float(np.sqrt(np.square(value, dtype=np.float64).sum()))
        if key in rates and size > 0:
            update = rates[key] * float(np.sqrt(np.square(gradient, dtype=np.float64).sum())) / size
        box.gradient, box.arrives = gradient, seen.get(key, 0) + 1
        found.append(
            {"node": i, "title": box.title, "gradient": shown(key._grad), "update": update}
        )
    return found


def learning_rates(optimizer: Any) -> dict[Tensor, float]:
    if optimizer is None:
        return {}
    groups = getattr(optimizer, "param_groups", None)
    if not isinstance(groups, list):
        raise TypeError(f"walk: optimizer must be an optimizer, got {type(optimizer).__name__}")
    return {p: float(group["lr"]) for group in groups for p in group["params"]}


def shown(value: Any) -> dict[str, Any]:
    """An array as the page shows it: its cells if it is small, else what it is like."""
    array = value.detach().numpy() if isinstance(value, Tensor) else np.asarray(value)
    found = {"shape": list(array.shape), "brief": rows_of(array)}
    if array.size <= CELLS:
        return found | {"cells": np.asarray(array, np.float64).tolist()}
    finite = array[np.isfinite(array)].astype(np.float64)
    if not finite.size:
        return found | {"cells": None, "strip": [0] * BINS}
    corner = array[(0,) * max(array.ndim - 2, 0)][..., :3]
    return found | {
        "min": float(finite.min()),
        "mean": float(finite.mean()),
        "max": float(finite.max()),
        "zeros": float((array == 0).mean()),
        "strip": np.histogram(finite, BINS)[0].tolist(),
        "corner": np.asarray(corner[:3] if corner.ndim > 1 else corner, np.float64).tolist(),
    }


def brief(value: dict[str, Any]) -> str:
    """One line about a shown array."""
    rows = value["brief"]
    text = rows[0] if len(rows) == 1 else f"[{'; '.join(rows)}]"
    return f"{text} ({times(value['shape'])})" if "…" in text or "all" in text else text
