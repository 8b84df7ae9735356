"""nn.lint says nothing about what is right: examples, scripts, pages, and styles of learners."""

import importlib
import re
import runpy
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
    runpy.run_path(str(ROOT / "examples" / "mnist.py"))
    assert watch.models and watch.silent()
