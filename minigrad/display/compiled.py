"""The source of compiled functions for `inspect.getsource`, and so for IPython's `??` and `%pfile`.

`inspect` refuses a compiled function by its type. But before it looks, it goes on to what
`__wrapped__` names. So each compiled function is given a stand-in there: a function of Python with
the same name and parameters, said to stand in the .pyx file, at the line of the compiled one.
"""

import sys
from collections.abc import Callable, Iterator
from importlib.machinery import EXTENSION_SUFFIXES
from types import FunctionType, ModuleType
from typing import Any

from .._build_check import PACKAGE


def make_readable() -> None:
    """Give every compiled function of minigrad that is imported by now its stand-in."""
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None) or ""
        if name.startswith(f"{PACKAGE.name}.") and file.endswith(tuple(EXTENSION_SUFFIXES)):
            for function in compiled_functions(module):
                function.__wrapped__ = stand_in(function)


def compiled_functions(module: ModuleType) -> Iterator[Any]:
    """Those of a module and of its classes; not a wrapper, but what it wraps."""
    for value in list(vars(module).values()):
        if getattr(value, "__module__", None) != module.__name__:
            continue
        for each in vars(value).values() if isinstance(value, type) else [value]:
            each = getattr(each, "__wrapped__", each)
            if type(each).__name__ == "cython_function_or_method":
                yield each


def _compiled() -> None:
    raise TypeError("this only says where the source is: call the compiled function itself")


def stand_in(function: Any) -> Callable[..., Any]:
    code = function.__code__
    same = (
        "co_name", "co_qualname", "co_firstlineno", "co_argcount", "co_posonlyargcount",
        "co_kwonlyargcount", "co_varnames", "co_nlocals", "co_flags",
    )  # fmt: skip
    source = _compiled.__code__.replace(
        co_filename=str(PACKAGE.parent / code.co_filename),
        **{name: getattr(code, name) for name in same},
    )
    python = FunctionType(source, {}, function.__name__, function.__defaults__)
    python.__kwdefaults__ = function.__kwdefaults__
    python.__annotations__ = function.__annotations__
    for name in ("__doc__", "__module__", "__qualname__"):
        setattr(python, name, getattr(function, name))
    return python
