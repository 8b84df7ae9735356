"""What a run leaves in a folder: its numbers as JSON, and a figure that can be read in gray."""

from __future__ import annotations

import json
from pathlib import Path

from ..serialization.atomic_write import write
from .protocol import Run

# Blue, orange and green that differ in gray as well, and a dash for each.
STYLES = [
    {"color": color, "linestyle": dash, "marker": ""}
    for dash in ("-", "--", ":")
    for color in ("#1b4f8f", "#d9772b", "#3f9b6c")
]


class NoFigure(Exception):
    """Why there is none."""


def write_record(folder: Path, run: Run) -> Path:
    """FOLDER/A7.json: checks, curves, verdict, seed. Written whole, or not at all."""
    path = folder / f"{run.claim.name}.json"
    text = json.dumps(run.record(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write(path, [text.encode("utf-8")])
    return path


def draw_figure(folder: Path, run: Run) -> Path:
    """FOLDER/A7.png, one of matplotlib's figures, on white. NoFigure without matplotlib."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise NoFigure(
            f'matplotlib is not installed ({error}): pip install "minigrad-cython[examples]"'
        ) from None
    figure = Figure(figsize=(6.4 * len(run.panels), 4.2), facecolor="white", layout="constrained")
    all_axes = figure.subplots(1, len(run.panels), squeeze=False)[0]
    for axes, panel in zip(all_axes, run.panels, strict=True):
        for curve, style in zip(panel.curves, STYLES, strict=False):
            axes.plot(curve.x, curve.y, label=curve.label, linewidth=1.8, **style)
        axes.set(title=panel.title, xlabel=panel.x, ylabel=panel.y)
        if "x" in panel.log:
            axes.set_xscale("log")
        if "y" in panel.log:
            axes.set_yscale("log")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False)
    figure.suptitle(f"{run.claim.name}: {run.claim.title} ({run.verdict})", fontsize=11)
    path = folder / f"{run.claim.name}.png"
    figure.savefig(path, dpi=110)
    return path
