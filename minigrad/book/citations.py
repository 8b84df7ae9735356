"""Equation numbers in sources: `y = …  # (3)` in a line, `y = …   (3)` in a docstring."""

import re
from collections.abc import Iterable
from pathlib import Path

# A function or class at the top of a file, `cdef` ones too; its name.
TOP_LEVEL = re.compile(r"^(?:def|cdef|cpdef|class)\b[^=\n(:]*?(\w+)\s*[(:\[]", re.M)
NUMBER = r"\((\d+[a-h]?)\)"  # no further letters: (2y) is a factor


def comment_citations(source: str) -> set[str]:
    """The numbers in trailing comments: `y = ...  # (3)` or `# (3) (4)`."""
    found = set()
    for line in source.splitlines():
        comment = re.search(rf"#((?:[\s,]*{NUMBER})+)\s*$", line)
        if comment:
            found.update(re.findall(NUMBER, comment.group(1)))
    return found


def docstring_citations(source: str) -> set[str]:
    """The numbers in docstrings, each after a space: `dx = dy · y   (2)`."""
    found = set()
    for docstring in re.findall(r'"""(.*?)"""', source, re.S):
        found.update(numbers_in_prose(docstring))
    return found


def numbers_in_prose(text: str) -> list[str]:
    return re.findall(rf"(?<!\S){NUMBER}(?![\w)])", text)


def top_level(source: str) -> dict[str, str]:
    """Name -> text of every function and class of a Cython source, `cdef` ones too."""
    pieces = {}
    matches = list(TOP_LEVEL.finditer(source))
    ends = [match.start() for match in matches[1:]] + [len(source)]
    for match, end in zip(matches, ends, strict=True):
        pieces[match.group(1)] = source[match.start() : end]
    return pieces


def home_of(function: str, file: Path, page_names: Iterable[str]) -> str:
    """The page of a kernel function: the longest page name it begins with, else its file does.

    `relu_backward` of activations.pyx belongs to relu.md, `log_softmax_forward` to log_softmax.md
    where that page exists and otherwise to softmax.md, for it is in softmax.pyx; `_forward` of
    batch_norm_planes.pyx belongs to batch_norm.md.
    """
    for name in (function, file.stem):
        begins = [p for p in page_names if re.match(rf"_*{p}(_|$)", name)]
        if begins:
            return max(begins, key=len)
    return file.stem
