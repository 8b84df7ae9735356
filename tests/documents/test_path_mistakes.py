"""Learners' mistakes on the path keep their names, and right answers stay right in other words."""

import re
import textwrap

import pytest
from helpers.mistakes import PATH, read

from minigrad.learn.checking import check_tasks
from minigrad.learn.course import NUMPY_ALONE, YOURS
from minigrad.learn.places import find_course
from minigrad.learn.process import Task

COURSE = find_course()
MISTAKES, RIGHT = read(PATH)


def step_of(answer):
    return COURSE.step(int(answer.exercise.split(".")[0]))


def written(step, answer):
    """The step's program with this answer in the place of the page's."""
    texts = iter(answer.code.split("\n---\n"))

    def of_learner(run):
        margin = min(re.findall(r"(?m)^ *(?=\S)", run[0]), key=len)
        return textwrap.indent(next(texts), margin) + "\n"

    runs = re.compile(rf"(?m)(^.*{YOURS}\n)+")
    program = step.assembled(
        block.in_program(runs.sub(of_learner, block.body))
        if block.exercise == answer.exercise
        else block.source
        for block in step.blocks
    )
    assert not list(texts), f"{answer.exercise} has fewer places than this answer: {answer.code}"
    return program


def check(answers):
    tasks = []
    for answer in answers:
        step = step_of(answer)
        exercise = step.exercise(answer.exercise)
        tasks.append(Task(step, written(step, answer), "mine.py", [exercise]))
    data = [path for path in COURSE.data if path.exists()]
    reports = [report for (report,) in check_tasks(tasks, data)]
    wrong = [
        (answer, report.verdict, report.sentence)
        for answer, report in zip(answers, reports, strict=True)
        if not is_expected(answer, report)
    ]
    assert wrong == []


def is_expected(answer, report):
    """Named as it should be; or, if it is strange, at least not right and not misnamed."""
    if answer.word == "strange":
        return report.verdict != "right" and not answer.is_misnamed(report)
    return answer.is_named(report)


def test_one_mistake_and_one_rewriting_of_each_exercise():
    first = {(each.exercise, each.word == "right"): each for each in [*MISTAKES, *RIGHT][::-1]}
    check([each for each in first.values() if step_of(each).number < 8])


@pytest.mark.slow
def test_every_mistake_and_every_rewriting():
    assert len(MISTAKES) >= 220 and len(RIGHT) >= 80
    check([each for each in MISTAKES + RIGHT if step_of(each).number <= NUMPY_ALONE])


@pytest.mark.slow
def test_those_that_need_the_package():
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    check([each for each in MISTAKES + RIGHT if step_of(each).number > NUMPY_ALONE])
