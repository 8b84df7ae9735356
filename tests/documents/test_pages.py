"""The pages to read print what they say they print."""

import re
from pathlib import Path

import pytest
from helpers import pages

from minigrad.nn.linting.finding import MISTAKES

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    "name",
    ["articles.md", "autograd_words.md", "coming_from.md", "mistakes.md", "where_to_start.md"],
)
def test_a_page_prints_what_it_says(name):
    text = (DOCS / name).read_text(encoding="utf-8")
    expected = pages.blocks(text)
    assert len(expected) >= 5
    for (code, said), printed in zip(expected, pages.outputs(text), strict=True):
        assert printed == (said or ""), code


@pytest.mark.slow
def test_the_page_of_scikit_learn_prints_what_it_says():
    pytest.importorskip("sklearn")
    test_a_page_prints_what_it_says("scikit_learn.md")


def test_the_way_to_torch(torch):
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    test_a_page_prints_what_it_says("take_it_to_torch.md")


def test_every_mistake_has_its_section():
    """Numbered from 1 to 23, each with a cure; what lint finds leads to one of them."""
    text = (DOCS / "mistakes.md").read_text(encoding="utf-8")
    first, *sections = re.split(r"^## ", text, flags=re.MULTILINE)
    headings = [section.splitlines()[0] for section in sections]
    assert [heading.split(".")[0] for heading in headings] == [str(k) for k in range(1, 25)]
    assert all("**The cure:**" in section and "```text" in section for section in sections)
    assert {mistake.heading for mistake in MISTAKES.values()} <= set(headings)
    for code, mistake in MISTAKES.items():
        section = sections[headings.index(mistake.heading)]
        assert code in section, f"{code} is not shown"


def test_a_wrong_page_is_noticed():
    page = "```python\nprint(1)\n```\n\n```text\n2\n```\n\n```python\n1 / 0\n```\n"
    assert pages.blocks(page) == [("print(1)\n", "2\n"), ("1 / 0\n", None)]
    assert pages.outputs(page) == ["1\n", "ZeroDivisionError: division by zero\n"]
    assert "```text\n1\n```" in pages.written(page)


def test_no_page_holds_a_control_character():
    """The `\\b` of a `\\beta` that a program wrote as text: most editors do not show it."""
    for page in sorted(DOCS.rglob("*.md")):
        strange = [each for each in page.read_text(encoding="utf-8") if each < " " and each != "\n"]
        assert not strange, (page.name, strange)
