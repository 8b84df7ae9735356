"""What `python -m minigrad doctor` finds out, also about a package that cannot be imported."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import __main__ as command_line
from minigrad import _kernels, doctor

PACKAGE = Path(minigrad.__file__).parent
INFO = doctor.build_info()


@pytest.fixture
def no_trials(monkeypatch):
    """Nothing is timed: every setting takes as long, and nobody else works."""
    monkeypatch.setattr(doctor.os, "getloadavg", lambda: (0.0, 0.0, 0.0), raising=False)
    monkeypatch.setattr(doctor, "product_times", lambda settings: dict.fromkeys(settings, 100.0))


def facts(text):
    """Every line of a report as name -> fact."""
    return dict(re.findall(r"^  (\S.*?)  +(\S.*)$", text, re.MULTILINE))


def test_the_command(no_trials, capsys):
    assert command_line.main(["doctor"]) == 0
    text = capsys.readouterr().out
    told = facts(text)
    assert text.startswith(f"minigrad {minigrad.__version__}\n")
    assert told["folder"] == str(PACKAGE)
    assert told["Python"] == sys.version.split()[0]
    assert told["NumPy"] == np.__version__
    assert told["command"] == INFO["command"]
    assert told["changed since"] == "nothing"
    assert told["in use"] == "compiled"
    assert told["gradients"].startswith("good: ")
    level, why = _kernels.levels.current, _kernels.levels.reason
    assert told["level"] == (f"{level}: {why}" if level else why)


def test_the_level_of_a_wheel_and_what_it_uses(no_trials, capsys, monkeypatch):
    info = INFO | {"debug": False, "command": "cc", "levels": {"v3": ["AVX2"], "v4": ["AVX512F"]}}
    monkeypatch.setattr(doctor, "build_info", lambda: info)
    monkeypatch.setattr(_kernels.levels, "current", "v3")
    monkeypatch.setattr(_kernels.levels, "reason", "because")
    assert doctor.main() == 0
    told = facts(capsys.readouterr().out)
    assert told["form"] == "portable, with kernels for v3, v4"
    assert told["level"] == "v3: because"
    assert told["build uses"] == "AVX2"


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"]], ids=str)
def test_usage(words, capsys):
    assert command_line.main(words) == 0
    assert capsys.readouterr().out.startswith("usage: python -m minigrad doctor\n")


@pytest.mark.parametrize("words", [["docter"], ["doctor", "now"]], ids=str)
def test_words_not_understood(words, capsys):
    assert command_line.main(words) == 2
    captured = capsys.readouterr()
    assert repr(" ".join(words)) in captured.err and "usage: " in captured.err
    assert captured.out == ""


def test_the_status_reaches_the_shell():
    run = subprocess.run([sys.executable, "-m", "minigrad", "x"], cwd=PACKAGE.parent)
    assert run.returncode == 2


def test_wrong_kernels_are_noticed(no_trials, capsys, monkeypatch):
    right = _kernels._compiled["relu_backward"]

    def wrong(dy, y, dx):
        right(dy, y, dx)
        dx *= 1.001

    monkeypatch.setitem(_kernels._compiled, "relu_backward", wrong)
    try:
        assert doctor.main() == 1
    finally:
        monkeypatch.undo()
        minigrad.use_kernels("compiled")
    assert facts(capsys.readouterr().out)["gradients"].startswith("WRONG: ")


def test_the_kernels_in_use_stay_in_use(no_trials, capsys):
    with minigrad.use_kernels("reference"):
        assert doctor.main() == 0
        assert minigrad.use_kernels.current == "reference"
    assert facts(capsys.readouterr().out)["in use"] == "reference"


@pytest.fixture
def sources(tmp_path):
    """The package as it is before a build."""
    folder = tmp_path / "minigrad"
    leave = shutil.ignore_patterns("*.so", "*.pyd", "*.npz", "__pycache__", "_build_info.py")
    shutil.copytree(PACKAGE, folder, ignore=leave)
    (tmp_path / "setup.py").touch()
    return folder


def examine(folder, where):
    """Run it by path, as the message of the failed import says."""
    command = [sys.executable, str(folder / "doctor.py")]
    run = subprocess.run(command, cwd=where, capture_output=True, text=True, encoding="utf-8")
    assert run.stderr == ""
    return run.returncode, facts(run.stdout)


def test_without_a_build(sources, tmp_path):
    for where in (tmp_path, sources):
        code, told = examine(sources, where)
        assert code == 1
        assert told["import fails"].startswith("minigrad is not compiled: ")
        assert str(sources / "doctor.py") in told["import fails"]
        assert told["form"].startswith("unknown")
        assert told["NumPy"] == np.__version__
        assert "gradients" not in told


def test_for_another_processor(sources, tmp_path):
    for path in sources.rglob("*.pyx"):
        path.with_suffix(INFO["suffix"]).touch()
    core = pytest.importorskip("numpy._core._multiarray_umath")
    absent = next(name for name, present in core.__cpu_features__.items() if not present)
    info = {key: INFO[key] for key in ("suffix", "cython", "numpy", "python", "compiler", "debug")}
    info |= {"features": [absent], "command": "cc -march=x86-64-v9", "sources": {}}
    lines = (f"{key} = {value!r}\n" for key, value in info.items())
    (sources / "_build_info.py").write_text("".join(lines), encoding="utf-8")
    code, told = examine(sources, tmp_path)
    assert code == 1
    assert f"this one has no {absent}." in told["import fails"]
    assert INFO["debug"] or told["form"] == "for processors with x86-64-v9"
    assert told["build uses"] == absent


def test_changed_sources_are_named(monkeypatch):
    monkeypatch.setattr(
        minigrad._build_check, "changed", lambda paths: ["minigrad/ops/math/linear.pyx"]
    )
    assert doctor.build(INFO, minigrad)["changed since"] == "minigrad/ops/math/linear.pyx"


def test_what_the_processor_has():
    here = doctor.features()
    assert not any("_" in name for name in here)
    told = doctor.processor({"features": here})
    assert told["build uses"].split() == here
    assert not here or told["unused"] == "nothing"


def test_what_openblas_answers():
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    if blas["name"] != "scipy-openblas":
        pytest.skip(f"NumPy was built with {blas['name']}")
    told = doctor.blas(minigrad)
    assert told["NumPy's BLAS"] == f"scipy-openblas {blas['version']}"
    assert told["its kernels"].isidentifier()
    assert told["its threads"] >= 1


def test_another_blas_is_no_error(monkeypatch):
    monkeypatch.setattr(doctor, "numpy_core", lambda: None)
    assert doctor.blas(minigrad)["its kernels"] == "unknown"
    assert doctor.features() == []
    assert doctor.processor(INFO)["unused"] == "unknown"


def test_a_portable_build_is_told_how_to_be_faster(no_trials, monkeypatch):
    monkeypatch.setattr(doctor, "features", lambda: ["AVX2"])
    slow = INFO | {"features": ["SSE3"], "debug": False, "levels": {}}
    (hint,) = doctor.hints(slow, minigrad)
    assert hint.startswith("portable build: `") and "compiles for this processor" in hint
    assert not list(doctor.hints(slow | {"features": ["AVX2"]}, minigrad))
    assert not list(doctor.hints(slow | {"debug": True}, minigrad))
    # A wheel takes what the processor has, unless MINIGRAD_LEVEL asks for less.
    assert not list(doctor.hints(slow | {"levels": {"v3": ["AVX2"]}}, minigrad))


def test_settings_that_help_are_named_and_no_others(no_trials, monkeypatch):
    monkeypatch.setattr(doctor, "features", lambda: ["AVX512F", "AVX512BW", "AVX512VL"])
    answers = {"get_corename": "Haswell", "get_num_threads": 2}
    monkeypatch.setattr(doctor, "openblas", lambda question, kind: answers[question])
    times = {
        "": 100.0, "OPENBLAS_CORETYPE=SkylakeX": 60.4, "MINIGRAD_PRODUCTS=numpy": 90.0,
    }  # fmt: skip
    asked = []

    def product_times(settings):
        asked.extend(settings)
        return {name: times.get(name, float("inf")) for name in settings}

    monkeypatch.setattr(doctor, "product_times", product_times)
    monkeypatch.setattr(minigrad._runtime.matmul, "provider", lambda: "openblas")
    (hint,) = doctor.hints({}, minigrad)
    assert hint.startswith("OPENBLAS_CORETYPE=SkylakeX in the environment")
    assert "60 µs instead of 100" in hint
    names = ["MINIGRAD_PRODUCTS=mkl", "MINIGRAD_PRODUCTS=numpy"]
    assert asked == ["", *names, "OPENBLAS_CORETYPE=SkylakeX"]
    # In a build whose loops have the vectors for it, they are tried too; when they are in use,
    # nothing is expected from the setting.
    list(doctor.hints({"features": ["AVX512F"], "debug": True}, minigrad))
    assert "MINIGRAD_PRODUCTS=minigrad" in asked
    asked.clear()
    monkeypatch.setattr(minigrad._runtime.matmul, "provider", lambda: "minigrad")
    assert not list(doctor.hints({}, minigrad))
    assert asked == ["", *names, "MINIGRAD_PRODUCTS=openblas"]


@pytest.mark.slow
def test_the_times_of_a_product():
    times = doctor.product_times(["", "PYTHONIOENCODING=nonsense"])
    assert 1 < times[""] < 1e6
    assert times["PYTHONIOENCODING=nonsense"] == float("inf")


@pytest.mark.parametrize(("threads", "load", "hints"), [(2, 3.5, 1), (1, 3.5, 0), (2, 0.5, 0)])
def test_several_threads_on_busy_processors(no_trials, monkeypatch, threads, load, hints):
    monkeypatch.setattr(doctor, "cpus", lambda: 2)
    monkeypatch.setattr(doctor, "openblas", lambda question, kind: threads)
    monkeypatch.setattr(doctor.os, "getloadavg", lambda: (load, 0.0, 0.0), raising=False)
    given = list(doctor.hints({}, minigrad))
    assert len(given) == hints
    assert all("2 BLAS threads" in hint and "OPENBLAS_NUM_THREADS=1" in hint for hint in given)


@pytest.mark.parametrize("name", ["MINIGRAD_KEEP_MB", "MINIGRAD_PRODUCTS"])
def test_a_setting_that_is_none_is_told(name):
    script = str(PACKAGE / "doctor.py")
    environment = {**os.environ, name: "plenty"}
    run = subprocess.run([sys.executable, script], capture_output=True, text=True, env=environment)
    assert run.returncode == 1
    assert "plenty" in facts(run.stdout)["import fails"]
