"""What several documents' tests read: the book, built once."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Hasty:
    """A lexer that knows comments alone. The real ones take as long as all the rest of a book."""

    @staticmethod
    def get_tokens(source):
        from pygments.token import Comment, Text

        for part in re.split("(#.*)", source):
            yield Comment if part.startswith("#") else Text, part


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Without colors and heat, which have tests of their own; a slow test has the whole book."""
    from minigrad.book import building, code, heat  # they need what an extra brings

    folder = tmp_path_factory.mktemp("book")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heat, "heat", lambda chapter: {})
        patch.setattr(code, "lexer", lambda language: Hasty)
        code.highlighted.cache_clear()
        building.write_book(ROOT, folder)
    code.highlighted.cache_clear()
    return folder


@pytest.fixture(scope="session")
def pages(site):
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(site.glob("*.html"))}


@pytest.fixture(scope="session")
def panels(site):
    """Page -> number -> the whole panel, from the page's script."""
    scripts = sorted((site / "beside").glob("*.js"))
    return {
        path.stem: json.loads(
            path.read_text(encoding="utf-8").removeprefix("window.BESIDE = ").removesuffix(";\n")
        )
        for path in scripts
    }
