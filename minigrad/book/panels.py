"""What stands beside an equation: its NumPy, its reference, its kernel, its rule, its check."""

from collections.abc import Set
from html import escape
from pathlib import Path

from .code import LANGUAGES, highlighted
from .excerpts import (
    AROUND,
    Source,
    cited_source,
    functions,
    header_links,
    other_form,
    page_claims,
)

TESTS = "tests/documents/test_derivations.py"


class Beside:
    """The panels of one derivation."""

    def __init__(self, root: Path, page: Path, text: str, pages: list[str]):
        self.root, self.name = root, page.stem
        links = header_links(page, text)
        self.sources = {
            kind: [cited_source(root, path, page.stem, pages) for path in links.get(kind, [])]
            for kind in ("kernel", "rule", "layer")
        }
        self.tests = [path.relative_to(root).as_posix() for path in links.get("test", [])]
        self.reference = [path.read_text(encoding="utf-8") for path in links.get("reference", [])]
        self.cited: set[str] = set()  # functions of the reference that a panel names
        blocks = text.split("```python\n")[1:]
        self.claims = page_claims([block.partition("\n```")[0] for block in blocks])

    def panel(self, number: str, code: str) -> str:
        """What the page itself does not show; its NumPy, just above, is repeated by book.js."""
        tabs = {
            "kernel": self.shown("kernel", number),
            "reference": self.twins(number),
            "rule": self.shown("rule", number) + self.shown("layer", number),
        }
        tabs = {name: content for name, content in tabs.items() if content}
        sections = "".join(
            f'<section data-tab="{name}">{content}</section>' for name, content in tabs.items()
        )
        names = " · ".join([*tabs, "check"])
        return (
            f'<details class="beside" id="beside-{number}"><summary>Beside ({number}): {names}'
            f"</summary>{sections}{self.check(number, code)}</details>\n"
        )

    def shown(self, kind: str, number: str) -> str:
        parts = []
        others = other_form(self.sources[kind], number)
        if kind == "kernel" and others:
            links = " and ".join(f'<a href="#eq-{other}">({other})</a>' for other in others)
            parts.append(
                f"<p>The kernel computes ({number}) in the form of {links}: equal, and arranged "
                "for the loop. The plain form is its NumPy.</p>"
            )
        for source in self.sources[kind]:
            around = AROUND if source is self.sources[kind][0] else 1
            if hunks := source.hunks(number, around):
                parts.append(listing(source, hunks, set(source.citing(number))))
        return "".join(parts)

    def twins(self, number: str) -> str:
        """The functions of reference.py whose compiled twins cite the equation."""
        cited = {
            name
            for source in self.sources["kernel"]
            for name, first, last in functions(source.text)
            if any(first <= line < last for line in self.lines_of(source, number))
        }
        self.cited |= cited
        known = {name for text in self.reference for name, _, _ in functions(text)}
        return ", ".join(
            f'<a href="#reference-{name}"><code>{name}</code></a>' for name in sorted(cited & known)
        )

    def end(self) -> str:
        """The reference functions that its panels name, each once, and how the page is tested."""
        parts = []
        for text in self.reference:
            shown = highlighted(text, "python")
            for name, first, last in functions(text):
                if name in self.cited:
                    lines = [(n, shown[n]) for n in range(first, last)]
                    parts.append(f'<div class="code" id="reference-{name}">{pre(lines, 0)}</div>')
        twins = (
            "<p>The same functions in NumPy, from <code>minigrad/_kernels/reference.py</code>:</p>"
        )
        files = ", ".join(f"<code>{escape(name)}</code>" for name in [TESTS, *self.tests])
        return (
            '<h2 id="tests">The reference and the tests</h2>\n'
            + (twins + "\n".join(parts) if parts else "")
            + "<p>Every block of this page is executed with random numbers. A name assigned again "
            "must have the same value: to 10<sup>−7</sup> of the largest, to 10<sup>−6</sup> "
            f"where finite differences are compared. The tests are {files}.</p>\n"
        )

    def lines_of(self, source: Source, number: str) -> list[int]:
        inside = [line for line, numbers in source.docstrings.items() if number in numbers]
        return source.citing(number) + inside

    def check(self, number: str, code: str) -> str:
        """What the test of the page compares, for the names that this equation assigns."""
        sentences = []
        for name, claim in page_claims([code]).items():
            whole = self.claims.get(name, claim)
            if whole["times"] < 2:
                continue
            among = ["finite differences"] if whole["differences"] else []
            among += ["the kernel's result"] if whole["kernel"] else []
            tail = f", among them {' and '.join(among)}" if among else ""
            sentences.append(
                f"<code>{escape(name)}</code>: {whole['times']} equal expressions{tail}."
            )
        if not sentences:
            sentences.append("Executed, and compared with nothing else.")
        tested = '<a href="#tests">tests</a>'
        return f'<div class="check">{" ".join(sentences[:3])} {tested}</div>'


def listing(source: Source, hunks: list[tuple[int, int]], cited: set[int]) -> str:
    shown = highlighted(source.text, LANGUAGES[source.path.suffix])
    parts = [f'<p class="file">{escape(source.path.as_posix())}</p>']
    for first, last in hunks:
        lines = [source.lines[n] for n in range(first, last) if source.lines[n].strip()]
        indent = min(len(line) - len(line.lstrip()) for line in lines)
        parts.append(pre([(n, shown[n]) for n in range(first, last)], indent, cited))
    return "".join(parts)


def pre(lines: list[tuple[int, str]], indent: int, marked: Set[int] = frozenset()) -> str:
    """Numbered lines; the indentation that all have in common is there, and out of sight."""
    rows = []
    for number, line in lines:
        rows.append(f"<b>{line}</b>" if number in marked else line)
    text = "\n".join(rows).replace("</b>\n<b>", "\n")
    start = lines[0][0] + 1 if lines else 1
    moved = f" class=i{indent}" if indent else ""  # to the left, in book.css
    return f"<pre data-line={start}><code{moved}>{text}</code></pre>"
