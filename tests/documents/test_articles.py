"""What the page on five articles quotes from the lab is what runs of the lab gave."""

import json
import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "articles.md").read_text(encoding="utf-8")
CLAIM = re.compile(r"\b[A-C]\d+\b")

QUOTED = [  # claim, what it measured, times this, as the page has it
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


@pytest.fixture(scope="module")
def runs():
    return json.loads((DOCS / "lab.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("claim, check, unit, numbers", QUOTED)
def test_quoted_numbers_are_those_of_a_run(runs, claim, check, unit, numbers):
    measured = [
        unit * each["measured"]
        for run in runs
        if run["claim"] == claim
        for each in run["checks"]
        if each["name"] == check
    ]
    places = [line for line in PAGE.splitlines() if claim in line]
    for number in numbers.split():
        assert any(number in line for line in places), f"{number} is not beside {claim}"
        digits = len(number.partition(".")[2])
        assert number in [f"{each:.{digits}f}" for each in measured]


def test_cited_claims_that_miss_a_bound_are_named(runs):
    cited, (sentence,) = CLAIM.findall(PAGE), re.findall(r"[^(]* miss one of their bounds", PAGE)
    assert {claim for claim, *_ in QUOTED} < set(cited) <= {run["claim"] for run in runs}
    missed = {run["claim"] for run in runs if run["verdict"] != "holds"}
    assert set(CLAIM.findall(sentence)) == missed & set(cited)
