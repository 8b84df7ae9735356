"""What two pages quote from the lab is what runs of the lab gave."""

import json
import re
from pathlib import Path

import pytest

from minigrad.lab.protocol import all_claims

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {
    name: (DOCS / f"{name}.md").read_text(encoding="utf-8")
    for name in ("articles", "why_batch_norm")
}
CLAIM = re.compile(r"\b[A-C]\d+\b")

ARTICLES = [  # claim, what it measured, times this, as the page has it
    ("A4", "training, same batch", 1e16, "3"),
    ("A4", "training, γ and β of the population, batches of 32", 1, "0.2"),
    ("A9", "one by one: accuracy", 100, "5 10.5"),
    ("B3", "none, depth 12: accuracy", 100, "10 11"),
    ("B3", "batch norm, depth 12: accuracy", 100, "93"),
    ("B7", ".999, step 200: moving average", 100, "86 88"),
    ("B7", ".999, step 200: recomputed", 100, "95 96"),
    ("B11", "sigmoid: accuracy, exact", 100, "95"),
    ("B11", "sigmoid: accuracy, constants", 100, "22"),
    ("B12", "relu: none / batch norm", 1, "6 8"),
    ("B12", "sigmoid: none / batch norm", 1, "3.7 3.8"),
    ("B16", "none: test error", 100, "9.39"),
    ("B16", "ghosts of 16: test error", 100, "8.50"),
    ("B16", "ghosts of 4: test error", 100, "9.65"),
    ("B18", "convolutional, pass 2: moving average", 100, "42 48"),
    ("B18", "convolutional, pass 2: recalibrated", 100, "96 97"),
    ("B19", "none, pixels times 255: accuracy", 100, "10"),
    ("B19", "batch norm, pixels times 255: accuracy", 100, "97"),
]

WHY = [
    ("B19", "none, pixels times 255: accuracy", 100, "10"),
    ("B19", "batch norm, pixels times 255: accuracy", 100, "97"),
    ("B4", "none: largest rate with .9, or the smallest", 1, "0.1 0.01"),
    ("B4", "batch norm: largest rate with .9, or the smallest", 1, "3"),
    ("B3", "none, depth 12: accuracy", 100, "10 11"),
    ("B3", "batch norm, depth 12: accuracy", 100, "93 94"),
    ("B1", "batch norm: first step with .9, or the last", 1, "480 600"),
    ("B1", "none: first step with .9, or the last", 1e-3, "8.280 8.760"),
    ("B12", "relu: none / batch norm", 1, "6 8"),
    ("C5", "way, shaken / none", 1, "12 14"),
    ("B10", "relu: range of the loss, none / batch norm", 1, "14 23"),
    ("B10", "relu: change of the gradient, none / batch norm", 1, "4.6 7.0"),
    ("B10", "relu: change per distance, none / batch norm", 1, "1.1 1.3"),
    ("A8", "linear, none, depth 100", 1, "1.0"),
    ("A8", "linear, batch norm, depth 100", 1, "4.5 4.6"),
    ("A7", "growth, batch 128", 1, "1.21"),
    ("B16", "ghosts of 16: test error", 100, "8.5 8.1"),
    ("B16", "none: test error", 100, "9.3 9.4"),
    ("B6", "batch norm, batches of 2: error", 100, "34 32 29"),
    ("B6", "batch norm, batches of 32: error", 100, "4.3 4.4"),
    ("B8", "batch norm, 2 per batch: accuracy", 100, "80 88"),
    ("B8", "layer norm, 2 per batch: accuracy", 100, "96"),
    ("A9", "one by one: accuracy", 100, "5 10.5"),
    ("B7", ".999, step 200: moving average", 100, "86 88"),
    ("B7", ".999, step 200: recomputed", 100, "95 96"),
    ("B15", "noise: accuracy lost", 100, "4.9 5.4"),
    ("B15", "attacked: accuracy lost", 100, "20 28"),
]


@pytest.fixture(scope="module")
def runs():
    return json.loads((DOCS / "lab.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("page", "claim", "check", "unit", "numbers"),
    [("articles", *each) for each in ARTICLES] + [("why_batch_norm", *each) for each in WHY],
)
def test_quoted_numbers_are_those_of_a_run(runs, page, claim, check, unit, numbers):
    measured = [
        unit * each["measured"]
        for run in runs
        if run["claim"] == claim
        for each in run["checks"]
        if each["name"] == check
    ]
    places = [line.replace(",", ".") for line in PAGES[page].splitlines() if claim in line]
    for number in numbers.split():
        assert any(number in line for line in places), f"{number} is not beside {claim}"
        digits = len(number.partition(".")[2])
        assert number in [f"{each:.{digits}f}" for each in measured]


def test_cited_claims_that_miss_a_bound_are_named(runs):
    page = PAGES["articles"]
    cited, (sentence,) = CLAIM.findall(page), re.findall(r"[^(]* miss one of their bounds", page)
    assert {claim for claim, *_ in ARTICLES} < set(cited) <= {run["claim"] for run in runs}
    missed = {run["claim"] for run in runs if run["verdict"] != "holds"}
    assert set(CLAIM.findall(sentence)) == missed & set(cited)


def test_the_readme_counts_the_claims():
    text = (DOCS.parent / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"`python -m minigrad lab` takes (\d+) claims", text) == [
        str(len(all_claims()))
    ]
