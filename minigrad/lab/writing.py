"""What a run leaves in a folder: its numbers as JSON, and a figure that any browser shows."""

from __future__ import annotations

import json
from pathlib import Path

from ..serialization.atomic_write import write
from .figure import svg_figure
from .protocol import Run


def write_record(folder: Path, run: Run) -> Path:
    """FOLDER/A7.json: checks, curves, verdict, seed. Written whole, or not at all."""
    path = folder / f"{run.claim.name}.json"
    text = json.dumps(run.record(), indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    write(path, [text.encode("utf-8")])
    return path


def write_figure(folder: Path, run: Run) -> Path:
    """FOLDER/A7.svg, the figure of the run. Written whole, or not at all."""
    path = folder / f"{run.claim.name}.svg"
    write(path, [svg_figure(run.record()).encode("utf-8")])
    return path
