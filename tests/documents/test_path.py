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
from minigrad.learn.course import NUMPY_ALONE, steps_of
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


FAULTY = """\
# Step 0: Faults

{many}

```python engine
def same(x):
    return x
```

```python
print(3)
```

```text
4
```

### Exercise 0.2: Too much and too little

```python
def double(x):
    unused = 3  # yours
    return 2 * x  # yours


def half(x):
    return x / 2 # yours
```

<!-- check 0.2
compare("double", lambda p: p.double(1.5))
-->

### Exercise 0.3: Never open

```python
def triple(x):
    if x > 10:
        x = 10  # yours
    return 3 * x
```

<!-- hint 0.3 None. -->
<!-- check 0.3
compare("triple", lambda p: p.triple(1.5))
-->
"""


def test_faults_are_seen():
    (step,) = steps_of({"00_faults": FAULTY.format(many="word " * 601)})
    form = "\n".join(path_pages.form_faults(step))
    for fault in (
        "601 words", "fewer than 3 numbers", "not numbered 0.1, 0.2", "0.2 has no hint",
        "line 27: an answer's line ends in two spaces", "no section `## A mistake less",
    ):  # fmt: skip
        assert fault in form, form
    exercises = list(path_pages.exercise_faults(step))
    assert [each.split(":")[0] for each in exercises] == [
        "0.3, stub", "0.2 is right without line 22 of the page",
    ]  # fmt: skip
    assert any("prints\n3" in fault for fault in path_pages.output_faults(step))
    assert "```text\n3\n```" in path_pages.written(step)


def test_an_engine_may_not_grow_too_fast():
    lines = "\n".join(f"    x = {n}" for n in range(31))
    page = f"# Step 0: Long\n\n```python engine\ndef long():\n{lines}\n```\n"
    (step,) = steps_of({"00_long": page})
    assert list(path_pages.engine_faults(step)) == [
        "32 lines of the engine are new or changed, and 30 are allowed",
        "the engine has 32 lines, and 25 are allowed",
    ]


@pytest.fixture
def compiler(step):
    """Step 14 compiles; where Cython is missing, it is left out."""
    if step.number == NUMPY_ALONE + 1:
        pytest.importorskip("Cython")
        pytest.importorskip("setuptools")


@pytest.mark.slow
@steps
def test_pages_print_what_they_say(step, compiler):
    assert list(path_pages.output_faults(step)) == []


@pytest.mark.slow
@steps
def test_every_line_of_an_answer_is_needed(step, compiler):
    assert list(path_pages.exercise_faults(step)) == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "step", [step for step in STEPS if step.library], ids=lambda step: step.name
)
def test_numbers_are_the_library_s(step, tmp_path, compiler):
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
