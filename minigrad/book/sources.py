"""The files that panels quote and texts link, whole: each as a page with a place for every line."""

import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

from .citations import NUMBER
from .code import LANGUAGES, highlighted
from .excerpts import Source

FOLDER = "source"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title} · minigrad</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="../book.css">
<script>document.documentElement.classList.add("js")</script>
</head>
<body class="listing" id="top">
<a class="skip" href="#text">To the text</a>
<header><a class="brand" href="../index.html">minigrad</a>
<div class="search" role="search" hidden>
<input type="search" id="find" placeholder="Search" aria-label="Search" aria-controls="found">
<ol id="found" hidden></ol></div></header>
<div class="columns">
<nav class="contents" aria-label="Contents"><details data-here="" data-base="../">
<summary>Contents</summary>
<p><a href="../index.html">All pages</a></p>
</details></nav>
<main id="text">
<h1>{title}</h1>
{cited}
<pre class="lines" tabindex="0"><code>{lines}</code></pre>
</main>
</div>
<script src="../contents.js"></script>
<script src="../book.js"></script>
</body>
</html>
"""


def place_of(path: Path, line: int | None = None) -> str:
    """Where a file stands in the book; lines are counted from 0 here and from 1 there."""
    anchor = "" if line is None else f"#L{line + 1}"
    parts = path.parts[1:] if path.parts[0] == "minigrad" else path.parts
    return f"{FOLDER}/{'.'.join(parts)}.html{anchor}"


def write_sources(
    target: Path, quoted: dict[str, list[Source]], root: Path, linked: Iterable[Path] = ()
) -> None:
    """Every file that a page quotes or links; a citation in it leads back to its equation."""
    (target / FOLDER).mkdir(exist_ok=True)
    files: dict[Path, dict[str, Source]] = {}
    for page, sources in quoted.items():
        for source in sources:
            files.setdefault(source.path, {})[page] = source
    for path in sorted({*files, *linked}):
        by_page = files.get(path, {})
        text = (root / path).read_text(encoding="utf-8")
        shown = highlighted(text.rstrip("\n"), LANGUAGES[path.suffix])
        page = _listing(path, shown, by_page)
        (target / place_of(path)).write_text(page, encoding="utf-8", newline="\n")


def _listing(path: Path, shown: list[str], by_page: dict[str, Source]) -> str:
    lines = []
    for line, html in enumerate(shown):
        homes = {
            number: page
            for page, source in by_page.items()
            for number in source.comments.get(line, set()) | source.docstrings.get(line, set())
        }

        def link(found: re.Match[str], homes=homes) -> str:
            page = homes.get(found[1])
            return f'<a href="../{page}.html#eq-{found[1]}">{found[0]}</a>' if page else found[0]

        lines.append(f"<span id=L{line + 1}>{re.sub(NUMBER, link, html)}</span>")
    pages = [page for page, source in by_page.items() if source.comments or source.docstrings]
    links = ", ".join(f'<a href="../{page}.html">{page}</a>' for page in pages)
    cited = f"<p>Numbers in parentheses are equations of {links}.</p>" if links else ""
    return PAGE.format(title=escape(path.as_posix()), cited=cited, lines="\n".join(lines))
