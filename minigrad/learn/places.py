"""Where the pages are, and which files stand beside a program.

In a checkout the pages are docs/path itself; a wheel holds a copy as `pages/` beside this file; a
handout has them without their answers, and the whole of them in one compressed file, `course.bin`.
That file is not secret, it is only not readable at a glance: it holds what the checks need.
"""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path

from .course import Step, steps_of

HERE = Path(__file__).resolve().parent
ARCHIVE = HERE / "course.bin"
DATA = ("library.json", "digits.npz")


@dataclass
class Course:
    """The steps, the folder of the pages to read, and the data files of the programs."""

    steps: list[Step]
    pages: Path
    data: list[Path]
    handout: bool = False

    @property
    def folder(self) -> Path | None:
        """Where a handout's stubs are; an installed course has no such folder of its own."""
        return self.pages.parent if self.handout else None

    def step(self, number: int) -> Step | None:
        return next((each for each in self.steps if each.number == number), None)

    def pages_alone(self) -> set[str]:
        """The numbers of the pages in a handout that have no stub: they need more than NumPy."""
        names = (path.name for path in self.pages.glob("[0-9][0-9]_*.md"))
        numbers = {str(int(name[:2])) for name in names}
        return numbers - {str(each.number) for each in self.steps}

    def page(self, step: Step) -> Path:
        return self.pages / f"{step.name}.md"

    def beside(self, step: Step) -> list[Path]:
        """The data files that a step's program reads."""
        return [path for path in self.data if path.name in step.program and path.exists()]


def find_course() -> Course:
    """The course of this installation, or of this handout."""
    if ARCHIVE.exists():
        return handed_out(HERE.parents[1])
    pages = HERE / "pages"
    if not pages.exists():
        pages = HERE.parents[1] / "docs" / "path"
    library, digits = DATA
    data = [pages / library, HERE.parent / "datasets" / digits]
    return Course(steps_of(page_texts(pages)), pages, data)


def page_texts(folder: Path) -> dict[str, str]:
    pages = sorted(folder.glob("[0-9][0-9]_*.md"))
    return {page.stem: page.read_text(encoding="utf-8") for page in pages}


def archived(texts: dict[str, str], numbers: list[int]) -> bytes:
    """The archive of a handout: all pages, and the steps that are handed out."""
    return zlib.compress(json.dumps({"pages": texts, "steps": numbers}).encode("utf-8"), 9)


def handed_out(folder: Path) -> Course:
    """The course of a handout; its places are those on the pages without answers."""
    content = json.loads(zlib.decompress(ARCHIVE.read_bytes()))
    steps = [step for step in steps_of(content["pages"]) if step.number in content["steps"]]
    course = Course(steps, folder / "pages", [folder / name for name in DATA], handout=True)
    for step in steps:
        if course.page(step).exists():
            lines = course.page(step).read_text(encoding="utf-8").splitlines()
            for each in step.exercises:
                heading = f"### Exercise {each.number}: {each.title}"
                each.line = lines.index(heading) + 1 if heading in lines else 1
    return course
