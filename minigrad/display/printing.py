"""How tensors look: torch's text to the letter, and a small table for notebooks."""

from __future__ import annotations

import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from .. import _checks, dtypes
from .._runtime.fp_warnings import quietly
from ..tensor import Tensor
from .html import html_block, html_table, html_title

PROFILES: dict[str, dict[str, float]] = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}
options = SimpleNamespace(sci_mode=None)
vars(options).update(PROFILES["default"])


def set_printoptions(
    precision: int | None = None,
    threshold: int | None = None,
    edgeitems: int | None = None,
    linewidth: int | None = None,
    profile: str | None = None,
    sci_mode: bool | None = None,
) -> None:
    """Set how tensors are printed; what is None stays, except sci_mode. torch.set_printoptions.

    precision: digits after the point. threshold: tensors of more elements are shortened to
    `edgeitems` at each end of a dimension. linewidth: characters per line. sci_mode: scientific
    notation always (True), never (False), where it helps (None). profile: "default", "short" or
    "full", which set the first four.
    """
    if profile is not None and profile not in PROFILES:
        raise ValueError(f"set_printoptions: profile {profile!r} is not default, short or full")
    if sci_mode is not None:
        _checks.flag("set_printoptions", "sci_mode", sci_mode)
    chosen = dict(PROFILES[profile]) if profile is not None else {}
    given = {
        "precision": precision,
        "threshold": threshold,
        "edgeitems": edgeitems,
        "linewidth": linewidth,
    }
    for name, value in given.items():
        if value is not None:
            infinite = name == "threshold" and value == math.inf
            chosen[name] = value if infinite else _checks.integer("set_printoptions", name, value)
    vars(options).update(chosen, sci_mode=sci_mode)


# --- numbers -------------------------------------------------------------------------------------


def formatter(array: np.ndarray) -> Any:
    """(how to write one number of `array`, the width that they share)."""
    if array.dtype.kind != "f":
        return str, max((len(str(value)) for value in array.ravel()), default=1)
    values = quietly(array.astype, np.float64)  # a signaling NaN is not a reason for a warning
    finite = np.isfinite(values) & (values != 0)
    telling = np.abs(values[finite])
    if telling.size == 0:
        return whole_number, 1
    largest, smallest = telling.max(), telling.min()
    integral = bool(np.all(telling == np.ceil(telling)))
    with np.errstate(over="ignore"):
        far_apart = largest / smallest > 1000 or largest > 1e8
    in_powers = far_apart or (not integral and smallest < 1e-4)
    if options.sci_mode is not None:
        in_powers = options.sci_mode
    write = scientific if in_powers else whole_number if integral else fixed
    return write, max(len(write(value)) for value in values[finite].tolist())


def scientific(value: Any) -> str:
    return f"{value:.{options.precision}e}"


def fixed(value: Any) -> str:
    return f"{value:.{options.precision}f}"


def whole_number(value: Any) -> str:
    return f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"


# --- arrays --------------------------------------------------------------------------------------


def ends(length: int) -> Any:
    """The positions that a shortened dimension shows, with None for what is left out."""
    edge = options.edgeitems
    if length <= 2 * edge:
        return list(range(length))
    return [*range(edge), None, *range(length - edge, length)]


def shortened(array: np.ndarray) -> Any:
    """The part of `array` that is shown."""
    for dim, length in enumerate(array.shape):
        chosen = [i for i in ends(length) if i is not None]
        array = array[(slice(None),) * dim + (chosen,)]  # take() would copy all of a strided array
    return array


def brackets(
    array: np.ndarray, indent: int, short: Any, write: Callable[[Any], str], width: int
) -> str:
    """The numbers in nested brackets, `indent` characters from the left."""
    if array.ndim == 0:
        return write(array.item()).rjust(width)
    positions = ends(len(array)) if short else range(len(array))
    if array.ndim > 1:
        parts = [
            "..." if i is None else brackets(array[i], indent + 1, short, write, width)
            for i in positions
        ]
        return "[" + ("," + "\n" * (array.ndim - 1) + " " * (indent + 1)).join(parts) + "]"
    words = [" ..." if i is None else write(array[i].item()).rjust(width) for i in positions]
    in_line = max((options.linewidth - indent) // (width + 2), 1)
    lines = [", ".join(words[i : i + in_line]) for i in range(0, len(words), in_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def text(tensor: Tensor) -> str:
    """What `repr` of a tensor is."""
    array = tensor.detach().numpy()
    prefix = "tensor("
    default = dtypes.get_default_dtype()
    if array.size == 0:
        out = prefix + "[]"
        suffixes = [f"size={tuple(array.shape)}"] if array.ndim != 1 else []
        usual = (default,)
    else:
        short = array.size > options.threshold
        write, width = formatter(shortened(array) if short else array)
        out = prefix + brackets(array, len(prefix), short, write, width)
        suffixes = []
        usual = (default, dtypes.int64, dtypes.bool)
    if tensor.dtype not in usual:
        suffixes.append(f"dtype={tensor.dtype}")
    if tensor.grad_fn is not None:
        suffixes.append(f"grad_fn=<{tensor.grad_fn.name()}>")
    elif tensor.requires_grad:
        suffixes.append("requires_grad=True")
    used = len(out) - out.rfind("\n") + 1
    for suffix in suffixes:
        if used + len(suffix) + 2 > options.linewidth:
            out += ",\n" + " " * len(prefix) + suffix
            used = len(prefix) + len(suffix)
        else:
            out += ", " + suffix
            used += len(suffix) + 2
    return out + ")"


# --- notebooks -----------------------------------------------------------------------------------


def rich(self: Tensor) -> str:
    """HTML for notebooks: shape, dtype, where the tensor came from, and its (first) matrix."""
    array = self.detach().numpy()
    facts = [f"shape {tuple(self.shape)}", str(self.dtype)]
    if self.grad_fn is not None:
        facts.append(f"grad_fn={self.grad_fn.name()}")
    elif self.requires_grad:
        facts.append("requires_grad")
    name = type(self).__name__
    if array.size == 0:
        return html_block(html_title(name, ", ".join(facts)))
    leading = (0,) * (array.ndim - 2)
    if leading:
        facts.append(f"showing [{', '.join(map(str, leading))}]")
    matrix = array[leading].reshape(-1, array.shape[-1] if array.ndim else 1)
    write, _ = formatter(shortened(matrix))
    rows = []
    for i in ends(len(matrix)):
        rows.append(
            [
                "…" if i is None or j is None else write(matrix[i, j].item())
                for j in ends(matrix.shape[1])
            ]
        )
    return html_block(html_title(name, ", ".join(facts)), html_table((), rows))
