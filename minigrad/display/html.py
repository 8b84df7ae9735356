"""HTML for notebooks: titles, small tables, and trees that fold.

It sets no colors of its own, so it follows the notebook's theme, light or dark, and it has no
scripts and asks for no files. Everything that is given as text is escaped here.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape

LEFT = ' style="text-align: left"'
INDENT = "margin-left: 1.3em"


def html_block(*parts: str) -> str:
    """What an object's `_repr_html_` returns: these parts below one another."""
    return f"<div>{''.join(parts)}</div>"


def html_title(name: str, facts: str = "") -> str:
    """A line that begins with a name in bold."""
    return f"<b>{escape(name)}</b> {escape(facts)}".rstrip()


def html_text(*lines: str) -> str:
    """Lines of text as they are."""
    return "<br>".join(escape(line) for line in lines)


def html_table(
    names: Sequence[str], rows: Iterable[Sequence[str]], words: Iterable[int] = ()
) -> str:
    """A table with these names on top, or none; the columns `words` hold words, others numbers."""
    words = set(words)

    def line(tag: str, cells: Sequence[str]) -> str:
        inside = "".join(
            f"<{tag}{LEFT if i in words else ''}>{escape(cell)}</{tag}>"
            for i, cell in enumerate(cells)
        )
        return f"<tr>{inside}</tr>"

    head = f"<thead>{line('th', names)}</thead>" if names else ""
    body = "".join(line("td", row) for row in rows)
    return f"<table>{head}<tbody>{body}</tbody></table>"


def html_folded(head: str, *parts: str, opened: bool = True) -> str:
    """A line, itself HTML, below which the parts can be folded away."""
    state = " open" if opened else ""
    inside = "".join(f'<div style="{INDENT}">{part}</div>' for part in parts)
    return f"<details{state}><summary>{head}</summary>{inside}</details>"


def html_code(words: str) -> str:
    """Words in the type of code."""
    return f"<code>{escape(words)}</code>"
