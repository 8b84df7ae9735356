"""`python -m minigrad learn`: where you are on the path, and what is wrong with an answer.

    learn                    the steps, how far you are, and what comes next
    learn 5                  write 05_arrays.py where it is missing, and check its exercises
    learn 5.2                only that exercise
    learn 5 --check FILE     check another file, also a notebook, as step 5
    learn 5 --hint           a hint per exercise; it costs nothing
    learn 5 --solution       the program with its answers, which end in `# yours`
    learn 5 --page           where the page is
    learn --notebook 5       write 05_arrays.ipynb
    learn --handout DIR      write a folder for a class; `--handout DIR 5 6` only these steps
    learn --grade DIR        a table of names and exercises from a folder of hand-ins; with steps
                             behind it, `--grade DIR 5 6`, only these

Files are written to the folder `minigrad-path` where the command is called, or to `--dir FOLDER`.
The status is 0 if everything that was checked is right, 1 if something is wrong or still open, and
2 if the command cannot be carried out. `--grade` ends with 0 also where answers are wrong.

`--json` prints a list with one object per exercise and nothing else; the keys are

    step      the number of the step
    exercise  "5.2"
    title     its heading
    verdict   "right"; "open": still to be written; "error": the code stops, or does not end; or
              what the room `diagnosis` found: factor sign missing part zero transposed order axis
              known shape type nan ambiguous close different
    sentence  what is wrong, in words; up to three lines
    file      the file that was checked, or null if there is none
    page      "05_arrays.md#exercise-52-…"
    page_line the line of the exercise on its page
    line      the same; so it was called when it could be taken for a line of the file
    name      whose hand-in it is; only with --grade
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from ..display.terminal import command_line
from . import folder as learner
from .checking import OPEN, CannotCheck, Report, check_step, report_on
from .course import PageError, Step
from .grading import grade, table, without_a_grade
from .handout import for_a_class, write_handout
from .notebook import copy_pictures, notebook_text
from .places import Course, find_course
from .process import Limits

FOLDER = "minigrad-path"
WIDTH = 10  # of a verdict
START = """
Read the page. Where the file raises NotImplementedError, put your lines. Then call this again.
"""


class Refused(Exception):
    """What cannot be done, and what can be done about it."""


def learn(words: list[str], program: str = "python -m minigrad learn") -> int:
    """Carry out a command; the status for the shell."""
    try:
        return _run(words, program)
    except BrokenPipeError:
        raise  # display/terminal.py knows what to do
    except (Refused, PageError, CannotCheck, OSError) as problem:
        print(f"{program}: {_in_words(problem)}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 130


def _in_words(problem: Exception) -> str:
    if isinstance(problem, OSError) and problem.filename and problem.strerror:
        return f"{Path(problem.filename).absolute()} cannot be used: {problem.strerror}"
    return str(problem)


def _run(words: list[str], program: str) -> int:
    course = find_course()
    asked = _parser(program, course.handout).parse_args(words)
    if not course.steps:
        raise Refused(f"there are no pages in {course.pages}")
    chosen = [_choose(course, word) for word in asked.step]
    steps = [step for step, _ in chosen]
    if asked.grade:
        return _grade(course, Path(asked.grade), asked, [step.number for step in steps])
    if asked.handout:
        folder = Path(asked.handout)
        checked = write_handout(course, folder, [step.number for step in steps])
        print(
            f"written: {folder}, with the stubs of {len(checked)} steps; begin with its README.md"
        )
        return 0
    folder = Path(asked.dir) if asked.dir else course.folder or Path(FOLDER)
    if not chosen:
        if asked.check or asked.hint or asked.solution or asked.page or asked.notebook:
            raise Refused("which step? For example: 5")
        return _overview(course, folder, asked, program)
    for step, number in chosen:
        if asked.hint:
            for each in _exercises(step, number):
                print(f"{each.number}  {each.title}\n     {each.hint}")
        elif asked.solution:
            print(step.program, end="")
        elif asked.page:
            print(course.page(step))
        elif asked.notebook:
            _write_notebook(course, step, folder, program)
    if asked.hint or asked.solution or asked.page or asked.notebook:
        return 0
    if asked.check and len(chosen) > 1:
        raise Refused("--check takes one step")
    return _check(course, chosen, folder, asked)


def _parser(program: str, handout: bool) -> argparse.ArgumentParser:
    parser = command_line(
        "The path: you build what learns, step by step. Without a step: where am I?", program
    )
    add = parser.add_argument
    add("step", nargs="*", help="a step, 5, or one exercise of it, 5.2: its file is checked")
    add("--check", metavar="FILE", help="check this file, or notebook, in place of the step's")
    add("--hint", action="store_true", help="print a hint per exercise")
    add("--page", action="store_true", help="print where the step's page is")
    add("--notebook", action="store_true", help="write the step as a Jupyter notebook")
    add("--json", action="store_true", help="print the verdicts as JSON")
    place = "here" if handout else f"{FOLDER}, or here"
    add("--dir", metavar="FOLDER", help=f"where your files are; without it {place}")
    add("--seconds", type=_seconds, help="the processor's time that an exercise may take (10)")
    if handout:  # it holds no answers to print, and grades nobody
        parser.set_defaults(solution=False, handout=None, grade=None)
    else:
        add("--solution", action="store_true", help="print the step's program with its answers")
        add("--handout", metavar="DIR", help="write a folder for a class: stubs, pages, check.py")
        add("--grade", metavar="DIR", help="check a folder of hand-ins: DIR/ada/05_arrays.py")
    return parser


def _seconds(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text} is no number of seconds")
    return value


def _choose(course: Course, word: str) -> tuple[Step, str]:
    """The step, and the exercise if one is named, of `5` or `5.2`."""
    first = word.partition(".")[0]
    step = course.step(int(first)) if first.isascii() and first.isdigit() else None
    if step is None:
        numbers = ", ".join(str(each.number) for each in course.steps)
        if first in course.pages_alone():
            raise Refused(
                f"step {first} is a page to read here; with minigrad and a compiler, "
                f"`python -m minigrad learn {first}` has its program and checks it"
            )
        raise Refused(f"there is no step {word}; there are {numbers}")
    if "." in word and word not in [each.number for each in step.exercises]:
        numbers = ", ".join(each.number for each in step.exercises)
        raise Refused(f"there is no exercise {word}; step {step.number} has {numbers}")
    return step, word if "." in word else ""


def _exercises(step: Step, number: str) -> list:
    return [each for each in step.exercises if number in ("", each.number)]


# --- checking ------------------------------------------------------------------------------------


def _check(course: Course, chosen: list[tuple[Step, str]], folder: Path, asked) -> int:
    """Check the files of the chosen steps, and say so."""
    found = []
    for step, number in chosen:
        new = False
        file = Path(asked.check) if asked.check else folder / step.file
        if not asked.check:
            new = _write_stub(folder, step, course.beside(step))
        if not file.is_file():
            raise Refused(f"there is no file {file}")
        reports = _reports(course, step, number, file, asked)
        found += [_entry(report, file) for report in reports]
        if not asked.json:
            print(f"Step {step.number}: {step.title}")
            print(f"page  {course.page(step)}")
            print(f"file  {file}{', written now' if new else ''}")
            print(START if new else "")
            _say(reports)
    if asked.json:
        _print_json(found)
    return int(any(each["verdict"] != "right" for each in found))


def _write_stub(folder: Path, step: Step, data: list[Path]) -> bool:
    try:
        return learner.write_stub(folder, step, data)
    except OSError as problem:
        if (folder / step.file).is_file():
            return False
        raise Refused(
            f"{folder.absolute()} cannot be written ({problem.strerror or problem}); name another "
            "folder for your files with --dir"
        ) from None


def _reports(course: Course, step: Step, number: str, file: Path, asked) -> list[Report]:
    exercises = _exercises(step, number)
    try:
        source = learner.read_source(file)
    except learner.Unreadable as problem:
        return [report_on(step, each, "error", str(problem)) for each in exercises]
    if source == step.stub:
        return [report_on(step, each, "open", OPEN) for each in exercises]
    limits = Limits(asked.seconds)
    return check_step(step, source, str(file), course.beside(step), limits, exercises)


def _say(reports: list[Report]) -> None:
    """One line per exercise; under what is not right, the sentence and the place on the page."""
    for report in reports:
        print(f"{report.exercise:5} {report.verdict:{WIDTH}} {report.title}")
        if not report.ok and report.sentence != OPEN:
            for line in report.sentence.splitlines()[:3]:
                print(f"      {line}")
            print(f"      page: {report.page.partition('#')[0]}, line {report.page_line}")
    right = sum(report.ok for report in reports)
    print(f"\n{right} of {len(reports)} right")


def _entry(report: Report, file: Path | None, **more: str) -> dict:
    found = more | asdict(report) | {"file": str(file) if file else None}
    return found | {"line": report.page_line}


def _print_json(entries: list[dict]) -> None:
    print(json.dumps(entries, indent=1))


def _grade(course: Course, folder: Path, asked, numbers: list[int]) -> int:
    if not folder.is_dir():
        raise Refused(f"there is no folder {folder}")
    grades = []
    for each in grade(course, folder, asked.seconds, numbers):
        grades.append(each)
        if sys.stderr.isatty():
            print(f"{each.name}: step {each.step.number}", file=sys.stderr)
    if not grades:
        which = f" of step {', '.join(map(str, numbers))}" if numbers else ""
        raise Refused(f"{folder} has no hand-ins{which}, neither NAME/05_….py nor NAME_05.py")
    if asked.json:
        _print_json(
            [
                _entry(report, each.file, name=each.name)
                for each in grades
                for report in each.reports
            ]
        )
    else:
        print(table(grades))
        if missed := without_a_grade(folder, grades):
            print("Nothing to grade in:", ", ".join(missed))
    return 0


# --- where am I ----------------------------------------------------------------------------------


def _overview(course: Course, folder: Path, asked, program: str) -> int:
    """The steps with what the files in the folder say; checks files that have changed."""
    following, entries, lines = None, [], []
    for step in course.steps:
        reports = _progress(course, step, folder, asked)
        file = folder / step.file if reports else None
        reports = reports or [report_on(step, each, "open", OPEN) for each in step.exercises]
        entries += [_entry(report, file) for report in reports]
        right = sum(report.ok for report in reports)
        state = f"{right} of {len(reports)}" if file else "-"
        lines.append(f"{step.number:4}  {step.title:52} {state}")
        if right < len(reports) and following is None:
            following = step
    if asked.json:
        _print_json(entries)
        return 0
    print(f"Your files: {folder.absolute()}\n\nstep  {'':52} right")
    print("\n".join(lines))
    total = sum(each["verdict"] == "right" for each in entries)
    print(f"\n{total} of {len(entries)} exercises right")
    if following:
        print(f"Next: read {course.page(following)}")
        print(f"      and call `{program} {following.number}`")
    return 0


def _progress(course: Course, step: Step, folder: Path, asked) -> list[Report]:
    """What the learner's file of a step deserves; nothing if there is no file."""
    file = folder / step.file
    if not file.is_file():
        return []
    try:
        source = learner.read_source(file)
    except learner.Unreadable:
        return _reports(course, step, "", file, asked)
    reports = learner.noted_progress(folder, step, source)
    if reports is None:
        reports = _reports(course, step, "", file, asked)
        learner.note_progress(folder, step, source, reports)
    return reports


def _write_notebook(course: Course, step: Step, folder: Path, program: str) -> None:
    file = folder / f"{step.name}.ipynb"
    command = f"{program} {step.number} --check {file.name}"
    folder.mkdir(parents=True, exist_ok=True)
    learner.copy_missing(course.beside(step), folder)
    copy_pictures(step.text, course.pages, folder)
    names = {each.name for each in course.steps}

    def told(prose: str) -> str:
        return for_a_class(prose, step, names) if course.handout else prose

    try:
        with open(file, "x", encoding="utf-8") as target:
            target.write(notebook_text(step, command, told))
    except FileExistsError:
        raise Refused(f"{file} is there already, and stays as it is") from None
    print(f"written: {file}")
