"""Names that a module does not have: those of others, and what is imported at its first use.

For a name that torch or Keras has and minigrad has not, an AttributeError says what to write
instead; `hints.py` and `keras.py` are the tables. A misspelled name is answered with the one that
was meant, which notebooks would not show otherwise. For `hasattr` such a name is simply not there.
`later.py` is the table of what comes at its first use: for those names nothing shows but that
`import minigrad` is quicker.
"""

import sys
from collections.abc import Callable, Iterable
from importlib import import_module
from types import ModuleType
from typing import Any, Self

from .hints import HINTS, NUMPY
from .keras import ARGUMENTS, KERAS
from .later import LATER

NAMESAKES = ("minigrad.autograd", "minigrad.nn", "minigrad.optim")
SEARCHED = (*(owner for owner in HINTS if owner.startswith("minigrad")), "minigrad.datasets")


def known_elsewhere(owner: str, name: str) -> str | None:
    """Who has `name` while `owner` has not, and what to write; None for what nobody has."""
    for library, table in (("torch", HINTS), ("Keras", KERAS), ("NumPy", NUMPY)):
        if name in table.get(owner, ()):
            return f"{library} has it, minigrad has not; {table[owner][name]}"
    return None


class TellsArguments:
    """A base of classes that answer for Keras' arguments: `activation`, `use_bias`, …

    A subclass that has an argument of such a name, or takes any, is not asked.
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> Self:
        for name in kwargs:
            if name in ARGUMENTS:
                import inspect  # late, as difflib: `import minigrad` stays quick

                own = inspect.signature(cls.__init__).parameters
                if name not in own and not any(a.kind is a.VAR_KEYWORD for a in own.values()):
                    hint = ARGUMENTS[name]
                    raise TypeError(f"{cls.__name__}: there is no argument {name}; {hint}")
        if super().__new__ is object.__new__:  # which takes no arguments
            return super().__new__(cls)
        return super().__new__(cls, *args, **kwargs)


class NoSuchName(AttributeError):
    """Its message is put together when it is read: `hasattr` reads none, and is to be quick."""

    def __init__(self, say: Callable[[], str], name: str) -> None:
        super().__init__(name=name)  # without obj, or Python would guess, too
        self._say = say
        self._text: str | None = None

    def __str__(self) -> str:
        if self._text is None:
            self._text = self._say()
        return self._text

    def __repr__(self) -> str:
        return f"AttributeError({str(self)!r})"

    @property
    def args(self) -> tuple[Any, ...]:  # type: ignore[override]  # BaseException's is a field
        return (str(self),)

    @args.setter
    def args(self, value: tuple[Any, ...]) -> None:  # libraries that wrap errors write there
        self._text = str(value[0]) if value else ""

    def __reduce__(self) -> tuple[Any, ...]:  # errors go from process to process
        return AttributeError, self.args


NoSuchName.__name__ = NoSuchName.__qualname__ = "AttributeError"  # as tracebacks show it
NoSuchName.__module__ = "builtins"


def missing(instance: object, table: str, name: str) -> AttributeError:
    """The error for a name that an object does not have; `table` is that of its base class."""

    def say() -> str:
        message = f"'{type(instance).__name__}' object has no attribute '{name}'"
        if hint := known_elsewhere(table, name):
            return f"{message}: {hint}"
        if hasattr(type(instance), name):
            return f"{message}: it is a property, and something that it reads is not there"
        return message + meant(name, dir(instance))

    return NoSuchName(say, name)


def is_ours(instance: object) -> bool:
    """Whether its class is of this package: a subclass of yours may have any attribute."""
    return type(instance).__module__.startswith("minigrad.")


def answer(owner: str, name: str) -> str:
    """The message for a name that `owner`, "minigrad.nn" for example, does not have."""
    if hint := known_elsewhere(owner, name):
        return f"{owner}.{name}: {hint}"
    module = sys.modules[owner]
    names = [each for each in dir(module) if type(vars(module).get(each)) is not NotAFunction]
    return f"module {owner!r} has no attribute {name!r}{meant(name, names)}"


def meant(name: str, names: Iterable[str]) -> str:
    """The end of a message: the name among `names` that was meant, or where else it is."""
    if name.startswith("_"):  # asked by programs, often, and not by people
        return ""
    public = [each for each in names if not each.startswith("_")]
    same = [each for each in public if each.lower() == name.lower()]
    if not same and (homes := [owner for owner in SEARCHED if _defines(owner, name)]):
        return f"; {homes[0]} has it"
    import difflib

    small = {each.lower(): each for each in sorted(public)}
    close = difflib.get_close_matches(name.lower(), small, n=2, cutoff=0.7)
    near = same or [small[each] for each in close]
    return f"; is it {' or '.join(map(repr, near))}?" if near else ""


def _defines(owner, name):
    if name in LATER.get(owner, {}):
        return True
    found = vars(sys.modules[owner]).get(name) if owner in sys.modules else None
    if isinstance(found, ModuleType):
        return False
    return callable(found) and str(getattr(found, "__module__", "")).startswith("minigrad")


class NoMethod:
    """What Tensor has in place of a method of others. A `__getattr__` would slow all the others."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.__doc__ = known_elsewhere("Tensor", name)  # for `help(Tensor)`, which lists it

    def __get__(self, instance: object, owner: type) -> Any:
        raise AttributeError(f"Tensor.{self.name}: {self.__doc__}", name=self.name)


def install_answers(method: Callable[[str, Any], None]) -> None:
    """Let the modules of the tables answer for the names that they do not have, and Tensor, too.

    `method` makes something a method of Tensor, under a name.
    """
    absent = {*HINTS["Tensor"], *NUMPY["Tensor"]}
    for name in absent:
        method(name, NoMethod(name))
    method("__dir__", lambda tensor: sorted({*object.__dir__(tensor)} - absent))
    for owner in {**HINTS, **KERAS, **LATER}:
        if owner in sys.modules:
            module: Any = sys.modules[owner]
            later = LATER.get(owner, {})
            module.__getattr__ = _answering(module, later)
            module.__dir__ = lambda module=module, later=later: sorted({*vars(module), *later})
    for name, module in tuple(sys.modules.items()):
        package, _, last = name.rpartition(".")
        if package in NAMESAKES and _namesakes(package, last):
            module.__class__ = NotAFunction


class NotAFunction(ModuleType):
    """A module with almost the name of a class beside it, `optim.adam`: a call names the class."""

    def __call__(self, *args: Any, **kwargs: Any) -> None:
        package, _, last = self.__name__.rpartition(".")
        package = package.removeprefix("minigrad.")
        written = [f"{package}.{name}(…)" for name in _namesakes(f"minigrad.{package}", last)]
        if hasattr(sys.modules["minigrad.nn.functional"], last):
            written.append(f"nn.functional.{last}(…)")
        raise TypeError(
            f"{package}.{last} is a module and cannot be called; write {' or '.join(written)}"
        )

    def __reduce__(self) -> tuple[Any, ...]:  # cloudpickle knows modules by their exact type
        return import_module, (self.__name__,)


def _namesakes(package, last):
    """The public names of a package that differ from this one in capitals and _, or go on."""
    plain = last.replace("_", "")
    names = {name: name.replace("_", "").lower() for name in sys.modules[package].__all__}
    same = [name for name in names if names[name] == plain and name != last]
    return same or [name for name in names if names[name].startswith(plain) and name != last]


def _answering(module, later):
    def __getattr__(name):
        if name not in later:
            raise NoSuchName(lambda: answer(module.__name__, name), name)
        home = later[name]
        found = getattr(import_module(home), name) if home else import_module(f"minigrad.{name}")
        setattr(module, name, found)
        return found

    return __getattr__
