"""Text for terminals, pipes and files that do not know every letter: Greek, arrows, x̂.

A program makes its parser by `command_line`. The text of a report, which users print, goes through
`fitting`: a library leaves their stdout alone. Needs nothing of minigrad: doctor and handout.
"""

from __future__ import annotations

import atexit
import codecs
import os
import sys
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse

SPELL = "minigrad-spelled"  # the name of the error handler of encodings
SPELLED = {
    "\N{MINUS SIGN}": "-", "\N{RIGHTWARDS ARROW}": "->", "\N{LEFTWARDS ARROW}": "<-",
    "\N{LESS-THAN OR EQUAL TO}": "<=", "\N{GREATER-THAN OR EQUAL TO}": ">=",
    "\N{ALMOST EQUAL TO}": "~", "\N{NOT EQUAL TO}": "!=", "\N{COMBINING CIRCUMFLEX ACCENT}": "_hat",
    "\N{COMBINING OVERLINE}": "_bar", "\N{COMBINING MACRON}": "_bar", "\N{SQUARE ROOT}": "sqrt",
    "\N{N-ARY SUMMATION}": "sum", "\N{PARTIAL DIFFERENTIAL}": "d", "\N{INFINITY}": "inf",
    "\N{DOT OPERATOR}": "*", "\N{MIDDLE DOT}": "*", "\N{MULTIPLICATION SIGN}": "x",
    "\N{HORIZONTAL ELLIPSIS}": "...", "\N{EN DASH}": "-", "\N{EM DASH}": "-",
    "\N{LEFT SINGLE QUOTATION MARK}": "'", "\N{RIGHT SINGLE QUOTATION MARK}": "'",
    "\N{LEFT DOUBLE QUOTATION MARK}": '"', "\N{RIGHT DOUBLE QUOTATION MARK}": '"',
    "\N{ELEMENT OF}": "in", "\N{RIGHTWARDS DOUBLE ARROW}": "=>", "\N{PLUS-MINUS SIGN}": "+-",
    "\N{SUPERSCRIPT TWO}": "^2", "\N{SUPERSCRIPT LATIN SMALL LETTER N}": "^n",
    "\N{MODIFIER LETTER CAPITAL T}": "^T", "\N{VULGAR FRACTION ONE HALF}": "1/2",
    "\N{MATHEMATICAL LEFT ANGLE BRACKET}": "<", "\N{MATHEMATICAL RIGHT ANGLE BRACKET}": ">",
    "\N{DOUBLE VERTICAL LINE}": "||", "\N{FULL BLOCK}": "#", "\N{MICRO SIGN}": "u",
}  # fmt: skip


def spelled(character: str) -> str:
    """A character in ASCII: a Greek letter by its name, others by what they are made of."""
    if character in SPELLED:
        return SPELLED[character]
    words = unicodedata.name(character, "").split()
    if words[:1] == ["GREEK"] and "LETTER" in words:
        name = words[words.index("LETTER") + 1]
        return name.lower() if words[1] == "SMALL" else name.capitalize()
    if words[:2] == ["BOX", "DRAWINGS"]:
        return "-" if "HORIZONTAL" in words and "VERTICAL" not in words else "|"
    plain = unicodedata.normalize("NFKD", character).encode("ascii", "ignore").decode("ascii")
    return plain or "?"


def _instead(error: UnicodeError) -> tuple[str, int]:
    text = error.object[error.start : error.end]  # type: ignore[attr-defined]
    return "".join(map(spelled, text)), error.end  # type: ignore[attr-defined]


codecs.register_error(SPELL, _instead)


def fitting(text: str) -> str:
    """`text` in letters that the standard output has; all of them where it does not say."""
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return text.encode(encoding, SPELL).decode(encoding)


def print_anywhere(errors: str = SPELL) -> None:
    """From now on this program spells what its terminal lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors=errors)


def _finish(end: str = "") -> bool:
    """Write what is still to be written; False, and silence from now on, if nobody reads on."""
    try:
        print(end=end, flush=True)
    except BrokenPipeError:  # `… | head` has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _end_with_the_pipe() -> None:
    """When the reader of its output leaves, a program ends as others do: without a word."""

    def hook(kind, error, trace):  # type: ignore[no-untyped-def]
        # Without a letter to write, a pipe does not say whether it was this one.
        if not issubclass(kind, BrokenPipeError) or _finish("\n"):
            sys.__excepthook__(kind, error, trace)

    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = hook
        atexit.register(_finish)


def command_line(description: str | None, program: str | None = None) -> argparse.ArgumentParser:
    """The parser of a program that prints anywhere; `--help` shows the description as it is."""
    import argparse  # not above: `import minigrad` loads this file for `fitting` alone

    class Parser(argparse.ArgumentParser):
        def parse_known_args(self, args=None, namespace=None):  # type: ignore[no-untyped-def]
            if args is None and sys.argv[0].endswith("ipykernel_launcher.py"):
                args = []  # in a notebook: the words are the kernel's
            return super().parse_known_args(args, namespace)

    print_anywhere()
    _end_with_the_pipe()
    form = argparse.RawDescriptionHelpFormatter
    return Parser(prog=program, description=description, formatter_class=form)
