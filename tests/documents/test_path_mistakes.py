"""Learners' mistakes in steps 0 to 7 keep their names, and other right answers stay right."""

import textwrap
from pathlib import Path

from minigrad.learn.checking import check_tasks
from minigrad.learn.places import find_course
from minigrad.learn.process import Task

COURSE = find_course()
WRITTEN = Path(__file__).parents[1] / "helpers" / "path_mistakes.txt"


def read():
    """(exercise, verdict, piece of its sentence, code) of each block of the file."""
    for part in WRITTEN.read_text(encoding="utf-8").split("\n# ")[1:]:
        number, *blocks = part.replace("\n    ", "\a").splitlines()
        for block in filter(None, blocks):
            head, *lines = block.split("\a")
            word, _, piece = head.partition(":")
            yield number, word, piece.strip(), "\n".join(lines)


def answered(step, place, code):
    """The step's program with the answer to its exercise number `place` replaced by the code."""
    lines = step.program.split("\n")
    yours = [i for i, line in enumerate(lines) if line.endswith("  # yours")]
    starts = [i for i in yours if i - 1 not in yours]
    ends = [i for i in yours if i + 1 not in yours]
    start, end = starts[place - 1], ends[place - 1]
    least = min(len(line) - len(line.lstrip()) for line in lines[start : end + 1])
    return "\n".join([*lines[:start], textwrap.indent(code, " " * least), *lines[end + 1 :]])


def test_mistakes_are_named():
    cases = list(read())
    words = [word for _, word, _, _ in cases]
    assert words.count("right") >= 50 and len(words) - words.count("right") >= 120
    tasks = []
    for number, _, _, code in cases:
        step, place = COURSE.step(int(number[0])), int(number[2:])
        exercises = [each for each in step.exercises if each.number == number]
        tasks.append(Task(step, answered(step, place, code), "mine.py", exercises))
    wrong = []
    for case, (report,) in zip(cases, check_tasks(tasks, []), strict=True):
        if report.verdict != case[1] or case[2] not in report.sentence:
            wrong.append((case, report.verdict, report.sentence))
    assert wrong == []
