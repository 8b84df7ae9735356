"""examples/batch_norm_explained.py: the lab's claims decide on each sentence, for it or against."""

import importlib
from pathlib import Path

import pytest

from minigrad.lab.protocol import Run, all_claims

ROOT = Path(__file__).parents[2]
NAMES = [each.name for each in all_claims()]


@pytest.fixture
def explained(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    return importlib.import_module("batch_norm_explained")


def found(**decided):
    """Stands for measuring: each claim has these bounds, kept or not."""

    def measure(claim):
        run = Run(claim, 0, True, lambda line: None)
        run.also("reported", 1.0)
        for number, kept in enumerate(decided[claim.name]):
            run.must_be_so(f"bound {number}", kept)
        return run

    return measure


def test_the_verdict_follows_from_the_parts(explained):
    assert explained.verdict([True, True]) == "holds"
    assert explained.verdict([True, False]) == "holds partly"
    assert explained.verdict([False]) == explained.verdict([False, False]) == "refuted"


@pytest.mark.parametrize(
    ("decided", "verdict"),
    [
        ({"A9": [True, True], "C2": [False]}, "holds"),
        ({"A9": [True, True], "C2": [True]}, "holds partly"),
        ({"A9": [True, False], "C2": [False]}, "holds partly"),
        ({"A9": [False, False], "C2": [True]}, "refuted"),
    ],
)
def test_claims_speak_for_a_sentence_or_against_it(explained, decided, verdict):
    sentence = explained.Sentence("One is none.", "someone", "A9", "C2")
    told, lines = explained.judge(sentence, found(**decided))
    assert told == verdict
    assert [line for line in lines if line.startswith("  A9: ")]
    assert [line for line in lines if line.startswith("  against it, C2: ")]
    kept = sum(decided["A9"]) + sum(decided["C2"])
    assert sum(line.endswith("must be yes: it is") for line in lines) == kept
    assert not any("reported" in line for line in lines)


def test_every_sentence_names_its_source_and_claims_that_are_there(explained):
    sentences = explained.SENTENCES
    assert len(sentences) == len({each.said for each in sentences}) == 13
    asked = " ".join(f"{each.claims} {each.against}" for each in sentences).split()
    assert set(asked) <= set(NAMES) and len(asked) == len(set(asked))
    assert {name for name in NAMES if name.startswith("C")} <= set(asked)
    for each in sentences:
        assert each.claims or each.against
        assert any(word in each.where for word in ("section", "abstract", "title", "notes"))


def test_what_is_printed(explained, capsys, monkeypatch):
    monkeypatch.setattr(explained, "SENTENCES", explained.SENTENCES[:3])
    assert list(explained.main(seed=3).values()) == ["holds"] * 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("γ and β can undo it") and lines[0].endswith("  holds")
    assert lines[1] == "(Ioffe & Szegedy 2015, section 3)"
    assert lines[2].startswith("  A4: ") and lines[3].startswith("    training, same batch: ")
    assert sum(line.endswith("holds") for line in lines) == 3
    assert all(len(each.said) + 13 <= explained.WIDTH for each in explained.SENTENCES)


@pytest.mark.slow
def test_the_verdicts_with_another_seed(explained, capsys):
    """Than that of the example, whose claims test_lab runs."""
    expected = ["holds"] * 13
    expected[3] = "holds partly"  # one vector makes no sense, one image does
    expected[6] = "holds partly"  # B3 misses one of its bounds
    expected[12] = "refuted"
    assert list(explained.main(seed=5).values()) == expected
