"""What the book shows beside an equation: lines of the sources, checks, and the Jacobian."""

import re
from pathlib import Path

import numpy as np
import pytest
from helpers import book_symbols, derivations
from helpers.book_pages import (
    REFERENCE,
    excerpts,
    need_what_builds_the_book,
    plain,
    static_panels,
)

import minigrad
from minigrad._kernels import active
from minigrad.book import measured

need_what_builds_the_book()

from minigrad.book import jacobians  # noqa: E402  it needs these

ROOT = Path(__file__).parents[2]


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
