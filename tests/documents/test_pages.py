"""The pages to read print what they say they print."""

from pathlib import Path

import pytest
from helpers import pages

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("name", ["autograd_words.md", "where_to_start.md"])
def test_a_page_prints_what_it_says(name):
    text = (DOCS / name).read_text(encoding="utf-8")
    expected = pages.blocks(text)
    assert len(expected) >= 10
    for (code, said), printed in zip(expected, pages.outputs(text), strict=True):
        assert printed == (said or ""), code


def test_a_wrong_page_is_noticed():
    page = "```python\nprint(1)\n```\n\n```text\n2\n```\n\n```python\n1 / 0\n```\n"
    assert pages.blocks(page) == [("print(1)\n", "2\n"), ("1 / 0\n", None)]
    assert pages.outputs(page) == ["1\n", "ZeroDivisionError: division by zero\n"]
    assert "```text\n1\n```" in pages.written(page)
