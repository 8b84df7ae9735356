"""The book: built from docs/, small, whole, and the same twice."""

import json
import posixpath
import re
import subprocess
import sys
import time
from html import unescape
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from helpers import derivations
from helpers.book_pages import need_what_builds_the_book, plain, without_code

from minigrad import _build_info

need_what_builds_the_book()

from minigrad.book import building, formulas, heat  # noqa: E402  they need these

ROOT = Path(__file__).parents[2]
KB = 1000


def test_every_page_of_docs_is_there(pages):
    docs = {path.stem.lower() for path in (ROOT / "docs").rglob("*.md")} - {"readme"}
    special = {"index", "guide", "glossary", "derivations", "path"}
    assert {name.removesuffix(".html") for name in pages} == docs | special


def test_sizes(site, pages):
    large = {
        name: len(html.encode()) for name, html in pages.items() if len(html.encode()) > 150 * KB
    }
    assert large == {}
    assert len(pages["batch_norm.html"]) < 120 * KB  # the longest page: room for what comes
    assert sum(path.stat().st_size for path in site.rglob("*") if path.is_file()) < 4500 * KB


def test_links_and_anchors_resolve(site, pages, panels):
    """Those of pages, of listings of sources, and of what scripts put into pages."""
    sources = {
        f"source/{path.name}": path.read_text(encoding="utf-8")
        for path in sorted((site / "source").glob("*.html"))
    }
    whole = {**pages, **sources}
    anchors = {name: set(re.findall(r'\bid="?([^\s">]+)', html)) for name, html in whole.items()}
    contents = json.loads((site / "contents.js").read_text(encoding="utf-8")[18:-2])
    for name, html in whole.items():
        ids = re.findall(r'\bid="?([^\s">]+)', html)
        assert len(ids) == len(set(ids)), f"{name} has an id twice"
        if name in pages:
            html += contents + "".join(panels.get(name.removesuffix(".html"), {}).values())
        links = re.findall(r'<(?:a|img|link|script)[^>]*?\b(?:href|src)="([^"]*)"', html)
        assert len(links) > (50 if name in pages else 2)
        for link in map(unescape, links):
            if re.match(r"(https?|data):", link):
                assert not link.startswith("http") or f'<a href="{link}' in unescape(html)
                continue
            file, _, anchor = unquote(link).partition("#")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), file))
            target = target if file else name
            assert (site / target).is_file(), f"{name} links {link}"
            assert not anchor or anchor in anchors[target], f"{name} links {link}"


def test_every_equation_has_an_anchor(pages):
    for path in derivations.PAGES:
        for equation in derivations.Page(path).equations:
            assert f'id="eq-{equation.number}"' in pages[f"{path.stem}.html"]


def test_no_tex_is_left(pages):
    for name, html in pages.items():
        text = without_code(html)
        assert not re.search(r"\\[a-zA-Z]{2,}|\$[^$\n]+\$", text), name
        for formula in re.findall(r"<math.*?</math>", html, re.S):
            ElementTree.fromstring(formula)
            assert not re.search(r"[\\&]\w+\b(?!;)", formula), formula


def test_formulas_that_need_help():
    assert "⌊" in formulas.mathml(r"\Bigl\lfloor \frac{a}{b} \Bigr\rfloor")
    table = formulas.mathml(r"\begin{aligned} a &= b \\ &= \frac{c}{d} \end{aligned}", True)
    assert table.count("<mtr>") == 2 and table.count("<mtd>") == 4
    assert "<mi>mean</mi>" in formulas.mathml(r"\mathrm{mean}(x)")


def test_bars_and_signs_know_where_they_belong():
    """As a relation or a difference they would stand between two spaces."""
    size = formulas.mathml(r"y = 2 |x|^2")
    assert re.search(r'<mo [^>]*form="prefix">\|</mo><mi>x</mi><msup><mo [^>]*postfix">', size)
    assert '<mo form="prefix">−</mo>' in formulas.mathml("y = -m")
    assert "form" not in formulas.mathml("a - b") + formulas.mathml("p(a | b)")
    assert formulas.mathml("f(y)").count('stretchy="false"') == 2  # or "(" would cover y's tail


def test_every_operation_prints_a_small_example(pages):
    """By hand: in words or a table, and in the next block, which is executed, as numbers."""
    for path in derivations.PAGES:
        html = pages[f"{path.stem}.html"]
        if path.stem == "chain_rule":  # follows one example over the whole page
            assert "<table" in html[html.index('id="the-loop"') :]
            continue
        place = re.search(r"<(?:p|h2[^>]*)>[^<]*\b[Bb]y hand\b", html)
        assert place, f"{path.stem} has no example by hand"
        block = re.search(r'<div class="code"><pre>(.*?)</pre>', html[place.start() :], re.S)[1]
        numbers = re.findall(r"[\[(](?:-?[\d./]+, )+-?[\d./ -]+[\])]|= \[\[?-?\d", plain(block))
        assert numbers, f"{path.stem} prints no numbers in {plain(block)}"


def test_every_answer_is_folded_behind_its_hint(pages):
    """What is given comes first, with a line in the place of the answer."""
    count = 0
    for path in sorted((ROOT / "docs" / "path").glob("[0-9]*.md")):
        html = pages[f"{path.stem}.html"]
        for part in re.split(r"(?=<h3 )", html)[1:]:
            answer = re.search(r'<details class="answer">(.*?)</details>', part, re.S)
            if not answer:
                assert "# yours" not in part
                continue
            given = part[: answer.start()]
            assert "...  # yours" in plain(given) and "<summary>A hint" in given, path.stem
            assert "<summary>A hint" not in part[answer.end() :]
            assert "# yours" not in part[answer.end() :] or '<details class="answer">' in part
            lines = re.findall(r"^.*# yours$", plain(answer[1]), re.M)
            assert lines and not any(line in plain(given) for line in lines)
            count += 1
    assert count > 40


def test_the_search_knows_every_word_of_a_section(site):
    script = (site / "search.js").read_text(encoding="utf-8")
    assert len(script.encode()) < 400 * KB
    index = json.loads(script.removeprefix("window.BOOK = ").removesuffix(";\n"))

    def found(asked):
        whole = ((entry[0], " ".join(entry[1:]).lower()) for entry in index)
        hits = (place for place, text in whole if all(word in text for word in asked.split()))
        return {place.partition("#")[0].removesuffix(".html") for place in hits}

    for asked, page in {
        "playground": "batch_norm", "correction": "adam", "cotangent": "derivations",
        "blas": "matrix_product",
    }.items():  # fmt: skip
        assert page in found(asked), asked


def test_one_title_and_headings_in_order(pages):
    for name, html in pages.items():
        levels = [int(level) for level in re.findall(r"<h([1-6])\b", html)]
        assert levels.count(1) == 1 and levels[0] == 1, name
        for above, below in zip(levels, levels[1:], strict=False):
            assert below <= above + 1, f"{name}: h{below} under h{above}"
        assert '<html lang="en">' in html
        assert not re.search(r'<img(?![^>]*alt="[^"]+")', html), (
            f"{name} has a picture without words"
        )


def test_nothing_waits_for_scripts(pages):
    """Text, formulas and code are in the file; panels are elements that open by themselves."""
    for path in derivations.PAGES:
        text, html = path.read_text(encoding="utf-8"), pages[f"{path.stem}.html"]
        code = re.findall(r"^```python\n(.*?)^```$", text, re.M | re.S)
        shown = [
            plain(each) for each in re.findall(r'<div class="code"><pre>(.*?)</pre>', html, re.S)
        ]
        assert {each.rstrip("\n") for each in code} <= set(shown)
        for sentence in re.findall(r"^[A-Z][a-z ,]+\.$", text, re.M):
            assert sentence in html


@pytest.mark.slow
def test_the_same_bytes_twice(tmp_path):
    """In two processes, whose sets of words have different orders, in 20 seconds of processor."""
    contents = []
    for name in ("one", "two"):
        command = [sys.executable, "-m", "minigrad.book.building", str(ROOT), str(tmp_path / name)]
        subprocess.run(command, cwd=ROOT, check=True)
        files = [path for path in (tmp_path / name).rglob("*") if path.is_file()]
        contents.append({path.relative_to(tmp_path / name): path.read_bytes() for path in files})
    assert contents[0] == contents[1]
    assert sum(map(len, contents[0].values())) < 4500 * KB
    assert max(len(b) for path, b in contents[0].items() if path.suffix == ".html") < 150 * KB
    start = time.process_time()
    building.write_book(ROOT, tmp_path / "three")
    assert time.process_time() - start < 20
    ladder = (tmp_path / "three" / "ladder.html").read_text(encoding="utf-8")
    assert ladder.count('<p class="heat">') == 6  # the rungs in Cython, not the one in Python


# --- heat ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_heat_is_cythons_annotation_of_each_rung():
    """Rung 3, without types, is yellow nearly everywhere; rung 4 where it takes its arguments."""
    text = (ROOT / "docs" / "ladder.md").read_text(encoding="utf-8")
    third, fourth, *_ = found = list(heat.of_the_ladder(text).items())
    assert len(found) == 6 and "float[:, ::1]" not in third[0]
    assert sum(map(bool, third[1])) == 15 and len(third[1]) == 17
    hot = [line for line, score in zip(fourth[0].split("\n"), fourth[1], strict=True) if score]
    assert len(hot) == 1 and hot[0].startswith("def forward(")
    alone = heat.annotated([fourth[0]], _build_info.directives)[0]
    assert [bool(score) for score in alone] == [bool(score) for score in fourth[1]]


@pytest.mark.slow
def test_heat_shows_the_divisions_of_step_14():
    """By default Cython checks every divisor: (8) has two in a line, the loop after it none."""
    text = (ROOT / "docs" / "path" / "14_typed.md").read_text(encoding="utf-8")
    scores = {
        line.strip(): score
        for code, row in heat.of_the_path(text).items()
        for line, score in zip(code.split("\n"), row, strict=True)
    }
    eight = next(score for line, score in scores.items() if "x_hat * dgamma[c] / N" in line)
    faster = next(score for line, score in scores.items() if "* slope[c]) * scale[c]" in line)
    assert eight > next(score for line, score in scores.items() if "+= x[n, c] / N" in line) > 0
    assert eight > faster


def test_the_heat_of_a_block():
    shown = heat.heated("def f(x):\n    cdef int n\n    return x", [50, 0, 5])
    assert re.search(r'^<pre><code><mark class=h3 title="score 50"><b>def', shown)
    assert "\n    <b>cdef int </b>n\n" in shown
    assert "<mark class=h1" in shown and "2 of 3 lines call Python" in shown
