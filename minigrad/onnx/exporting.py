"""A model as the bytes of an ONNX file.

The model is run with the example, twice with other values, and with a batch of another size. So
what depends on the input without being recorded is found, and what grows with the batch.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from .. import _checks
from ..errors import GraphError, ShapeError
from ..nn.module import Module
from ..random import fork_rng
from ..tensor import Tensor
from . import draft as drafts
from .draft import Draft, Size, Step, Value
from .rules import LAYERS, OPERATIONS, Refusal
from .tracing import Array, Record, Source, Trace

Sizes: TypeAlias = list[tuple[int | Size, ...]]  # of each output

BATCH = "batch"  # what the file calls the first size of inputs and outputs
OFFSETS = np.array([-3.0, 1000.0, 0.5, -1000.0, 1.0])  # of other values: large, small, negative


def exported(
    model: Module,
    args: Any,
    input_names: Sequence[str] | None,
    output_names: Sequence[str] | None,
    dynamic: bool,
) -> bytes:
    """The bytes of the file; the arguments are those of `export`."""
    try:
        import onnx
    except ModuleNotFoundError:
        raise ImportError(
            "export: the file is written with onnx, which is not installed: "
            + _checks.installing("onnx")
        ) from None
    if not isinstance(model, Module):
        raise TypeError(f"export: model must be a Module, got {type(model).__name__}")
    examples = _examples(args)
    for path, module in model.named_modules():
        if module.training:
            where = f", or its layer {path!r}," if path else ""
            raise ValueError(
                f"export: the model{where} is in training mode, in which dropout and batch norm "
                "compute something else; call model.eval() first"
            )
    names = _names("input_names", input_names, "input", len(examples))
    with fork_rng():
        first = _Run(model, examples, names)
        results = _names("output_names", output_names, "output", len(first.trace.outputs))
        taken = [*names, *results, *first.draft.state]
        if len(set(taken)) < len(taken):
            raise ValueError(
                f"export: inputs {names}, outputs {results} and the parameters of the model must "
                "have names of their own"
            )
        steps = _with_other_values(first, model, examples, names)
        sizes: Sizes = list(first.output_shapes())
        if dynamic:
            steps, sizes = _with_another_batch(first, model, examples, names, steps)
    return _file(onnx, first, names, results, steps, sizes, dynamic)


class _Run:
    """One run of the model, as a draft."""

    def __init__(self, model: Module, examples: list[Array], names: list[str]) -> None:
        self.trace = Trace(model, examples, names, set(LAYERS))
        state = {path: x.detach().numpy() for path, x in self.trace.state.items()}
        self.draft = Draft(names, state)
        self._made: list[str] = []
        for record in self.trace.records:
            self.draft.begin(record)
            self._made.append(_written(self.draft, record, self._value))
        self.draft.results = [self._result(source) for source in self.trace.sources]

    def output_shapes(self) -> list[tuple[int, ...]]:
        return [tuple(each.shape) for each in self.trace.outputs]

    def _result(self, source: Source) -> str:
        if isinstance(source, np.ndarray) or source is None:
            raise GraphError(
                "export: the output is not recorded as computed from the input; was it made by "
                "argmax, by a comparison, after detach(), or under no_grad()? Such steps are for "
                "the program that reads the file"
            )
        return self._made[source] if isinstance(source, int) else source

    def _value(self, source: Source, x: Tensor | None) -> Value | None:
        if source is None or x is None:
            return None
        if isinstance(source, np.ndarray):
            return Value(self.draft.constant(source), source.shape, source.dtype)
        name = self._made[source] if isinstance(source, int) else source
        return Value(name, tuple(x.shape), x.dtype.numpy)


def _written(draft: Draft, record: Record, value: Any) -> str:
    """The name of what a record made, after its operations are in the draft."""
    if isinstance(record.maker, Module):
        rule = LAYERS[type(record.maker)]
    else:
        kind = type(record.maker)
        own = kind.__module__.startswith("minigrad.ops.")
        found = OPERATIONS.get(kind.__name__) if own else None
        if found is None:
            raise GraphError(
                f"export: {record} has no counterpart in ONNX{HINTS.get(kind.__name__, '')}"
            )
        rule = found
    y = Value("", tuple(record.result.shape), record.result.dtype.numpy)
    inputs = [value(s, x) for s, x in zip(record.sources, record.tensors, strict=True)]
    try:
        return rule(draft, record.maker, y, *inputs)
    except Refusal as refusal:
        raise GraphError(f"export: {record} has no counterpart in ONNX: {refusal}") from None


HINTS = {
    **dict.fromkeys(
        ("CrossEntropy", "Weighed", "BinaryCrossEntropy", "Softplus"),
        ": a loss is for training; export the model without it",
    ),
    **dict.fromkeys(
        ("IndexPut", "WriteView", "Overwritten"),
        ": it writes in place; join the parts with cat or stack",
    ),
    "Custom": ": it is an autograd.Function; write its forward with Tensor operations",
    "Dropout": ": it draws at random; F.dropout takes training=self.training",
}


# --- arguments -----------------------------------------------------------------------------------


def _examples(args: object) -> list[Array]:
    tensors: list[Any] = list(args) if isinstance(args, (tuple, list)) else [args]
    if not tensors:
        raise ValueError("export: args is empty; it holds an example of each input of the model")
    for each in tensors:
        if not isinstance(each, Tensor):
            raise TypeError(
                "export: args must be a Tensor or a tuple of them, an example of each input, got "
                f"{_checks.class_of(each)}"
            )
        if not each.numel():
            raise ShapeError(f"export: the example of shape {tuple(each.shape)} is empty")
    return [each.detach().numpy() for each in tensors]


def _names(argument: str, given: object, word: str, count: int) -> list[str]:
    if given is None:
        return [word] if count == 1 else [f"{word}_{k}" for k in range(count)]
    names = _checks.items("export", argument, given, "a list of strings")
    if len(names) != count or not all(isinstance(each, str) and each for each in names):
        raise ValueError(f"export: {argument} must be {count} strings, got {given!r}")
    return names


# --- other runs ----------------------------------------------------------------------------------


def _with_other_values(
    first: _Run, model: Module, examples: list[Array], names: list[str]
) -> list[Step]:
    steps = first.draft.steps
    for sign in (1, -1):  # so that an `if` over a sum takes both ways
        other = _with_values(model, examples, names, sign)
        try:
            steps = drafts.common_steps(first.draft, other.draft, None)
        except drafts.Difference as difference:
            (record,) = difference.args
            if record is None:
                raise GraphError(
                    "export: with other values of the input the model takes another way, by an if "
                    "or a loop over its numbers; a file has one way"
                ) from None
            raise GraphError(
                f"export: {record} reads numbers that were computed from the input without being "
                "recorded, by a comparison, clamp, argmax, detach() or item(), or drawn at random; "
                "in the file they would be constants. Instead of clamp there are maximum and "
                "minimum, and instead of an index nn.Embedding"
            ) from None
    return steps


def _with_values(model: Module, examples: list[Array], names: list[str], sign: int) -> _Run:
    """A run with numbers that are far from the example, or with its own in another order."""
    near = [np.roll(x, 1) for x in examples]
    far = [
        sign * (x + np.resize(OFFSETS, x.shape).astype(x.dtype)) if x.dtype.kind == "f" else x
        for x in near
    ]
    try:
        return _Run(model, far, names)
    except (GraphError, TypeError):
        raise
    except Exception:  # what the model takes may be limited
        return _Run(model, near, names)


def _with_another_batch(
    first: _Run, model: Module, examples: list[Array], names: list[str], steps: list[Step]
) -> tuple[list[Step], Sizes]:
    cure = "; dynamic_batch=False makes a file for the sizes of the example alone"
    if not examples[0].ndim:
        raise ShapeError(f"export: the first input has no dimension for a batch{cure}")
    size = len(examples[0])
    more = size + 3
    larger = [
        np.resize(each, (more, *each.shape[1:])) if _has_batch(each, examples[0]) else each
        for each in examples
    ]
    try:
        other = _Run(model, larger, names)
    except GraphError:
        raise
    except Exception as error:  # whatever the model raises
        raise ShapeError(
            f"export: the model does not run with a batch of {more} instead of {size} "
            f"({type(error).__name__}: {error}){cure}"
        ) from error
    try:
        common = drafts.common_steps(first.draft, other.draft, (size, more))
    except drafts.Difference as difference:
        (record,) = difference.args
        what = "the way through the model" if record is None else record
        raise GraphError(
            f"export: {what} depends on the size of the batch, as a run with {more} instead of "
            f"{size} shows; a constant may have one row, which broadcasts{cure}"
        ) from None
    shapes: Sizes = []
    for a, b in zip(first.output_shapes(), other.output_shapes(), strict=True):
        shapes.append(tuple(x if x == y else Size(x // size) for x, y in zip(a, b, strict=True)))
    return common, shapes


def _has_batch(x: Any, first: Any) -> bool:
    """Whether the first size of an input is that of the first input."""
    return x.ndim > 0 and len(x) == len(first)


# --- the file ------------------------------------------------------------------------------------


def _file(
    onnx: Any,
    run: _Run,
    names: list[str],
    results: list[str],
    steps: list[Step],
    shapes: Sizes,
    dynamic: bool,
) -> bytes:
    helper = onnx.helper
    made = {step.output for step in steps}
    outputs: dict[str, str] = {}
    copies = []
    for result, name in zip(run.draft.results, results, strict=True):
        if result in made and result not in outputs:
            outputs[result] = name
        else:  # an input as it is, or one result twice
            copies.append((result, name))
    constants = dict(run.draft.constants)
    nodes = drafts.nodes_of(helper, steps, constants, outputs, [r for r, _ in copies], names[0])
    for result, name in copies:
        nodes.append(helper.make_node("Identity", [outputs.get(result, result)], [name], name))
    used = {name for node in nodes for name in node.input}
    constants |= run.draft.state
    initializers = [
        onnx.numpy_helper.from_array(np.ascontiguousarray(array).reshape(array.shape), name)
        for name, array in constants.items()
        if name in used
    ]
    values = []
    for name, x in zip(names, run.trace.inputs, strict=True):
        grows = dynamic and _has_batch(x, run.trace.inputs[0])
        values.append(_value_info(helper, name, x, (BATCH, *x.shape[1:]) if grows else x.shape))
    finals = [
        _value_info(helper, name, x, [_dimension(each) for each in shape])
        for name, x, shape in zip(results, run.trace.outputs, shapes, strict=True)
    ]
    graph = helper.make_graph(nodes, "model", values, finals, initializers)
    model = helper.make_model(
        graph,
        producer_name="minigrad",
        ir_version=drafts.IR_VERSION,
        opset_imports=[helper.make_opsetid("", drafts.OPSET)],
    )
    onnx.checker.check_model(model, full_check=True)
    return model.SerializeToString()


def _value_info(helper: Any, name: str, x: Tensor, shape: Any) -> Any:
    return helper.make_tensor_value_info(
        name, helper.np_dtype_to_tensor_dtype(np.dtype(x.dtype.numpy)), shape
    )


def _dimension(size: int | Size) -> int | str | None:
    if isinstance(size, Size):
        return BATCH if size.times == 1 else None
    return size
