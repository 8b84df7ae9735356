"""What the docstring of a rule says: its formulas, their equations, and the page that derives them.

    y = a · b:  da = dy · b,  db = dy · a  (3)

is one formula per input and one number for both; the page is among those that the docstring of the
rule's file names.
"""

import re
import sys
from typing import NamedTuple

GRADIENT = r"(?:dL/)?d\(?\w+\)?"
FORMULA = re.compile(rf"({GRADIENT}) = (.+?)(?:\s+\((\d+[a-h]?)\))?(?=\.?$|;\s|,\s+{GRADIENT} = )")
PAGE = re.compile(r"\b(\w+)\.md\b")
CITED = re.compile(r"(.*\S) \((\d+[a-h]?)\)$")
CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Formula(NamedTuple):
    """The gradient of one input as a rule states it."""

    name: str  # "dX"
    text: str  # "dX = dY W"
    place: str  # in the book: "linear#eq-3", "linear", or "" where no page derives it


def formulas_of(kind: type) -> list[Formula]:
    """A Formula for each input of a rule, from the first line of its docstring."""
    first = (kind.__doc__ or "").partition("\n")[0].partition(":")[2]
    formulas: list[Formula] = []
    number = ""
    for name, formula, equation in reversed(FORMULA.findall(first.strip())):
        number = equation or number  # one number may stand for several
        formulas.insert(0, Formula(name, f"{name} = {formula.strip()}", place(kind, number)))
    return formulas


def cited(kind: type, text: str) -> tuple[str, str]:
    """("r·dx̂", "batch_norm#eq-8b") of "r·dx̂ (8b)", a part of what a rule answers."""
    found = CITED.match(text)
    return (found[1], place(kind, found[2])) if found else (text, "")


def place(kind: type, number: str) -> str:
    page = page_of(kind)
    return f"{page}#eq-{number}" if page and number else page


def page_of(kind: type) -> str:
    """The derivation that the file of a rule names; of several, the one with the rule's name."""
    if not kind.__module__.startswith(f"{__name__.partition('.')[0]}."):
        return ""  # a Function of the user's
    pages = PAGE.findall(sys.modules[kind.__module__].__doc__ or "")
    name = snake_case(kind)
    own = [page for page in pages if name.startswith(page)]
    return max(own, key=len) if own else pages[0] if len(pages) == 1 else ""


def snake_case(kind: type) -> str:
    """log_softmax, of the class LogSoftmax."""
    return CAPITAL.sub("_", kind.__name__).lower()
