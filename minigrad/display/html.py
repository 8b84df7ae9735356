"""HTML for notebooks: titles, small tables, and trees that fold.

It sets no colors of its own, so it follows the notebook's theme, light or dark, and it has no
scripts and asks for no files. Everything that is given as text is escaped here.
"""

from __future__ import annotations

import struct
import zlib
from base64 import b64encode
from collections.abc import Iterable, Sequence
from html import escape
from typing import Any

import numpy as np

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
    return f"<table>{head}{''.join(line('td', row) for row in rows)}</table>"


def html_facts(pairs: Iterable[tuple[str, str]]) -> str:
    """A table of subjects, and of texts of one or more lines about them."""
    rows = "".join(
        f'<tr><th style="text-align: left; vertical-align: top">{escape(subject)}</th>'
        f"<td{LEFT}>{html_text(*words.splitlines())}</td></tr>"
        for subject, words in pairs
    )
    return f"<table>{rows}</table>"


def html_folded(head: str, *parts: str, opened: bool = True) -> str:
    """A line, itself HTML, below which the parts can be folded away."""
    state = " open" if opened else ""
    inside = "".join(f'<div style="{INDENT}">{part}</div>' for part in parts)
    return f"<details{state}><summary>{head}</summary>{inside}</details>"


def html_reports(heads_and_facts: Sequence[tuple[str, Iterable[tuple[str, str]]]]) -> str:
    """A line for each, with its facts below; of more than a few, they are folded away."""
    few = len(heads_and_facts) <= 8
    return "".join(
        html_folded(head, html_facts(facts), opened=few) for head, facts in heads_and_facts
    )


def html_image(pixels: np.ndarray[Any, Any]) -> str:
    """A gray picture of numbers (H, W) of 0 to 255, each of them a square."""

    def chunk(kind: bytes, content: bytes) -> bytes:
        checked = kind + content
        return struct.pack(">I", len(content)) + checked + struct.pack(">I", zlib.crc32(checked))

    height, width = pixels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in pixels.astype(np.uint8))  # 0: no filter
    png = b"\x89PNG\r\n\x1a\n" + chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    )
    png += chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    data = b64encode(png).decode()
    style = "image-rendering: pixelated; height: 4em; margin: 0.2em; display: inline"
    return f'<img style="{style}" alt="" src="data:image/png;base64,{data}">'


def html_code(words: str) -> str:
    """Words in the type of code, without the frame that notebooks draw around `<code>`."""
    return f'<span style="font-family: monospace">{escape(words)}</span>'
