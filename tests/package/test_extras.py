"""What an extra brings is loaded by who asks for it, and its absence names the extra."""

import importlib
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_minigrad_does_not_load_it_and_without_scikit_learn_it_names_the_extra():
    script = (
        "import sys, minigrad\n"
        "assert not {'sklearn', 'minigrad.sklearn'} & set(sys.modules)\n"
        "sys.modules['sklearn'] = None\n"
        "try: import minigrad.sklearn\n"
        "except ImportError as error: print(error)\n"
    )
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert "minigrad.sklearn needs scikit-learn" in run.stdout, run.stderr
    assert 'pip install "minigrad-cython[sklearn]"' in run.stdout


@pytest.mark.parametrize(
    ("name", "missing", "words"),
    [
        ("data_parallel", "mpi4py", r"need mpi4py and an MPI \(.*\): pip install -e '.\[mpi\]'"),
        ("grid_search", "sklearn", r"needs scikit-learn \(.*\): pip install -e '.\[sklearn\]'"),
    ],
)
def test_an_example_names_the_extra_that_it_needs(monkeypatch, name, missing, words):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.delitem(sys.modules, f"{missing}.model_selection", raising=False)
    with pytest.raises(SystemExit, match=words):
        importlib.import_module(name)


@pytest.mark.slow
def test_two_ranks_are_one_process_if_the_statistics_cross_them():
    pytest.importorskip("mpi4py")
    mpiexec = shutil.which("mpiexec", path=Path(sys.executable).parent) or shutil.which("mpiexec")
    if mpiexec is None:
        pytest.skip("there is no mpiexec")
    command = [mpiexec, "-n", "2", sys.executable, EXAMPLES / "data_parallel.py"]
    run = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.startswith("2 ranks, 60 steps of Adam")
    figures = dict(re.findall(r"^([a-z ]+?)  +(\d\S+)  +(?=\S+  +\d)", run.stdout, re.MULTILINE))
    assert float(figures["synchronized"]) < 1e-9
    assert float(figures["forward only"]) > 0.05 < float(figures["of each rank for itself"])


@pytest.mark.slow
def test_a_grid_of_networks(monkeypatch, capsys):
    pytest.importorskip("sklearn")
    monkeypatch.syspath_prepend(str(EXAMPLES))
    found = importlib.import_module("grid_search").main()
    scores = found.cv_results_["mean_test_score"]
    assert len(scores) == 8 and scores.min() < 0.3 and scores.max() > 0.8
    assert len(capsys.readouterr().out.splitlines()) == 3 + 8
