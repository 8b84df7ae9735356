"""What is known of one right answer: a dict that `diagnose` takes as `**case`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import numpy as np

from .comparing import Array, axis_sets, axis_word

quiet: np.errstate = np.errstate(all="ignore")  # wrong formulas may divide by 0


class Case(TypedDict):
    right: Array
    parts: dict[str, Any]
    factors: dict[str, Any]
    wrong: dict[str, Any]


def case(
    right: Any,
    parts: Mapping[str, Any] | None = None,
    factors: Mapping[str, Any] | None = None,
    wrong: Mapping[str, Any] | None = None,
) -> Case:
    return Case(
        right=floats(right), parts=dict(parts or {}), factors=dict(factors or {}),
        wrong=dict(wrong or {}),
    )  # fmt: skip


def floats(values: Any) -> Array:
    return np.asarray(values, dtype=np.float64)


def eps_instead(other: float, eps: float) -> str:
    """ "ε is 1e−8 in the place of 0.001"."""
    there, here = (f"{number:g}".replace("e-0", "e−") for number in (other, eps))
    return f"ε is {there} in the place of {here}"


def summed_parts(
    parts: Mapping[str, Any], others: Mapping[str, Mapping[str, Any]]
) -> dict[str, Any]:
    """{phrase: the sum with one part as it is in `others`}, others = {part: {phrase: values}}."""
    total = sum(parts.values())
    return {
        phrase: total - parts[name] + values
        for name, alternatives in others.items()
        for phrase, values in alternatives.items()
    }


def false_sums(values: Array, axes: tuple[int, ...], right: Array) -> dict[str, Array]:
    """{phrase: another sum}, where the one over `axes` is right; axes are those of `values`."""
    found = {}
    for other in axis_sets(values.ndim):
        word = f"the sum is taken over {axis_word(other)}"
        if set(other) < set(axes):
            rest = tuple(axis for axis in axes if axis not in other)
            word += f" alone; {axis_word(rest)} {'is' if len(rest) == 1 else 'are'} missing"
            count = np.prod([values.shape[axis] for axis in other])
            mean = f"a mean is taken over {axis_word(other)}, and a sum over {axis_word(rest)}"
            found[mean] = right / count
        if other != axes:
            found[word] = values.sum(other)
        if other != axes and len(other) == values.ndim:
            found[f"{word}, all cells"] = found.pop(word)
            found[f"{word}, all cells, and repeated"] = values.sum() + 0 * right
    return found
