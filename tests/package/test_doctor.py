"""What `python -m minigrad doctor` finds out, also about a package that cannot be imported."""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from importlib import metadata
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
    assert text.startswith("minigrad\n") and told["version"] == minigrad.__version__
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


def test_as_json(no_trials, capsys):
    """The same names and facts as in the text, by section."""
    assert doctor.main() == 0
    told = facts(capsys.readouterr().out)
    assert command_line.main(["doctor", "--json"]) == 0
    sections = json.loads(capsys.readouterr().out)
    assert sections.pop("hints") == []
    for name, fact in [fact for section in sections.values() for fact in section.items()]:
        assert told.pop(name) == str(fact).strip()
    assert not told or list(told) == ["none"]


@pytest.mark.parametrize("words", [[], ["-h"], ["--help"]], ids=str)
def test_usage(words, capsys):
    with contextlib.suppress(SystemExit):
        assert command_line.main(words) == 0
    out = capsys.readouterr().out
    assert out.startswith("usage: python -m minigrad ")
    assert all(f"\n{command} " in out for command in ("learn", "book", "lab", "doctor"))


@pytest.mark.parametrize("command", ["doctor", "learn", "book", "lab"])
def test_usage_of_a_command(command, capsys):
    with pytest.raises(SystemExit, match="^0$"):
        command_line.main([command, "--help"])
    assert capsys.readouterr().out.startswith(f"usage: python -m minigrad {command} [-h]")


def test_version(capsys):
    with pytest.raises(SystemExit, match="^0$"):
        command_line.main(["--version"])
    assert capsys.readouterr().out == f"minigrad {minigrad.__version__}\n"


@pytest.mark.parametrize(
    ("words", "wrong"),
    [(["docter"], "docter"), (["doctor", "now"], "now"), (["--jason"], "--jason"),
     (["learn", "--jason"], "--jason"), (["book", "one", "two"], "two")],
)  # fmt: skip
def test_words_not_understood(words, wrong, capsys):
    with pytest.raises(SystemExit, match="^2$"):
        command_line.main(words)
    captured = capsys.readouterr()
    assert wrong in captured.err and "usage: python -m minigrad" in captured.err
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


FOREIGN = '"""Another project."""\n__version__ = "0.0.6"\n'


@pytest.mark.parametrize(
    "init",
    [FOREIGN, pytest.param(None, marks=pytest.mark.slow)],
    ids=["installed over it", "and removed again"],
)
def test_another_package_of_the_name(sources, init):
    """The package index has one; what is left of ours says so."""
    if init is None and list(metadata.distributions(name="minigrad-cython")):
        pytest.skip("where minigrad is installed, Python takes that, which is whole")
    (sources / "__init__.py").unlink()
    if init:
        (sources / "__init__.py").write_text(init, encoding="utf-8")
    words = "another project's package of the name minigrad. Remove that with `pip uninstall"
    code, told = examine(sources, sources.parent)
    assert code == 1 and words in told["import fails"] and told["version"] == "unknown"
    options = {"cwd": sources.parent, "capture_output": True, "encoding": "utf-8"}
    for command in ("doctor", "learn"):
        run = subprocess.run([sys.executable, "-m", "minigrad", command], **options)
        assert run.returncode == (1 if command == "doctor" else 2)
        assert words in (run.stdout if command == "doctor" else run.stderr)
        assert "Traceback" not in run.stderr


@pytest.fixture
def other(tmp_path):
    """Another project's package of the name, where programs find it."""
    path = tmp_path / "elsewhere" / "minigrad" / "__init__.py"
    path.parent.mkdir(parents=True)
    path.write_text(FOREIGN, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "command",
    [
        "examples/xor.py",
        pytest.param("-m pytest tests/package/test_doctor.py", marks=pytest.mark.slow),
    ],
)
def test_examples_and_tests_do_not_run_with_another_package(other, command):
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": str(other.parents[1]), "PYTHONSAFEPATH": ""}
    words = [str(root / word) if "/" in word else word for word in command.split()]
    run = subprocess.run(
        [sys.executable, *words], env=environment, capture_output=True, encoding="utf-8",
        cwd=other.parents[2],
    )  # fmt: skip
    assert run.returncode in (1, 4)
    assert f"{other.parent} is another project's package of the name minigrad" in (
        run.stdout + run.stderr
    )
    assert "Traceback" not in run.stderr


def test_what_programs_import_instead(sources, other):
    """The doctor looks at its own folder, and says so if programs get something else."""
    environment = os.environ | {"PYTHONPATH": str(other.parents[1])}
    run = subprocess.run(
        [sys.executable, str(sources / "doctor.py")], env=environment, capture_output=True,
        encoding="utf-8",
    )  # fmt: skip
    assert facts(run.stdout)["programs import"] == str(other)
    assert facts(run.stdout)["import fails"].startswith("minigrad is not compiled")


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


def test_what_threadpoolctl_answers():
    pytest.importorskip("threadpoolctl")
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    if blas["name"] != "scipy-openblas":
        pytest.skip(f"NumPy was built with {blas['name']}")
    told = doctor.blas(minigrad)
    assert told["NumPy's BLAS"] == f"scipy-openblas {blas['version']}"
    loaded = re.search(r"openblas \S+, kernels (\w+), threads (\d+)", told["BLAS loaded"])
    assert loaded[1] != "unknown" and int(loaded[2]) >= 1


def test_without_threadpoolctl(no_trials, monkeypatch):
    monkeypatch.setitem(sys.modules, "threadpoolctl", None)
    assert doctor.blas(minigrad)["BLAS loaded"].startswith("unknown; `pip install threadpoolctl`")
    assert not list(doctor.hints({}, minigrad))


def test_another_blas_is_no_error(monkeypatch):
    monkeypatch.setattr(doctor, "numpy_core", lambda: None)
    assert doctor.blas(minigrad)["NumPy's BLAS"].strip() == "unknown"
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
    loaded = [{"architecture": "Haswell", "num_threads": 2}]
    monkeypatch.setattr(doctor, "blas_loaded", lambda: loaded)
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
    monkeypatch.setattr(doctor, "blas_loaded", lambda: [{"num_threads": threads}])
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
