"""What the test of a page measures: how far equal expressions are apart, with the page's numbers.

The blocks of a derivation are executed in order, as tests/documents/test_derivations.py does. What
a name was given is kept: by NumPy, by finite differences, by a kernel, or by minigrad as a whole.
"""

import ast
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from .._kernels import active
from .citations import comment_citations

ALLOCATED = re.compile(r"np\.(empty|zeros)(_like)?\(|\.copy\(")  # arrays for a kernel to fill


@dataclass
class Value:
    """What a name was given, by whom, and the equations that this line cites."""

    by: str  # "NumPy", "differences", "kernel" or "minigrad"
    value: np.ndarray
    cites: set[str]


@dataclass
class Distance:
    """A name that an equation assigns, and how far its other values are from this one."""

    name: str
    times: int
    apart: dict[str, float]  # "kernel" -> the difference from this equation's value


class Measured:
    """The values of one page."""

    def __init__(self, text: str):
        self.names: dict[str, Any] = {
            "np": np,
            "rng": np.random.default_rng(0),
            "kernels": active,
            "differences": differences,
        }
        self.made: dict[str, str] = {}  # name -> by whom it was given its first value,
        self.latest: dict[str, str] = {}  # and its present one
        self.empty: set[str] = set()
        self.values: dict[str, list[Value]] = {}
        for block in text.split("```python\n")[1:]:
            source = block.partition("\n```")[0]
            for statement in ast.parse(source).body:
                self.execute(statement, source.split("\n"))

    def execute(self, statement: ast.stmt, lines: list[str]) -> None:
        before = dict(self.names)
        by = self.origin(statement)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            exec(compile(ast.Module([statement], []), "page", "exec"), self.names)
        code = "\n".join(lines[statement.lineno - 1 : statement.end_lineno])
        self.note_filled(statement)
        for name, value in list(self.names.items()):
            if name in before and before[name] is value or name.startswith("_"):
                continue
            self.latest[name] = by
            self.made.setdefault(name, by)
            (self.empty.add if ALLOCATED.search(code) else self.empty.discard)(name)
            array = _numbers_of(value)
            if array is not None:
                if not isinstance(statement, ast.Assign):  # a loop changed it: no claim
                    self.values.pop(name, None)
                found = Value(by, array, comment_citations(code))
                self.values.setdefault(name, []).append(found)

    def note_filled(self, statement: ast.stmt) -> None:
        """Arrays that were made empty and then handed to a kernel are the kernel's."""
        for call in ast.walk(statement):
            if isinstance(call, ast.Call) and ast.unparse(call.func).startswith("kernels."):
                for name in names_in(call) & self.empty:
                    self.made[name] = "kernel"
                    self.values.pop(name, None)

    def origin(self, statement: ast.stmt) -> str:
        used = names_in(statement)
        if isinstance(statement, ast.Assign):
            used = names_in(statement.value)
        if "differences" in used or "differences" in {self.latest.get(name) for name in used}:
            return "differences"
        functions = {
            word
            for name in used
            for word in getattr(getattr(self.names.get(name), "__code__", None), "co_names", ())
        }
        made = {self.made.get(name) for name in used}
        if "kernel" in made or "kernels" in used | functions:
            return "kernel"
        if "minigrad" in made or {"minigrad", "F"} & (used | functions):
            return "minigrad"
        return "NumPy"

    def of(self, number: str) -> list[Distance]:
        """The names that an equation assigns, those first that a kernel computes, too."""
        found = []
        for name, values in self.values.items():
            own = next((v for v in values if number in v.cites and v.by == "NumPy"), None)
            if own is None:
                continue
            apart: dict[str, float] = {}
            for other in values:
                if other is not own and other.value.shape == own.value.shape:
                    apart[other.by] = max(
                        apart.get(other.by, 0.0), distance(own.value, other.value)
                    )
            found.append(Distance(name, len(values), apart))
        return sorted(found, key=lambda each: not {"kernel", "minigrad"} & each.apart.keys())

    def of_operation(self, by: str) -> Distance | None:
        """The name with the largest difference between the page's NumPy and what computes it."""
        numbers = {n for values in self.values.values() for v in values for n in v.cites}
        found = [each for n in sorted(numbers) for each in self.of(n) if by in each.apart]
        return max(found, key=lambda each: each.apart[by], default=None)


def names_in(node: ast.AST) -> set[str]:
    return {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}


def _numbers_of(value: object) -> np.ndarray | None:
    """A copy as doubles; None for what is no array of numbers."""
    if not isinstance(value, np.ndarray | np.generic | float | int | list):
        return None
    try:
        return np.array(value, dtype=np.float64)
    except (TypeError, ValueError, RuntimeError):  # words, rows of several lengths, tensors
        return None


def _largest(value: np.ndarray) -> float:
    return float(np.abs(value[np.isfinite(value)]).max(initial=0.0))


def distance(one: np.ndarray, other: np.ndarray) -> float:
    with np.errstate(invalid="ignore"):
        return _largest(one - other)


def differences(f: Callable[[np.ndarray], Any], x: Any, h: float = 6e-6) -> np.ndarray:
    """The gradient of the scalar function f at x by central differences, in float64."""
    x = np.array(x, dtype=np.float64)
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        value = x[index]
        x[index] = value + h
        above = f(x)
        x[index] = value - h
        below = f(x)
        x[index] = value
        gradient[index] = (above - below) / (2 * h)
    return gradient
