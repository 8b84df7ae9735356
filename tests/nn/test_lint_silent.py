"""nn.lint says nothing about what is right: examples, scripts, pages, and styles of learners."""

import importlib
import inspect
import re
import runpy
import sys
from pathlib import Path

import pytest
from helpers.lint_watch import Watch

from minigrad.datasets import mnist

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


IN_TRAINING_MODE = ["evaluation-in-training-mode"]
SPOILED = ["dead-units", "learning-rate", "gradient-scale", "infinite-loss"]
# What claims about batch normalization do on purpose, and lint rightly finds: the first code
# always, the others perhaps. All other claims are to be silent.
ON_PURPOSE = {
    # They look at what a batch does to a layer in training mode, and train nothing meanwhile.
    "identity": IN_TRAINING_MODE,
    "bias_before": IN_TRAINING_MODE,
    "slow_statistics": IN_TRAINING_MODE,
    "covariate_shift": IN_TRAINING_MODE,
    "shift_as_the_reason": IN_TRAINING_MODE,
    # They show how networks without normalization are spoiled: depth, inputs, weights, rates.
    "deep_sigmoids": ["gradient-scale"],
    "scale_of_inputs": ["unscaled-input", *SPOILED],
    "width_of_weights": SPOILED,
    "learning_rates": SPOILED,
}


@pytest.mark.parametrize("name", [
    "identity", "scale_of_weights", "bias_before", "batch_of_one",
    *(pytest.param(each, marks=pytest.mark.slow) for each in (
        "ignored_statistics", "slow_statistics", "deep_sigmoids", "scale_of_inputs",
        "width_of_weights", "learning_rates", "noise_of_the_batch", "covariate_shift",
        "shift_as_the_reason")),
])  # fmt: skip
def test_a_claim_about_batch_norm(example, watch, name):
    claim = getattr(example("batch_norm_explained"), name)
    claim(**({"steps": 11} if "steps" in inspect.signature(claim).parameters else {}))
    watch.ask()
    codes, expected = {each.code for each in watch.findings}, ON_PURPOSE.get(name, [])
    found = "\n".join(dict.fromkeys(map(str, watch.findings)))
    assert codes <= set(expected) and set(expected[:1]) <= codes, found


def test_every_claim_is_asked_about(example):
    claims = {each.__name__ for each in example("batch_norm_explained").CLAIMS}
    (mark,) = test_a_claim_about_batch_norm.pytestmark
    assert claims == {getattr(each, "values", (each,))[0] for each in mark.args[1]}


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
