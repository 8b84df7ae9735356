"""nn.lint says nothing about what is right: examples, scripts, pages, and styles of learners."""

import importlib
import re
import runpy
import sys
from pathlib import Path

import pytest
from helpers.lint_watch import Watch

from minigrad.datasets import mnist
from minigrad.lab.protocol import Run, all_claims, carry_out

ROOT = Path(__file__).parents[2]
STYLES = ROOT / "tests" / "nn" / "right_trainings"
SCRIPTS = ROOT / "tests" / "documents" / "learner_scripts"
PAGES = ["README.md", "docs/autograd_words.md"]
with_models = [p for p in sorted(SCRIPTS.glob("*.py")) if "nn.Linear" in p.read_text("utf-8")]


@pytest.fixture
def watch(monkeypatch):
    return Watch(monkeypatch)


@pytest.mark.parametrize("path", sorted(STYLES.glob("*.py")), ids=lambda path: path.stem)
def test_a_right_training(watch, path):
    runpy.run_path(str(path))
    assert watch.silent()


@pytest.mark.parametrize("path", with_models, ids=lambda path: path.stem)
def test_a_learner_s_script(watch, path, capsys):
    source = re.sub(
        r"^import torch$", "import minigrad as torch", path.read_text("utf-8"), flags=re.M
    )
    source = re.sub(r"^(import|from) torch\b", r"\1 minigrad", source, flags=re.M)
    exec(compile(source, "script", "exec"), {"__name__": "__main__"})
    assert watch.silent()


@pytest.mark.parametrize("name", PAGES)
def test_a_page(watch, name, capsys):
    text = (ROOT / name).read_text(encoding="utf-8")
    names = {}
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        try:
            exec(block, names)
        except Exception:  # noqa: BLE001 - a page may show errors
            assert name != "README.md"
    assert not watch.models or watch.silent()
    assert name != "README.md" or watch.models


@pytest.fixture
def example(watch, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)
    monkeypatch.setattr(mnist, "MIRRORS", ())
    return importlib.import_module


@pytest.mark.parametrize(("name", "options"), [
    ("mnist_mlp", ["--batches", "25", "--epochs", "1", "--no-picture", "--compare"]),
    ("spiral", ["--steps", "30", "--no-picture"]),
    ("mnist_cnn", ["--epochs", "1", "--batches", "25", "--no-picture"]),
    ("hessian", ["--steps", "4", "--no-picture"]),
])  # fmt: skip
def test_an_example(example, watch, name, options, capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("MINIGRAD_HOME", str(tmp_path))
    example(name).main(options)
    assert watch.silent()


def test_an_example_of_tensors_alone(example, watch, capsys):
    example("by_hand").main()
    assert not watch.models and watch.silent()


SPOILED = ["dead-units", "learning-rate", "gradient-scale", "infinite-loss"]
CLAIMS = ["A4", "A2", "C1", "A9", "C2", "C3", "B11", "B7", "B3", "B19", "C4", "B4", "B16", "B12",
          "C5"]  # fmt: skip
QUICK = ["A4", "A2", "C1", "C2", "C3"]
# What claims about batch normalization do on purpose, and lint rightly finds: the first code
# always, the others perhaps. All other claims are to be silent.
ON_PURPOSE = {
    # They look at what a batch does in training mode, and train nothing meanwhile.
    "B11": ["evaluation-in-training-mode", "bias-before-norm"],
    "C5": ["evaluation-in-training-mode"],
    # They show what spoils networks: depth, inputs, weights, rates.
    "B3": ["gradient-scale"],
    "B7": ["unscaled-input"],
    "B19": ["unscaled-input", *SPOILED],
    "C4": SPOILED,
    "B4": SPOILED,
}


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in QUICK else pytest.mark.slow) for n in CLAIMS]
)
def test_a_claim_about_batch_norm(watch, name, monkeypatch):
    """With few steps: lint is asked at the first ones."""
    monkeypatch.setattr(Run, "steps", lambda run, whole, short: min(short, 50))
    (claim,) = (each for each in all_claims() if each.name == name)
    carry_out(claim, 401, True, lambda line: None)
    watch.ask()
    codes, expected = {each.code for each in watch.findings}, ON_PURPOSE.get(name, [])
    found = "\n".join(dict.fromkeys(map(str, watch.findings)))
    assert codes <= set(expected) and set(expected[:1]) <= codes, found


def test_every_claim_of_the_example_is_asked_about(example):
    sentences = example("batch_norm_explained").SENTENCES
    asked = " ".join(f"{each.claims} {each.against}" for each in sentences)
    assert asked.split() == CLAIMS


def test_the_smallest_example(example, watch):
    example("xor").train(2, 0)
    assert watch.silent()


def test_the_watch_can_find(watch):
    source = (STYLES / "classifier.py").read_text(encoding="utf-8")
    exec(source.replace("optimizer.zero_grad()", "pass"), {})
    with pytest.raises(AssertionError, match="zero-grad-missing"):
        watch.silent()


def test_the_forty_lines(example, watch, monkeypatch, tmp_path, capsys):
    monkeypatch.setenv("MINIGRAD_HOME", str(tmp_path))
    monkeypatch.setattr(sys, "argv", ["mnist.py"])
    runpy.run_path(str(ROOT / "examples" / "mnist.py"))
    assert watch.models and watch.silent()
