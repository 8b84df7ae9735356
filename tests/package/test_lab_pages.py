"""The lab's pages and figures: made of the numbers of runs, honest first, and readable."""

import json
import re
import runpy
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

from minigrad.lab.protocol import Run, all_claims

CLAIMS = {each.name: each for each in all_claims()}
TOOL = Path(__file__).parents[2] / "tools" / "make" / "lab_page.py"
SVG = "{http://www.w3.org/2000/svg}"
KB = 1000


@pytest.fixture(scope="module")
def tool():
    if not TOOL.exists():
        pytest.skip("the pages are those of a source tree")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(TOOL.parent))
        return SimpleNamespace(**runpy.run_path(str(TOOL)))


@pytest.fixture(scope="module")
def runs(tool):
    """The records that the pages are made from, by claim."""
    return tool.by_claim(json.loads((tool.DOCS / "lab.json").read_text(encoding="utf-8")))


def letters(text):
    return re.sub(r"[\W_]", "", text).lower()


def test_pages_and_figures_are_made_of_their_numbers(tool, runs):
    """Every claim has both, nothing else is there, and a protocol is that of the claim's file."""
    files = tool.pages([record for found in runs.values() for record in found])
    assert set(runs) == set(CLAIMS)
    names = {f"lab/{name}{kind}" for name in CLAIMS for kind in (".md", ".svg")}
    assert {f"lab/{path.name}" for path in (tool.DOCS / "lab").iterdir()} == names
    assert set(files) == names | {"lab.md"}
    for name, text in files.items():
        assert (tool.DOCS / name).read_text(encoding="utf-8") == text, name
    for name, claim in CLAIMS.items():
        assert {(run["title"], run["paper"]) for run in runs[name]} == {(claim.title, claim.paper)}
        page = letters(files[f"lab/{name}.md"])
        for part in re.split(r"^(?:Papers?|Here|Must show): ", claim.protocol, flags=re.M):
            assert letters(part) in page, (name, part)


def test_what_disagrees_is_said_first(tool, runs):
    """On the entry and on the claim's page, with what is known of it."""
    entry = (tool.DOCS / "lab.md").read_text(encoding="utf-8").partition("## All claims")[0]
    disagree = set()
    for name, found in runs.items():
        page = (tool.DOCS / "lab" / f"{name}.md").read_text(encoding="utf-8")
        for missed in {c["name"] for run in found for c in run["checks"] if not c["ok"]}:
            disagree.add(name)
            about = " ".join(tool.WHY[name][1].split())
            assert f"](lab/{name}.md)**" in entry and about in entry
            assert f"- {missed} is " in entry and f"- Missed: {missed} is " in page
            assert about in page
    assert set(tool.WHY) == disagree


def test_figures_can_be_read(tool, runs):
    """In both lights, in gray, and by those who cannot see them; words are within the paper."""
    for name, found in runs.items():
        text = (tool.DOCS / "lab" / f"{name}.svg").read_text(encoding="utf-8")
        root = ElementTree.fromstring(text)
        assert len(text.encode()) < 25 * KB, name
        assert "@media(prefers-color-scheme:dark)" in root.find(f"{SVG}style").text
        title = root.find(f"{SVG}title").text
        assert f"![{title}]({name}.svg)" in tool.claim_page(CLAIMS[name], runs)
        for each in root.iter(f"{SVG}text"):
            share = {"start": (0, 1), "middle": (0.5, 0.5), "end": (1, 0)}[each.get("text-anchor")]
            x, wide = float(each.get("x")), 8 * len(each.text)
            assert x - share[0] * wide > 0 and x + share[1] * wide < 640, (name, each.text)
            assert 0 < float(each.get("y")) < float(root.get("height")), (name, each.text)
        words = [each.text for each in root.iter(f"{SVG}text")]
        assert found[0]["panels"], f"{name} has no figure"
        for panel in found[0]["panels"]:
            assert panel["title"] in words and panel["title"] in title
            for curve in panel["curves"]:
                assert any(each.startswith(curve["label"]) for each in words)
                assert f'The curve "{curve["label"]}" goes ' in title


def record(*values):
    run = Run(CLAIMS["A1"], 5, False, print)
    for place, value in enumerate(values):
        run.must(f"value {place}", value, at_least=1.0, at_most=2.0)
    return run.record()


def test_seeds_that_disagree_are_named(tool):
    runs = [record(1.5) | {"seed": 4}, record(3.0), record(1.0) | {"seed": 6}]
    assert tool.verdict(runs) == "holds (4, 6), does not hold (5)"
    assert tool.outcome(runs) == (
        "**It depends on the seed.** It holds with seeds 4 and 6, and not with seed 5.\n\n"
        "- Missed: value 0 is 3 (seed 5), and must be 1 to 2."
    )
    assert tool.outcome(runs[:1]) == "**It holds**, with seed 4."


def test_the_tool_refuses_what_is_no_whole_run(tool, tmp_path):
    with pytest.raises(SystemExit, match="holds no runs"):
        tool.collected([tmp_path])
    short = record(1.5) | {"quick": True}
    (tmp_path / "A1.json").write_text(json.dumps(short), encoding="utf-8")
    with pytest.raises(SystemExit, match="short form"):
        tool.collected([tmp_path])
    for folder, values in (("first", [1.5]), ("second", [1.5, 1.5])):
        (tmp_path / folder).mkdir()
        text = json.dumps(record(*values))
        (tmp_path / folder / "A1.json").write_text(text, encoding="utf-8")
    with pytest.raises(SystemExit, match="A1 measured different things"):
        tool.collected([tmp_path / "first", tmp_path / "second"])
