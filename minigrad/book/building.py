"""All pages of the book, from the files of a checkout into a folder."""

import json
import re
import shutil
import sys
from html import unescape
from pathlib import Path

from . import heat
from .code import LANGUAGES
from .contents import Chapter, chapters
from .excerpts import equation_numbers
from .jacobians import figure
from .markdown import Text
from .page import contents, html_page, plain_title
from .panels import Beside
from .sources import place_of, write_sources

ASSETS = Path(__file__).parent / "assets"
WORD = re.compile(r"[\w.-]*\w\w")  # of a text that is searched


def write_book(root: Path, target: Path) -> list[Path]:
    """Write the book of the checkout `root` into the folder `target`; the pages written."""
    book = chapters(root)
    pages = [each.name for each in book if each.derives]
    target.mkdir(parents=True, exist_ok=True)
    panels = {
        each.name: Beside(root, root / each.source, each.text, pages)
        for each in book
        if each.derives
    }
    linked: set[Path] = set()  # sources that a text names
    index: list[list[str]] = []
    written, titles = [], {}
    for chapter in book:
        text = render(root, chapter, book, panels.get(chapter.name), linked, target)
        file = target / chapter.file
        file.write_text(html_page(chapter, text, book), encoding="utf-8", newline="\n")
        written.append(file)
        index += search_entries(chapter, text)
        titles[chapter.name] = plain_title(chapter)
    for name, beside in panels.items():
        (target / "beside").mkdir(exist_ok=True)
        script = f"window.BESIDE = {dense(beside.script)};\n"
        (target / "beside" / f"{name}.js").write_text(script, encoding="utf-8", newline="\n")
    quoted = {name: beside.quoted for name, beside in panels.items()}
    linked.update(path for beside in panels.values() for path in beside.test_files)
    write_sources(target, quoted, root, linked)
    for asset in sorted(ASSETS.iterdir()):
        shutil.copyfile(asset, target / asset.name)
    script = f"window.CONTENTS = {dense(contents(book))};\n"
    (target / "contents.js").write_text(script, encoding="utf-8", newline="\n")
    (target / "search.js").write_text(
        f"window.BOOK = {dense(index)};\n", encoding="utf-8", newline="\n"
    )
    facts = json.dumps({"titles": titles}, indent=1, ensure_ascii=False)
    (target / "book.json").write_text(facts + "\n", encoding="utf-8", newline="\n")
    return written


def dense(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def render(
    root: Path,
    chapter: Chapter,
    book: list[Chapter],
    beside: Beside | None,
    linked: set[Path],
    target: Path,
) -> Text:
    """The Markdown of a page as HTML; the pictures that it shows are copied."""
    home = root / chapter.source
    places = {(root / each.source).resolve(): each for each in reversed(book)}
    sections = section_homes(book)

    def resolve(link: str) -> str | None:
        if re.match(r"[a-z]+:", link):
            return link
        address, _, anchor = link.partition("#")
        if not address:
            page = sections.get((chapter.source, anchor), chapter)
            return f"#{anchor}" if page is chapter else f"{page.file}#{anchor}"
        path = (home.parent / address).resolve()
        if path.suffix in (".svg", ".png") and path.exists():
            (target / "images").mkdir(exist_ok=True)
            shutil.copyfile(path, target / "images" / path.name)
            return f"images/{path.name}"
        if path not in places:
            if path.suffix not in LANGUAGES or not path.is_file() or root not in path.parents:
                return None
            linked.add(path.relative_to(root))
            return place_of(path.relative_to(root))
        page = sections.get((path.relative_to(root), anchor), places[path])
        whole = page.name in ("index", "guide", "glossary")  # a part of a file
        return page.file + (f"#{anchor}" if anchor and not whole else "")

    numbers = equation_numbers(chapter.text) if chapter.derives else []
    warm = {code: heat.heated(code, scores) for code, scores in heat.heat(chapter).items()}
    text = Text(chapter.text, resolve, numbers, beside.panel if beside else None, warm)
    if beside:
        text.append(figure(chapter.name) + beside.end())
        text.scripts = [f"beside/{chapter.name}.js"]
    if chapter.name == "batch_norm":
        text.html_text = with_playground(text.html_text)
    return text


PLAYGROUND = """<h3 id="playground">The playground</h3>
<figure class="playground">
<figcaption>Move a value, or what arrives at it, and follow the three roads.</figcaption>
<div class="play"><p>This figure needs scripts. The table above is its first state.</p></div>
</figure>
<script src="playground.js" defer></script>
"""


def with_playground(html: str) -> str:
    """The page of batch norm, with its six numbers to move at the end of their section."""
    start = html.index('<h2 id="six-numbers-by-hand">')
    end = html.index("<h2 ", start + 1)
    return html[:end] + PLAYGROUND + html[end:]


def section_homes(book: list[Chapter]) -> dict[tuple[Path, str], Chapter]:
    """Sections of the README and of CONTRIBUTING that are pages here."""
    named = {each.name: each for each in book}
    return {
        (Path("README.md"), "read-the-source-in-this-order"): named["guide"],
        (Path("CONTRIBUTING.md"), "words"): named["glossary"],
    }


def search_entries(chapter: Chapter, text: Text) -> list[list[str]]:
    """[address, page, section, words] of every section of a page; each word once."""
    entries = []
    title = unescape(plain_title(chapter))
    visible = re.sub(r'<details class="beside".*?</details>', "", text.html_text, flags=re.S)
    visible = re.sub(r"<math.*?</math>|<pre>.*?</pre>", " ", visible, flags=re.S)
    for piece in re.split(r"(?=<h[1-4] )", visible):
        heading = re.match(r'<h([1-4]) id="([^"]*)">(.*?)</h\1>', piece, re.S)
        if not heading:
            continue
        words = unescape(re.sub(r"<[^>]*>", "", piece[heading.end() :])).lower()
        section = unescape(re.sub(r"<[^>]*>", "", heading[3]))
        address = chapter.file if heading[1] == "1" else f"{chapter.file}#{heading[2]}"
        entries.append([address, title, section, " ".join(dict.fromkeys(WORD.findall(words)))])
    return entries


if __name__ == "__main__":  # setup.py, for a wheel
    write_book(Path(sys.argv[1]), Path(sys.argv[2]))
