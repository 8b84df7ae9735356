"""The pages of the path keep their form, print what they say, and their exercises can fail."""

import contextlib
import io
import runpy
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import path_pages
from helpers.derivations import Page

import minigrad as mg
from minigrad.learn.checking import check_tasks
from minigrad.learn.course import NUMPY_ALONE
from minigrad.learn.places import find_course
from minigrad.learn.process import Task

COURSE = find_course()
STEPS = COURSE.steps
steps = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.name)


@steps
def test_form(step):
    assert list(path_pages.form_faults(step)) == []


def test_steps_follow_each_other():
    assert [step.number for step in STEPS] == list(range(len(STEPS)))


def test_forty_exercises():
    assert len(STEPS) == 16 and sum(len(step.exercises) for step in STEPS) >= 40


def test_solutions_are_right_and_stubs_are_open():
    early = [step for step in STEPS if step.number <= NUMPY_ALONE]
    tasks = [Task(step, step.program, "solution", step.exercises) for step in early]
    tasks += [Task(step, step.stub, "stub", step.exercises) for step in early]
    data = [path for path in COURSE.data if path.exists()]
    verdicts = {"solution": "right", "stub": "open"}
    for task, reports in zip(tasks, check_tasks(tasks, data), strict=True):
        for report in reports:
            assert report.verdict == verdicts[task.file], (task.file, report)


@steps
def test_markdown_is_what_github_shows(step):
    page = Page.__new__(Page)
    page.path = COURSE.page(step)
    for number, line in step.prose:
        page._check_prose(number, line)


@steps
def test_the_next_step_is_linked(step):
    following = [other.name for other in STEPS if other.number == step.number + 1]
    for name in following:
        assert f"({name}.md)" in step.text


@pytest.mark.slow
@steps
def test_pages_print_what_they_say(step):
    assert list(path_pages.output_faults(step)) == []


@pytest.mark.slow
@steps
def test_every_line_of_an_answer_is_needed(step):
    assert list(path_pages.exercise_faults(step)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "step", [step for step in STEPS if step.library], ids=lambda step: step.name
)
def test_numbers_are_the_library_s(step, tmp_path):
    for path in COURSE.beside(step):
        shutil.copy(path, tmp_path)
    file = tmp_path / step.file
    file.write_text(step.program, encoding="utf-8")
    before = mg.get_default_dtype()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            program = SimpleNamespace(**runpy.run_path(str(file), run_name="__main__"))
            for source in step.library:
                names = {"mg": mg, "np": np, "program": program}
                exec(compile(source, str(COURSE.page(step)), "exec"), names)
    finally:
        mg.set_default_dtype(before)
