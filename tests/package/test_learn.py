"""`python -m minigrad learn`: commands, files, verdicts, handouts and grades, on a small course."""

import io
import json
import os
import queue
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.learn import commands, handout, places, process
from minigrad.learn.checking import check_step, check_tasks
from minigrad.learn.commands import learn
from minigrad.learn.course import PageError, steps_of
from minigrad.learn.places import Course
from minigrad.learn.process import Limits, Task

SLOPES = """\
# Step 0: Slopes

Prose, and [a link](../../README.md). Call `learn 0`, see [1](01_data.md).

```python engine
import numpy as np


def double(x):
    return 2 * x
```

```python
print(double(4))
```

```text
8
```

### Exercise 0.1: The slope of a square → σ

```python
LR = 0.5


def square_slope(x):
    \"\"\"The slope of x * x.\"\"\"
    two = 2.0  # yours
    return two * x  # yours


print(square_slope(3.0))
```

<!-- check 0.1
x = np.random.default_rng(0).normal(size=(4, 3))
compare("dx − x̂", lambda p: p.square_slope(x), factors={"2": 2})
-->
<!-- hint 0.1 Nudge x, and see: x̂ ≤ ½ γ². -->

### Exercise 0.2: A step

```python
def step(x):
    \"\"\"x after one step, and the slope there.\"\"\"
    slope = square_slope(x)
    return x - LR * slope / 4, slope  # yours
```

<!-- check 0.2
x = np.random.default_rng(1).normal(size=5)
compare(("x", "slope"), lambda p: p.step(x))
-->
<!-- hint 0.2 Against the slope. -->
"""

DATA = """\
# Step 1: Data

```python engine
from pathlib import Path


def load():
    return np.load(Path(__file__).with_name("digits.npz"))["images"]
```

### Exercise 1.1: The mean

```python
def mean(x):
    \"\"\"The mean of x.\"\"\"
    return x.mean()  # yours
```

<!-- check 1.1
compare("mean", lambda p: p.mean(p.load()))
-->
<!-- hint 1.1 Add them up. -->
"""

OPEN_FIRST = 'raise NotImplementedError("0.1 The slope of a square → σ")'
OPEN_SECOND = 'raise NotImplementedError("0.2 A step")'


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of two pages, in an empty current directory."""
    pages = tmp_path / "course"
    pages.mkdir()
    texts = {"00_slopes": SLOPES, "01_data": DATA}
    for name, text in texts.items():
        (pages / f"{name}.md").write_text(text, encoding="utf-8")
    import numpy as np

    np.savez(pages / "digits.npz", images=np.arange(6.0))
    course = Course(steps_of(texts), pages, [pages / "library.json", pages / "digits.npz"])
    monkeypatch.setattr(commands, "find_course", lambda: course)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return course


def answered(course, first="return x + x", second="return x - square_slope(x) / 8, slope"):
    """The program of step 0 with these answers, each of one line."""
    source = course.steps[0].stub
    return source.replace(OPEN_FIRST, first).replace(OPEN_SECOND, second)


def checked(course, capsys, source):
    """Status and verdicts of a file with this source."""
    Path("mine.py").write_text(source, encoding="utf-8")
    status = learn(["0", "--check", "mine.py", "--json"])
    return status, [(each["verdict"], each["sentence"]) for each in json.loads(said(capsys))]


def said(capsys):
    return capsys.readouterr().out


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

RIGHT = "return 2 * x"
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
    found = check_step(course.steps[0], source, "mine.py", [], Limits(0.5))
    assert [report.verdict for report in found] == ["error", "error"]
    assert found[0].sentence == "not finished after 0.5 seconds of work: an endless loop?"


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


# --- handout and grades --------------------------------------------------------------------------


def alone(folder, *words):
    """check.py of a handout where minigrad cannot be imported, in a terminal without Greek."""
    code = "import sys; sys.modules['minigrad'] = None; import runpy; "
    code += f"sys.argv[1:] = {list(words)!r}; sys.path.insert(0, {str(folder)!r}); "
    code += f"runpy.run_path({str(folder / 'check.py')!r}, run_name='__main__')"
    return subprocess.run(
        [sys.executable, "-c", code], cwd=folder.parent, capture_output=True, encoding="cp1252",
        env=os.environ | {"PYTHONIOENCODING": "cp1252", "NO_COLOR": "1"}, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_a_handout_needs_numpy_alone_and_shows_no_answers(course, capsys):
    folder = Path("class").absolute()
    assert learn(["--handout", "class"]) == 0
    assert learn(["--handout", "class"]) == 2  # not empty
    for file in folder.rglob("*"):
        assert not file.is_file() or b"two = 2.0" not in file.read_bytes(), file
    page = (folder / "pages" / "00_slopes.md").read_text(encoding="utf-8")
    assert (
        "    ...  # yours: 0.1\n" in page
        and "<!--" not in page
        and "link. Call `python check.py 0`, see [1](01_data.md)." in page
        and "```text\n8\n" in page
    )
    found = alone(folder, "0", "--json")
    assert found.returncode == 1 and found.stderr == ""
    entries = json.loads(found.stdout)
    assert [each["verdict"] for each in entries] == ["open"] * 2
    assert page.splitlines()[entries[1]["page_line"] - 1].startswith("### Exercise 0.2")
    (folder / "00_slopes.py").write_text(answered(course), encoding="utf-8")
    assert alone(folder, "0").returncode == 0
    assert alone(folder, "0", "--solution").returncode == 2
    found = alone(folder)
    assert found.returncode == 0 and "2 of 3 exercises right" in found.stdout
    assert alone(folder, "0", "--notebook").returncode == 0
    told = (folder / "00_slopes.ipynb").read_text(encoding="utf-8")
    assert "link. Call `python check.py 0`, see [1](01_data.md)." in told


def test_a_handout_says_what_happens_there(capsys, tmp_path):
    assert learn(["--handout", str(tmp_path / "class")]) == 0
    pages = sorted((tmp_path / "class" / "pages").glob("*.md"))
    texts = {page.name: page.read_text(encoding="utf-8") for page in pages}
    assert len(texts) == 16 and "To be read, without a file and without a check: `pages/14" in (
        tmp_path / "class" / "README.md"
    ).read_text(encoding="utf-8")
    assert "the file `00_slope.py`, beside the folder of this page, holds" in texts["00_slope.md"]
    for name, text in texts.items():
        assert "python -m minigrad" not in text and "writes a file" not in text, name
        assert "](../" not in text, name


def test_a_handout_of_some_steps(course):
    assert learn(["--handout", "class", "1"]) == 0
    names = {path.name for path in Path("class").iterdir()}
    assert names == {"README.md", "check.py", "checker", "pages", "01_data.py", "digits.npz"}


def test_a_page_that_needs_more_than_numpy_is_handed_out_to_be_read(course, capsys, monkeypatch):
    texts = {"00_slopes": SLOPES, "14_c": DATA.replace("Step 1", "Step 14").replace("1.1", "14.1")}
    folder = Path("class")
    write = Course(steps_of(texts), course.pages, [])
    assert [step.number for step in handout.write_handout(write, folder, [])] == [0]
    readme = (folder / "README.md").read_text(encoding="utf-8")
    assert "To be read, without a file and without a check: `pages/14_c.md`." in readme
    monkeypatch.setattr(places, "ARCHIVE", folder / "checker" / "learn" / "course.bin")
    monkeypatch.setattr(commands, "find_course", lambda: places.handed_out(folder))
    assert learn(["14"]) == 2 and "step 14 is a page to read here" in capsys.readouterr().err
    assert learn(["15"]) == 2 and "there is no step 15" in capsys.readouterr().err


ATTEMPTS = [
    "open('{outside}', 'w')",
    "os.open('{outside}', os.O_CREAT | os.O_WRONLY)",
    "open('../outside', 'a')",
    "os.remove('{outside}.keep')",
    "os.rename('{outside}.keep', 'mine')",
    "open('{pages}/00_slopes.md')",
    "os.listdir('{pages}')",
    "socket.socket()",
    "os.system('echo >{outside}')",
    "subprocess.run(['echo'])",
    "sqlite3.connect('{outside}')",
    "os.kill(os.getppid(), 9)",
    "os.symlink('{pages}', 'pages')",
    "ctypes.string_at(0)",
    "io.FileIO(pathlib.Path('{outside}'), 'w')",
]
STRANGER = """\
    import ctypes, io, os, pathlib, socket, sqlite3, subprocess
    for attempt in {attempts!r}:
        try:
            exec(attempt)
        except PermissionError as error:
            assert "refused" in str(error)
        else:
            return attempt
    try:
        import minigrad
    except ImportError:
        assert "MINIGRAD_SECRET" not in os.environ
        open("notes", "w").write("in the scratch folder")
        return 2 * x"""
HAND_INS = {"attempts": "right"} | dict.fromkeys(("exit", "forger", "terminal"), "error")


def test_strangers_are_graded(course, capsys, monkeypatch):
    monkeypatch.setenv("MINIGRAD_SECRET", "1")
    outside = Path("outside").absolute()
    Path("outside.keep").write_text("kept")
    places = {"outside": outside.as_posix(), "pages": course.pages.as_posix()}
    attempts = STRANGER.format(attempts=[each.format(**places) for each in ATTEMPTS]).lstrip()
    answers = {
        "attempts": attempts,
        "exit": "import os; os._exit(0)",
        "forger": "import os; os.write(3, b'{}\\n' * 9); return x",
        "terminal": "raise ValueError('\\x1b[2J')",
    }
    for name, answer in answers.items():
        Path("hand-ins", name).mkdir(parents=True)
        file = Path("hand-ins", name, "00_slopes.py")
        file.write_text(answered(course, answer, OPEN_SECOND), encoding="utf-8")
    Path("hand-ins", "ada_01.py").write_text(course.steps[1].program, encoding="utf-8")
    Path("hand-ins", "notes.txt").write_text("not a hand-in")
    assert learn(["--grade", "hand-ins", "--json"]) == 0
    entries = json.loads(said(capsys))
    assert set(entries[0]) > {"name", "exercise", "verdict", "sentence"}
    found = {each["name"]: each for each in entries if each["exercise"] == "0.1"}
    assert {name: each["verdict"] for name, each in found.items()} == HAND_INS, found
    assert all(each["sentence"].isprintable() for each in entries)
    assert not outside.exists() and Path("outside.keep").exists()
    (ada,) = (each for each in entries if each["exercise"] == "1.1")
    assert ada["name"] == "ada" and ada["verdict"] == "right"


@pytest.mark.slow
def test_table_of_grades(course, capsys):
    answers = {
        "ada": (RIGHT, OPEN_SECOND),
        "bob": ("return x", OPEN_SECOND),
        "eve": (RIGHT, "while True: pass"),
    }
    for name, answer in answers.items():
        Path("hand-ins", name).mkdir(parents=True)
        source = answered(course, *answer)
        Path("hand-ins", name, "00_mine.py").write_text(source, encoding="utf-8")
    Path("hand-ins", "fay").mkdir()
    assert learn(["--grade", "hand-ins", "--seconds", "1.5"]) == 0
    rows = [" ".join(line.split()) for line in said(capsys).splitlines()]
    assert rows[0] == "name 0.1 0.2 right"
    assert rows[1:4] == ["ada + . 1 of 2", "bob x . 0 of 2", "eve + ! 1 of 2"]
    assert rows[-1] == "Nothing to grade in: fay"
    assert learn(["--grade", "hand-ins", "1"]) == 2 and "of step 1" in capsys.readouterr().err
