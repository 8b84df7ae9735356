"""One run of a model: every operation that was recorded, and where its inputs came from.

The inputs of the run require gradients, so autograd records all that is computed from them. A few
layers are taken as a whole: ONNX has one operation for each, and minigrad computes it with several.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any, NamedTuple, TypeAlias

import numpy as np

from ..autograd.anomaly import recorded
from ..autograd.grad_mode import enable_grad
from ..errors import GraphError
from ..nn.module import Module
from ..ops.array.creation import tensor
from ..tensor import Function, Tensor

Array: TypeAlias = np.ndarray[Any, Any]
Source: TypeAlias = str | int | Array | None  # a name, the number of a record, a constant, nothing


class Record(NamedTuple):
    """An operation that was run, or a layer that is taken as a whole."""

    maker: Any  # a Function, whose rule may have fields of its own, or a Module
    tensors: tuple[Tensor | None, ...]
    sources: tuple[Source, ...]
    result: Tensor
    layer: str  # the path of the module that was running

    def __str__(self) -> str:
        if isinstance(self.maker, Module):
            return type(self.maker).__name__ + (f" (layer {self.layer!r})" if self.layer else "")
        where = [f"layer {self.layer!r}"] if self.layer else []
        if self.maker.called_at:
            call = self.maker.called_at[-1]
            where.append(f"called at {call.filename}:{call.lineno}")
        return self.maker.name() + (f" ({', '.join(where)})" if where else "")


class Trace:
    """What one run of `model` recorded, its inputs and outputs."""

    def __init__(
        self, model: Module, arrays: Sequence[Array], names: Sequence[str], whole: set[type]
    ) -> None:
        self.records: list[Record] = []
        self.whole = whole
        self._known: dict[int, Source] = {}  # by id; `records` and `inputs` keep all of them alive
        self._layers: list[str] = []
        self._inside: Module | None = None  # of a layer that is taken as a whole
        self.state: dict[str, Tensor] = dict(model.named_parameters()) | dict(model.named_buffers())
        for path, each in self.state.items():
            self._known[id(each)] = path
        self.inputs: list[Tensor] = [_leaf(array) for array in arrays]
        for name, each in zip(names, self.inputs, strict=True):
            self._known[id(each)] = name
        result = self._run(model)
        several = isinstance(result, (tuple, list))
        self.outputs: list[Any] = list(result) if several else [result]
        for y in self.outputs:
            if not isinstance(y, Tensor):
                raise TypeError(
                    "export: forward must return a Tensor, or a tuple or list of them, got "
                    f"{type(y).__name__}"
                )
        self.sources: list[Any] = [self._source(y, _maker(y)) for y in self.outputs]

    def _run(self, model: Module) -> Any:
        with ExitStack() as stack:
            for path, module in model.named_modules():
                for handle in self._watch(path, module):
                    stack.callback(handle.remove)
            stack.enter_context(recorded(self._record))
            stack.enter_context(enable_grad())
            return model(*self.inputs)

    def _watch(self, path: str, module: Module) -> tuple[Any, Any]:
        def before(_module: Module, args: tuple[Any, ...]) -> None:
            self._layers.append(path)
            if self._inside is None and type(module) in self.whole:
                self._inside = module

        def after(_module: Module, args: tuple[Any, ...], result: Any) -> Any:
            self._layers.pop()
            if self._inside is not module:
                return None
            self._inside = None
            leaf = _leaf(result.detach().numpy())  # what follows is recorded as computed from it
            tensors = (*args, *module.parameters())
            self._append(module, tensors, tuple(map(_maker, tensors)), leaf, path)
            return leaf

        return module.register_forward_pre_hook(before), module.register_forward_hook(after)

    def _record(self, node: Function, result: Tensor, tensors: tuple[Tensor | None, ...]) -> None:
        if self._inside is None:
            layer = self._layers[-1] if self._layers else ""
            self._append(node, tensors, node.inputs, result, layer)

    def _append(
        self, maker: Any, tensors: tuple[Any, ...], makers: Any, result: Tensor, layer: str
    ) -> None:
        sources = tuple(self._source(x, m) for x, m in zip(tensors, makers, strict=True))
        self._known[id(result if isinstance(maker, Module) else maker)] = len(self.records)
        self.records.append(Record(maker, tensors, sources, result, layer))

    def _source(self, x: Tensor | None, maker: object) -> Source:
        if x is None:
            return None
        for each in (maker, x):
            if each is not None and id(each) in self._known:
                return self._known[id(each)]
        return x.detach().numpy().copy()


def _leaf(array: Array) -> Tensor:
    leaf = tensor(array)
    return leaf.requires_grad_() if leaf.dtype.is_floating_point else leaf


def _maker(x: object) -> object:
    """What made a tensor: a node, or itself if it is a leaf."""
    if not isinstance(x, Tensor):
        raise GraphError(f"export: a layer was given {type(x).__name__} instead of a Tensor")
    return x.grad_fn or x
