"""Which lines of which source belong to an equation: those that cite its number."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from .citations import NUMBER, TOP_LEVEL, comment_citations, home_of, numbers_in_prose

KINDS = {"optimizer": "layer", "arrows": "rule"}  # words of the header that mean another


@dataclass
class Source:
    """A file that a page's header links, and what its lines cite."""

    path: Path  # from the root of the repository
    text: str
    comments: dict[int, set[str]] = field(default_factory=dict)  # line -> numbers, from 0
    docstrings: dict[int, set[str]] = field(default_factory=dict)

    @property
    def lines(self) -> list[str]:
        return self.text.split("\n")

    def citing(self, number: str) -> list[int]:
        return [line for line, numbers in self.comments.items() if number in numbers]

    def documenting(self, number: str) -> list[int]:
        """Formulas of a docstring; its words, cut off, only where no line of code cites."""
        lines = [line for line, numbers in self.docstrings.items() if number in numbers]
        formulas = [line for line in lines if re.search("[=←] ", self.lines[line])]
        return formulas if formulas or self.citing(number) else lines

    def hunks(self, number: str, around: int) -> list[tuple[int, int]]:
        """Ranges of lines to show; those of a docstring stand alone."""
        shown = set(self.documenting(number))
        for line in self.citing(number):
            shown |= set(range(line - around, line + around + 1))
        there = ranges(n for n in shown if 0 <= n < len(self.lines))
        return [each for each in (self._without_blanks(*one) for one in there) if each]

    def _without_blanks(self, first: int, last: int) -> tuple[int, int] | None:
        while first < last and not self.lines[first].strip():
            first += 1
        while last > first and not self.lines[last - 1].strip():
            last -= 1
        return (first, last) if first < last else None


def ranges(lines: Iterable[int]) -> list[tuple[int, int]]:
    """[3, 4, 7] as (3, 5) and (7, 8)."""
    found: list[tuple[int, int]] = []
    for line in sorted(lines):
        if found and line == found[-1][1]:
            found[-1] = found[-1][0], line + 1
        else:
            found.append((line, line + 1))
    return found


def header_links(page: Path, text: str) -> dict[str, list[Path]]:
    """ "kernel", "rule", ... -> paths, from the lines `> kernel [`softmax.pyx`](../..)`."""
    header = "\n".join(line for line in text.splitlines() if line.startswith(">"))
    links: dict[str, list[Path]] = {}
    for label, link in re.findall(r"(\w+)(?:\s|>)+\[[^\]]*\]\(([^)#]*)", header):
        links.setdefault(KINDS.get(label, label), []).append((page.parent / link).resolve())
    return links


def cited_source(root: Path, path: Path, page: str, pages: list[str]) -> Source:
    """A source with the citations that mean this page's equations."""
    source = Source(path.relative_to(root), path.read_text(encoding="utf-8"))
    inside = False
    homes = line_homes(source, pages)
    shared = path.stem not in pages and not any(path.stem.startswith(f"{p}_") for p in pages)
    for line, text in enumerate(source.lines):
        quotes = text.count('"""')
        mine = homes[line] == page or (shared and len(set(homes) & set(pages)) <= 1)
        if mine and (inside or quotes):
            cited = set(numbers_in_prose(text))
            if cited:
                source.docstrings[line] = cited
        elif mine and (cited := comment_citations(text)):
            source.comments[line] = cited
        inside ^= quotes % 2 == 1
    return source


def line_homes(source: Source, pages: list[str]) -> list[str]:
    """The page that each line belongs to, by the function or class around it."""
    homes, home = [], home_of("", source.path, pages)
    for line in source.lines:
        if found := TOP_LEVEL.match(line):
            name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", found[1]).lower()
            home = home_of(name, source.path, pages)
        homes.append(home)
    return homes


def functions(text: str) -> Iterator[tuple[str, int, int]]:
    """(name, first line, line after the last) of every function at the top of a Python file."""
    lines = text.split("\n")
    starts = [n for n, line in enumerate(lines) if re.match(r"def \w+", line)]
    for start in starts:
        end = start + 1
        while end < len(lines) and (not lines[end].strip() or lines[end][0] in " )"):
            end += 1
        while not lines[end - 1].strip():
            end -= 1
        yield lines[start].split("(")[0][4:], start, end


def other_form(sources: list[Source], number: str) -> list[str]:
    """The later equations that every line which cites this one cites, too."""
    cited = [source.comments[line] for source in sources for line in source.citing(number)]
    if not cited or not number.isdigit():
        return []
    common = set.intersection(*cited) - {number}
    return sorted((n for n in common if n.isdigit() and int(n) > int(number)), key=int)


def equation_numbers(text: str) -> list[str]:
    found = re.findall(r"\\tag\{([^}]*)\}", re.sub(r"````.*?````", "", text, flags=re.S))
    return [number for number in found if re.fullmatch(NUMBER, f"({number})")]
