"""A table of a model: the output of each layer, its parameters, what it saves for backward."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from ...autograd.grad_mode import enable_grad
from ...display.html import html_block, html_table, html_text
from ...dtypes import DTypeLike
from ...ops.array.creation import zeros
from ...random import fork_rng
from ...tensor import Function, Tensor
from ..module import Module


@dataclass(frozen=True)
class Row:
    """One layer: its path and class, its output's shape, its parameters, the bytes it saved."""

    layer: str
    output_shape: tuple[int, ...]
    parameters: int
    saved_bytes: int


@dataclass(frozen=True)
class Summary:
    """What `nn.summary` found: `rows` in the order of execution, and the totals."""

    rows: tuple[Row, ...]
    parameters: int
    trainable: int
    buffers: int
    saved_bytes: int

    def _cells(self):
        """The table: its head, a line per layer, the totals."""
        cells = [("layer", "output shape", "parameters", "saved for backward")]
        cells += [
            (
                row.layer,
                str(row.output_shape),
                f"{row.parameters:,}",
                readable_size(row.saved_bytes),
            )
            for row in self.rows
        ]
        cells.append(("total", "", f"{self.parameters:,}", readable_size(self.saved_bytes)))
        return cells

    def _note(self):
        frozen = (
            f", {self.parameters - self.trainable:,} frozen"
            if self.parameters != self.trainable
            else ""
        )
        return (
            f"trained: {self.trainable:,}{frozen}; buffers, which follow the data: {self.buffers:,}"
        )

    def __str__(self) -> str:
        cells = self._cells()
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        lines = [
            "  ".join(
                [
                    row[0].ljust(widths[0]),
                    row[1].ljust(widths[1]),
                    row[2].rjust(widths[2]),
                    row[3].rjust(widths[3]),
                ]
            )
            for row in cells
        ]
        rule = "-" * len(lines[0])
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1], self._note()])

    __repr__ = __str__

    def _repr_html_(self) -> str:
        head, *rows = self._cells()
        return html_block(html_table(head, rows, words=(0, 1)), html_text(self._note()))


def readable_size(count: int) -> str:
    """A number of bytes to read: 512 B, 3.1 KiB, 12.0 MiB."""
    value = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024 or unit == "GiB":
            break
        value /= 1024
    return f"{count} B" if unit == "B" else f"{value:.1f} {unit}"


def summary(
    model: Module,
    input_shape: Sequence[int] | Sequence[Sequence[int]],
    dtype: DTypeLike | None = None,
) -> Summary:
    """A `Summary` of the model for an input of shape `input_shape`, the batch included: (128, 784).

    A copy of the model runs once on zeros, so nothing of the model changes: no running statistic,
    gradient, mode or hook, nor the random numbers to come. Saved bytes count each piece of memory
    once, at the first layer that saves it; parameters, which exist anyway, are not counted.
    """
    if not isinstance(model, Module):
        raise TypeError(f"summary: model must be a Module, got {type(model).__name__}")
    if hasattr(input_shape, "shape"):  # a batch itself, of minigrad, NumPy or torch
        raise TypeError(
            "summary: input_shape must be a tuple, the batch included; got "
            f"{type(input_shape).__name__}: give its shape, {tuple(input_shape.shape)}"
        )
    if not isinstance(input_shape, (tuple, list)) or None in input_shape:
        raise TypeError(
            "summary: input_shape must be a tuple of numbers, the batch included, as (128, 784); "
            f"got {input_shape!r:.60}"
        )
    copied = copy.deepcopy(model)
    for module in copied.modules():
        module._forward_hooks.clear()
        module._forward_pre_hooks.clear()
    if dtype is None:
        dtype = next((parameter.dtype for parameter in copied.parameters()), None)
    tally = Tally(copied)
    with fork_rng(), enable_grad():
        output = copied(zeros(*input_shape, dtype=dtype))
    tally.between += tally.new_bytes(output)
    rows = list(tally.rows.values())
    if tally.between:
        rows.append(Row("(between layers)", (), 0, tally.between))
    parameters = list(model.parameters())
    return Summary(
        rows=tuple(rows),
        parameters=sum(each.numel() for each in parameters),
        trainable=sum(each.numel() for each in parameters if each.requires_grad),
        buffers=sum(each.numel() for each in model.buffers()),
        saved_bytes=sum(row.saved_bytes for row in rows),
    )


class Tally:
    """Watches the layers of a model run, and counts what each adds to what backward needs."""

    def __init__(self, model: Module) -> None:
        self.rows: dict[str, Row] = {}
        self.nodes: set[Function] = set()
        self.memory: set[int] = set()
        self.between: int = 0  # saved by functions that a forward calls outside its layers
        for name, module in model.named_modules():
            if not module._modules:
                module.register_forward_hook(
                    self.watch(f"{name} ({type(module).__name__})".lstrip())
                )

    def watch(self, layer: str) -> Callable[..., None]:
        def hook(module, inputs, output):
            self.between += sum(map(self.new_bytes, inputs))
            before = self.rows.get(layer)
            saved = self.new_bytes(output) + (before.saved_bytes if before else 0)
            own = sum(parameter.numel() for parameter in module.parameters())
            shape = tuple(output.shape) if isinstance(output, Tensor) else ()
            self.rows[layer] = Row(layer, shape, own, saved)

        return hook

    def new_bytes(self, output: Any) -> int:
        """The bytes saved by the nodes below `output` that were not there at the last look."""
        total = 0
        stack: list[Any] = [output.grad_fn] if isinstance(output, Tensor) else []
        while stack:
            node = stack.pop()
            if not isinstance(node, Function) or node in self.nodes:
                continue
            self.nodes.add(node)
            stack.extend(node.inputs)
            for array in node.saved_arrays():
                while array.base is not None and hasattr(array.base, "nbytes"):
                    array = array.base
                start = array.__array_interface__["data"][0]
                if start not in self.memory:
                    self.memory.add(start)
                    total += array.nbytes
        return total
