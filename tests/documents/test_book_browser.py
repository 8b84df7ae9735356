"""A real browser opens every page of the book from its file: nothing is written to its console."""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import numpy as np
import pytest

from minigrad._kernels import active as kernels

pytest.importorskip("markdown_it")
pytest.importorskip("latex2mathml")
pytest.importorskip("pygments")

from minigrad.book import building  # noqa: E402  it needs these three

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
WIDTHS = (360, 768, 1280)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no chromium is here"),
    pytest.mark.skipif(not (ROOT / "minigrad").exists(), reason="the book is built from a tree"),
]

# Opens the pages one after the other in a frame, and leaves in the document what LOOK found there.
DRIVER = """<!doctype html><pre id="found"></pre><script>
const found = [];
const look = (frame, asked) => { const w = frame.contentWindow, d = w.document; LOOK };
async function open(asked) {
  const frame = document.createElement("iframe");
  frame.style = `width:${asked.width}px;height:800px;border:0`;
  const loaded = new Promise((done) => { frame.onload = done; });
  frame.src = asked.page;
  document.body.append(frame);
  await loaded;
  found.push(look(frame, asked));
  frame.remove();
}
(async () => {
  for (const asked of ASKED) await open(asked);
  document.getElementById("found").textContent = JSON.stringify(found);
})();
</script>"""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("book")
    building.write_book(ROOT, folder)
    return folder


def opened(site, name, asked, look, *flags):
    """What a program of the browser answers for each page asked for, and what the browser says."""
    driver = site / f"{name}.driver.html"
    text = DRIVER.replace("ASKED", json.dumps(asked)).replace("LOOK", look)
    driver.write_text(text, encoding="utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
        "--enable-logging=stderr", "--window-size=1400,900", "--virtual-time-budget=600000", *flags,
        f"--user-data-dir={site / 'profile'}", "--dump-dom", driver.as_uri(),
    ]  # fmt: skip
    try:
        run = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=400)
    finally:
        driver.unlink()
    found = re.search(r'<pre id="found">(.*?)</pre>', run.stdout, re.S)
    assert found and found[1], run.stderr[-2000:]
    return json.loads(unescape(found[1])), run.stderr


def test_no_page_scrolls_sideways_asks_or_complains(site):
    pages = sorted(path.name for path in site.glob("*.html"))
    asked = [{"page": page, "width": width} for page in pages for width in WIDTHS]
    look = """
        const root = d.documentElement;
        return { page: asked.page, width: asked.width, wide: root.scrollWidth - root.clientWidth,
          text: d.querySelector("article").textContent.length,
          asked: w.performance.getEntriesByType("resource").map((e) => e.name)
            .filter((name) => !/^(file|data):/.test(name)) };"""
    answers, said = opened(site, "pages", asked, look)
    assert len(answers) == len(asked)
    assert [each for each in answers if each["wide"] > 0] == []
    assert [each for each in answers if each["asked"]] == []
    assert [each["page"] for each in answers if each["text"] < 500] == []
    assert "CONSOLE" not in said, re.findall(r".*CONSOLE.*", said)[:5]


# The output of both choices has no letter in a formula; one row names dx_sum for all reductions.
EXEMPT = {"selection y", "reductions dx_sum"}


def test_symbols_are_lit_in_formulas_and_in_code(site):
    rows = []
    for path in sorted(site.glob("*.html")):
        html = path.read_text(encoding="utf-8")
        for table in re.findall(r"<table class=symbols>.*?</table>", html, re.S):
            for cells in re.findall(r"<tr>(.*?)</tr>", table, re.S)[1:]:
                cell = re.findall(r"<td.*?</td>", cells, re.S)[1]
                for name in re.findall(r"<code>(\w+)(?:\([^<]*)?</code>", cell):
                    rows.append({"page": f"{path.name}#sym={name}", "width": 1280, "name": name})
    look = """
        const lit = (where) => d.querySelectorAll(`${where} .lit`).length;
        return { page: asked.page, formula: lit("article math"), numpy: lit(".code pre") };"""
    answers, _ = opened(site, "symbols", rows, look)
    dark = [
        each["page"].replace(".html#sym=", " ")
        for each in answers
        if not (each["formula"] and each["numpy"])
    ]
    assert len(rows) > 50
    assert set(dark) == EXEMPT


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
    states = list(play_states())
    asked = [{"page": f"batch_norm.html{hash}", "width": 1280} for hash, _ in states]
    look = """
        const value = (output) => Number(output.dataset.value);
        const rows = [...d.querySelectorAll(".playground tbody tr")];
        return { rows: rows.map((row) => [...row.querySelectorAll("output")].map(value)),
          sum: value(d.querySelector(".playground [data-name=sum]")) };"""
    answers, said = opened(site, "play", asked, look)
    assert "CONSOLE" not in said
    for (hash, state), answer in zip(states, answers, strict=True):
        right = roads(*state)
        np.testing.assert_allclose(answer["rows"], right, rtol=1e-9, atol=1e-9, err_msg=hash)
        assert abs(answer["sum"] - right[:, -1].sum()) < 1e-9
