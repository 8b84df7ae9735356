"""The files that panels quote and texts link, whole: each as a page with a place for every line."""

import re
from collections.abc import Iterable
from html import escape
from pathlib import Path

from .citations import NUMBER
from .code import LANGUAGES, highlighted
from .excerpts import Source
from .page import shell

FOLDER = "source"
HOME = "../"  # from there


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
            return f'<a href="{HOME}{page}.html#eq-{found[1]}">{found[0]}</a>' if page else found[0]

        lines.append(f"<span id=L{line + 1}>{re.sub(NUMBER, link, html)}</span>")
    pages = [page for page, source in by_page.items() if source.comments or source.docstrings]
    links = ", ".join(f'<a href="{HOME}{page}.html">{page}</a>' for page in pages)
    cited = f"<p>Numbers in parentheses are equations of {links}.</p>" if links else ""
    name = escape(path.as_posix())
    listing = '<pre class="lines" tabindex="0"><code>' + "\n".join(lines) + "</code></pre>"
    return shell(
        title=f"{name} · minigrad",
        kind="listing",
        here=f'data-here="" data-base="{HOME}"',
        contents=f'<p><a href="{HOME}index.html">All pages</a></p>\n',
        main=f"<h1>{name}</h1>\n{cited}\n{listing}",
        base=HOME,
    )
