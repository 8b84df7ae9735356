"""ONNX operations in order, before it is settled which sizes are the batch's; and the file.

A model is run several times, with other values and with a batch of another size. Each run gives a
draft. What two drafts have in common goes into the file. Sizes of a reshape may differ, if they are
those of the batch; where anything else differs, the file could not compute what the model does.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from .tracing import Array, Record

OPSET = 21  # of ONNX 1.16, which onnxruntime reads since 1.18
IR_VERSION = 10  # the file format of those years
SHAPED = {"Reshape", "Expand"}  # whose second input is a shape; here it is the attribute `shape`


class Value(NamedTuple):
    """What a rule knows of an input or a result: its name in the file, and what it is."""

    name: str
    shape: tuple[int, ...]
    dtype: Any  # NumPy's


Operand: TypeAlias = str | Value | None


class Step(NamedTuple):
    operation: str
    inputs: tuple[str, ...]
    output: str
    attributes: dict[str, Any]
    record: Record


class Draft:
    """The operations of one run, and the constants that they read."""

    def __init__(self, names: Sequence[str], state: dict[str, Array]) -> None:
        self.steps: list[Step] = []
        self.constants: dict[str, Array] = {}
        self.results: list[str] = []  # what the model returns
        self.state = state  # parameters and buffers, which keep their names
        self._taken = dict.fromkeys([*names, *state], 1)

    def begin(self, record: Record) -> None:
        """What is added from now on stems from this record."""
        self._record = record

    def add(self, operation: str, *inputs: Operand, **attributes: Any) -> str:
        """One more operation; the name of its result. An input that is None is left out."""
        names = tuple("" if x is None else x if isinstance(x, str) else x.name for x in inputs)
        while names and not names[-1]:
            names = names[:-1]
        layer = self._record.layer
        output = self.unused(f"{layer}.{operation}" if layer else operation)
        self.steps.append(Step(operation, names, output, attributes, self._record))
        return output

    def reshape(self, x: Operand, shape: Sequence[int]) -> str:
        return self.add("Reshape", x, shape=tuple(shape))

    def constant(self, array: Any, name: str = "constant") -> str:
        """The name of a constant: the one it is given, if that is free or a buffer just like it."""
        if name in self.state and np.array_equal(self.state[name], array):
            return name
        name = self.unused(name)
        self.constants[name] = np.asarray(array)
        return name

    def integers(self, values: Sequence[int]) -> str:
        return self.constant(np.array(values, np.int64))

    def unused(self, name: str) -> str:
        count = self._taken.get(name, 0)
        self._taken[name] = count + 1
        return self.unused(f"{name}_{count}") if count else name


class Size(NamedTuple):
    """So many times the size of the batch."""

    times: int


class Difference(Exception):
    """Two drafts have nothing in common here; the argument is the record, or None."""


def common_steps(first: Draft, second: Draft, batches: tuple[int, int] | None) -> list[Step]:
    """The steps of the first draft, a Size where a shape grows with the batch.

    batches: the sizes in both runs; None: they are one.
    """
    if len(first.steps) != len(second.steps) or first.results != second.results:
        pairs = zip(first.steps, second.steps, strict=False)
        raise Difference(next((a.record for a, b in pairs if a[:3] != b[:3]), None))
    steps = []
    for a, b in zip(first.steps, second.steps, strict=True):
        if a[:3] != b[:3] or any(
            not same(first.constants[name], second.constants[name])
            for name in a.inputs
            if name in first.constants
        ):
            raise Difference(a.record)
        attributes = dict(a.attributes)
        if batches and a.operation in SHAPED:
            attributes["shape"] = common_shape(a, b, batches)
        elif a.attributes != b.attributes:
            raise Difference(a.record)
        steps.append(a._replace(attributes=attributes))
    return steps


def same(a: Array, b: Array) -> bool:
    return a is b or (
        a.shape == b.shape and a.dtype == b.dtype and np.array_equal(a, b, a.dtype.kind == "f")
    )


def common_shape(a: Step, b: Step, batches: tuple[int, int]) -> tuple[int | Size, ...]:
    """The common form of two shapes."""
    one, other = a.attributes["shape"], b.attributes["shape"]
    if len(one) != len(other):
        raise Difference(a.record)
    found: list[int | Size] = []
    for x, y in zip(one, other, strict=True):
        times = x // batches[0]
        if x != y and (x, y) != (times * batches[0], times * batches[1]):
            raise Difference(a.record)
        found.append(x if x == y else Size(times))
    return tuple(found)


# --- the file ------------------------------------------------------------------------------------


def nodes_of(
    helper: Any,
    steps: list[Step],
    constants: dict[str, Array],
    outputs: dict[str, str],
    others: list[str],
    batch: str,
) -> list[Any]:
    """The operations that the outputs need, as nodes of the file; constants get those of shapes.

    outputs: the name of each result of the model, and what it is called in the file. others: what
    is needed, too. batch: the input whose first size is the batch's.
    """
    needed, kept = {*outputs, *others}, []
    for step in reversed(steps):
        if step.output in needed:
            needed.update(step.inputs)
            kept.append(step)
    nodes: list[Any] = []
    for step in reversed(kept):
        inputs = [outputs.get(name, name) for name in step.inputs]
        output = outputs.get(step.output, step.output)
        attributes = dict(step.attributes)
        if step.operation in SHAPED:
            shape = attributes.pop("shape")
            inputs.append(_shape(helper, nodes, constants, step, shape, batch))
        nodes.append(helper.make_node(step.operation, inputs, [output], output, **attributes))
    return nodes


def _shape(
    helper: Any,
    nodes: list[Any],
    constants: dict[str, Array],
    step: Step,
    shape: tuple[int | Size, ...],
    batch: str,
) -> str:
    """The name of a shape: a constant, or joined from constants and the size of the batch."""
    name = f"{step.output}.shape"
    growing = [size for size in shape if isinstance(size, Size)]
    if not growing or step.operation == "Reshape" and len(growing) == 1 and 0 not in shape:
        fixed = [-1 if isinstance(size, Size) else size for size in shape]
        constants[name] = np.array(fixed, np.int64)
        return name
    parts = []
    for k, size in enumerate(shape):
        part = f"{name}.{k}"
        times = size.times if isinstance(size, Size) else size
        constants[part] = np.array([times], np.int64)
        if isinstance(size, Size):
            nodes.append(helper.make_node("Shape", [batch], [f"{part}.batch"], start=0, end=1))
            nodes.append(helper.make_node("Mul", [f"{part}.batch", part], [f"{part}.size"]))
            part = f"{part}.size"
        parts.append(part)
    nodes.append(helper.make_node("Concat", parts, [name], axis=0))
    return name
