"""`minigrad.source`: the rule, the kernel, its NumPy twin and the derivation of one subject.

Nothing is listed here. A rule's own text names the functions beside it and the kernels that it
calls, a twin has the name of its kernel, and `home_of` says which page derives a name.
"""

import sys
from collections.abc import Iterator
from functools import cache
from html import escape
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from .._kernels import SUBJECTS, reference
from ..display.html import html_block, html_folded, html_text, html_title
from ..display.rules import snake_case
from ..display.terminal import fitting
from .asked import subject_of
from .citations import home_of
from .excerpts import header_links
from .pieces import PACKAGE, Piece, closure, text_at, text_of, words

READY = PACKAGE / "book" / "derivations"  # in a wheel
PAGES = READY if READY.is_dir() else PACKAGE.parent / "docs" / "derivations"

NN = ("minigrad.ops.nn.",)
MATH_TOO = (*NN, "minigrad.ops.math.")

# Called without `kernels.`, from C; the twin is the NumPy beside it.
ELEMENTWISE, DOOR, NUMPY = "elementwise", "broadcast_binary", "numpy_binary"


class Source:
    """What `minigrad.source` found: print it, let Jupyter show it, or take a part as text.

    `.rule`, `.kernel`, `.reference` and `.derivation` are texts, "" where there is none. `.parts`
    has all there is by title, with a layer's or an optimizer's class.
    """

    def __init__(self, name: str, pieces: dict[str, list[Piece]], page: Path | None):
        self.name = name
        self.page: str = page.stem if page else ""
        self.pieces: dict[str, list[Piece]] = {key: each for key, each in pieces.items() if each}
        self.parts: dict[str, str] = {title: joined(found) for title, found in self.pieces.items()}
        if page:
            self.parts["derivation"] = page.read_text(encoding="utf-8").rstrip()

    @property
    def rule(self) -> str:
        """The operation: its function, and the class that differentiates it."""
        return self.parts.get("rule", "")

    @property
    def kernel(self) -> str:
        """The compiled loops."""
        return self.parts.get("kernel", "")

    @property
    def reference(self) -> str:
        """The kernel's twin in NumPy."""
        return self.parts.get("reference", "")

    @property
    def derivation(self) -> str:
        """The page that derives it, in Markdown."""
        return self.parts.get("derivation", "")

    def __str__(self) -> str:
        found = [f"{heading(title, place)}\n\n{text}" for title, place, text in self.sections()]
        return fitting("\n\n\n".join([*found, self.closing()]))

    __repr__ = __str__

    def _repr_html_(self) -> str:
        return html_block(
            *(
                html_folded(
                    html_title(title, place),
                    f"<pre>{escape(text)}</pre>",
                    opened=title != "derivation",
                )
                for title, place, text in self.sections()
            ),
            html_text(self.closing()),
        )

    def sections(self) -> Iterator[tuple[str, str, str]]:
        """(title, file and line, text), one per file."""
        for title, pieces in self.pieces.items():
            for file in dict.fromkeys(each.file for each in pieces):
                there = [each for each in pieces if each.file == file]
                yield title, f"{file.as_posix()}:{there[0].line}", joined(there)
        if self.page:
            yield "derivation", f"docs/derivations/{self.page}.md", self.derivation

    def closing(self) -> str:
        """What there is not, and where the equations are typeset."""
        lacks = [each for each in ("kernel", "derivation") if each not in self.parts]
        if "source" in self.parts:
            return f"This is all of {self.name}."
        none = f"{self.name} has no {' and no '.join(lacks)} of its own. " if lacks else ""
        return none + (f'minigrad.explain("{self.page}") opens the page.' if self.page else "")


def source(x: Any) -> Source:
    """The source of x and of all that computes it: rule, kernel, NumPy twin, derivation.

        minigrad.source(F.softmax)              # a function, a method, a layer, an optimizer
        minigrad.source("nn.Linear").kernel     # or its name; a part of what there is
        minigrad.source(loss)                   # the operation that made a tensor

    Print what is returned, or let Jupyter show it. Errors: TypeError for what is not minigrad's,
    BookError for a name that it does not have. `inspect.getsource` and IPython's `??` show x alone.
    """
    asked = subject_of(x)
    text = text_of(asked.module)
    if asked.title == "source":
        return Source(asked.label, {"source": [asked.member or text.piece(asked.name)]}, None)
    found = found_from(asked.module, asked.name)
    pieces = {asked.title: [asked.member] if asked.member else found.own}
    pieces["rule"] = list(dict.fromkeys([*pieces.get("rule", []), *found.rule]))
    if found.kernels:
        pieces["kernel"] = kernel_pieces(found.kernels, found.page)
        pieces["reference"] = closure([text_of(reference.__name__)], found.kernels)
        if ELEMENTWISE in found.kernels:
            pieces["reference"].append(text_of("minigrad.ops.math.elementwise").piece(NUMPY))
    return Source(asked.label, pieces, found.page)


def derivation_of(x: Any) -> str | None:
    """The name of the page that derives x, of what `source` takes; None where there is none."""
    asked = subject_of(x, "explain")
    page = found_from(asked.module, asked.name).page if asked.title != "source" else None
    return page.stem if page else None


class Found(NamedTuple):
    """What a function or class leads to."""

    own: list[Piece]
    rule: list[Piece]  # of the operations that it calls
    kernels: list[str]
    page: Path | None


def found_from(module: str, name: str) -> Found:
    """A layer leads to its operations; an operation without kernel and page, to those it calls."""
    own = closure([text_of(module)], [name])
    code = joined(own)
    kernels = kernels_in(code)
    page = page_of_name(snake_case_of(module, name), own[0].file)
    rule: list[Piece] = []
    layer = module.startswith("minigrad.nn.")
    if layer or not (kernels or page):
        for operation in operations_in(module, code, MATH_TOO if layer else NN):
            found = found_from(*operation)
            rule += found.own + found.rule
            kernels += found.kernels
            page = page or found.page
    return Found(own, rule, kernels, page)


def heading(title: str, place: str) -> str:
    return f"--- {title} · {place} ".ljust(100, "-")


def joined(pieces: list[Piece]) -> str:
    return "\n\n\n".join(each.text for each in pieces)


def snake_case_of(module: str, name: str) -> str:
    found = getattr(sys.modules[module], name, None)
    return snake_case(found) if isinstance(found, type) else name


def page_of_name(name: str, file: Path) -> Path | None:
    """The page that derives a function or class of this file."""
    home = home_of(name, file, page_names())
    return PAGES / f"{home}.md" if home in page_names() else None


@cache
def page_names() -> list[str]:
    return [each.stem for each in PAGES.glob("[a-z]*.md")]


def kernels_in(code: str) -> list[str]:
    """The kernels that code names."""
    named = words(code)
    return [
        name for name in kernel_homes() if name in named or name == ELEMENTWISE and DOOR in named
    ]


@cache
def kernel_homes() -> dict[str, str]:
    """Kernel -> the module that holds it."""
    homes = {
        name: f"minigrad._kernels.{subject}"
        for subject in SUBJECTS
        for name in vars(sys.modules[f"minigrad._kernels.{subject}"])
        if name[0] != "_" and hasattr(reference, name) and name != "np"
    }
    return {**homes, ELEMENTWISE: "minigrad._kernels.elementwise"}


def kernel_pieces(kernels: list[str], page: Path | None) -> list[Piece]:
    """Kernels, with what they call in their file and in those that their page names as kernels."""
    homes = kernel_homes()
    files = [text_of(homes[name]).path for name in kernels]
    files += kernel_files(page) if page else []
    return closure([text_at(each) for each in dict.fromkeys(files)], kernels)


@cache
def kernel_files(page: Path) -> list[Path]:
    linked = header_links(page, page.read_text(encoding="utf-8")).get("kernel", [])
    return [PACKAGE / "_kernels" / each.name for each in linked]


def operations_in(module: str, code: str, rooms: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """(module, name) of the operations of these rooms that code calls."""
    names = vars(sys.modules[module])
    functional = names.get("F")
    spaces = [names, vars(functional)] if isinstance(functional, ModuleType) else [names]
    for word in sorted(words(code)):
        for space in spaces:
            home = getattr(space.get(word), "__module__", None) or ""
            if home.startswith(rooms) and home != module:
                yield home, space[word].__name__
                break
