"""What several documents' tests read: the book, built once."""

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """Without heat, which takes as long as all the rest; a slow test has the whole book."""
    from minigrad.book import building, heat  # they need what an extra brings

    folder = tmp_path_factory.mktemp("book")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heat, "heat", lambda chapter: {})
        building.write_book(ROOT, folder)
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
