"""What steps 8 to 15 say of learners' mistakes, and of right answers written otherwise."""

import re
from pathlib import Path
from typing import NamedTuple

import pytest

from minigrad.learn.checking import check_tasks
from minigrad.learn.course import NUMPY_ALONE
from minigrad.learn.places import find_course
from minigrad.learn.process import Task

COURSE = find_course()
FILE = Path(__file__).parents[1] / "helpers" / "path_mistakes_8_to_15.txt"


class Answer(NamedTuple):
    exercise: str
    verdict: str
    piece: str  # of the sentence
    changes: list[tuple[str, str]]  # the page's lines, and those in their place

    @property
    def step(self):
        return next(s for s in COURSE.steps if s.number == int(self.exercise.split(".")[0]))

    def task(self):
        """The step's program with these lines."""
        program, here = self.step.program, f"# --- step {self.step.number}\n"
        before, mark, source = program.partition(here)
        for old, new in self.changes:
            old = "\n".join(f"{line}  # yours" for line in old.split("\n"))
            assert old in source, f"{self.exercise}: the page has no line {old}"
            source = source.replace(old, new, 1)
        (exercise,) = (each for each in self.step.exercises if each.number == self.exercise)
        return Task(self.step, before + mark + source, "answer", [exercise])


def answers():
    for block in FILE.read_text(encoding="utf-8").split("\n\n")[2:]:
        first, *lines = block.strip("\n").split("\n")
        exercise, verdict, piece = re.fullmatch(r"(\S+) (\w+):? ?(.*)", first).groups()
        changes = re.findall(r"((?:- .*\n)+)((?:\+ .*\n)+)", "\n".join(lines) + "\n")
        plain = [tuple(re.sub("(?m)^[-+] ", "", text).rstrip("\n") for text in c) for c in changes]
        yield Answer(exercise, verdict, piece, plain)


def check(some):
    data = [path for path in COURSE.data if path.exists()]
    reports = check_tasks([each.task() for each in some], data)
    for answer, (report,) in zip(some, reports, strict=True):
        assert report.verdict == answer.verdict and answer.piece in report.sentence, (
            answer,
            report.sentence,
        )


@pytest.mark.slow
def test_mistakes_are_named_and_rewritings_are_right():
    some = [each for each in answers() if each.step.number <= NUMPY_ALONE]
    assert len(some) > 90
    check(some)


@pytest.mark.slow
def test_the_same_with_the_package():
    check([each for each in answers() if each.step.number > NUMPY_ALONE])
