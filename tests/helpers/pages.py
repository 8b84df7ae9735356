"""Runs the python blocks of a Markdown page, and says what each prints.

    python tests/helpers/pages.py README.md docs/autograd_words.md  # rewrites their text blocks

All blocks of a page run in order and share their names. A block that raises prints the last line
of its traceback; warnings print theirs.
"""

import contextlib
import io
import re
import warnings
from pathlib import Path

from minigrad.display.terminal import command_line

BLOCKS = re.compile(r"```python\n(.*?)```(\n\n```text\n)?(?(2)(.*?)```)", re.DOTALL)


def blocks(text):
    """(code, what the page says it prints, or None) of every python block."""
    return [(match[1], match[3] if match[2] else None) for match in BLOCKS.finditer(text)]


def outputs(text):
    """What each block prints."""
    names, found = {"__name__": "__main__"}, []
    for code, _ in blocks(text):
        out = io.StringIO()
        with contextlib.redirect_stdout(out), warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.showwarning = lambda message, kind, *_: print(f"{kind.__name__}: {message}")
            try:
                exec(compile(code, "<page>", "exec"), names)
            except Exception as error:
                print(f"{type(error).__name__}: {error}")
        found.append(out.getvalue())
    return found


def written(text):
    """The page with every text block as it is now."""
    found = iter(outputs(text))

    def block(match):
        out = next(found)
        return match[0] if not match[2] else f"```python\n{match[1]}```{match[2]}{out}```"

    return BLOCKS.sub(block, text)


if __name__ == "__main__":
    parser = command_line(__doc__)
    parser.add_argument("pages", nargs="+", type=Path)
    for path in parser.parse_args().pages:
        if not path.is_file():
            parser.error(f"there is no page {path}")
        path.write_text(written(path.read_text(encoding="utf-8")), encoding="utf-8")
