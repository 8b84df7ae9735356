"""The rules of the pages of the path, and the command that authors use.

python tests/helpers/path_pages.py docs/path/05_arrays.md           # says what is wrong
python tests/helpers/path_pages.py --write docs/path/05_arrays.md   # first renews the outputs
python tests/helpers/path_pages.py --program docs/path/05_arrays.md # prints the program
python tests/helpers/path_pages.py --stub docs/path/05_arrays.md    # prints the stub
"""

import os
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from minigrad.display.terminal import command_line  # noqa: E402
from minigrad.learn.checking import CannotCheck, check_tasks  # noqa: E402
from minigrad.learn.course import NUMPY_ALONE, PageError, steps_of  # noqa: E402
from minigrad.learn.places import find_course, page_texts  # noqa: E402
from minigrad.learn.process import Limits, Task  # noqa: E402

WORDS, CHANGES, NUMBERS, EXERCISES = 600, 30, 3, 2
ENGINE_LINES = {3: 25, 11: 90}
SECONDS = 60  # per exercise; the machine may be busy
SEPARATOR = "\x1e"


def seconds_allowed(step):
    return 5 if step.number <= NUMPY_ALONE else 20


def data(step):
    return find_course().beside(step)


def engine_faults(step):
    """What is too long in the engine, or changes too much at once."""
    before = step.before.engine if step.before else type(step.engine)()
    changes = step.engine.changes(before)
    if changes > CHANGES:
        yield f"{changes} lines of the engine are new or changed, and {CHANGES} are allowed"
    allowed = min((n for last, n in ENGINE_LINES.items() if step.number <= last), default=None)
    if allowed and step.engine.lines > allowed:
        yield f"the engine has {step.engine.lines} lines, and {allowed} are allowed"


def form_faults(step):
    """What can be seen without running anything."""
    yield from engine_faults(step)
    if step.words > WORDS:
        yield f"{step.words} words of prose, and {WORDS} are allowed"
    printed = "".join(block.printed or "" for block in step.blocks)
    if len(re.findall(r"\d+(?:\.\d+)?", printed)) < NUMBERS:
        yield f"prints fewer than {NUMBERS} numbers"
    if len(step.exercises) < EXERCISES:
        yield f"has {len(step.exercises)} exercises, and {EXERCISES} are needed"
    wanted = [f"{step.number}.{place}" for place in range(1, len(step.exercises) + 1)]
    if [each.number for each in step.exercises] != wanted:
        yield f"its exercises are not numbered {', '.join(wanted)}"
    written = {block.exercise for block, _ in step.answers()}
    for exercise in step.exercises:
        for what in ("check", "hint"):
            if not getattr(exercise, what):
                yield f"exercise {exercise.number} has no {what}"
        if exercise.number not in written:
            yield f"exercise {exercise.number} has no line that ends in `  # yours`"
    for number, line in step.prose:
        if re.search(r"# yours", line):
            yield f"line {number}: `# yours` outside a python block"
    for block in step.blocks:
        for place, line in enumerate(block.body.splitlines(), block.line):
            if "# yours" in line and not line.endswith("  # yours"):
                yield f"line {place}: an answer's line ends in two spaces and `# yours`"
            if line.endswith("  # yours") and not line.startswith(" "):
                yield f"line {place}: an answer stands inside a function"
    for heading in ("## A mistake less", "## Why not"):
        if not re.search(f"^{heading}", step.text, re.MULTILINE):
            yield f"has no section `{heading} …`"


def outputs(step):
    """What each block of the program prints, what went wrong, and the seconds it took."""
    marked = step.assembled(f'print("{SEPARATOR}")\n{block.source}' for block in step.blocks)
    start = "import sys, runpy; "
    if step.number <= NUMPY_ALONE:
        start += "sys.modules['minigrad'] = None; "
    else:
        start += f"sys.path.insert(0, {str(ROOT)!r}); "
    with TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = Path(folder, step.file)
        file.write_text(marked, encoding="utf-8")
        for path in data(step):
            Path(folder, path.name).write_bytes(path.read_bytes())
        start += f"runpy.run_path({str(file)!r}, run_name='__main__')"
        before, began = os.times(), perf_counter()
        ran = subprocess.run(
            [sys.executable, "-I", "-X", "utf8", "-W", "error", "-c", start],
            cwd=folder, capture_output=True, encoding="utf-8", timeout=120,
        )  # fmt: skip
        # What it computed, where the platform says so: other programs may be busy at the same time.
        after = os.times()
        seconds = sum(after[2:4]) - sum(before[2:4]) or perf_counter() - began
    problem = ran.stderr.strip().splitlines()[-1] if ran.returncode else ""
    return ran.stdout.split(SEPARATOR + "\n")[1:], problem, seconds


def output_faults(step):
    """Where the page does not say what its program prints."""
    found, problem, seconds = outputs(step)
    if problem:
        yield f"the program stops: {problem}"
    if seconds > seconds_allowed(step):
        yield f"the program takes {seconds:.1f} s, and {seconds_allowed(step)} are allowed"
    for block, printed in zip(step.blocks, found, strict=False):
        if block.printed is not None and block.printed != printed:
            yield f"line {block.line}: the block prints\n{printed}"


def written(step):
    """The page with every text block as its program prints it."""
    found, problem, _ = outputs(step)
    if problem:
        raise PageError(f"{step.name}.md: the program stops: {problem}")
    lines = step.text.splitlines(keepends=True)
    for block, printed in reversed(list(zip(step.blocks, found, strict=True))):
        if block.printed is not None:
            first = block.line - 1 + block.body.count("\n") + 3  # over ```, blank, ```text
            lines[first : first + block.printed.count("\n")] = [printed]
    return "".join(lines)


def exercise_faults(step):
    """Solutions that fail, stubs that are not open, lines of answers that nobody misses."""
    complete = [each for each in step.exercises if each.check]
    if not complete:
        return
    tasks = [
        Task(step, step.program, "solution", complete),
        Task(step, step.stub, "stub", complete),
    ]
    lines = [(block, index) for block, index in step.answers()]
    for block, index in lines:
        exercise = step.exercise(block.exercise)
        if exercise.check:
            line = block.line + index
            without = step.without_line(block, index)
            tasks.append(Task(step, without, f"without line {line}", [exercise]))
    reports = check_tasks(tasks, data(step), Limits(SECONDS))
    for task, found in zip(tasks, reports, strict=True):
        for report in found:
            said = f"{report.exercise}, {task.file}: {report.verdict}: {report.sentence}"
            if task.file == "solution" and not report.ok:
                yield said
            elif task.file == "stub" and report.verdict != "open":
                yield f"{said}: should be open"
            elif task.file not in ("solution", "stub") and report.ok:
                yield f"{report.exercise} is right without line {task.file.split()[-1]} of the page"


def faults(step):
    """Everything that is wrong with a page."""
    yield from form_faults(step)
    yield from output_faults(step)
    yield from exercise_faults(step)


def find(path):
    """The step of a page, after those before it."""
    return next(step for step in steps_of(page_texts(path.parent)) if step.name == path.stem)


def main():
    parser = command_line(__doc__)
    parser.add_argument("pages", nargs="+", type=Path)
    parser.add_argument("--write", action="store_true", help="renew the outputs first")
    parser.add_argument("--program", action="store_true", help="print the program")
    parser.add_argument("--stub", action="store_true", help="print the stub")
    asked = parser.parse_args()
    failed = False
    for path in asked.pages:
        if not path.is_file():
            parser.error(f"there is no page {path}")
        try:
            step = find(path)
            if asked.program or asked.stub:
                print(step.stub if asked.stub else step.program)
                continue
            if asked.write:
                path.write_text(written(step), encoding="utf-8")
                step = find(path)
            found = list(faults(step))
        except (PageError, CannotCheck) as error:
            found = [str(error)]
        else:
            print(
                f"{path.name}: {len(step.exercises)} exercises, {step.words} words; the engine has "
                f"{step.engine.lines} lines"
            )
        for fault in found:
            print(f"{path.name}: {fault}")
        failed |= bool(found)
    return failed


if __name__ == "__main__":
    sys.exit(main())
