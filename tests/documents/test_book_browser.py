"""A real browser opens every page of the book from its file: what a reader meets there."""

from pathlib import Path

import numpy as np
import pytest
from helpers import book_symbols
from helpers.browser import BROWSER, opened

from minigrad._kernels import active as kernels

pytest.importorskip("markdown_it")
pytest.importorskip("latex2mathml")
pytest.importorskip("pygments")

from minigrad.book import building  # noqa: E402  it needs these three

ROOT = Path(__file__).parents[2]
WIDTHS = (360, 768, 1280)
PAPER = 718 + 15  # pixels between the margins of a sheet of A4, and the scroll bar of a frame

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium is here"),
    pytest.mark.skipif(not (ROOT / "minigrad").exists(), reason="the book is built from a tree"),
]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    building.write_book(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def pages(site):
    return sorted(path.name for path in site.glob("*.html"))


def complaints(answers):
    """{page and width: what was found there}, without those where nothing was."""
    return {key: found for key, found in answers if found}


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_every_page_at_every_width(site, pages, dark):
    """Nothing on the console, nothing asked of a network, nothing wider than the window;
    nothing too pale to read, and lines of 60 to 75 characters."""
    asked = [{"page": page, "width": width} for page in pages for width in WIDTHS]
    look = """
        const root = d.documentElement;
        return { dark: w.matchMedia("(prefers-color-scheme: dark)").matches,
          wide: root.scrollWidth - root.clientWidth,
          text: d.querySelector("article").textContent.length,
          asked: w.performance.getEntriesByType("resource").map((e) => e.name)
            .filter((name) => !/^(file|data):/.test(name)),
          ...(asked.width === 1280 ? { ...pale(w, d), lines: measures(w, d) } : {}) };"""
    answers = opened(site, asked, look, dark)
    keys = [f"{one['page']} at {one['width']}" for one in asked]
    assert {each["dark"] for each in answers} == {dark}
    assert complaints(zip(keys, (max(0, each["wide"]) for each in answers), strict=True)) == {}
    assert complaints(zip(keys, (each["asked"] for each in answers), strict=True)) == {}
    assert complaints(zip(keys, (each.get("pale") for each in answers), strict=True)) == {}
    assert min(each["text"] for each in answers) > 500
    lines = {key: np.median(each["lines"]) for key, each in zip(keys, answers, strict=True)
             if each.get("lines")}  # fmt: skip
    assert len(lines) > 40
    assert {key: length for key, length in lines.items() if not 60 <= length <= 75} == {}


KERNEL_LINE = "dx[n, start + k] = p * scale[k]"


def test_an_equation_its_numpy_its_kernel_and_its_check_are_seen_at_once(site):
    """Where (8) is opened, and where the window is made wide."""
    look = """
        w.frameElement.style.width = "1280px";
        await new Promise((done) => setTimeout(done, 100));
        d.getElementById("eq-8").scrollIntoView();
        const panel = d.getElementById("beside-8");
        for (let wait = 0; wait < 500 && !panel.matches(".on"); wait += 1) {
          await new Promise((done) => w.requestAnimationFrame(() => setTimeout(done, 20)));
        }
        const box = (element) => element.getBoundingClientRect();
        const code = panel.querySelector("[data-tab=kernel] pre:has(mark)");
        const line = placed(w, d, code, asked.line);
        return { eight: seen(w, d, box(d.getElementById("eq-8"))),
          numpy: seen(w, d, box(d.querySelector("#eq-8 + .code"))),
          kernel: seen(w, d, line) && line.right < box(code).right,
          check: seen(w, d, box(panel.querySelector(".check"))) };"""
    asked = [
        {"page": "batch_norm.html#eq-8", "width": width, "line": KERNEL_LINE}
        for width in (1280, 360)
    ]
    for one, found in zip(asked, opened(site, asked, look), strict=True):
        assert all(found.values()), f"{one}: {found}"


def test_the_keyboard_alone_reaches_every_control(site, pages):
    asked = [{"page": page, "width": width} for page in pages for width in (360, 1280)]
    answers = opened(site, asked, "return unreachable(w, d);")
    assert complaints((str(one), found) for one, found in zip(asked, answers, strict=True)) == {}


def test_without_scripts_everything_is_there(site, pages):
    asked = [{"page": page, "width": 1280, "scripts": False} for page in pages]
    look = """
        return { scripts: d.documentElement.classList.contains("js"), unseen: unseen(d),
          math: d.querySelectorAll("article math").length };"""
    answers = opened(site, asked, look)
    assert not any(each["scripts"] for each in answers)
    assert complaints(zip(pages, (each["unseen"] for each in answers), strict=True)) == {}
    for page, each in zip(pages, answers, strict=True):
        html = (site / page).read_text(encoding="utf-8")
        assert each["math"] == html.partition("<article>")[2].count("<math"), page


def test_paper_clips_nothing(site, pages):
    asked = [{"page": page, "width": PAPER} for page in pages]
    look = """
        printed(d);
        for (const details of d.querySelectorAll("article details")) details.open = true;
        return clipped(d, "pre, .wide, .equation > div, .long, main");"""
    answers = opened(site, asked, look)
    assert complaints(zip(pages, answers, strict=True)) == {}


def test_symbols_are_lit_in_formulas_in_numpy_and_in_sources(site, pages):
    """#sym=x_hat, for every name in a symbol table: of a row, one is lit in all three."""
    asked, keys = [], []
    for page in pages:
        html = (site / page).read_text(encoding="utf-8")
        rows = list(book_symbols.rows(page.removesuffix(".html"), html))
        hashes = [f"#sym={name}" for _, names in rows for name in names]
        keys += [key for key, names in rows for _ in names]
        asked += [{"page": page, "width": 1280, "hashes": hashes}] if hashes else []
    look = """
        const lit = (where) => d.querySelectorAll(`${where} .lit`).length;
        return at(w, asked.hashes, () => ({ formula: lit("article math"),
          numpy: lit(".code pre"), source: lit(":is([data-tab=kernel], [data-tab=rule]) pre"),
          pale: pale(w, d, ".lit, .lit *").pale }));"""
    found = [each for answer in opened(site, asked, look) for each in answer]
    lit = {
        key
        for key, each in zip(keys, found, strict=True)
        if each["formula"] and each["numpy"] and each["source"]
    }
    assert len(set(keys)) > 120
    assert set(keys) - lit <= set(book_symbols.EXEMPT)
    assert complaints((key, each["pale"]) for key, each in zip(keys, found, strict=True)) == {}


def test_what_is_too_wide_is_made_smaller_or_shows_that_there_is_more(site):
    look = """
        const box = d.querySelector(asked.equation).firstElementChild;
        const scrolls = every(d, ".code > pre, .equation > div")
          .filter((e) => e.scrollWidth > e.clientWidth + 1);
        return { whole: box.scrollWidth <= box.clientWidth + 1, scrolls: scrolls.length,
          code: scrolls.filter((e) => e.matches("pre")).length,
          shadows: scrolls.every((e) => w.getComputedStyle(e).backgroundImage.includes("gradient")
            && e.tabIndex === 0),
          panels: every(d, ".beside.on pre").every((e) => e.scrollWidth <= e.clientWidth + 1) };"""
    asked = [{"page": "linear.html", "equation": "#eq-3", "width": width} for width in (1280, 360)]
    asked.append({"page": "batch_norm.html#eq-8", "equation": "#eq-8", "width": 1280})
    wide, narrow, longest = opened(site, asked, look)
    assert longest["code"] == 0 and longest["panels"] and longest["shadows"]
    assert wide["whole"] and wide["panels"] and wide["scrolls"] == 0
    assert narrow["shadows"] and narrow["scrolls"] > 0


def test_a_link_to_a_state_opens_at_the_playground_and_no_nan_is_shown(site):
    look = """
        await new Promise((done) => setTimeout(done, 200));
        const figure = d.querySelector(".playground");
        const top = figure.getBoundingClientRect().top;
        const bars = figure.querySelector(".bars").getBoundingClientRect();
        return { top, words: figure.textContent, bars: bars.right <= w.innerWidth,
          mode: figure.querySelectorAll("select")[1].value };"""
    place = "batch_norm.html#play=4,4;1,2;2;0;"
    asked = [
        {"page": place + mode, "width": width}
        for mode, width in (("train", 1280), ("train", 360), ("eval", 360))
    ]
    undefined = "Undefined: variance 0 and ε 0."
    for one, found in zip(asked, opened(site, asked, look), strict=True):
        assert 0 < found["top"] < 400 and found["bars"], f"{one}: {found}"
        assert "NaN" not in found["words"] and "six values again" in found["words"]
        assert (undefined in found["words"]) == ("train" in one["page"])
        assert (
            found["mode"]
            == {"train": "training", "eval": "evaluation"}[one["page"][-5:].strip(";")]
        )


def play_states():
    """Hashes of the playground, and the state that each of them means."""
    rng = np.random.default_rng(0)
    for number in range(50):
        size = 2 if number % 5 == 0 else int(rng.integers(2, 7))
        x = np.full(size, 4.0) if number % 7 == 0 else rng.uniform(0, 10, size).round(3)
        dy = rng.uniform(-4, 4, size).round(3)
        gamma, eps = round(float(rng.uniform(-3, 3)), 3), (1e-5, 0.1, 1.0, 10.0)[number % 4]
        mode = "eval" if number % 3 == 0 else "train"
        row = [",".join(map(str, x)), ",".join(map(str, dy)), str(gamma), repr(eps), mode]
        yield "#play=" + ";".join(row), (x, dy, gamma, eps, mode == "train")


def roads(x, dy, gamma, eps, training):
    """What the playground shows, by another way: minigrad's batch norm, and the parts of (8)."""
    mean, variance = (x.mean(), x.var()) if training else (4.0, 4.0)
    inv_std = np.array([1 / np.sqrt(variance + eps)])
    dx, sums = np.empty((len(x), 1)), np.empty((2, 1))
    kernels.batch_norm_backward(
        dy[:, None], x[:, None], np.array([gamma]), np.array([mean]), inv_std, dx, *sums, training
    )
    x_hat, scale = (x - mean) * inv_std, gamma * inv_std * training
    parts = gamma * inv_std * dy, -scale * dy.mean() + 0 * x, -scale * x_hat * (dy * x_hat).mean()
    return np.stack([x, dy, x_hat, *parts, dx[:, 0]], axis=1)


def test_the_playground_shows_the_numbers_of_python(site):
    """Of a page opened at a state, and of one that is led from state to state."""
    states = list(play_states())
    asked = [
        {"page": f"batch_norm.html{states[i][0]}", "width": 1280,
         "hashes": [hash for hash, _ in states[i : i + 10]]}
        for i in range(0, 50, 10)
    ]  # fmt: skip
    look = """
        const value = (output) => Number(output.dataset.value);
        return at(w, asked.hashes, () => ({
          rows: every(d, ".playground tbody tr").map((row) => every(row, "output").map(value)),
          sum: value(d.querySelector(".playground [data-name=sum]")) }));"""
    answers = sum(opened(site, asked, look), [])
    for (hash, state), answer in zip(states, answers, strict=True):
        right = roads(*state)
        np.testing.assert_allclose(answer["rows"], right, rtol=1e-9, atol=1e-9, err_msg=hash)
        assert abs(answer["sum"] - right[:, -1].sum()) < 1e-9
