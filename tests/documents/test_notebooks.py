"""Examples and steps of the path as notebooks: jupytext opens them, and every cell runs."""

import json
import os
import re
from pathlib import Path

import pytest

from minigrad.learn.folder import copy_missing
from minigrad.learn.notebook import notebook_text
from minigrad.learn.places import find_course

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted(path.stem for path in (ROOT / "examples").glob("[!_]*.py"))
COURSE = find_course()

# The last cells, where the usual ones take long; no example needs MNIST itself.
SHORT = {
    "batch_norm_explained": "del SENTENCES[3:]\nmain()",
    "grid_search": "GRID.update(dropout=[0.0], learning_rate_init=[0.03])\nmain(processes=1)",
    "hessian": 'main(["--steps", "4", "--samples", "50"])',
    "mnist_cnn": 'main(["--epochs", "1", "--batches", "3"])',
    "mnist_mlp": 'main(["--epochs", "2", "--batches", "3", "--compare"])',
    "spiral": 'main(["--steps", "40"])',
    "xor": "main(starts=1)",
}
WITHOUT_MNIST = (
    "from minigrad.datasets import mnist as source_of_mnist\nsource_of_mnist.MIRRORS = ()"
)
NEEDS = {"data_parallel": "mpi4py", "grid_search": "sklearn"}
PICTURES = {"hessian", "mnist_cnn", "mnist_mlp", "spiral"}


@pytest.fixture
def execute(monkeypatch, tmp_path):
    """Runs a notebook in `tmp_path`; the outputs of its cells."""
    nbclient = pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    paths = [ROOT, ROOT / "examples", os.environ.get("PYTHONPATH", "")]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(map(str, paths)))
    monkeypatch.setenv("MINIGRAD_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "1")  # as the examples do, before NumPy is loaded
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)
    monkeypatch.delenv("MPLBACKEND", raising=False)

    def outputs(notebook):
        client = nbclient.NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": tmp_path}}
        )
        client.execute()
        found = [each for cell in notebook.cells for each in cell.get("outputs", ())]
        assert not [each for each in found if each.get("name") == "stderr"]
        assert not re.search(r"object at 0x", json.dumps(found)), "an address is nothing to read"
        return found

    return outputs


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_has_cells(name):
    """And remains a script: its docstring, a cell of prose, is what --help prints."""
    text = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
    assert text.startswith('# %% [markdown]\n"""')
    assert text.count("\n# %%") >= 1
    if "__main__" in text:
        assert '\n# %%\nif __name__ == "__main__":\n' in text and text.endswith("    main()\n")


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_runs_as_a_notebook(execute, name):
    jupytext = pytest.importorskip("jupytext")
    pytest.importorskip(NEEDS.get(name, "minigrad"))
    notebook = jupytext.read(ROOT / "examples" / f"{name}.py")
    assert jupytext.writes(notebook, "py:percent").count("# %% [markdown]") >= 1
    assert notebook.cells[0].cell_type == "markdown"
    if name in SHORT:
        assert notebook.cells[-1].source.endswith("main()")
        notebook.cells[-1].source = SHORT[name]
    notebook.cells[1].source = f"{WITHOUT_MNIST}\n{notebook.cells[1].source}"
    found = execute(notebook)
    assert any(each.output_type == "stream" for each in found)
    assert any("image/png" in each.get("data", ()) for each in found) == (name in PICTURES)


@pytest.mark.slow
@pytest.mark.parametrize("step", COURSE.steps, ids=lambda step: step.name)
def test_a_step_runs_as_a_notebook(execute, tmp_path, step):
    """With the answers in it; as jupytext would keep it, in a script of cells."""
    jupytext = pytest.importorskip("jupytext")
    script = jupytext.writes(jupytext.reads(notebook_text(step, "check"), "ipynb"), "py:percent")
    notebook = jupytext.reads(script, "py:percent")
    answers = {step.opened(block).strip("\n"): block.source for block in step.blocks}
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert len(code) > len(step.exercises)
    for cell in code:
        cell.source = answers.get(cell.source, cell.source)
    copy_missing(COURSE.beside(step), tmp_path)
    execute(notebook)
