"""What `source` and `explain` are asked for: from a function, an instance or a name to its file."""

import difflib
import inspect
import sys
from importlib import import_module
from types import MethodType, ModuleType
from typing import Any, NamedTuple

from ..nn.module import Module
from ..optim.optimizer import Optimizer
from ..tensor import Tensor
from .pieces import Piece, text_of
from .shelf import BookError

NAME = __name__.partition(".")[0]

# Where a name is looked for, if it does not say where it is.
HOMES = (
    "", "nn.functional", "nn", "optim", "Tensor", "autograd", "nn.init", "nn.utils",
    "optim.lr_scheduler", "utils.data", "datasets",
)  # fmt: skip
EXPECTED = (
    "a function, a layer, an optimizer or a method of minigrad, a tensor that one of its "
    "operations made, or a name such as 'softmax' or 'nn.Linear'"
)


class Subject(NamedTuple):
    """A function or class at the top of a module."""

    label: str  # as it was asked for
    module: str
    name: str
    title: str  # what it is: "rule", "kernel", "layer", "optimizer" or "source"
    member: Piece | None  # the method that was meant


def subject_of(x: Any, asker: str = "source") -> Subject:
    if isinstance(x, str):
        x = value_named(x, asker)
    if isinstance(x, ModuleType):
        raise TypeError(f"{asker}: {x.__name__} is a module; expected {EXPECTED}")
    if isinstance(x, Tensor):
        if x.grad_fn is None:
            raise BookError(
                f"{asker}: no recorded operation made this tensor; it is a leaf, or was made "
                f"without gradients. Give {asker} a result of it, or a function"
            )
        x = type(x.grad_fn)
    if isinstance(x, property):
        x = x.fget
    if isinstance(x, MethodType):
        x = x.__func__
    owner = getattr(x, "__objclass__", None) or getattr(x, "__self__", None)
    if owner is not None and not isinstance(owner, ModuleType):  # a method of a compiled class
        owner = owner if isinstance(owner, type) else type(owner)
        owner = next((each for each in owner.__mro__ if x.__name__ in vars(each)), owner)
        module, path = owner.__module__, [owner.__name__, x.__name__]
    else:
        if not isinstance(x, type) and not hasattr(x, "__qualname__"):
            x = type(x)
        module, path = x.__module__, x.__qualname__.split(".")
    if not ours(module):
        own = "" if module == "builtins" else "; for code of your own there is inspect.getsource"
        raise TypeError(f"{asker}: expected {EXPECTED}, got {'.'.join(path)} of {module}{own}")
    text = text_of(module)
    label, name = ".".join(path), path[0]
    if len(path) == 1 and (name not in text.starts or getattr(sys.modules[module], name) is not x):
        line = inspect.unwrap(x).__code__.co_firstlineno  # it is not known by its own name
        name = text.around(line)
        if not name:  # a lambda between the functions
            return Subject(label, module, "", "source", text.piece_at(line - 1))
    member = text.member(*path) if len(path) == 2 else None
    return Subject(label, module, name, title_of(module, x), member)


def ours(module: str | None) -> bool:
    return (module or "").partition(".")[0] == NAME and module in sys.modules


def title_of(module: str, x: Any) -> str:
    if isinstance(x, type) and issubclass(x, Module | Optimizer):
        return "layer" if issubclass(x, Module) else "optimizer"
    if module.startswith(f"{NAME}._kernels."):
        return "kernel"
    return "rule" if module.startswith(f"{NAME}.ops.") else "source"


def value_named(name: str, asker: str = "source") -> Any:
    """What a name means: "softmax", "nn.Linear", "F.relu", "Tensor.item", "minigrad.save"."""
    minigrad = import_module(NAME)
    path = name.strip().removesuffix("()").split(".")
    path = path[1:] if path[0] in ("minigrad", "mg") and len(path) > 1 else path
    path = ["nn", "functional", *path[1:]] if path[0] == "F" else path
    for home in HOMES:
        found: Any = minigrad
        for part in [*filter(None, home.split(".")), *path]:
            found = getattr(found, part, None)
        if found is not None and not isinstance(found, ModuleType):
            return found
    every = [each for home in HOMES for each in public_names(home)]
    alike = {each.lower(): each for each in every}
    near = [alike[each] for each in difflib.get_close_matches(path[-1].lower(), alike, 3)]
    cure = f"is it {' or '.join(map(repr, near))}?" if near else f"expected {EXPECTED}"
    raise BookError(f"{asker}: minigrad has no function or class {name!r}; {cure}")


def public_names(home: str) -> list[str]:
    place: Any = import_module(NAME)
    for part in filter(None, home.split(".")):
        place = getattr(place, part)
    public = getattr(place, "__all__", None) or [each for each in vars(place) if each[0] != "_"]
    return [each for each in public if not isinstance(getattr(place, each, None), ModuleType)]
