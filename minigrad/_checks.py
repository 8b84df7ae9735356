"""Checks of the arguments that layers, losses and optimizers are given."""

import numbers
import operator
import sys
from typing import TypeAlias

import numpy as np

from ._kernels import LARGEST_STEP

Number: TypeAlias = float | np.generic
Pair: TypeAlias = int | tuple[int, int]  # what `pair` understands

LARGEST = sys.float_info.max


def class_of(value):
    """The class of a wrong argument, for "…, got X"; of an array, how it becomes a Tensor, too."""
    kind = type(value)
    library = kind.__module__.partition(".")[0]
    if library == "minigrad" or not (hasattr(kind, "__array__") or hasattr(kind, "__dlpack__")):
        return kind.__name__
    name = kind.__name__ if library == "numpy" else f"{library}.{kind.__name__}"
    return f"{name}; minigrad.as_tensor(…) makes it a Tensor"


def number(owner, name, value, *, at_least=None, above=None, below=None, at_most=None):
    """The Python number in `value`, which must be finite and within the bounds.

    `owner` is the class or function whose argument `name` it is. Anything but a real number is a
    TypeError, bool included; a value outside is a ValueError.
    """
    if type(value) is not float and type(value) is not int:  # quick for what is usual
        if isinstance(value, bool) or not isinstance(value, numbers.Real):
            raise TypeError(f"{owner}: {name} must be a number, got {value!r}")
        if hasattr(value, "item"):  # a NumPy scalar
            value = value.item()
    if (
        -LARGEST <= value <= LARGEST
        and (at_least is None or value >= at_least)
        and (above is None or value > above)
        and (below is None or value < below)
        and (at_most is None or value <= at_most)
    ):
        return value
    bounds = {">=": at_least, ">": above, "<": below, "<=": at_most}
    wanted = [f"{sign} {bound}" for sign, bound in bounds.items() if bound is not None]
    wanted = " and ".join(["finite", *wanted])
    raise ValueError(f"{owner}: {name} must be {wanted}, got {value!r}")


def limit(owner, name, value, *, at_least):
    """The number in `value`, at least `at_least`; infinity is allowed and means no limit."""
    if isinstance(value, (float, np.floating)) and value == float("inf"):
        return float("inf")
    return number(owner, name, value, at_least=at_least)


def index(owner, name, value):
    """The int in `value`: an integer, not a bool, or a tensor or array that holds one."""
    if not isinstance(value, bool):
        try:
            return operator.index(value)
        except TypeError:
            pass
    raise TypeError(f"{owner}: {name} must be an integer, got {value!r}")


def function(owner, name, value):
    """`value`, which must be something that can be called."""
    if not callable(value):
        raise TypeError(f"{owner}: {name} must be a function, got {type(value).__name__}")
    return value


def choice(owner, name, value, options):
    """The string in `value`, one of `options`."""
    if not isinstance(value, str) or value not in options:
        *others, last = map(repr, options)
        raise ValueError(f"{owner}: {name} must be {', '.join(others)} or {last}, got {value!r}")
    return value


def items(owner, name, value, wanted):
    """The list of what is in an iterable; `wanted` says in words what that should be."""
    try:
        found = None if isinstance(value, str) else iter(value)
    except TypeError:  # a number, None, or an array without a dimension to iterate over
        found = None
    if found is None:
        raise TypeError(f"{owner}: {name} must be {wanted}, got {type(value).__name__}")
    return list(found)


def length(owner, name, value):
    """len(value), of a dataset."""
    try:
        return len(value)
    except TypeError:
        raise TypeError(f"{owner}: {name} must have a length, got {type(value).__name__}") from None


def integer(owner, name, value, *, at_least=0):
    """Return `value` as an int. It must be an integer, not a bool, and at least `at_least`."""
    value = index(owner, name, value)
    if value < at_least:
        raise ValueError(f"{owner}: {name} must be >= {at_least}, got {value}")
    return value


def sizes(owner, name, value):
    """The tuple of sizes in `value`, a tuple or list of at least one."""
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"{owner}: {name} must be a tuple or list of integers, got {value!r}")
    if not value:
        raise ValueError(f"{owner}: {name} must name at least one dimension, got {value!r}")
    return tuple([integer(owner, name, each) for each in value])


def flag(owner, name, value):
    """The bool in `value`; a number or a string is a TypeError."""
    if not isinstance(value, bool):
        raise TypeError(f"{owner}: {name} must be True or False, got {value!r}")
    return value


def pair(owner, name, value, *, at_least):
    """Two ints, for height and width: both of the pair in `value`, or twice the int that it is.

    Neither may be below `at_least`, nor so large that positions could overflow.
    """
    values = value if isinstance(value, (tuple, list)) else (value, value)
    try:
        first, second = [index(owner, name, each) for each in values]
    except (TypeError, ValueError):
        raise TypeError(
            f"{owner}: {name} must be an integer or a pair of integers, got {value!r}"
        ) from None
    values = (first, second)
    if min(values) < at_least:
        raise ValueError(f"{owner}: {name} must be >= {at_least}, got {value!r}")
    if max(values) > LARGEST_STEP:
        raise ValueError(f"{owner}: {name} must be <= {LARGEST_STEP}, got {value!r}")
    return values


def installing(extra: str) -> str:
    """How to install what an extra of the package brings: the end of a sentence."""
    return f'pip install "minigrad-cython[{extra}]" (in a clone: pip install -e ".[{extra}]")'
