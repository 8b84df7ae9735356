"""What several examples need: options that are checked, a bar, and pictures."""

import argparse
import itertools
import math
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

try:
    import minigrad
except ModuleNotFoundError as error:
    if error.name != "minigrad":
        raise
    sys.exit("minigrad is not installed here: pip install -e '.[examples]'")
if not hasattr(minigrad, "use_kernels"):  # `python minigrad/doctor.py` says more
    sys.exit(
        f"{next(iter(minigrad.__path__))} is another project's package of the name minigrad: "
        "pip uninstall minigrad, then pip install -e '.[examples]'"
    )

from minigrad.display.terminal import command_line as command_line  # the parser of every example


def whole(least: int) -> Callable[[str], int]:
    """An argparse type: an integer not below `least`."""

    def convert(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value < 2**63:
            raise argparse.ArgumentTypeError(f"{text!r} is not an integer ≥ {least}")
        return value

    return convert


def positive(text: str) -> float:
    """An argparse type: a finite number above 0."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a finite number > 0")
    return value


def folder(text: str) -> str:
    """An argparse type: a folder that exists."""
    if not Path(text).is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {text!r}")
    return text


def progress(batches: Iterable[Any], count: int, title: str) -> Iterable[Any]:
    """The first `count` batches, with a bar on a terminal or in a notebook, if tqdm is there."""
    batches = itertools.islice(batches, count)
    try:
        from tqdm import tqdm
    except ImportError:  # the extra `examples` has it
        return batches
    notebook = "ipykernel" in sys.modules
    file, disable = (sys.stdout, False) if notebook else (None, None)
    bar: Iterable[Any] = tqdm(batches, title, count, leave=False, file=file, disable=disable)
    return bar


def in_notebook() -> bool:
    """Whether Jupyter runs this in cells, and no file is the program."""
    return "ipykernel" in sys.modules and not hasattr(sys.modules["__main__"], "__file__")


def picture(path: str | Path, size: tuple[float, float]) -> Any:
    """An empty matplotlib Figure that can be saved to `path`; if not, the program ends, saying why.

    Made before training, so that no training is lost on a picture that cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        sys.exit(
            f"The picture needs matplotlib ({error}): pip install -e '.[examples]'\n"
            "Or run without it: --no-picture"
        )
    figure = Figure(figsize=size, layout="constrained")
    kinds = figure.canvas.get_supported_filetypes()
    path = Path(path)
    if path.suffix[1:].lower() not in kinds:
        sys.exit(f"--output {path}: the name must end in one of .{', .'.join(sorted(kinds))}")
    if path.is_dir() or not os.access(path if path.exists() else path.parent, os.W_OK):
        sys.exit(f"--output {path}: cannot be written")
    return figure


def keep(figure: Any, path: str | Path, what: str) -> None:
    """Save a picture and say where; a notebook shows it as well."""
    figure.savefig(path, dpi=120)
    print(f"\n{what}: {path}")
    if in_notebook() and Path(path).suffix.lower() == ".png":
        from IPython.display import Image, display

        display(Image(filename=path))
