"""The files that panels quote, whole: each as a page with a place for every line."""

import re
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
</head>
<body class="listing" id="top">
<header><a class="brand" href="../index.html">minigrad</a></header>
<main>
<h1>{title}</h1>
<p>{cited}</p>
<pre class="lines" tabindex="0"><code>{lines}</code></pre>
</main>
</body>
</html>
"""


def place_of(path: Path, line: int | None = None) -> str:
    """Where a file stands in the book; lines are counted from 0 here and from 1 there."""
    anchor = "" if line is None else f"#L{line + 1}"
    return f"{FOLDER}/{'.'.join(path.parts[1:])}.html{anchor}"


def write_sources(target: Path, quoted: dict[str, list[Source]]) -> None:
    """Every file that a page quotes; a citation in it leads back to its equation."""
    (target / FOLDER).mkdir(exist_ok=True)
    files: dict[Path, dict[str, Source]] = {}
    for page, sources in quoted.items():
        for source in sources:
            files.setdefault(source.path, {})[page] = source
    for path, by_page in sorted(files.items()):
        text = next(iter(by_page.values())).text
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
    cited = f"Numbers in parentheses are equations of {links}." if links else "No line cites."
    return PAGE.format(title=escape(path.as_posix()), cited=cited, lines="\n".join(lines))
