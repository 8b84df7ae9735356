"""The typed loops of minigrad, each with a reference kernel: its twin in NumPy, same signature.

Who calls whom: rules and optimizers call `active.<kernel>(...)`. `use_kernels`, the only switch,
decides whether that is the compiled loop or its twin in `reference.py`. In arithmetic and matrix
products a call from Python would take longer than the work. So `ops/math/elementwise.pyx` and
`_runtime/matmul.pyx` call the loop in C while `active.compiled` is true, and NumPy otherwise.

This is how `use_kernels("reference")` trains the same network on NumPy, which a debugger can step
through.
"""

from importlib import import_module
from typing import Self

import numpy as np

from . import levels, reference  # noqa: F401  (levels first: it says which modules are found)
from .adam import AdamOptions  # noqa: F401  (for the optimizers)
from .conv2d import LARGEST_STEP  # noqa: F401  (for the checks in Python)
from .rmsprop import RMSpropOptions  # noqa: F401
from .sgd import SGDOptions  # noqa: F401
from .switch import active

SUBJECTS = (
    "activations", "adam", "batch_norm", "batch_renorm", "conv2d", "conv2d_tiles", "cross_entropy",
    "dropout", "group_norm", "layer_norm", "linear", "log_softmax", "max_pool2d", "reductions",
    "rmsprop", "sgd", "softmax",
)

_compiled = {
    name: function
    for subject in SUBJECTS
    for name, function in vars(import_module(f".{subject}", __name__)).items()
    if not name.startswith("_") and hasattr(reference, name)
}
# Compiled loops compute with inf and NaN without a warning; errstate makes their twins do so, too.
_reference = {name: np.errstate(all="ignore")(getattr(reference, name)) for name in _compiled}
_sets = {"compiled": _compiled, "reference": _reference}

active.choose(_compiled, True)


class _Current:
    """What `use_kernels.current` gives: read from the switch, not remembered beside it."""

    def __get__(self, instance, owner):
        return "compiled" if active.compiled else "reference"


class use_kernels:
    """Choose the kernels: "compiled" (Cython loops, the default) or "reference" (NumPy).

    Takes effect at once, for the whole process; a context manager restores the earlier choice.

        minigrad.use_kernels("reference")
        with minigrad.use_kernels("reference"): ...
    """

    current: str = _Current()  # type: ignore[assignment]

    previous: str

    def __init__(self, name: str) -> None:
        if name not in _sets:
            expected = ", ".join(map(repr, _sets))
            raise ValueError(f"use_kernels: got {name!r}, expected one of {expected}")
        self.previous = use_kernels.current
        self._activate(name)

    @staticmethod
    def _activate(name):
        active.choose(_sets[name], name == "compiled")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self._activate(self.previous)
