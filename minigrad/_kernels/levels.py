"""Which compiled kernels the import takes: the fastest that this processor can run.

A wheel for x86-64 holds every kernel three times: beside its source for any processor (v2), in
`_kernels/v3` for AVX2, in `_kernels/v4` for AVX-512. The folder of the chosen level comes first
where Python looks for the modules of this package, and that is all: names are the same, and so are
the bits of all results. MINIGRAD_LEVEL=v2, v3 or v4 chooses; `python -m minigrad doctor` says which
level is in use, and why. Other builds hold each kernel once.
"""

import os
import sys
from pathlib import Path

from .._build_check import build_record, few, processor_features

PORTABLE = "v2"


def usable(levels, has):
    """The levels of a build that run here, rising, and why there is none above the last.

    levels: of the build, rising, each with the features that it needs. has: NumPy's names of
    features -> whether processor and operating system have them.
    """
    found = [PORTABLE]
    for level, needed in levels.items():
        # From 2.4 on NumPy has a name for the whole of a level, which it can be told to deny.
        whole = f"X86_{level.upper()}"
        lacking = [name for name in [*needed, whole] if not has.get(name, name == whole)]
        if lacking:
            known = f"this processor has no {few(lacking)}" if has else "NumPy names no features"
            return found, f"{known}, which {level} needs"
        found.append(level)
    return found, "the highest of this build"


def choose(levels, has, asked):
    """The level to take, and why; None of a build that holds each kernel once."""
    if not levels and asked:
        raise ImportError(
            f"MINIGRAD_LEVEL is {asked!r}, but this build holds each kernel once: only wheels for "
            "x86-64 have levels. Leave the variable out."
        )
    if not levels:
        return None, "this build holds each kernel once"
    if asked and asked not in [PORTABLE, *levels]:
        expected = ", ".join(map(repr, [PORTABLE, *levels]))
        raise ValueError(f"MINIGRAD_LEVEL: got {asked!r}, expected one of {expected}")
    found, reason = usable(levels, has)
    if asked and asked not in found:
        raise ImportError(
            f"MINIGRAD_LEVEL is {asked!r}, but {reason}. Without the variable the import takes "
            f"{found[-1]!r}, the highest level that runs here."
        )
    return (asked, "MINIGRAD_LEVEL asks for it") if asked else (found[-1], reason)


def here():
    """The levels of this build that run here; none if it holds each kernel once."""
    return usable(LEVELS, processor_features())[0] if LEVELS else []


LEVELS = build_record().get("levels", {})
current, reason = choose(LEVELS, processor_features(), os.environ.get("MINIGRAD_LEVEL"))

if current in LEVELS:
    sys.modules[__package__].__path__.insert(0, str(Path(__file__).with_name(current)))
