"""A real browser opens the page of a walk: keys, clicks, widths, and every step of the address."""

import json
import re
import shutil
import subprocess
from html import unescape

import pytest
from helpers.networks import cnn_step, fifteen_lines, residual_blocks

import minigrad as mg
from minigrad import nn, optim
from minigrad.display.graph import short_number

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here"),
]

# Opens the page in a frame of the width asked for, and leaves what it found there.
DRIVER = """<!doctype html><pre id="found"></pre><script>
const pause = () => new Promise((done) => setTimeout(done, 30));
(async () => {
  const frame = document.createElement("iframe");
  frame.style = "width:WIDTHpx;height:800px;border:0";
  frame.src = "walk.html?selftest";
  document.body.append(frame);
  await new Promise((done) => { frame.onload = done; });
  const page = frame.contentDocument, states = [];
  const report = JSON.parse(page.getElementById("selftest").textContent);
  for (let step = 1; step <= LAST; step += 1) {
    frame.contentWindow.location.hash = `step=${step}`;
    await pause();
    states.push([...page.querySelectorAll(".step.now")].map((now) => ({
      id: now.id,
      title: now.querySelector("h2").textContent,
      rules: [...now.querySelectorAll("summary code")].map((each) => each.textContent),
      cells: [...now.querySelectorAll("td")].map((each) => each.textContent),
      nodes: [...now.closest(".walk").querySelectorAll(".box.now")].map((e) => e.dataset.node),
      grads: [...now.closest(".walk").querySelectorAll(".whole .box.known")]
        .map((each) => each.dataset.node),
    })));
  }
  document.getElementById("found").textContent = JSON.stringify({ report, states });
})();
</script>"""


def seen(shown, width, last, folder):
    shown.save(folder / "walk.html")
    return found_in(folder, DRIVER.replace("WIDTH", str(width)).replace("LAST", str(last)))


def found_in(folder, driver):
    """What a page leaves in its element `found`, as JSON."""
    (folder / "driver.html").write_text(driver, encoding="utf-8")
    command = [
        BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--allow-file-access-from-files",
        "--window-size=1400,900", "--virtual-time-budget=60000",
        f"--user-data-dir={folder / 'profile'}", "--dump-dom", (folder / "driver.html").as_uri(),
    ]  # fmt: skip
    run = subprocess.run(command, capture_output=True, encoding="utf-8", timeout=180)
    found = re.search(r'<pre id="found">(.+?)</pre>', run.stdout, re.S)
    assert found, run.stderr[-2000:]
    return json.loads(unescape(found[1]))


def flat(cells):
    if not isinstance(cells, list):
        return [cells]
    return [number for each in cells for number in flat(each)]


def cells_of(*values):
    """What the table of each value holds: all of a small one, the corner of a large one."""
    kept = [
        each["cells"] if each.get("cells") is not None else each.get("corner") for each in values
    ]
    return [short_number(number) for each in kept for number in flat(each)]


def expected(walk, step):
    """What the page shows at this step, from what is its JSON."""
    if step > len(walk.steps):
        values = [leaf["gradient"] for leaf in walk.leaves]
        return {
            "title": f"{len(walk.steps) + 1}. The leaves",
            "rules": [],
            "cells": cells_of(*values),
        }
    found = walk.steps[step - 1]
    values = [found["arrived"]]
    for row in found["rows"]:
        values += [row["contribution"], *(road["value"] for road in row["roads"])]
        values += [row[key] for key in ("before", "after") if row["before"] is not None]
    return {
        "title": f"{step}. {found['title']}",
        "rules": [row["rule"] for row in found["rows"] if row["rule"]],
        "cells": cells_of(*values),
    }


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("made", [fifteen_lines, cnn_step, residual_blocks])
def test_every_step_is_what_the_json_says(made, width, tmp_path):
    loss, model = made()
    walk = loss.walk(model, optim.Adam(model.parameters()))
    walks = [walk]
    shown = walk
    if made is fifteen_lines:
        walks.append(fifteen_lines()[0].walk())
        shown = walk.beside(walks[1])
    last = len(walk.steps) + 1
    found = seen(shown, width, last, tmp_path)
    assert found["report"]["width"] == width and all(found["report"].values()), found["report"]
    assert ("modules" in found["report"]) and len(found["states"]) == last
    for step, states in enumerate(found["states"], 1):
        for name, (one, state) in enumerate(zip(walks, states, strict=True)):
            assert state["id"] == f"w{name}-step-{step}"
            assert {key: state[key] for key in ("title", "rules", "cells")} == expected(one, step)
            if step <= len(one.steps):
                assert str(one.steps[step - 1]["node"]) in state["nodes"]
            here = [str(i) for i, box in enumerate(one.boxes) if box.arrives <= step]
            assert state["grads"] == here


def test_a_deep_network_opens_at_its_modules(tmp_path):
    layers = [part for _ in range(12) for part in (nn.Linear(3, 3), nn.Tanh())]
    model = nn.Sequential(*layers)
    walk = model(mg.rand(2, 3)).sum().walk(model)
    found = seen(walk, 360, 3, tmp_path)
    assert all(found["report"].values()), found["report"]


NOTEBOOK = """<!doctype html><body style="background: BACK"><pre id="found"></pre>
<div>WALK</div><script>
const frame = document.querySelector("iframe");
frame.addEventListener("load", () => setTimeout(() => {
  const [page, box] = ["body", ".box.parameter rect"].map((each) => {
    const style = getComputedStyle(frame.contentDocument.querySelector(each));
    return [style.backgroundColor, style.fill, style.colorScheme];
  });
  document.getElementById("found").textContent = JSON.stringify([page[0], box[1], page[2]]);
}, 50));
</script>"""


@pytest.mark.parametrize(
    ("back", "page", "box", "scheme"),
    [
        ("#111", "rgb(20, 23, 28)", "rgb(22, 38, 63)", "dark"),
        ("#eee", "rgb(255, 255, 255)", "rgb(227, 239, 255)", "light"),
    ],
)
def test_a_walk_has_the_theme_of_its_notebook(back, page, box, scheme, tmp_path):
    """Whatever that of the system is; the frame is opened here so that its colors can be seen."""
    loss, model = fifteen_lines()
    walk = loss.walk(model)._repr_html_()
    assert 'sandbox="allow-scripts"' in walk
    shown = NOTEBOOK.replace("BACK", back).replace("WALK", walk.replace(" sandbox=", " data-was="))
    assert found_in(tmp_path, shown) == [page, box, scheme]
