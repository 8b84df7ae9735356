"""benchmarks/: the suite runs on small sizes, compares before it times, and counts right.

What it measures is not tested: a time is no property of the code alone.
"""

import json
import math
import os
import subprocess
import sys
from collections import Counter
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import minigrad

ROOT = Path(__file__).parents[2]


@pytest.fixture
def bench(monkeypatch):
    """The modules of benchmarks/, imported as its scripts import each other."""
    monkeypatch.syspath_prepend(str(ROOT / "benchmarks"))
    import aims
    import compare
    import harness
    import kernels_alone
    import ladder
    import peers
    import report
    import run
    import worker
    from ladders import batch_norm, matrix_product

    return SimpleNamespace(
        aims=aims, compare=compare, harness=harness, kernels_alone=kernels_alone, ladder=ladder,
        peers=peers, report=report, run=run, worker=worker,
        ladders={"batch_norm": batch_norm, "matrix_product": matrix_product},
    )  # fmt: skip


def command(*words):
    words = [sys.executable, "-W", "error", *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"}
    run = subprocess.run(words, capture_output=True, encoding="utf-8", cwd=ROOT, env=environment)
    assert (run.returncode, run.stderr) == (0, ""), run.stderr
    return run.stdout


@pytest.mark.slow
def test_builds_are_timed_in_turns():
    words = ("--only", "cross_entropy", "--sizes", 10, "--rounds", 1)
    (line,) = command("benchmarks/builds.py", ROOT, ROOT, *words).splitlines()
    *title, shortest, ratio = line.split()
    assert title == ["cross_entropy,", "both,", "10"]
    assert float(shortest) > 0 and 0.1 < float(ratio) < 10


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


def test_a_watched_step_gives_its_kernels(bench):
    """All of them, on the arrays of the step; afterward the kernels are as they were."""
    rng = np.random.default_rng(0)
    weights = bench.peers.initial_weights(rng, (6, 5, 4, 3))
    x, y = rng.random((8, 6), dtype=np.float32), rng.integers(0, 3, 8)
    network = partial(bench.peers.mlp, sizes=(6, 5, 4, 3))
    step = bench.peers.Modules(minigrad, network, weights, x, y)
    step()
    calls = bench.kernels_alone.watched(step)
    found = Counter(subject for subject, _, _ in calls)
    assert found == {
        "linear": 8, "batch_norm": 6, "activations": 4, "cross_entropy": 3, "reductions": 3,
        "adam": 1,
    }  # fmt: skip
    shapes = {tuple(a.shape for a in c[2][:2]) for c in calls if c[0] == "linear"}
    assert {((8, 6), (5, 6)), ((5, 8), (8, 6)), ((8, 3), (3, 4))} <= shapes
    assert np.shares_memory(calls[0][2][0], x)
    assert minigrad.use_kernels.current == "compiled"
    assert not bench.kernels_alone.watched(lambda: None)

    before = [w.copy() for w in step.weights()]
    parts = bench.kernels_alone.parts(step)
    assert list(parts) == ["products", "batch norm", "activations", "loss", "sums", "optimizer"]
    parts["optimizer"]()
    assert all(np.any(w != was) for w, was in zip(step.weights(), before, strict=True))


def test_stacks_of_matrices_are_watched(bench):
    x, w = minigrad.ones(2, 3, 5, 5), minigrad.ones(4, 3, 2, 2)
    calls = bench.kernels_alone.watched(lambda: minigrad.nn.functional.conv2d(x, w))
    assert [subject for subject, _, _ in calls] == ["conv2d", "linear"]
    product, (_, _, y) = calls[1][1:]
    y[...] = 0
    product(*calls[1][2])
    assert (y == 12).all()


def test_the_parts_of_a_step_are_summed_up(bench, monkeypatch, capsys):
    calls = dict.fromkeys(("minigrad", "products", "loss"), lambda: None)
    subject = SimpleNamespace(
        PARTS={"kernels alone": "s"}, SIZE="batch", sizes=lambda part, quick: {"8": 8},
        contestants=lambda part, size: dict(calls),
    )  # fmt: skip
    times = {"minigrad": [8.0, 9.0], "products": [2.0, 3.0], "loss": [2.0, 1.5]}
    monkeypatch.setattr(bench.harness, "time_in_turns", lambda *_: dict(times))
    monkeypatch.setattr(bench.harness, "check_pinned", lambda count: None)
    options = SimpleNamespace(sizes=None, quick=True, progress=False, rounds=2, threads=1)
    figures = {"kernels alone": {}}
    bench.worker.measure_calls(subject, options, figures)
    assert figures["kernels alone"]["8"]["its kernels"] == [4.0, 4.5]
    about = {"title": "a step", "size": "batch", "units": subject.PARTS}
    bench.report.print_subject(about, 1, figures)
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert "minigrad / its kernels 2.00" in lines and "products / minigrad 0.29" in lines
    assert not any("fastest" in line for line in lines)
    aims = bench.aims.measure_all({"1": {"mlp_step": {"kernels alone": {"32": times}}}}, "")
    assert not aims  # without kernels alone there is nothing to compare with
    column = figures["kernels alone"]["8"]
    (aim,) = bench.aims.measure_all({"1": {"mlp_step": {"kernels alone": {"128": column}}}}, "")
    assert (aim["name"], aim["bound"]) == ("MLP step, batch 128: minigrad / its kernels", 1.1)
    assert (aim["measured"], aim["reached"]) == ({"1": 2.0}, {"1": False})


def test_two_runs_side_by_side(bench, tmp_path, capsys):
    files = []
    for name, ours, form in (("a", 2.0, "for processors with x86-64-v4"), ("b", 3.0, "portable")):
        column = {"minigrad": [ours], "torch": [6.0], "its kernels": [1.0]}
        only = {"only in a": {"": column}} if name == "a" else {}
        run = {
            "machine": {"numpy": "2.0", "minigrad's build": form},
            "about": {"step": {"title": "a title", "size": "batch", "units": {"step": "µs"}}},
            "figures": {"1": {"step": {"step": {"32": column, f"{ours}": column}, **only}}},
        }
        files.append(tmp_path / f"{name}.json")
        files[-1].write_text(json.dumps(run), encoding="utf-8")
    bench.compare.main(list(map(str, files)))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert {"numpy: 2.0", "A: for processors with x86-64-v4", "B: portable"} <= set(lines)
    for line in (
        "batch 32", "minigrad, A 2", "minigrad, B / A 1.50",
        "torch / minigrad, A 3.00", "torch / minigrad, B 2.00", "minigrad / its kernels, B 3.00",
    ):  # fmt: skip
        assert line in lines
    with pytest.raises(SystemExit):
        bench.compare.main([str(files[0]), str(tmp_path / "none.json")])
    assert "expected a file of `run.py --json`" in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system cannot pin")
def test_a_thread_that_may_use_other_cpus_is_found(tmp_path):
    script = tmp_path / "pinned.py"
    script.write_text(
        "import os, sys, threading\n"
        f"sys.path.insert(0, {str(ROOT / 'benchmarks')!r})\n"
        "import harness\n"
        "everywhere = os.sched_getaffinity(0)\n"
        "print(len(everywhere))\n"
        "harness.use_threads(1)\n"
        "import numpy\n"
        "harness.check_pinned(1)\n"
        "go = threading.Event()\n"
        "def stray():\n"
        "    os.sched_setaffinity(0, everywhere)\n"
        "    go.set()\n"
        "    threading.Event().wait()\n"
        "threading.Thread(target=stray, daemon=True).start()\n"
        "go.wait()\n"
        "try: harness.check_pinned(1)\n"
        "except RuntimeError as problem: print(problem)\n",
        encoding="utf-8",
    )
    cpus, *problem = command(script).splitlines()
    if int(cpus) > 1:
        assert problem[0].startswith("check_pinned: 1 CPU(s) for 1 thread(s), and 1 thread(s) of")


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
