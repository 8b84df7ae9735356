"""Modules made of modules: in a sequence, in a list, in a dictionary."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import ItemsView, Iterable, Iterator, KeysView, Mapping, ValuesView
from itertools import groupby
from typing import Any, Self

from .. import _checks
from ..tensor import Tensor
from .module import Module, _of_kind


class _Numbered(Module):
    """What Sequential and ModuleList share: children named "0", "1", … (or by an OrderedDict)."""

    def _key(self, index):
        index, count = _checks.index(self._get_name(), "index", index), len(self)
        if not -count <= index < count:
            name = self._get_name()
            raise IndexError(f"{name}: index {index} is out of range for {count} modules")
        return self._members(Module)[index][0]

    def _slice(self, index):
        """The pairs (name, module) that a slice selects."""
        try:
            return self._members(Module)[index]
        except (TypeError, ValueError) as error:
            raise type(error)(f"{self._get_name()}: {index!r}: {error}") from None

    def __len__(self) -> int:
        return len(self._members(Module))

    def __iter__(self) -> Iterator[Module]:
        return iter([module for _, module in self._members(Module)])

    def __setitem__(self, index: int, module: Module) -> None:
        setattr(self, self._key(index), module)

    def __delitem__(self, index: int | slice) -> None:
        several = isinstance(index, slice)
        keys = [key for key, _ in self._slice(index)] if several else [self._key(index)]
        self._renumber([module for key, module in self._members(Module) if key not in keys])

    def _renumber(self, modules):
        for name in list(self._modules):
            delattr(self, name)
        self.extend(modules)

    def append(self, module: Module) -> Self:
        """Add a module at the end; returns self."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add several modules at the end; returns self."""
        owner = f"{self._get_name()}.extend"
        modules = _checks.items(owner, "modules", modules, "an iterable of modules")
        for k, module in enumerate(modules, len(self)):
            _of_kind(Module, str(k), module)  # all of them before the first is added
        for module in modules:
            self.append(module)
        return self

    def insert(self, index: int, module: Module) -> Self:
        """Put a module before the one at `index`; returns self."""
        if not isinstance(module, Module):
            raise TypeError(f"{self._get_name()}.insert: expected a Module, got {module!r}")
        index, count = _checks.index(f"{self._get_name()}.insert", "index", index), len(self)
        if not -count <= index <= count:
            name = f"{self._get_name()}.insert"
            raise IndexError(f"{name}: index {index} is out of range for {count} modules")
        modules = list(self)
        modules.insert(index, module)
        self._renumber(modules)
        return self

    def pop(self, index: int) -> Module:
        """Remove the module at `index` and return it."""
        module = getattr(self, self._key(index))
        del self[index]
        return module


class Sequential(_Numbered):
    """Runs its modules one after the other: the output of each is the input of the next.

    `Sequential(a, b, …)` or `Sequential(OrderedDict(name=module, …))`; as torch.nn.Sequential.
    """

    _whole = None  # of a folded model: see nn/utils/folded.py, and `inside` below

    def __init__(self, *modules: Module | OrderedDict[Any, Any]) -> None:
        super().__init__()
        named: Iterable[tuple[str, Any]]
        if len(modules) == 1 and isinstance(modules[0], OrderedDict):
            named = modules[0].items()
        else:
            named = ((str(k), module) for k, module in enumerate(modules))
        for name, module in named:
            self.add_module(name, module)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(OrderedDict(self._slice(index)))
        return getattr(self, self._key(index))

    def __add__(self, other: Sequential) -> Sequential:
        if not isinstance(other, Sequential):
            raise TypeError(f"Sequential + {type(other).__name__}: expected another Sequential")
        return Sequential(*self, *other)

    def forward(self, input: Any, inside: Any = ()) -> Tensor:
        if self._whole is not None:
            return self._whole.run(self, input, inside)
        for _, module in self._members(Module):
            input = module(input)
        return input


class ModuleList(_Numbered):
    """A list of modules whose parameters belong to the module that holds it; has no forward."""

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)([module for _, module in self._slice(index)])
        return getattr(self, self._key(index))

    def __add__(self, other: Iterable[Module]) -> ModuleList:
        return ModuleList([*self, *other])

    def __iadd__(self, other: Iterable[Module]) -> Self:
        return self.extend(other)

    def __repr__(self) -> str:
        lines, start = [], 0
        for text, equal in groupby(map(repr, self)):
            count = len(list(equal))
            many = f"{start}-{start + count - 1}): {count} x " if count > 1 else f"{start}): "
            lines.append(f"  ({many}{text}".replace("\n", "\n  "))
            start += count
        inside = "\n".join(["", *lines, ""]) if lines else ""
        return f"{self._get_name()}({inside})"


class ModuleDict(Module):
    """A dictionary of modules whose parameters belong to the module that holds it; no forward."""

    def __init__(
        self, modules: Mapping[str, Module] | Iterable[tuple[str, Module]] | None = None
    ) -> None:
        super().__init__()
        if modules is not None:
            self.update(modules)

    def __getitem__(self, key: str) -> Module:
        if not isinstance(key, str) or key not in self._modules:
            raise KeyError(f"ModuleDict: no module is called {key!r}, only {list(self)}")
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        self.pop(key)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules

    def keys(self) -> KeysView[str]:
        return self._modules.copy().keys()

    def values(self) -> ValuesView[Module]:
        return self._modules.copy().values()

    def items(self) -> ItemsView[str, Module]:
        return self._modules.copy().items()

    def clear(self) -> None:
        """Remove all modules."""
        for key in self.keys():
            delattr(self, key)

    def pop(self, key: str) -> Module:
        """Remove the module under `key` and return it."""
        module = self[key]
        delattr(self, key)
        return module

    def update(
        self, modules: Mapping[str, Module] | ModuleDict | Iterable[tuple[str, Module]]
    ) -> None:
        """Add the modules of a dictionary, or of pairs (name, module)."""
        pairs = modules.items() if isinstance(modules, (Mapping, ModuleDict)) else modules
        try:
            pairs = [(key, module) for key, module in pairs]
        except (TypeError, ValueError):
            raise TypeError(
                "ModuleDict.update: expected a dictionary or pairs (name, module), got "
                f"{type(modules).__name__}"
            ) from None
        before = self._modules.copy()
        try:
            for key, module in pairs:
                self[key] = module
        except BaseException:
            for key in self._modules.keys() - before.keys():
                delattr(self, key)
            for key, module in before.items():
                self[key] = module
            raise
