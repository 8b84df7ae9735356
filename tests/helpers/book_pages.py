"""Reading the pages of the book: their text without markup, and their panels' excerpts."""

import re
from html import unescape

REFERENCE = r'<section data-tab="reference">.*?</section>'


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
