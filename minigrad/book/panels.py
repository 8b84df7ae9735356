"""What stands beside an equation: its NumPy, its reference, its kernel, its rule, its check."""

import re
from collections.abc import Set
from html import escape
from pathlib import Path

from .code import LANGUAGES, highlighted
from .excerpts import (
    Source,
    cited_source,
    functions,
    header_links,
    other_form,
    ranges,
)
from .measured import Measured
from .sources import place_of

AROUND = 3  # lines shown before and after a line that cites
WORDS = {"kernel": "the kernel", "minigrad": "minigrad", "differences": "finite differences"}
TESTS = "tests/documents/test_derivations.py"


class Beside:
    """The panels of one derivation."""

    def __init__(self, root: Path, page: Path, text: str, pages: list[str]):
        self.root: Path = root
        self.name: str = page.stem
        links = header_links(page, text)
        self.sources: dict[str, list[Source]] = {
            kind: [cited_source(root, path, page.stem, pages) for path in links.get(kind, [])]
            for kind in ("kernel", "rule", "layer")
        }
        self.tests: list[str] = [
            path.relative_to(root).as_posix() for path in links.get("test", [])
        ]
        self.reference: list[Source] = [
            Source(path.relative_to(root), path.read_text(encoding="utf-8"))
            for path in links.get("reference", [])
        ]
        self.script: dict[str, str] = {}  # number -> its whole panel
        self.measured: Measured = Measured(text)

    @property
    def quoted(self) -> list[Source]:
        """All files that the panels show lines of."""
        files = [*self.sources["kernel"], *self.sources["rule"], *self.sources["layer"]]
        return list({source.path: source for source in [*files, *self.reference]}.values())

    def panel(self, number: str, code: str) -> str:
        """For the page: what cites the number, and the check. The rest is in the page's script."""
        kind = next((kind for kind in self.sources if self.of(kind, number)), None)
        checked = self.check(number)
        sections = self.tabs(number) + checked
        self.script[number] = sections
        if kind is None:
            return ""
        lines = self.first_form(kind, number) + listing(self.of(kind, number)[0], number, 0)
        tab = "kernel" if kind == "kernel" else "rule"
        return (
            f'<details class="beside" id="beside-{number}"><summary>Beside ({number})</summary>'
            f'<section data-tab="{tab}">{lines}</section>{checked}</details>\n'
        )

    def tabs(self, number: str) -> str:
        """All files that cite the number, with the lines around; book.js adds the NumPy."""
        shown = {
            kind: "".join(listing(source, number, AROUND) for source in self.of(kind, number))
            for kind in self.sources
        }
        tabs = {
            "reference": self.twins(number),
            "kernel": shown["kernel"] and self.first_form("kernel", number) + shown["kernel"],
            "rule": shown["rule"] + shown["layer"],
        }
        return "".join(
            f'<section data-tab="{name}">{content}</section>'
            for name, content in tabs.items()
            if content
        )

    def of(self, kind: str, number: str) -> list[Source]:
        """The files of a kind that cite the number; what computes it, before words about it."""
        found = [source for source in self.sources[kind] if self.lines_of(source, number)]
        return sorted(found, key=lambda source: not source.citing(number))

    def first_form(self, kind: str, number: str) -> str:
        """Where the kernel computes an equation in the form of a later one: the plain loop."""
        others = other_form(self.sources[kind], number) if kind == "kernel" else []
        if not others:
            return ""
        links = " and ".join(f'<a href="#eq-{other}">({other})</a>' for other in others)
        sentence = (
            f"The kernel computes ({number}) in the form of {links}: equal, and arranged for the "
            "loop. "
        )
        if not (plain := self.plain_loop(number)):
            return f"<p>{sentence}The plain form is its NumPy.</p>"
        step, loop = plain
        shown = "\n".join(highlighted(loop, "cython"))
        return (
            f'<p>{sentence}As it reads, it is the loop of <a href="{step}.html">step '
            f'{step.partition("_")[0]}</a>:</p><pre class="plain"><code>{shown}</code></pre>'
            "<p>And in the kernel:</p>"
        )

    def plain_loop(self, number: str) -> tuple[str, str] | None:
        """The step of the path that has this equation's loop in Cython, and the loop."""
        for step in sorted((self.root / "docs" / "path").glob("*.md")):
            text = step.read_text(encoding="utf-8")
            if f"derivations/{self.name}.md" not in text:
                continue
            for loop in re.findall(r"^```cython \w+\n(.*?)^```$", text, re.M | re.S):
                if re.search(rf"# .*\({number}\)", loop):
                    return step.stem, re.sub(r" +# yours$", "", loop, flags=re.M).rstrip("\n")
        return None

    def twins(self, number: str) -> str:
        """The functions of reference.py whose compiled twins cite the equation."""
        cited = {
            name
            for source in self.sources["kernel"]
            for name, first, last in functions(source.text)
            if any(first <= line < last for line in self.lines_of(source, number))
        }
        parts = []
        for source in self.reference:
            for name, first, last in functions(source.text):
                if name in cited:
                    parts.append(file_link(source, first) + excerpt(source, first, last))
        return "".join(parts)

    def end(self) -> str:
        """How the page is tested."""
        files = ", ".join(self.test_link(name) for name in [TESTS, *self.tests])
        return (
            '<h2 id="tests">How this page is tested</h2>\n'
            "<p>Every block of this page is executed with random numbers. A name assigned again "
            "must have the same value: to 10<sup>−7</sup> of the largest, to 10<sup>−6</sup> "
            f"where finite differences are compared. The tests are {files}. Beside an equation "
            "stands the largest absolute difference that was found when this page was made, in "
            "float64. Equal expressions round differently, so two equations of one name may "
            "differ in it.</p>\n"
        )

    def test_link(self, name: str) -> str:
        if Path(name) not in self.test_files:  # a source distribution without tests
            return f"<code>{escape(name)}</code>"
        return f'<a href="{place_of(Path(name))}"><code>{escape(name)}</code></a>'

    @property
    def test_files(self) -> list[Path]:
        names = [TESTS, *self.tests]
        return [Path(name) for name in names if (self.root / name).is_file()]

    def lines_of(self, source: Source, number: str) -> list[int]:
        return source.citing(number) + source.documenting(number)

    def check(self, number: str) -> str:
        """How far what this equation assigns is from what the kernel computes."""
        sentences = []
        for each in self.measured.of(number)[:2]:
            apart = [
                f"from {WORDS[by]} {digit(each.apart[by])}" for by in WORDS if by in each.apart
            ]
            if not apart and each.times > 1:
                apart = [f"among {each.times} equal expressions {digit(each.apart['NumPy'])}"]
            if apart:
                found = f"largest absolute difference {', '.join(apart)}."
                sentences.append(f"<code>{escape(each.name)}</code>: {found}")
        by = "kernel" if self.sources["kernel"] else "minigrad"
        whole = self.measured.of_operation(by)
        if whole and not sentences:
            sentences.append(
                "A step on the way. The whole operation: largest absolute difference from "
                f"{WORDS[by]} {digit(whole.apart[by])}, in <code>{escape(whole.name)}</code>."
            )
        tested = f'<code>{Path(TESTS).name}</code>: <a href="#tests">how it is tested</a>.'
        return f'<div class="check">{" ".join(sentences) or "Executed."} {tested}</div>'


def digit(difference: float) -> str:
    """`2e-16`: one digit says how large a difference is."""
    return f"{difference:.0e}" if difference else "0"


def listing(source: Source, number: str, around: int) -> str:
    """The lines that cite an equation, and those around."""
    cited = set(source.citing(number))
    hunks = source.hunks(number, around) if around or not cited else ranges(cited)
    return file_link(source, min(cited, default=hunks[0][0])) + "".join(
        excerpt(source, first, last, cited) for first, last in hunks
    )


def file_link(source: Source, line: int) -> str:
    name = "/".join(source.path.parts[1:])
    return f'<a class=file href="{place_of(source.path, line)}">{escape(name)}</a>'


def excerpt(source: Source, first: int, last: int, marked: Set[int] = frozenset()) -> str:
    """Lines with their number; the indentation that all have in common is out of sight."""
    shown = highlighted(source.text, LANGUAGES[source.path.suffix])
    lines = [source.lines[n] for n in range(first, last) if source.lines[n].strip()]
    indent = min(len(line) - len(line.lstrip()) for line in lines)
    rows = [f"<mark>{shown[n]}</mark>" if n in marked else shown[n] for n in range(first, last)]
    text = "\n".join(rows).replace("</mark>\n<mark>", "\n")
    moved = f" class=i{indent}" if indent else ""  # to the left, in book.css
    return f"<pre data-line={first + 1}><code{moved}>{text}</code></pre>"
