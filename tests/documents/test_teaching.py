"""The checker says what TEACHING.md says it says."""

import pytest
from helpers import teaching


@pytest.mark.slow
def test_the_checker_says_what_the_page_quotes():
    text = teaching.PAGE.read_text(encoding="utf-8")
    assert len(teaching.ROW.findall(text)) >= 20
    assert "right |" not in text
    assert teaching.written(text) == text, "run python tests/helpers/teaching.py"
