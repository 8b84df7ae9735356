"""`python -m minigrad learn` for a class: handouts, and the grades of what strangers hand in."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.small_course import DATA, OPEN_SECOND, RIGHT, SLOPES, answered, said

from minigrad.learn import commands, handout, places
from minigrad.learn.commands import learn
from minigrad.learn.course import steps_of
from minigrad.learn.places import Course


def alone(folder, *calls):
    """Status and output of calls of a handout's check.py, one after the other; and all errors.

    In a process where minigrad cannot be imported, with a terminal without Greek.
    """
    code = f"""
import runpy, sys
sys.modules["minigrad"] = None
sys.path.insert(0, {str(folder)!r})
for words in {calls!r}:
    sys.argv[1:], status = words, 0
    try:
        runpy.run_path({str(folder / "check.py")!r}, run_name="__main__")
    except SystemExit as end:
        status = end.code
    print("status:", status or 0, "end of a call", flush=True)
"""
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=folder.parent, capture_output=True, encoding="cp1252",
        env=os.environ | {"PYTHONIOENCODING": "cp1252", "NO_COLOR": "1"}, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    parts = [each.rpartition("status: ") for each in run.stdout.split(" end of a call\n")[:-1]]
    return [(int(status), out) for out, _, status in parts], run.stderr


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
    (found,), errors = alone(folder, ["0", "--json"])
    assert found[0] == 1 and errors == ""
    entries = json.loads(found[1])
    assert [each["verdict"] for each in entries] == ["open"] * 2
    assert page.splitlines()[entries[1]["page_line"] - 1].startswith("### Exercise 0.2")
    (folder / "00_slopes.py").write_text(answered(course), encoding="utf-8")
    calls, _ = alone(folder, ["0"], ["0", "--solution"], [], ["0", "--notebook"])
    assert [status for status, _ in calls] == [0, 2, 0, 0]
    assert "2 of 3 exercises right" in calls[2][1]
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
