import numpy as np
import pytest
from helpers.small_course import DATA, SLOPES

from minigrad.learn import commands
from minigrad.learn.course import steps_of
from minigrad.learn.places import Course


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of two pages, in an empty current directory."""
    pages = tmp_path / "course"
    pages.mkdir()
    texts = {"00_slopes": SLOPES, "01_data": DATA}
    for name, text in texts.items():
        (pages / f"{name}.md").write_text(text, encoding="utf-8")
    np.savez(pages / "digits.npz", images=np.arange(6.0))
    course = Course(steps_of(texts), pages, [pages / "library.json", pages / "digits.npz"])
    monkeypatch.setattr(commands, "find_course", lambda: course)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return course
