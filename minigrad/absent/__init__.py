"""Names that torch has and minigrad has not: an AttributeError that says what to write instead.

`hints.py` is the table. For `hasattr` such a name is simply not there.
"""

import sys

from .hints import HINTS


def answer(owner, name):
    """The message for a name that `owner`, "minigrad.nn" for example, does not have."""
    hint = HINTS[owner].get(name)
    if hint is None:
        return f"module {owner!r} has no attribute {name!r}"
    return f"{owner}.{name}: torch has it, minigrad has not; {hint}"


def install_answers():
    """Let the modules of the table answer for the names that they do not have."""
    for owner in HINTS:
        if owner in sys.modules:
            sys.modules[owner].__getattr__ = _answering(sys.modules[owner])


def _answering(module):
    def __getattr__(name):
        raise AttributeError(answer(module.__name__, name), name=name, obj=module)

    return __getattr__
