"""benchmarks/: the suite runs on small sizes, compares before it times, and counts right.

What it measures is not tested: a time is no property of the code alone.
"""

import json
import math
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bench(monkeypatch):
    """The modules of benchmarks/, imported as its scripts import each other."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import aims
    import harness
    import ladder
    import peers
    import report
    import run
    from ladders import batch_norm, matrix_product

    return SimpleNamespace(
        aims=aims, harness=harness, ladder=ladder, peers=peers, report=report, run=run,
        ladders={"batch_norm": batch_norm, "matrix_product": matrix_product},
    )  # fmt: skip


def command(*words):
    words = [sys.executable, "-W", "error", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    run = subprocess.run(words, capture_output=True, encoding="utf-8", cwd=ROOT, env=environment)
    assert (run.returncode, run.stderr) == (0, ""), run.stderr
    return run.stdout


@pytest.mark.slow
def test_the_suite_runs(bench, tmp_path):
    pytest.importorskip("matplotlib")
    figures, picture = tmp_path / "speed.json", tmp_path / "speed.png"
    out = command("benchmarks/run.py", "--quick", "--json", figures, "--plot", picture)
    assert "minigrad" in out and "aims" in out
    assert picture.read_bytes().startswith(b"\x89PNG")
    results = json.loads(figures.read_text(encoding="utf-8"))
    subjects = results["figures"]["1"]
    assert list(subjects) == bench.run.ALL
    for name, parts in subjects.items():
        for part in results["about"][name]["units"]:
            if part in ("build from source", "to 97 % of the test images"):
                continue  # not in a quick run
            assert parts[part], f"{name}: {part}"
            for column in parts[part].values():
                assert all(v is None or v > 0 for values in column.values() for v in values)
                assert "minigrad" in column


def test_what_was_measured_is_reported(bench, monkeypatch, tmp_path, capsys):
    """All but the measuring, with two numbers of threads."""

    def measure(subject, threads, options):
        column = {"minigrad": [threads * 1.5, threads * 2.5], "torch": [4.0, 4.0]}
        column["matrix products"] = [threads * 1.0, threads * 1.0]
        units = {"step": "µs per step", "accuracy": "%"}
        about = {"title": "a title", "size": "batch", "units": units, "absolute": False}
        parts = {"step": {"32": column}, "accuracy": {"": {"minigrad": [None]}}}
        return {"about": about, "figures": parts}

    monkeypatch.setattr(bench.run, "measure", measure)
    monkeypatch.setattr(bench.harness, "cpus", lambda: 2)
    figures = tmp_path / "speed.json"
    bench.run.main(f"--threads 1 2 --only mlp_step --json {figures}".split())
    out = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    assert "minigrad 2 ± 0.25" in lines and "minigrad 4 ± 0.5" in lines
    assert "torch / minigrad 2.13" in lines
    assert "minigrad not reached" in lines
    name = "MLP step, batch 32: fastest peer / minigrad"
    assert f"{name} ≥ 1.8 2.13 reached 1.07 MISSED" in lines
    results = json.loads(figures.read_text(encoding="utf-8"))
    assert results["aims"][0]["reached"] == {"1": True, "2": False}
    assert results["machine"]["numpy"] == np.__version__


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--threads", "0"], "may use"),
        (["--threads", "4096"], "may use"),
        (["--rounds", "0"], "at least 1"),
        (["--only", "nothing"], "invalid choice"),
    ],
)
def test_bad_options(bench, capsys, words, message):
    with pytest.raises(SystemExit):
        bench.run.parse(words)
    assert message in capsys.readouterr().err


def test_ratios_are_those_of_the_rounds(bench):
    slow, fast = [2.0, 8.0, 30.0], [1.0, 2.0, 10.0]
    assert bench.harness.ratio(slow, fast) == 3
    assert bench.harness.ratio([None, 1.0, 1.0], fast) is None
    assert bench.harness.middle([3.0, 1.0, 2.0]) == 2
    assert bench.harness.middle([3.0, None]) is None
    assert bench.harness.spread([1.0, 2.0, 3.0, 4.0, 5.0]) == 1 / 3
    assert bench.harness.spread([1.0]) == 0


def test_turns_are_shared(bench):
    calls = []
    contestants = {name: lambda name=name: calls.append(name) for name in "ab"}
    times = bench.harness.time_in_turns(contestants, 3, block=0)
    assert {name: len(values) for name, values in times.items()} == {"a": 3, "b": 3}
    assert calls.count("a") == calls.count("b")
    last_rounds = "".join(calls[-12:])
    assert all(last_rounds[i : i + 4] in ("aabb", "bbaa") for i in (0, 4, 8))


def test_aims_are_measured(bench):
    step = {
        "32": {
            "minigrad": [1.0, 1.0],
            "torch, Adam": [9.0, 9.0],
            "JAX, jitted": [1.5, 1.9],
            "matrix products": [0.5, 0.5],
        }
    }
    costs = {"1e4": 9.0, "1e5": 1.0, "1e6": 1.2, "1e7": 2.0, "1e8": 1.6}
    growth = {label: {"minigrad": [cost]} for label, cost in costs.items()}
    figures = {"mlp_step": {"step": step}, "batch_norm_growth": {"kernel, forward": growth}}
    found = {
        aim["name"]: aim for aim in bench.aims.measure_all({"1": figures, "2": {}}, "openblas")
    }
    peer = found.pop("MLP step, batch 32: fastest peer / minigrad")
    assert peer["measured"] == {"1": 1.7, "2": None}
    assert peer["reached"] == {"1": False, "2": None}
    products = found.pop("MLP step, batch 32: minigrad / products")
    assert (products["measured"]["1"], products["reached"]["1"]) == (2.0, False)
    flat = found.pop("batch norm, kernel, forward: cost of an element, most / least")
    assert flat["measured"]["1"] == 2.0
    assert not found
    with_mkl = bench.aims.measure_all({"1": figures}, "mkl")[0]
    assert (with_mkl["bound"], with_mkl["measured"]) == (2.5, {"1": 1.7})


def test_a_peer_that_computes_something_else_is_not_timed(bench):
    peers = bench.peers
    rng = np.random.default_rng(0)
    x, y = rng.random((8, 6), dtype=np.float32), rng.integers(0, 3, 8)
    weights = peers.initial_weights(rng, (6, 5, 4, 3))

    def oracle():
        return peers.NumPy([w.astype(float) for w in weights], x.astype(float), y)

    peers.check_agreement({"right": peers.NumPy(weights, x, y)}, oracle())
    for wrong in (2, 4, 9):
        other = [w.copy() for w in weights]
        other[wrong] += 0.01
        with pytest.raises(AssertionError, match="wrong"):
            peers.check_agreement({"wrong": peers.NumPy(other, x, y)}, oracle())


def test_the_products_are_those_of_a_step(bench):
    shapes = [(a.shape, b.shape) for a, b, _ in bench.peers.products_of_mlp(7).products]
    assert len(shapes) == 8
    multiplications = sum(math.prod(a) * b[1] for a, b in shapes)
    assert multiplications == 7 * (3 * (784 * 128 + 128 * 64 + 64 * 10) - 784 * 128)


@pytest.fixture(params=["batch_norm", "matrix_product"])
def ladder(request, bench):
    return bench.ladders[request.param]


def test_the_ladders_have_their_rungs(bench):
    pages = {name: bench.ladder.page(ladder) for name, ladder in bench.ladders.items()}
    rungs = {name: bench.ladder.rungs(text) for name, text in pages.items()}
    numbers = {name: "".join(title[0] for title in found) for name, found in rungs.items()}
    assert numbers == {"batch_norm": "1234567T", "matrix_product": "12345"}
    first = rungs["batch_norm"]
    assert first["1. Python, as the formula reads"][1] == first["3. Cython without types"][1]


def test_the_rungs_in_python(bench, ladder, tmp_path):
    found = bench.ladder.rungs(bench.ladder.page(ladder)).items()
    rungs = {title: code for title, (language, code) in found if language == "python"}
    assert rungs
    for number, (title, code) in enumerate(rungs.items()):
        path = tmp_path / f"rung_{number}.py"
        path.write_text(code, encoding="utf-8")
        shapes = [(7, 3)] if ladder.PAGE == "ladder.md" else [(7, 5, 3)]
        ladder.check({title: bench.ladder.load(path, ladder.FUNCTION)}, shapes)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "count"), [("batch_norm", 9), ("matrix_product", 6)])
def test_the_ladder_compiles_and_agrees(name, count):
    pytest.importorskip("Cython")
    pytest.importorskip("setuptools")
    words = [sys.executable, str(ROOT / "benchmarks" / "ladder.py"), name, "--check"]
    run = subprocess.run(
        words, capture_output=True, text=True, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert run.returncode == 0, run.stderr
    assert f"{count} rungs agree with NumPy in double" in run.stderr


def test_a_wrong_rung_is_found(bench):
    def forward(x, gamma, beta, y, mean, var, eps):
        mean[:] = x.mean(axis=0, dtype=np.float64)
        y[:] = gamma * (x - mean) / x.std(axis=0) + 1.001 * beta

    def multiply(a, b, y):
        y[:] = (a * 1.000001) @ b

    wrong = {"batch_norm": (forward, (7, 3)), "matrix_product": (multiply, (7, 5, 3))}
    for name, (function, shape) in wrong.items():
        with pytest.raises(AssertionError, match="9. Wrong"):
            bench.ladders[name].check({"9. Wrong": function}, [shape])
