"""What is wrong with a gradient, for `gradcheck(…, explain=True)`: between it and the diagnosis."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..diagnosis import diagnose, recognize
from ..tensor import Tensor
from .differences import Probe, look, values_of

OF_DIFFERENCES = 1e-6  # how far the slopes may be off, as a share of the largest


def slopes_at(probe: Probe, number: int, eps: float, atol: float | None, rtol: float) -> np.ndarray:
    """The slopes at every entry of an input for which there is no gradient to compare."""
    slopes = np.zeros(np.shape(probe.inputs[number]))
    findings, _, _ = look(probe, number, slopes, eps, atol, rtol)
    for at, each in findings.items():
        slopes[at] = each.slope
    return slopes


def explanations(
    func: Callable[..., Any],
    inputs: Sequence[Any],
    ys: Sequence[Any],
    cotangents: Sequence[Any],
    wrong: dict[int, np.ndarray],
    slopes: dict[int, np.ndarray],
) -> tuple[str, list[str]]:
    """The name of the operation, if it is known, and a sentence for each wrong gradient.

    wrong: the gradients that backward gave, by number of the input. slopes: the right ones.
    """
    values = [np.array(values_of(x)) if isinstance(x, Tensor) else x for x in inputs]
    known = recognize(ys[0], values, cotangents[0], slopes) if len(ys) == 1 else None
    names, lines = parameter_names(func), []
    for number, dx in wrong.items():
        if known and number in known.cases:
            found = diagnose(dx, **known.cases[number]())
        else:
            found = diagnose(dx, slopes[number], rtol=OF_DIFFERENCES)
        if found.ok:  # so nearly right that only a sharper look sees it
            found = diagnose(dx, slopes[number], rtol=0.0)
        name = f" ({names[number]})" if number < len(names) else ""
        lines.append(f"  input {number}{name}: " + found.sentence.replace("\n", "\n    "))
    return known.name if known else "", lines


def parameter_names(func: Callable[..., Any]) -> list[str]:
    """What func calls its inputs, or forward does in the `apply` of an autograd.Function."""
    owner = getattr(func, "__self__", None)
    forward = getattr(owner, "forward", None) if isinstance(owner, type) else None
    try:
        parameters = inspect.signature(forward or func).parameters.values()
    except (TypeError, ValueError):  # compiled
        return []
    names = [each.name for each in parameters if each.kind <= each.POSITIONAL_OR_KEYWORD]
    return names[1:] if forward and names[:1] == ["ctx"] else names
