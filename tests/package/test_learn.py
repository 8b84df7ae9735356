"""`python -m minigrad learn`: commands, files and verdicts, on a small course."""

import io
import json
import queue
import sys
from pathlib import Path

import pytest
from helpers.small_course import OPEN_FIRST, OPEN_SECOND, RIGHT, SLOPES, answered, said

from minigrad.learn import commands, handout, process
from minigrad.learn.checking import check_step, check_tasks
from minigrad.learn.commands import learn
from minigrad.learn.course import PageError, steps_of
from minigrad.learn.process import Limits, Task


def checked(course, capsys, source):
    """Status and verdicts of a file with this source."""
    Path("mine.py").write_text(source, encoding="utf-8")
    status = learn(["0", "--check", "mine.py", "--json"])
    return status, [(each["verdict"], each["sentence"]) for each in json.loads(said(capsys))]


# --- a page --------------------------------------------------------------------------------------


ENGINES = {
    "00_a": "import numpy as np\n\n\ndef double(x):\n    return np.add(x, x)",
    "01_b": "class New:\n    pass\n\n\ndef double(x):\n    return 2 * x  # yours",
    "02_c": "# a remark\ndef last():\n    pass",
}


def test_engine_grows_and_is_replaced_in_place():
    pages = {
        name: f"# Step {n}: E\n\n### Exercise {n}.1: E\n\n```python engine\n{source}\n```\n"
        for n, (name, source) in enumerate(ENGINES.items())
    }
    pages["02_c"] += "\n<!-- engine drops New -->\n"
    first, second, third = (step.engine for step in steps_of(pages))
    assert first.source == ENGINES["00_a"] + "\n"
    assert first.lines == 3 and first.changes(type(first)()) == 5
    assert list(second.definitions) == ["double", "New"]
    assert second.definitions["double"] == "def double(x):\n    return 2 * x"
    assert (
        third.source == "def double(x):\n    return 2 * x\n\n\n# a remark\ndef last():\n    pass\n"
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("# Step 0", "# Step 1", "line 1"),
        ("### Exercise 0.1", "### Task 0.1", "outside an exercise"),
        ("check 0.2", "check 0.3", "not above it"),
        ("check 0.2", "check 0.1", "a second check"),
        ("import numpy as np\n\n", "import numpy as np\nx = 1\n", "engine block"),
    ],
)
def test_a_page_of_another_form_is_refused(old, new, message):
    with pytest.raises(PageError, match=message):
        [step.engine for step in steps_of({"00_a": SLOPES.replace(old, new, 1)})]


def test_cython_blocks_are_texts_with_exercises():
    page = (
        "# Step 0: C\n\n### Exercise 0.1: Loop\n\n```cython LOOP\ndef f(x):\n    y  # yours\n```\n"
    )
    (step,) = steps_of({"00_c": page})
    assert 'LOOP = """\ndef f(x):\n    y  # yours\n"""' in step.program
    assert 'raise NotImplementedError("0.1 Loop")' in step.stub
    assert "...  # yours: 0.1\n```" in handout.page_without_answers(step, set())


# --- commands ------------------------------------------------------------------------------------


def test_a_stub_is_written_and_a_file_is_never_overwritten(course, capsys):
    assert learn(["0"]) == 1
    file = Path("minigrad-path", "00_slopes.py")
    assert file.read_text(encoding="utf-8") == course.steps[0].stub
    assert "written now" in said(capsys)
    file.write_text(answered(course), encoding="utf-8")
    before = file.read_bytes()
    assert learn(["0"]) == 0 and file.read_bytes() == before
    assert "2 of 2 right" in said(capsys)


def test_progress_is_that_of_the_files(course, capsys):
    assert learn([]) == 0
    out = said(capsys)
    assert "0 of 3 exercises right" in out and "learn 0`" in out
    learn(["0", "1"])
    Path("minigrad-path", "00_slopes.py").write_text(answered(course), encoding="utf-8")
    said(capsys)
    for _ in range(2):  # the second time from progress.json
        assert learn([]) == 0
        out = said(capsys)
        assert "2 of 3 exercises right" in out and "learn 1`" in out
    assert "00_slopes.py" in json.loads(Path("minigrad-path", "progress.json").read_text("utf-8"))
    Path("minigrad-path", "00_slopes.py").write_text(answered(course, "return x"), encoding="utf-8")
    learn(["--json"])
    assert [each["verdict"] for each in json.loads(said(capsys))][0] == "factor"


def test_one_exercise(course, capsys):
    assert learn(["0.1", "--json"]) == 1
    assert [each["exercise"] for each in json.loads(said(capsys))] == ["0.1"]


def test_hint_solution_and_page(course, capsys):
    assert learn(["0", "--hint"]) == 0
    assert "Nudge x, and see: x̂" in said(capsys)
    assert learn(["0.2", "--hint"]) == 0
    assert "Nudge" not in said(capsys)
    assert learn(["0", "--solution"]) == 0
    assert said(capsys) == course.steps[0].program
    assert learn(["1", "--page"]) == 0
    assert said(capsys).strip() == str(course.pages / "01_data.md")
    assert not Path("minigrad-path").exists()


@pytest.mark.parametrize(
    "words",
    [["7"], ["x"], ["0.7"], ["--hint"], ["0", "--check", "nowhere.py"], ["--grade", "nowhere"],
     ["0", "1", "--check", "f.py"], ["--nonsense"], ["0", "--seconds", "-1"]],
)  # fmt: skip
def test_usage_is_status_2(course, capsys, words):
    try:
        status = learn(words)
    except SystemExit as error:  # argparse
        status = error.code
    assert status == 2
    captured = capsys.readouterr()
    assert captured.out == "" and captured.err


def test_json_has_the_documented_keys(course, capsys):
    learn(["0", "--json"])
    entries = json.loads(said(capsys))
    documented = commands.__doc__.split("the keys are\n")[1].split()
    for entry in entries:
        assert set(entry) == {
            "step", "exercise", "title", "verdict", "sentence", "file", "page", "page_line", "line",
        }  # fmt: skip
        assert set(entry) < set(documented) and entry["line"] == entry["page_line"]
    assert entries[0]["page"] == "00_slopes.md#exercise-01-the-slope-of-a-square--σ"
    assert SLOPES.splitlines()[entries[0]["page_line"] - 1].startswith("### Exercise 0.1")


def test_where_nothing_can_be_written(course, capsys):
    Path("occupied").write_text("a file, and no folder")
    assert learn(["0", "--dir", str(Path("occupied", "inside"))]) == 2
    assert "--dir" in capsys.readouterr().err
    for words in (["0", "--notebook", "--dir", "occupied"], ["--handout", "occupied/inside"]):
        assert learn(words) == 2
        error = capsys.readouterr().err
        assert str(Path("occupied").absolute()) in error and "cannot be used" in error


def test_data_lies_beside_the_stub(course):
    learn(["1"])
    assert Path("minigrad-path", "digits.npz").exists()


def test_notebook(course, capsys):
    assert learn(["--notebook", "0"]) == 0
    file = Path("minigrad-path", "00_slopes.ipynb")
    notebook = json.loads(file.read_text(encoding="utf-8"))
    sources = ["".join(cell["source"]) for cell in notebook["cells"]]
    assert sources[0].startswith("# Step 0") and not any("check 0.1" in each for each in sources)
    assert learn(["--notebook", "0"]) == 2  # it is there
    said(capsys)
    assert learn(["0", "--check", str(file)]) == 1
    assert "open" in said(capsys)
    text = file.read_text(encoding="utf-8").replace(
        json.dumps(OPEN_FIRST, ensure_ascii=False)[1:-1], "return 2 * x"
    )
    file.write_text(text, encoding="utf-8")
    learn(["0", "--check", str(file), "--json"])
    assert [each["verdict"] for each in json.loads(said(capsys))] == ["right", "open"]


# --- verdicts ------------------------------------------------------------------------------------

THREAD = "import threading as t; t.Thread(target=t.Event().wait).start(); return 2 * x"
GIVEN = "line 18, in square_slope, then line 7, in double, which was there: TypeError"
CASES = [  # the answers of 0.1 and 0.2, their verdicts, and words of one of the sentences
    ("return x", OPEN_SECOND, "factor open", "lacks the factor 2"),
    (OPEN_FIRST, "return x, slope", "open open", "0.1 comes first"),
    ("return None", OPEN_SECOND, "type open", "None"),
    ("return np.array([None] * 3)", OPEN_SECOND, "type open", "you return None in an array"),
    ("return object()", OPEN_SECOND, "type open", "you return something of the type object"),
    (RIGHT, "return x, slope, 1", "right type", "2 values are expected, and you return 3 values"),
    (RIGHT, "return slope, slope", "right factor", "x: "),
    ("return 'no'", OPEN_SECOND, "type open", "a text"),
    ("return 2 * y", OPEN_SECOND, "error error", "line 18, in square_slope: NameError: name 'y'"),
    ("return square_slope(x)", OPEN_SECOND, "error error", "RecursionError"),
    ("return double(None)", OPEN_SECOND, "error error", GIVEN),
    ("raise SystemExit", OPEN_SECOND, "error error", "ends itself"),
    (RIGHT, "import os; os._exit(0)", "right error", "the process ended"),
    ("print('x' * 10**7); return 2 * x", OPEN_SECOND, "right open", ""),
    ("import os; os.write(1, b'{}\\n'); return 2 * x", OPEN_SECOND, "right open", ""),
    ("return 2 * x; x = (", OPEN_SECOND, "error error", "line 18 is not Python"),
    (THREAD, OPEN_SECOND, "right open", ""),
    ("np.asarray = np.random.default_rng = None; return x", OPEN_SECOND, "error error", ""),
]


def test_verdicts(course):
    step = course.steps[0]
    sources = [answered(course, *case[:2]) for case in CASES]
    tasks = [Task(step, source, "mine.py", step.exercises) for source in sources]
    for case, found in zip(CASES, check_tasks(tasks, []), strict=True):
        assert " ".join(report.verdict for report in found) == case[2], (case, found)
        assert any(case[3] in report.sentence for report in found), (case, found)


def test_an_endless_loop(course):
    source = answered(course, "while True: pass", RIGHT)
    found = check_step(course.steps[0], source, "mine.py", [], Limits(0.2))
    assert [report.verdict for report in found] == ["error", "error"]
    assert found[0].sentence == "not finished after 0.2 seconds of work: an endless loop?"


def test_the_clock_counts_only_where_nothing_comes(course, monkeypatch):
    step = course.steps[0]
    slow = answered(course, "import time; time.sleep(0.6); return 2 * x", RIGHT)
    (report,) = check_step(step, slow, "mine.py", [], Limits(0.5), [step.exercise("0.1")])
    assert report.ok, report
    monkeypatch.setattr(process, "PATIENCE", 0.0)
    (said,) = process._heard(None, queue.Queue(), 0.01).stopped.values()
    assert said.startswith("not finished after 0.06 seconds, in which it worked for less than 0.01")


def test_a_name_that_is_missing(course, capsys):
    _, found = checked(course, capsys, "import numpy as np\n")
    assert found[0] == ("error", "the file has no `square_slope`: put the stub's lines of it back")


def test_the_demonstration_is_in_nobodys_way(course, capsys):
    source = "while True: print('again')\n" + answered(course)
    assert checked(course, capsys, source)[0] == 0


def test_no_text(course, capsys):
    Path("mine.py").write_bytes(b"\xff\xfe\x00x")
    assert learn(["0", "--check", "mine.py"]) == 1
    assert "cannot be read" in said(capsys)


def test_wrong_in_three_lines_and_the_place(course, capsys):
    Path("mine.py").write_text(answered(course, "return x**3 + 1"), encoding="utf-8")
    assert learn(["0.1", "--check", "mine.py"]) == 1
    lines = said(capsys).split("\n\n")[1].splitlines()
    assert len(lines) <= 5 and lines[-1].strip() == "page: 00_slopes.md, line 21"


# --- the terminal --------------------------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "utf-8"])
def test_any_terminal(course, monkeypatch, encoding):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", terminal)
    assert learn(["0", "--hint"]) == 0
    terminal.flush()
    out = terminal.buffer.getvalue().decode(encoding)
    assert ("→ σ" if encoding == "utf-8" else "-> sigma") in out
    assert ("x̂ ≤ ½ γ²" if encoding == "utf-8" else "x_hat <= ") in out
    assert "\x1b" not in out and "?" not in out
