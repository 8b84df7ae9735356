"""A step as a Jupyter notebook: the page's prose, the stub's code, and how to check it.

An .ipynb and no percent script, because it opens as it is in Jupyter, in editors and in browsers,
with formulas and pictures; a percent script needs an extension for that. It is plain JSON, so it
needs no package. `learn N --check FILE.ipynb` reads its code cells.
"""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from .course import Step


def notebook_text(step: Step, command: str, told: Callable[[str], str] = str) -> str:
    """The notebook, without outputs: its cells print what the page shows.

    `told` is applied to the page's prose.
    """
    start = f'__file__ = "{step.file}"  # the data files lie beside the notebook\n'
    if step.before and step.before.engine:
        start += f"\n# Built in the steps before\n\n{step.before.engine.source}"
    cells: list[tuple[str, str]] = [("code", start)]
    lines, prose = step.text.splitlines(keepends=True), ""
    position = 0
    for block in step.blocks:
        prose = "".join(lines[position : block.line - 2])
        cells += [("markdown", told(without_comments(prose))), ("code", step.opened(block))]
        position = block.line + block.body.count("\n")
        if block.printed is not None:
            position += 3 + block.printed.count("\n")
    cells.append(("markdown", told(without_comments("".join(lines[position:])))))
    cells.insert(0, cells.pop(1))  # the title stands above the engine
    cells.append(("markdown", f"Check your answers in a terminal: `{command}`"))
    written = [
        _cell(kind, source.strip("\n"), number)
        for number, (kind, source) in enumerate(cells)
        if source.strip()
    ]
    language = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "cells": written,
        "metadata": {"kernelspec": language, "language_info": {"name": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def without_comments(text: str) -> str:
    """Markdown without the checks and hints that it hides."""
    return re.sub(r"<!--.*?-->\n?", "", text, flags=re.DOTALL)


def _cell(kind: str, source: str, number: int) -> dict:
    cell = {
        "cell_type": kind,
        "id": f"cell-{number}",
        "metadata": {},
        "source": source.splitlines(keepends=True),
    }
    return cell | ({"execution_count": None, "outputs": []} if kind == "code" else {})


def copy_pictures(text: str, pages: Path, folder: Path) -> None:
    """The pictures that a page shows, at the same place beside its copy."""
    for name in set(re.findall(r"images/[\w.-]+", text)):
        if (pages / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(pages / name, folder / name)
