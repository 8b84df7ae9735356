"""One page of the book as HTML."""

import re
from collections.abc import Sequence
from html import escape

from .contents import PARTS, Chapter
from .markdown import Text


def html_page(chapter: Chapter, text: Text, book: list[Chapter]) -> str:
    position = book.index(chapter)
    before = book[position - 1] if position else None
    after = book[position + 1] if position + 1 < len(book) else None
    front = chapter.name == "index"
    article = title_page(text.html_text) if front else text.html_text
    turns = turn(before, "before") + turn(after, "after")
    return shell(
        title="minigrad" if front else f"{plain_title(chapter)} · minigrad",
        kind="derivation" if chapter.derives else "plain",
        here=f'data-here="{chapter.file}"',
        contents=f"{contents(book) if front else ALL_PAGES}\n{sections(text)}",
        main=f"<article>\n{article}</article>\n"
        f'<nav class="turn" aria-label="Before and after">{turns}</nav>',
        scripts=text.scripts,
    )


def shell(
    *, title: str, kind: str, here: str, contents: str, main: str,
    scripts: Sequence[str] = (), base: str = "",
) -> str:  # fmt: skip
    """What all pages share; `base` is the way to the folder of the book's first page."""
    more = "".join(f'<script src="{each}"></script>\n' for each in scripts)
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="{base}book.css">
<script>document.documentElement.classList.add("js")</script>
</head>
<body class="{kind}" id="top">
<a class="skip" href="#text">To the text</a>
<header><a class="brand" href="{base}index.html">minigrad</a>
<div class="search" role="search" hidden>
<input type="search" id="find" placeholder="Search" aria-label="Search" aria-controls="found">
<ol id="found" hidden></ol></div></header>
<div class="columns">
<nav class="contents" aria-label="Contents"><details {here}>
<summary>Contents</summary>
{contents}</details></nav>
<main id="text">
{main}
</main>
</div>
<script src="{base}contents.js"></script>
{more}<script src="{base}book.js"></script>
</body>
</html>
"""


def title_page(html: str) -> str:
    """The picture at the end of the fifteen lines stands before them, as wide as there is room."""
    picture = re.search(r' *<img src="([^"]*)"[^>]*>', html)
    if picture is None:
        return html
    plate = (
        f'<figure class="plate"><a href="{picture[1]}">{picture[0].strip()}</a>'
        "<figcaption>The network of the fifteen lines, with three points and three units: values "
        "as they went forward, gradients as they came back.</figcaption></figure>\n"
    )
    return html.replace(picture[0], "", 1).replace("<h2 ", plate + "<h2 ", 1)


def plain_title(chapter: Chapter) -> str:
    return escape(chapter.title.replace("`", "").replace("*", "").replace("$", ""), quote=False)


ALL_PAGES = '<p><a href="index.html">All pages</a></p>'  # without scripts


def contents(book: list[Chapter]) -> str:
    """All pages by their parts; a page has only its sections, and book.js puts them under it."""
    parts = []
    for part in PARTS:
        chapters = [each for each in book if each.part == part]
        items = [f'<li><a href="{each.file}">{plain_title(each)}</a></li>' for each in chapters]
        if items:
            parts.append(f"<p>{part}</p><ul>{''.join(items)}</ul>")
    return "\n".join(parts)


def sections(text: Text) -> str:
    items = [
        f'<li><a href="#{anchor}">{title}</a></li>'
        for level, anchor, title in text.headings
        if level == 2
    ]
    return f'<ul class="own">{"".join(items)}</ul>' if items else ""


def turn(chapter: Chapter | None, kind: str) -> str:
    if chapter is None:
        return "<span></span>"
    arrow = "←" if kind == "before" else "→"
    rel = "prev" if kind == "before" else "next"
    words = f"<small>{arrow} {kind}</small>{plain_title(chapter)}"
    return f'<a rel="{rel}" href="{chapter.file}">{words}</a>'
