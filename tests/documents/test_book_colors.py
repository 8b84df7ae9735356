"""The colors of the book: every ink on every ground is dark enough to read, or light enough."""

import re
from pathlib import Path

import pytest
from helpers.book_pages import plain

CSS = Path(__file__).parents[2] / "minigrad" / "book" / "assets" / "book.css"

if not CSS.exists():
    pytest.skip("the book is built from a source tree", allow_module_level=True)

PACKAGE = CSS.parents[2]


def contrast(one, other):
    high, low = sorted([luminance(one), luminance(other)], reverse=True)
    return (high + 0.05) / (low + 0.05)


def luminance(color):
    parts = [each / 255 for each in channels(color)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_contrast_in_light_and_dark():
    css = CSS.read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{(.*?)\}", css, re.S)[:2]
    for theme in (light, dark):
        color = dict(re.findall(r"--(\w+): (#\w{6})", theme))
        for ink in ("ink", "quiet", "link", "c", "s", "k", "f"):
            for ground in ("paper", "tint", "cited") + (("mark",) if ink == "ink" else ()):
                reached = contrast(color[ink], color[ground])
                assert reached >= 4.5, f"{ink} on {ground}: {reached:.1f}"
        shades = re.findall(r"[ ](?:\.[pnh]\d) \{ background: (#\w{6})(\w\w);", css)
        assert len(shades) == 8 + 3  # cells of a Jacobian, lines of a ladder
        for shade, alpha in shades:
            for ground in ("paper", "tint"):
                opaque = int(alpha, 16) / 255
                pairs = zip(channels(shade), channels(color[ground]), strict=True)
                mixed = [round(a * opaque + b * (1 - opaque)) for a, b in pairs]
                cell = "#" + "".join(f"{each:02x}" for each in mixed)
                reached = contrast(color["ink"], cell)
                assert reached >= 4.5, f"ink on {shade}{alpha}: {reached:.1f}"


def channels(color):
    return [int(color[i : i + 2], 16) for i in (1, 3, 5)]


@pytest.mark.parametrize("name", ["_kernels/softmax.pyx", "nn/module.py"])
def test_colors_change_no_letter_and_end_with_their_line(name):
    pytest.importorskip("pygments")
    from minigrad.book import code

    source = (PACKAGE / name).read_text(encoding="utf-8")
    lines = code.highlighted(source, code.LANGUAGES[Path(name).suffix])
    assert plain("\n".join(lines)) == source
    for line in lines:
        tags = re.findall(r"<(/?)(\w)>", line)
        closed = [("/", letter) for _, letter in tags[::2]]
        assert tags[1::2] == closed and all(slash == "" for slash, _ in tags[::2]), line
    assert {letter for line in lines for letter in re.findall(r"<(\w)>", line)} == set("iqbu")
