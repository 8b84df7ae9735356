"""A folder for a class: pages without answers, stubs, and a program that checks them.

    pages/          what to read; `...  # yours: 5.2` stands where an answer goes; also the pages
                    of steps 14 and 15, which need more than NumPy and have no stubs here
    05_arrays.py    the stubs, beside the data that they read
    check.py        `python check.py 5`: what `python -m minigrad learn 5` is
    checker/        minigrad's rooms `learn` and `diagnosis` and its `display/terminal.py`;
                    NumPy is enough for them

The stub of a step holds the engine of the steps before, and with it most of their answers: hand out
a meeting at a time, `learn --handout DIR 5 6`, where that matters.
"""

import re
import shutil
from pathlib import Path

from .course import NUMPY_ALONE, Step, hidden
from .notebook import copy_pictures, without_comments
from .places import HERE, Course, archived, page_texts

CHECK = '''\
"""Checks your answers: `python check.py 5`; `python check.py --help` says what else it does."""

import sys

sys.dont_write_bytecode = True

from checker.learn.commands import learn  # noqa: E402

if __name__ == "__main__":
    sys.exit(learn(sys.argv[1:], "python check.py"))
'''

README = """\
# The path, a handout

Step by step you build what learns: first an engine that finds slopes, at the end batch
normalization. Each step is a page in `pages/` and a file `NN_name.py` here.

1. You need Python 3.11 or later with NumPy (`pip install numpy`), and nothing else. "The package"
   on the pages is minigrad, the library that the path leads to. It need not be here.
2. Read the page, and put your lines where the file raises NotImplementedError.
3. `python check.py 5` says of each exercise of step 5 whether it is right, and what is wrong.
   `python check.py 5 --hint` helps; `python check.py` shows how far you are.
"""
READ_ALONE = """
To be read, without a file and without a check: {pages}. That needs a compiler or minigrad itself;
`python -m minigrad learn` of an installed minigrad writes the files, and checks them.
"""

HOW_TO_WORK = (
    "**How to work**: the file `{file}`, beside the folder of this page, holds the code of this "
    "page without the lines marked *yours*. Those are the exercises. Write your lines there, and "
    "call `python check.py {number}`: it says what is right, and what is wrong with the rest. "
    "`python check.py {number} --hint` helps."
)


def page_without_answers(step: Step, names: set[str]) -> str:
    """The page as a class reads it, which gets the pages of these names."""
    text = step.text
    for block in step.blocks:
        if block.exercise:
            opened = hidden(block.body, f"...  # yours: {block.exercise}")
            text = text.replace(f"\n{block.body}```\n", f"\n{opened}```\n", 1)
    return without_comments(for_a_class(text, step, names))


def for_a_class(text: str, step: Step, names: set[str]) -> str:
    """Prose of the step with a handout's commands, and links to its pages alone."""
    how = HOW_TO_WORK.format(file=step.file, number=step.number)
    text = re.sub(r"^\*\*How to work\*\*: .*", how, text, flags=re.MULTILINE)
    text = re.sub(r"\[([^\]]*)\]\(\.\./[^)]*\)", r"\1", text)  # links to what is not handed out
    text = re.sub(
        r"\[([^\]]*)\]\((\d\d_\w+)\.md[^)]*\)", lambda m: m[0 if m[2] in names else 1], text
    )
    return re.sub(r"`(python -m minigrad )?learn\b", "`python check.py", text)


def write_handout(course: Course, folder: Path, numbers: list[int]) -> list[Step]:
    """Write the folder, which has to be new or empty; the steps that can be checked in it."""
    if folder.exists() and any(folder.iterdir()):
        raise FileExistsError(f"{folder} is not empty: a handout is written into a new folder")
    pages = [step for step in course.steps if not numbers or step.number in numbers]
    checked = [step for step in pages if step.number <= NUMPY_ALONE]
    names = {step.name for step in pages}
    (folder / "pages").mkdir(parents=True)
    for step in pages:
        (folder / "pages" / f"{step.name}.md").write_text(
            page_without_answers(step, names), encoding="utf-8"
        )
        copy_pictures(step.text, course.pages, folder / "pages")
    for step in checked:
        (folder / step.file).write_text(step.stub, encoding="utf-8")
        for path in course.beside(step):
            shutil.copy(path, folder)
    for room, files in (("learn", "*"), ("diagnosis", "*"), ("display", "terminal")):
        (folder / "checker" / room).mkdir(parents=True)
        for path in sorted((HERE.parent / room).glob(f"{files}.py")):
            shutil.copy(path, folder / "checker" / room)
    (folder / "checker" / "__init__.py").write_text(
        '"""Two rooms of minigrad and a file of a third, as they are there."""\n', encoding="utf-8"
    )
    last = max((step.number for step in checked), default=-1)
    texts = {name: text for name, text in page_texts(course.pages).items() if int(name[:2]) <= last}
    archive = archived(texts, [step.number for step in checked])
    (folder / "checker" / "learn" / "course.bin").write_bytes(archive)
    (folder / "check.py").write_text(CHECK, encoding="utf-8")
    alone = [f"`pages/{step.name}.md`" for step in pages if step not in checked]
    read_alone = READ_ALONE.format(pages=" and ".join(alone)) if alone else ""
    (folder / "README.md").write_text(README + read_alone, encoding="utf-8")
    return checked
