"""What stands beside an equation: its NumPy, its reference, its kernel, its rule, its check."""

from html import escape
from pathlib import Path

from .code import LANGUAGES, highlighted
from .excerpts import (
    Source, claims, equation_numbers, functions, header_links, numpy_lines, other_form, read_source,
)

TESTS = "tests/documents/test_derivations.py"


class Beside:
    """The panels of one derivation."""

    def __init__(self, root: Path, page: Path, text: str, pages: list[str]):
        self.root, self.name = root, page.stem
        links = header_links(page, text)
        self.sources = {
            kind: [read_source(root, path, page.stem, pages) for path in links.get(kind, [])]
            for kind in ("kernel", "rule", "layer")
        }
        self.tests = [path.relative_to(root).as_posix() for path in links.get("test", [])]
        self.reference = [path.read_text(encoding="utf-8") for path in links.get("reference", [])]
        self.numbers = equation_numbers(text)
        blocks = text.split("```python\n")[1:]
        self.claims = claims([block.partition("\n```")[0] for block in blocks])

    def panel(self, number: str, code: str) -> str:
        tabs = {
            "NumPy": self.numpy(number, code),
            "kernel": self.shown("kernel", number),
            "reference": self.twins(number),
            "rule": self.shown("rule", number) + self.shown("layer", number),
        }
        tabs = {name: content for name, content in tabs.items() if content}
        sections = "".join(
            f'<section data-tab="{name}"><p class="tab">{name}</p>{content}</section>'
            for name, content in tabs.items()
        )
        names = " · ".join([*tabs, "check"])
        return (
            f'<details class="beside" id="beside-{number}"><summary>Beside ({number}): {names}'
            f"</summary>{sections}{self.check(number, code)}</details>\n"
        )

    def numpy(self, number: str, code: str) -> str:
        lines = numpy_lines(code, number)
        whole = code.split("\n")
        shown = highlighted(code, "python")
        return pre([(whole.index(line), shown[whole.index(line)]) for line in lines], 0)

    def shown(self, kind: str, number: str) -> str:
        parts = []
        others = other_form(self.sources[kind], number)
        if kind == "kernel" and others:
            links = " and ".join(f'<a href="#eq-{other}">({other})</a>' for other in others)
            parts.append(
                f"<p>The kernel computes ({number}) in the form of {links}: equal, and arranged "
                "for the loop. The plain form is under <b>reference</b> or <b>NumPy</b>.</p>"
            )
        for source in self.sources[kind]:
            if hunks := source.hunks(number):
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
        parts = []
        for text in self.reference:
            shown = highlighted(text, "python")
            for name, first, last in functions(text):
                if name in cited:
                    lines = [(n, shown[n]) for n in range(first, last)]
                    parts.append(f'<p class="file">reference.py</p>{pre(lines, 0)}')
        return "".join(parts)

    def lines_of(self, source: Source, number: str) -> list[int]:
        inside = [line for line, numbers in source.docstrings.items() if number in numbers]
        return source.citing(number) + inside

    def check(self, number: str, code: str) -> str:
        """What the test of the page compares, for the names that this equation assigns."""
        sentences = []
        for name, claim in claims([code]).items():
            whole = self.claims.get(name, claim)
            if whole["times"] < 2:
                continue
            among = ["finite differences"] if whole["differences"] else []
            among += ["what the kernel returned"] if whole["kernel"] else []
            tail = f", among them {' and '.join(among)}" if among else ""
            sentences.append(
                f"<code>{escape(name)}</code>: {whole['times']} expressions on this page are equal"
                f"{tail}."
            )
        if not sentences:
            sentences.append("Executed; no second expression is compared with it.")
        files = ", ".join(f"<code>{escape(name)}</code>" for name in [TESTS, *self.tests])
        return (
            f'<div class="check"><b>check</b> {" ".join(sentences[:3])} Numbers are random and '
            f"equal to 10<sup>−7</sup>, differences to 10<sup>−6</sup>. Tested in {files}.</div>"
        )


def listing(source: Source, hunks: list[tuple[int, int]], cited: set[int]) -> str:
    shown = highlighted(source.text, LANGUAGES[source.path.suffix])
    parts = [f'<p class="file">{escape(source.path.as_posix())}</p>']
    for first, last in hunks:
        lines = [source.lines[n] for n in range(first, last) if source.lines[n].strip()]
        indent = min(len(line) - len(line.lstrip()) for line in lines)
        parts.append(pre([(n, shown[n]) for n in range(first, last)], indent, cited))
    return "".join(parts)


def pre(lines: list[tuple[int, str]], indent: int, marked: set[int] = frozenset()) -> str:
    """Numbered lines; the indentation that all have in common is there, and out of sight."""
    rows = []
    for number, line in lines:
        rows.append(f"<b>{line}</b>" if number in marked else line)
    start = lines[0][0] + 1 if lines else 1
    style = f' style="margin-left:-{indent}ch"' if indent else ""
    return f'<pre data-line={start}><code{style}>{chr(10).join(rows)}</code></pre>'
