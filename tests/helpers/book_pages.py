"""Reading the pages of the book: their text without markup, and their panels' excerpts."""

import re
from html import unescape
from pathlib import Path

import pytest

REFERENCE = r'<section data-tab="reference">.*?</section>'


def need_what_builds_the_book():
    """Skip the module that calls this where the extra `book` or the source tree is missing."""
    for package in ("markdown_it", "latex2mathml", "pygments", "Cython"):
        pytest.importorskip(package)
    if not (Path(__file__).parents[2] / "minigrad" / "book").exists():
        pytest.skip("the book is built from a source tree", allow_module_level=True)


def without_code(html):
    return re.sub(r"<(pre|code)\b.*?</\1>", "", html, flags=re.S)


def plain(html):
    return unescape(re.sub(r"<[^>]*>", "", html))


def static_panels(html):
    """Number -> what the page itself holds beside the equation."""
    found = re.findall(r'<details class="beside" id="beside-(\w+)">(.*?)</details>', html, re.S)
    return dict(found)


def excerpts(panel):
    """(file, first line, text, cited part) of every excerpt of a panel."""
    file = None
    for name, line, code in re.findall(
        r"<a class=file [^>]*>(.*?)</a>|<pre data-line=(\d+)>(.*?)</pre>", panel, re.S
    ):
        file = name or file
        if line:
            cited = "\n".join(re.findall(r"<mark>(.*?)</mark>", code, re.S))
            yield file, int(line), plain(code), plain(cited)
