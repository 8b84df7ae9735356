"""A learner's folder: one file per step, and progress.json, which may be deleted at any time.

A file is written where there is none, and never again. What progress.json holds is what the last
check of each file said; it counts while file and page are as they were.
"""

from __future__ import annotations

import io
import json
import shutil
import tokenize
from hashlib import sha256
from pathlib import Path
from typing import Any

from .checking import Report, report_on
from .course import Step

PROGRESS = "progress.json"
LARGEST = 1_000_000  # bytes of a file to check


class Unreadable(Exception):
    """A file that is no text to check, in words."""


def write_stub(folder: Path, step: Step, data: list[Path]) -> bool:
    """Write the stub and its data where they are missing; whether the stub was."""
    folder.mkdir(parents=True, exist_ok=True)
    copy_missing(data, folder)
    try:
        with open(folder / step.file, "x", encoding="utf-8") as file:
            file.write(step.stub)
    except FileExistsError:
        return False
    return True


def copy_missing(data: list[Path], folder: Path) -> None:
    for path in data:
        if not (folder / path.name).exists():
            shutil.copyfile(path, folder / path.name)


def read_source(path: Path) -> str:
    """The Python of a .py file, or of the code cells of a notebook."""
    with open(path, "rb") as file:
        content = file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise Unreadable(f"the file has more than {LARGEST} bytes")
    try:
        if path.suffix == ".ipynb":
            return code_of(json.loads(content))
        coding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(coding).replace("\r\n", "\n")
    except Exception as error:  # of whatever kind: a hand-in may hold anything
        raise Unreadable(f"the file cannot be read as text: {error}") from None


def code_of(notebook: dict[str, Any]) -> str:
    """The code cells one after another; lines for IPython (% and !) become empty."""
    sources = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
    lines = "\n\n".join(sources).splitlines()
    return "\n".join("" if line.startswith(("%", "!")) else line for line in lines) + "\n"


def fingerprint(*texts: str) -> str:
    return sha256("\0".join(texts).encode("utf-8", "surrogatepass")).hexdigest()


def noted_progress(folder: Path, step: Step, source: str) -> list[Report] | None:
    """What the last check said, if file and page are still as they were then."""
    try:
        entry = _entries(folder)[step.file]
        if entry["state"] == fingerprint(source, step.text):
            return [
                report_on(step, each, *map(str, entry["said"][each.number]))
                for each in step.exercises
            ]
    except (KeyError, TypeError):
        pass
    return None


def note_progress(folder: Path, step: Step, source: str, reports: list[Report]) -> None:
    """Write down what a check said; a folder that cannot be written is left as it is."""
    said = {report.exercise: [report.verdict, report.sentence] for report in reports}
    entry = {"state": fingerprint(source, step.text), "said": said}
    entries = _entries(folder) | {step.file: entry}
    try:
        (folder / PROGRESS).write_text(json.dumps(entries, indent=1) + "\n", encoding="utf-8")
    except OSError:
        pass


def _entries(folder: Path) -> dict:
    try:
        found = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
