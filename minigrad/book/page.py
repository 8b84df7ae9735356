"""One page of the book as HTML."""

import re
from html import escape

from .contents import PARTS, Chapter
from .markdown import Text


def html_page(chapter: Chapter, text: Text, book: list[Chapter]) -> str:
    position = book.index(chapter)
    before = book[position - 1] if position else None
    after = book[position + 1] if position + 1 < len(book) else None
    kind = "derivation" if chapter.derives else "plain"
    scripts = "".join(f'<script src="{each}"></script>\n' for each in text.scripts)
    title = "minigrad" if chapter.name == "index" else f"{plain_title(chapter)} · minigrad"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="book.css">
<script>document.documentElement.classList.add("js")</script>
</head>
<body class="{kind}" id="top">
<a class="skip" href="#text">To the text</a>
<header><a class="brand" href="index.html">minigrad</a>
<div class="search" role="search" hidden>
<input type="search" id="find" placeholder="Search" aria-label="Search" aria-controls="found">
<ol id="found" hidden></ol></div></header>
<div class="columns">
<nav class="contents" aria-label="Contents"><details data-here="{chapter.file}">
<summary>Contents</summary>
{contents(book) if chapter.name == "index" else ALL_PAGES}
{sections(text)}</details></nav>
<main id="text">
<article>
{title_page(text.html_text) if chapter.name == "index" else text.html_text}</article>
<nav class="turn" aria-label="Before and after">{turn(before, "before")}{turn(after, "after")}</nav>
</main>
</div>
<script src="contents.js"></script>
{scripts}<script src="book.js"></script>
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
