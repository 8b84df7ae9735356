"""Functions and classes as pieces of the files that hold them, in Python and in Cython."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from .citations import TOP_LEVEL

PACKAGE = Path(__file__).resolve().parents[1]
NO_CODE = re.compile(r'"""(?:.|\n)*?"""|"(?:[^"\n\\]|\\.)*"|#.*')


class Piece(NamedTuple):
    """A function or a class: where it stands, and its text."""

    file: Path  # from the folder that holds the package
    line: int  # counted from 1
    text: str


class Text:
    """A file, and where its functions and classes start."""

    def __init__(self, path: Path):
        self.path = path
        self.lines: list[str] = path.read_text(encoding="utf-8").split("\n")
        found = ((TOP_LEVEL.match(line), number) for number, line in enumerate(self.lines))
        self.starts: dict[str, int] = {match[1]: number for match, number in found if match}
        self.named: dict[str, set[str]] = {}

    def piece(self, name: str) -> Piece:
        return self.piece_at(self.starts[name])

    def names_in(self, name: str) -> set[str]:
        """What the code of a function or class names."""
        if name not in self.named:
            self.named[name] = words(self.piece(name).text)
        return self.named[name]

    def member(self, owner: str, name: str) -> Piece:
        """A method or property of a class."""
        definition = re.compile(rf"    (?:def|cdef|cpdef)\b[^=(]*\b{name}\(")
        start, last = extent(self.lines, self.starts[owner])
        lines = range(start, last)
        return self.piece_at(next(each for each in lines if definition.match(self.lines[each])))

    def piece_at(self, start: int) -> Piece:
        first, last = extent(self.lines, start)
        text = "\n".join(self.lines[first:last])
        return Piece(self.path.relative_to(PACKAGE.parent), first + 1, text)

    def around(self, line: int) -> str:
        """The name of the function or class at the top of the file around a line, "" if none."""
        for name, start in self.starts.items():
            first, last = extent(self.lines, start)
            if first < line <= last:
                return name
        return ""


@cache
def text_at(path: Path) -> Text:
    return Text(path)


def text_of(module: str) -> Text:
    """The source of a module, also of one that is compiled."""
    stem = PACKAGE.parent.joinpath(*module.split("."))
    found = (stem.with_suffix(".pyx"), stem.with_suffix(".py"), stem / "__init__.py")
    return text_at(next(each for each in found if each.exists()))


def extent(lines: list[str], start: int) -> tuple[int, int]:
    """The lines of the function or class that starts there, with its decorators."""
    indent = len(lines[start]) - len(lines[start].lstrip())
    last = start + 1
    while last < len(lines) and (
        not lines[last].strip()
        or len(lines[last]) - len(lines[last].lstrip()) > indent
        or lines[last].lstrip().startswith(")")
    ):
        last += 1
    while not lines[last - 1].strip():
        last -= 1
    while start and lines[start - 1].lstrip().startswith("@"):
        start -= 1
    return start, last


def closure(texts: list[Text], names: Iterable[str]) -> list[Piece]:
    """Functions and classes of these files, and those beside them that their code names."""
    found: set[tuple[int, str]] = set()
    waiting = set(names)
    while waiting:
        name = waiting.pop()
        for number, text in enumerate(texts):
            if name in text.starts and (number, name) not in found:
                found.add((number, name))
                waiting |= text.names_in(name)
    return [
        text.piece(name)
        for number, text in enumerate(texts)
        for name in text.starts
        if (number, name) in found
    ]


def words(code: str) -> set[str]:
    """The names in it, but not those in strings and comments."""
    return set(re.findall(r"\w+", NO_CODE.sub("", code)))
