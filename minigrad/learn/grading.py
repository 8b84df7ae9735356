"""Grades a folder of hand-ins: a table of names and exercises.

Two forms of folder, also mixed:

    hand-ins/ada/05_arrays.py      a folder per person: the files begin with the step's number
    hand-ins/ada_05.py             files of a flat folder: name, step, and what follows it

Notebooks (.ipynb) count as well. Each file runs in a process of its own, with a time limit and with
what `sandbox.py` refuses; its docstring says what is prevented and what is not. Links are left out.
Steps beyond 13 need a compiler or the package and are not graded. Below the table stand folders and
programs of which nothing was: they are empty, or no name in them is of these forms.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from .checking import Report, check_step, report_on
from .course import NUMPY_ALONE, Step
from .folder import Unreadable, read_source
from .places import Course
from .process import Limits

OWN = re.compile(r"(?P<step>\d\d)(_.*)?\.(py|ipynb)")
FLAT = re.compile(r"(?P<name>.+?)_(?P<step>\d\d)(_.*)?\.(py|ipynb)")
MARKS = {"right": "+", "open": ".", "error": "!"}
LEGEND = "+ right   x wrong   . open   ! error   (empty) not handed in"


@dataclass
class Grade:
    """What one file got."""

    name: str
    step: Step
    file: Path
    reports: list[Report]


def hand_ins(
    course: Course, folder: Path, numbers: Collection[int] = ()
) -> Iterator[tuple[str, Step, Path]]:
    """Name, step and file of every hand-in; with numbers, only those of these steps."""
    for path in sorted(folder.iterdir()):
        if path.is_symlink():
            continue
        if path.is_dir():
            found = [(path.name, OWN.fullmatch(each.name), each) for each in path.iterdir()]
        else:
            match = FLAT.fullmatch(path.name)
            found = [(match["name"] if match else "", match, path)]
        for name, match, file in sorted(found, key=lambda each: each[2]):
            step = course.step(int(match["step"])) if match else None
            if step is None or step.number > NUMPY_ALONE or numbers and step.number not in numbers:
                continue
            if file.is_file() and not file.is_symlink():
                yield printable(name), step, file


def grade(
    course: Course, folder: Path, seconds: float | None, numbers: Collection[int] = ()
) -> Iterator[Grade]:
    """The grades, one after another."""
    limits = Limits(seconds, refused=course.pages)
    for name, step, file in hand_ins(course, folder, numbers):
        try:
            reports = check_step(step, read_source(file), file.name, course.beside(step), limits)
        except Unreadable as error:
            reports = [report_on(step, each, "error", str(error)) for each in step.exercises]
        for report in reports:
            report.sentence = printable(report.sentence)
        yield Grade(name, step, file, reports)


def without_a_grade(folder: Path, grades: list[Grade]) -> list[str]:
    """Folders and programs directly in the folder from which nothing was graded."""
    graded = {part for grade in grades for part in (grade.file, grade.file.parent)}
    return [
        printable(path.name)
        for path in sorted(folder.iterdir())
        if path not in graded
        and not path.name.startswith(".")
        and (path.is_dir() or path.suffix in (".py", ".ipynb"))
    ]


def printable(text: str) -> str:
    """A stranger's text without what would steer a terminal."""
    return "".join(each if each.isprintable() or each == "\n" else "?" for each in text)


def table(grades: list[Grade]) -> str:
    """One row per name, one column per exercise of the steps that somebody handed in."""
    steps = sorted({grade.step.number: grade.step for grade in grades}.items())
    columns = [each.number for _, step in steps for each in step.exercises]
    marks: dict[str, dict[str, str]] = {}
    for grade in grades:
        row = marks.setdefault(grade.name, {})
        row |= {each.exercise: MARKS.get(each.verdict, "x") for each in grade.reports}
    width = max(map(len, marks), default=4)
    lines = [" ".join(["name".ljust(width), *(f"{each:>5}" for each in columns), "  right"])]
    for name, row in marks.items():
        right = sum(mark == "+" for mark in row.values())
        cells = (f"{row.get(each, ''):>5}" for each in columns)
        lines.append(" ".join([name.ljust(width), *cells, f"  {right} of {len(columns)}"]))
    return "\n".join([*lines, "", LEGEND])
