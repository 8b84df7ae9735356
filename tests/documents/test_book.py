"""The book: built from docs/, small, whole, the same twice, and true to the files it shows."""

import json
import os
import posixpath
import re
import subprocess
import sys
import time
from html import unescape
from pathlib import Path
from urllib.parse import unquote
from xml.etree import ElementTree

import numpy as np
import pytest
from helpers import book_symbols, derivations

import minigrad
from minigrad import _build_info, ones
from minigrad._kernels import active
from minigrad.book import commands, measured, opening, shelf
from minigrad.nn import functional as F

pytest.importorskip("markdown_it")
pytest.importorskip("latex2mathml")
pytest.importorskip("pygments")
pytest.importorskip("Cython")

from minigrad.book import building, formulas, heat, jacobians  # noqa: E402  they need these

ROOT = Path(__file__).parents[2]
KB = 1000

if not (ROOT / "minigrad" / "book").exists():
    pytest.skip("the book is built from a source tree", allow_module_level=True)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Without heat, which takes as long as all the rest; a slow test has the whole book."""
    folder = tmp_path_factory.mktemp("book")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(heat, "heat", lambda chapter: {})
        building.write_book(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(site.glob("*.html"))}


@pytest.fixture(scope="module")
def panels(site):
    """Page -> number -> the whole panel, from the page's script."""
    scripts = sorted((site / "beside").glob("*.js"))
    return {
        path.stem: json.loads(
            path.read_text(encoding="utf-8").removeprefix("window.BESIDE = ").removesuffix(";\n")
        )
        for path in scripts
    }


def without_code(html):
    return re.sub(r"<(pre|code)\b.*?</\1>", "", html, flags=re.S)


def plain(html):
    return unescape(re.sub(r"<[^>]*>", "", html))


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


REFERENCE = r'<section data-tab="reference">.*?</section>'


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


def test_the_lines_shown_are_those_of_the_files(pages, panels):
    count = 0
    for path in derivations.PAGES:
        parts = [*static_panels(pages[f"{path.stem}.html"]).values(), *panels[path.stem].values()]
        for file, line, code, _ in [each for part in parts for each in excerpts(part)]:
            lines = code.split("\n")
            source = (ROOT / "minigrad" / file).read_text(encoding="utf-8").split("\n")
            assert source[line - 1 : line - 1 + len(lines)] == lines, f"{path.stem}: {file}:{line}"
            count += 1
    assert count > 560


def test_every_plain_number_shows_a_line_that_cites_it(pages, panels):
    """In the page, without any script, and in the whole panel: marked, in a kernel or a rule."""
    for path in derivations.PAGES:
        static = static_panels(pages[f"{path.stem}.html"])
        for number in derivations.Page(path).equations:
            number = number.number
            if not number.isdigit():
                continue
            for panel in (static.get(number, ""), panels[path.stem][number]):
                shown = list(excerpts(re.sub(REFERENCE, "", panel, flags=re.S)))
                marked = any(f"({number})" in cited for *_, cited in shown)
                assert marked, f"{path.stem} shows nothing beside ({number})"


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


def test_a_listing_holds_the_whole_file_and_leads_back(site):
    count = 0
    for path in sorted((site / "source").glob("*.html")):
        html = path.read_text(encoding="utf-8")
        name = plain(re.search(r"<h1>(.*?)</h1>", html)[1])
        lines = re.search(r'<pre class="lines"[^>]*><code>(.*?)</code></pre>', html, re.S)[1]
        source = (ROOT / name).read_text(encoding="utf-8")
        assert plain(lines) == source.rstrip("\n"), name
        assert lines.count("<span id=L") == len(source.splitlines())
        count += 'href="../' in lines
    assert count > 25
    kernel = (site / "source" / "_kernels.batch_norm.pyx.html").read_text(encoding="utf-8")
    for cited in re.findall(r"# (?:\(\d+\)[ ,]*)+</i>", kernel):
        raise AssertionError(f"{cited} leads nowhere")
    assert kernel.count('<a href="../batch_norm.html#eq-18">(18)</a>') > 3


def test_every_symbol_is_in_numpy_and_in_a_kernel(pages, panels):
    """A browser lights them; here: there is something to light, or the row says why not."""
    dark = []
    for page, by_number in panels.items():
        html = pages[f"{page}.html"]
        numpy = plain("\n".join(re.findall(r'<div class="code"><pre>.*?</pre>', html, re.S)))
        shown = re.sub(REFERENCE, "", "".join(by_number.values()), flags=re.S)
        sources = plain("\n".join(re.findall(r"<pre.*?</pre>", shown, re.S)))
        for key, names in book_symbols.rows(page, html):
            words = [re.compile(rf"(?<![\w.]){name}(?!\w)") for name in names]
            if not any(word.search(numpy) and word.search(sources) for word in words):
                dark.append(key)
    assert len(dark) == len(set(dark))
    assert set(dark) == set(book_symbols.EXEMPT)


def test_the_panel_says_where_another_form_is_computed(pages, panels):
    """And shows the plain loop of step 14 first."""
    for panel in (static_panels(pages["batch_norm.html"])["8"], panels["batch_norm"]["8"]):
        assert "computes (8) in the form of" in panel and 'href="#eq-18"' in panel
        plain_loop = panel.index("x_hat * dgamma[c] / N")
        assert panel.index('href="14_typed.html"') < plain_loop < panel.index("_kernels/batch_norm")
    assert "# yours" not in panel
    assert "in the form of" not in panels["batch_norm"]["3"]


def test_every_panel_says_how_far_its_kernel_is_and_which_test_proves_it(panels):
    count = 0
    for page, by_number in panels.items():
        for number, panel in by_number.items():
            check = re.search(r'<div class="check">(.*?)</div>', panel)[1]
            assert '<code>test_derivations.py</code>: <a href="#tests">' in check, (
                f"{page} ({number})"
            )
            found = re.findall(r"from (?:the kernel|minigrad) (\S+?)[,.]? ", plain(check))
            assert all(float(each) < 1e-12 for each in found), f"{page} ({number}): {check}"
            count += bool(found)
    assert count > 150
    kernel = plain(re.search(r'<div class="check">(.*?)</div>', panels["batch_norm"]["8"])[1])
    assert re.match(
        r"dx: largest absolute difference from the kernel \de-\d\d, from finite", kernel
    )


def test_a_wrong_kernel_shows_in_the_check(monkeypatch):
    right = active.batch_norm_backward

    def wrong(dy, x, gamma, mean, inv_std, dx, *rest):
        right(dy, x, gamma, mean, inv_std, dx, *rest)
        dx += 0.25

    text = (ROOT / "docs" / "derivations" / "batch_norm.md").read_text(encoding="utf-8")
    assert measured.Measured(text).of("8")[0].apart["kernel"] < 1e-14
    monkeypatch.setattr(active, "batch_norm_backward", wrong)
    found = {each.name: each.apart for each in measured.Measured(text).of("8")}
    assert found["dx"]["kernel"] == pytest.approx(0.25)
    assert found["dx"]["differences"] < 1e-7


def test_a_panel_leads_to_the_first_line_that_cites(pages, panels):
    count = 0
    for by_number in panels.values():
        for panel in by_number.values():
            for shown in re.split(r"(?=<a class=file)", panel)[1:]:
                place = int(re.match(r"[^>]*#L(\d+)", shown)[1])
                blocks = re.findall(r"<pre data-line=(\d+)><code[^>]*>(.*?)</code>", shown, re.S)
                cited = [
                    int(line) + number
                    for line, code in blocks
                    for number in [code.partition("<mark>")[0].count("\n")]
                    if "<mark>" in code
                ]
                assert place == (cited or [int(blocks[0][0])])[0]
                count += bool(cited)
    assert count > 180


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


# --- the Jacobian as cells ------------------------------------------------------------------------

NO_OPERATION = {"chain_rule", "sgd", "adam", "rmsprop"}  # a rule for all; they end in a parameter
SHAPE = {
    "Diagonal": {
        "arithmetic", "selection", "relu", "leaky_relu", "sigmoid", "tanh", "gelu", "dropout",
        "binary_cross_entropy",
    },
    "dense blocks of 3 × 3": {
        "softmax", "log_softmax", "batch_norm", "batch_renorm", "layer_norm", "group_norm",
    },
    "dense blocks of 3 × 2": {"linear"},
    "dense columns of 3": {"reductions", "cross_entropy"},
    "dense rows of 2": {"broadcasting"},
    "cells are not 0": {"conv2d", "max_pool2d", "minmax"},
}  # fmt: skip


def test_every_operation_shows_its_jacobian(pages):
    names = {path.stem for path in derivations.PAGES}
    assert set(jacobians.EXAMPLES) == names - NO_OPERATION
    assert set().union(*SHAPE.values()) == set(jacobians.EXAMPLES)
    for name in names - NO_OPERATION:
        figure = re.search(r'<figure class="jacobian".*?</figure>', pages[f"{name}.html"], re.S)[0]
        assert re.search(r'tabindex="0" aria-label="Jacobian of [^"]{40,}"', figure)
        words = plain(re.search(r"<figcaption>(.*?)</figcaption>", figure, re.S)[1])
        shape = next(shape for shape, pages_of in SHAPE.items() if name in pages_of)
        assert "one column per output" in words and shape in words, name


@pytest.mark.parametrize("name", sorted(jacobians.EXAMPLES))
def test_the_cells_are_what_finite_differences_find(name, pages):
    example = jacobians.EXAMPLES[name]

    def value(x, index):
        return float(example.f(minigrad.tensor(x)).detach().numpy()[index])

    x = np.array(example.x)
    if name == "minmax":
        x[1, 2] += 1e-3  # at a tie there is no slope; the caption says what happens there
    shape = example.f(minigrad.tensor(x)).shape
    columns = [
        measured.differences(lambda x, at=at: value(x, at), x).ravel() for at in np.ndindex(*shape)
    ]
    right = np.stack(columns, axis=1)
    shown = re.search(r'<figure class="jacobian".*?</figure>', pages[f"{name}.html"], re.S)[0]
    rows = re.findall(r"<tr><th scope=row>x([\d,]*)((?:<td.*?)+)(?=<tr>|</tbody>)", shown)
    outputs = re.findall(r"<th scope=col>y([\d,]*)", shown)
    place_in = {label(index, x.shape): n for n, index in enumerate(np.ndindex(*x.shape))}
    place_out = {label(index, shape): n for n, index in enumerate(np.ndindex(*shape))}
    assert len(rows) == x.size and len(outputs) == len(columns)
    assert not re.search(r"<td class=\w\d>−?0(?![.\d])", shown)  # a color for what reads as 0
    for row, cells in rows:
        for output, cell in zip(outputs, re.findall(r"<td[^>]*>([^<]*)", cells), strict=True):
            if name == "minmax" and row.startswith("1") and row != "1,0":
                assert cell == ("0.5" if output == "1" else "0")
                continue
            wanted = right[place_in[row], place_out[output]]
            assert abs(float(cell.replace("−", "-")) - wanted) < 0.00501, f"{row} {output}"


def label(index, shape):
    return ",".join(str(i) for i, size in zip(index, shape, strict=True) if size > 1)


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
    assert sum(map(len, contents[0].values())) < 4000 * KB
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


# --- commands ------------------------------------------------------------------------------------


@pytest.fixture
def found(site, monkeypatch):
    for module in (commands, opening):
        monkeypatch.setattr(module, "find_book", lambda: site)
    return site


def test_the_command_prints_where_a_page_is(found, capsys):
    assert commands.book(["--path", "batch_norm#8"]) == 0
    assert capsys.readouterr().out == f"{found / 'batch_norm.html'}#eq-8\n"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("batchnorm", "is it 'batch_norm'"),
        ("relu#eq-99", "'eq-1'"),
        ("relu#99", "'eq-1'"),
        ("batch_norm#rode-1-directly", "is it 'road-1-directly'?"),
        ("relu#ж", "its sections and equations are relu, symbols, setting"),
        ("../x", "its pages are index, guide, path"),
        ("", "no page ''"),
    ],
)
def test_the_command_says_what_there_is_instead(found, capsys, asked, said):
    assert commands.book(["--path", asked]) == 2
    assert said in capsys.readouterr().err


def test_without_a_browser_the_address_is_said(found, capsys, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    assert commands.book(["batch_norm#from-the-loss-to-γ-β-and-x_hat"]) == 0
    said = capsys.readouterr()
    assert said.out.endswith("batch_norm.html#from-the-loss-to-%CE%B3-%CE%B2-and-x_hat\n")
    assert said.err == f"no browser could be opened here; the page is {said.out}"


@pytest.mark.slow
def test_a_terminal_without_the_letters_and_a_home_that_cannot_be_written(tmp_path):
    """In a process of its own: the address is printed in what letters there are."""
    (tmp_path / "a file").write_text("", encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "TMPDIR": str(tmp_path)}
    environment |= {"MINIGRAD_HOME": str(tmp_path / "a file"), "PYTHONPATH": str(ROOT)}
    place = "batch_norm#from-the-loss-to-γ-β-and-x_hat"
    command = [sys.executable, "-m", "minigrad", "book", "--path", place]
    run = subprocess.run(command, env=environment, capture_output=True, cwd=tmp_path, timeout=120)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == [
        str(next(tmp_path.glob("minigrad-book*")) / "batch_norm.html").encode()
        + rb"#from-the-loss-to-\u03b3-\u03b2-and-x_hat"
    ]


def test_explain_finds_the_page_of_an_operation(found):
    x = minigrad.randn(4, 3, requires_grad=True)
    pages = {
        "relu": minigrad.relu(x),
        "leaky_relu": minigrad.nn.functional.leaky_relu(x),
        "log_softmax": x.log_softmax(1),
        "softmax": x.softmax(1),
        "arithmetic": x * 2,
        "reductions": x.sum(),
        "minmax": x.amax(),
        "linear": x @ x.T,
        "batch_norm": minigrad.nn.BatchNorm1d(3)(x),
        "layer_norm": minigrad.nn.LayerNorm(3)(x),
        "cross_entropy": minigrad.nn.functional.cross_entropy(x, minigrad.tensor([0, 1, 2, 0])),
    }
    for name, tensor in pages.items():
        assert minigrad.explain(tensor, show=False).endswith(f"/{name}.html"), name
    assert minigrad.explain("batch_norm#eq-8", show=False).endswith("batch_norm.html#eq-8")


def test_explain_refuses_in_words(found):
    with pytest.raises(shelf.BookError, match="no recorded operation made this tensor"):
        minigrad.explain(minigrad.ones(2), show=False)
    with pytest.raises(TypeError, match="explain: expected a function, a layer.*, got int of"):
        minigrad.explain(3, show=False)
    with pytest.raises(shelf.BookError, match=r"no page of the book derives it; minigrad\.source"):
        minigrad.explain(minigrad.save, show=False)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("", encoding="utf-8")
    with pytest.raises(shelf.BookError, match="holds something else"):
        shelf.build_into(tmp_path)


def test_the_first_call_says_what_takes_so_long(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(building, "write_book", lambda root, folder: None)
    shelf.build_into(tmp_path / "book", ROOT, "stamp")
    said = capsys.readouterr()
    assert said.err == "making the book; this takes a while, and only once\n"
    assert not said.out  # where `--path` prints


def test_a_file_is_no_folder_for_a_book(tmp_path, capsys):
    (tmp_path / "mine").write_text("", encoding="utf-8")
    assert commands.book(["--build", str(tmp_path / "mine")]) == 2
    assert "mine is a file; name a folder\n" in capsys.readouterr().err


# --- where the package names the book ------------------------------------------------------------


def test_every_page_that_a_text_of_the_package_names_is_there(pages):
    """In errors and docstrings, also where they are written over two lines."""
    named = set()
    for path in sorted((ROOT / "minigrad").rglob("*.py*")):
        if path.suffix not in (".py", ".pyx") or path.parent.name == "book":
            continue
        text = re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8"))
        named |= set(re.findall(r"python -m minigrad book ([a-z]\w*(?:#[\w-]+)?)", text))
    assert len(named) > 30
    for place in named:
        page, _, anchor = place.partition("#")
        assert f"{page}.html" in pages, place
        assert not anchor or f'id="{anchor}"' in pages[f"{page}.html"], place


@pytest.mark.parametrize(
    ("call", "place"),
    [
        (lambda: F.cross_entropy(ones(2, 3), ones(2)), "cross_entropy#eq-0a"),
        (lambda: F.cross_entropy(ones(2, 3), ones(2, 3).long()), "cross_entropy#eq-6a"),
        (lambda: minigrad.nn.BatchNorm1d(3)(ones(1, 3)), "batch_norm#degenerate-batches"),
        (lambda: F.softmax(ones(2, 3)), "mistakes#13-log-softmax-over-the-batch"),
        (lambda: ones(2, 3) @ ones(2, 3), "linear#eq-1a"),
        (lambda: minigrad.nn.Linear(2, 3)(ones(4, 3)), "linear#the-linear-layer"),
        (lambda: minigrad.nn.Linear(2, 3)(ones(4, 2).byte()), "mistakes#14-unscaled-pixels"),
        (lambda: ones(2, 3) + ones(2), "broadcasting#any-shapes"),
        (lambda: F.conv2d(ones(1, 2, 5, 5), ones(4, 3, 3, 3)), "conv2d#eq-2a"),
        (lambda: F.conv2d(ones(1, 3, 2, 2), ones(4, 3, 3, 3)), "conv2d#eq-1a"),
        (lambda: ones(2, requires_grad=True).exp().backward(), "chain_rule#where-to-start"),
        (lambda: ones(2, requires_grad=True).add_(1), "autograd_words#no_grad"),
        (lambda: minigrad.optim.SGD([], 0.1), "mistakes#5-layers-in-a-plain-list-or-dictionary"),
    ],
)
def test_an_error_names_its_page(call, place):
    with pytest.raises(Exception) as caught:
        call()
    assert f"python -m minigrad book {place})" in str(caught.value)
    assert "\n" not in str(caught.value)
