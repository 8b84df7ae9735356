"""When two arrays are equal, how a mistake is put into words, and what cells look like.

An answer may be right in any algebraic form, so rounding must not count: two arrays are equal if
they differ by at most `rtol` of the largest number that is involved. Where terms cancel, that is
the largest term and not the small rest.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]

RTOL = {"f": 2e-5, "e": 1e-2}  # by the letter of NumPy's dtype; all others have the next line's
DOUBLE = 1e-9
FLOOR = 1e-3  # what rounding of cancelled terms may add, as a share of rtol


@dataclass(frozen=True)
class Verdict:
    """What is wrong with an answer: true if nothing is, and printed as its sentence."""

    ok: bool
    verdict: str  # one of the words that the head of the package lists
    sentence: str  # at most three lines

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        return self.sentence

    __repr__ = __str__


@dataclass
class Problem:
    """An answer beside what is known of the right one; all arrays but `yours` are right's."""

    yours: Array
    right: Array
    parts: dict[str, Array] = field(default_factory=dict)
    factors: dict[str, Array] = field(default_factory=dict)
    wrong: dict[str, Array] = field(default_factory=dict)
    rtol: float = DOUBLE
    scale: float = field(init=False)  # the largest number that the right answer is made of

    def __post_init__(self) -> None:
        self.scale = max(map(largest_size, [self.right, *self.parts.values()]))

    def is_zero(self) -> bool:
        """Do the parts cancel, so that hardly a number is left to be explained?"""
        return largest_size(self.right) <= FLOOR * self.scale

    def evidence(self) -> int:
        """How many different numbers are wrong. Few of them may fit an explanation by accident."""
        bad = np.abs(self.yours - self.right) > self.rtol * self.scale
        return distinct(np.abs(self.yours[bad]))

    def is_right(self) -> bool:
        return self.differs(self.right) <= self.rtol * self.scale

    def differs(self, other: Array) -> float:
        return largest_size(self.yours - other)

    def equals(self, other: Array) -> bool:
        """Is yours `other`, a wrong answer that is being considered?"""
        if other.shape != self.yours.shape or not np.isfinite(other).all():
            return False
        allowed = self.rtol * max(largest_size(other), FLOOR * self.scale)
        return self.differs(other) <= allowed

    def beside(self, yours: Array) -> Problem:
        """The same problem with another answer."""
        return replace(self, yours=yours)


def largest_size(values: Array) -> float:
    return float(np.abs(values).max(initial=0.0))


def distinct(values: Array) -> int:
    """How many different numbers other than 0 there are: what a common factor must explain."""
    return len(np.unique(np.round(values[values != 0] / (largest_size(values) or 1.0), 9)))


def written(number: float) -> str:
    return f"{number:.4g}".replace("-", "−")


def listed(names: list[str], last: str = "and") -> str:
    """ "a", "a and b", "a, b and c"; "roads 2 and 3" for names that begin alike.

    What follows a comma in a name explains it: "road 2, through the mean".
    """
    split = [name.split(", ", 1) for name in names]
    if len(names) == 1:
        return f"{split[0][0]} ({split[0][1]})" if len(split[0]) > 1 else names[0]
    heads = [head for head, *_ in split]
    words = [head.rsplit(" ", 1) for head in heads]
    plural = ""
    if last == "and" and all(w[0] == words[0][0] and w[-1].isdigit() for w in words):
        plural, heads = f"{words[0][0]}s ", [w[1] for w in words]
    return f"{plural}{', '.join(heads[:-1])} {last} {heads[-1]}"


def axis_word(axes: tuple[int, ...]) -> str:
    return f"axis {axes[0]}" if len(axes) == 1 else f"axes {listed(list(map(str, axes)))}"


def axis_sets(ndim: int) -> list[tuple[int, ...]]:
    """All sets of axes, small ones first."""
    return [s for n in range(1, ndim + 1) for s in itertools.combinations(range(ndim), n)]


def cell(index: tuple[int, ...]) -> str:
    return str([int(i) for i in index])


def map_of(wrong: Array) -> str:
    """A small map of the wrong cells in one line: rows between slashes, x is wrong."""
    if not wrong.size:
        return ""
    grid = wrong.reshape(1, -1) if wrong.ndim < 2 else wrong.reshape(wrong.shape[0], -1)
    for axis, most in ((0, 8), (1, 16)):
        if grid.shape[axis] > most:  # several cells share a letter
            blocks = np.array_split(grid, most, axis=axis)
            grid = np.concatenate([b.any(axis=axis, keepdims=True) for b in blocks], axis=axis)
    return " / ".join("".join("x" if bad else "." for bad in row) for row in grid)


def as_array(name: str, value: Any) -> Array:
    """The value as a float64 array; a tensor gives its numbers without its history."""
    try:
        return np.asarray(value.detach() if hasattr(value, "detach") else value, np.float64)
    except (TypeError, ValueError):
        came = repr(value) if isinstance(value, str) else type(value).__name__
        raise TypeError(
            f"diagnose: {name} must be a number or an array of numbers, got {came}"
        ) from None


def as_arrays(named: Mapping[str, Any] | None, shape: tuple[int, ...] | None) -> dict[str, Array]:
    """The values as float64 arrays, repeated to `shape` if there is one."""
    arrays = {name: as_array(name, value) for name, value in (named or {}).items()}
    if shape is None:
        return arrays
    try:
        return {name: np.broadcast_to(array, shape) for name, array in arrays.items()}
    except ValueError:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise ValueError(
            f"diagnose: parts and factors must broadcast to right's {shape}; got {shapes}"
        ) from None
