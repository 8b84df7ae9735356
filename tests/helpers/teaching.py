"""The mistakes of docs/path/TEACHING.md, and what the checker says to each.

python tests/helpers/teaching.py    # writes the sentences into the page
"""

import difflib
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))

from minigrad.display.terminal import command_line  # noqa: E402
from minigrad.learn.checking import check_step  # noqa: E402
from minigrad.learn.course import YOURS  # noqa: E402
from minigrad.learn.places import find_course  # noqa: E402

PAGE = ROOT / "docs" / "path" / "TEACHING.md"
ROW = re.compile(r"^\| (\d+)\.(\d+) \| `(.+)` \| (.+) \|$", re.MULTILINE)


def with_mistake(step, number, line):
    """The program with this line in the place of the answer's line that is most like it."""
    answers = [
        block.source.splitlines()[index]
        for block, index in step.answers()
        if block.exercise == number
    ]
    right = max(
        answers,
        key=lambda each: difflib.SequenceMatcher(
            None, each.strip().removesuffix(YOURS), line
        ).ratio(),
    )
    indent = right[: len(right) - len(right.lstrip())]
    return step.program.replace(right, indent + line)


def sentence(course, step, number, line):
    """What the checker says to a mistake."""
    reports = check_step(step, with_mistake(step, number, line), step.file, course.data)
    return next(each.sentence for each in reports if each.exercise == number)


def written(text):
    """The page with every sentence as the checker says it today."""
    course = find_course()

    def row(match):
        step, place, line, _ = match.groups()
        said = sentence(course, course.step(int(step)), f"{step}.{place}", line)
        return f"| {step}.{place} | `{line}` | {said.splitlines()[0]} |"

    return ROW.sub(row, text)


if __name__ == "__main__":
    command_line(__doc__).parse_args()
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
