"""The programs of the pages, run once, for pictures of what they compute."""

import contextlib
import io
import runpy
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

ROOT = Path(__file__).parents[3]
sys.path.insert(0, str(ROOT))

from minigrad.learn.places import find_course  # noqa: E402


def ran(number):
    """The names that the program of a step leaves behind."""
    course = find_course()
    step = course.step(number)
    with TemporaryDirectory() as folder:
        for data in course.beside(step):
            Path(folder, data.name).write_bytes(data.read_bytes())
        file = Path(folder, step.file)
        file.write_text(step.program, encoding="utf-8")
        with contextlib.redirect_stdout(io.StringIO()):
            return SimpleNamespace(**runpy.run_path(str(file)))
