"""Names that a module does not have: torch's, and those that are imported at their first use.

For a name that torch has and minigrad has not, an AttributeError says what to write instead;
`hints.py` is the table. For `hasattr` such a name is simply not there. `later.py` is the table of
the others: for them nothing shows but that `import minigrad` is quicker.
"""

import sys
from importlib import import_module
from typing import Any

from .hints import HINTS
from .later import LATER


def answer(owner: str, name: str) -> str:
    """The message for a name that `owner`, "minigrad.nn" for example, does not have."""
    hint = HINTS.get(owner, {}).get(name)
    if hint is None:
        return f"module {owner!r} has no attribute {name!r}"
    return f"{owner}.{name}: torch has it, minigrad has not; {hint}"


def install_answers() -> None:
    """Let the modules of the tables answer for the names that they do not have."""
    for owner in {**HINTS, **LATER}:
        if owner in sys.modules:
            module: Any = sys.modules[owner]
            later = LATER.get(owner, {})
            module.__getattr__ = _answering(module, later)
            module.__dir__ = lambda module=module, later=later: sorted({*vars(module), *later})


def _answering(module, later):
    def __getattr__(name):
        if name not in later:
            raise AttributeError(answer(module.__name__, name), name=name, obj=module)
        home = later[name]
        found = getattr(import_module(home), name) if home else import_module(f"minigrad.{name}")
        setattr(module, name, found)
        return found

    return __getattr__
