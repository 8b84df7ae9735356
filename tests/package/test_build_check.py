"""What the import says of compiled modules: missing, of another Python or processor, stale."""

import os
import re
import shutil
import subprocess
import sys
from hashlib import sha256
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest

import minigrad

PACKAGE = Path(minigrad.__file__).parent
HERE = EXTENSION_SUFFIXES[0]
ELSEWHERE = ".cpython-399-machine.so"
COMMANDS = ("python setup.py build_ext --inplace", "pip install -e .")


@pytest.fixture
def package(tmp_path):
    """A package of one module that looks compiled; nothing in it is really loaded."""
    folder = tmp_path / "minigrad"
    (folder / "ops").mkdir(parents=True)
    shutil.copy(PACKAGE / "_build_check.py", folder)
    (folder / "__init__.py").write_text("from . import _build_check\n")
    (folder / "ops" / "fast.pyx").write_text("def f(): pass\n")
    (folder / "ops" / "fast.pxd").write_text("")
    (folder / "ops" / f"fast{HERE}").touch()
    (tmp_path / "setup.py").touch()
    record(folder)
    return folder


def record(folder, suffix=HERE, features=()):
    sources = {
        path.relative_to(folder.parent).as_posix(): sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*.p[yx][xd]")
    }
    text = f"suffix = {suffix!r}\nfeatures = {features!r}\nsources = {sources!r}\n"
    (folder / "_build_info.py").write_text(text)


def say(folder, *options, **environment):
    """What `import minigrad` prints."""
    command = [sys.executable, *options, "-c", "import minigrad"]
    env = {name: value for name, value in os.environ.items() if not name.startswith("NPY_")}
    run = subprocess.run(
        command, cwd=folder.parent, env=env | environment, capture_output=True, text=True
    )
    return run.returncode, run.stderr.strip()


def test_a_good_build_says_nothing(package):
    assert say(package, "-W", "error") == (0, "")


def test_this_build_is_good():
    command = [sys.executable, "-W", "error", "-c", "import minigrad"]
    run = subprocess.run(command, cwd=PACKAGE.parent, capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


def test_missing_modules(package):
    (package / "ops" / f"fast{HERE}").unlink()
    code, words = say(package)
    assert code == 1
    assert "ImportError: minigrad is not compiled" in words
    assert "minigrad/ops/fast.pyx" in words
    assert all(command in words for command in COMMANDS)
    assert str(package.parent) in words


def test_nothing_was_ever_built(package):
    (package / "ops" / f"fast{HERE}").unlink()
    (package / "_build_info.py").unlink()
    assert "ImportError: minigrad is not compiled" in say(package)[1]


def test_many_missing_modules_are_not_all_named(package):
    for i in range(9):
        (package / f"new{i}.pyx").touch()
    words = say(package)[1]
    assert "minigrad/new3.pyx and 5 more" in words
    assert "new4" not in words


@pytest.mark.parametrize("left_over", [True, False])
def test_another_python(package, left_over):
    if not left_over:
        (package / "ops" / f"fast{HERE}").unlink()
    (package / "ops" / f"fast{ELSEWHERE}").touch()
    record(package, ELSEWHERE)
    code, words = say(package)
    assert code == 1
    assert f"ImportError: minigrad is compiled for another Python ({ELSEWHERE})" in words
    assert f"this is Python 3.{sys.version_info.minor}." in words
    assert all(command in words for command in COMMANDS)


def features_of_numpy():
    return pytest.importorskip("numpy._core._multiarray_umath").__cpu_features__


def test_another_processor(package):
    known = features_of_numpy()
    absent = [name for name, present in known.items() if not present][:2]
    present = [name for name, present in known.items() if present]
    record(package, features=[*present, *absent, "UNHEARD_OF"])
    code, words = say(package)
    assert code == 1
    expected = f"compiled for another processor: this one has no {', '.join(absent)}. Run "
    assert f"ImportError: minigrad is {expected}" in words
    assert all(command in words for command in (*COMMANDS, "MINIGRAD_PORTABLE=1"))


def test_a_processor_that_has_all_of_it(package):
    present = [name for name, present in features_of_numpy().items() if present]
    record(package, features=[*present, "UNHEARD_OF"])  # of which NumPy cannot tell
    assert say(package, "-W", "error") == (0, "")


def test_features_that_numpy_was_told_to_deny(package):
    baseline = set(__import__("numpy").__config__.CONFIG["SIMD Extensions"]["baseline"])
    present = [name for name, present in features_of_numpy().items() if present]
    denied = [name for name in present if name in ("AVX512F", "X86_V4", "AVX2", "X86_V3", "SVE")]
    if not (denied := [name for name in denied if name not in baseline]):
        pytest.skip("nothing beyond NumPy's baseline")
    record(package, features=present)
    assert say(package, NPY_DISABLE_CPU_FEATURES=" ".join(denied))[0] == 0


def test_a_record_from_before_there_were_features(package):
    info = (package / "_build_info.py").read_text(encoding="utf-8")
    (package / "_build_info.py").write_text(info.replace("features", "other"))
    assert say(package, "-W", "error") == (0, "")


@pytest.mark.parametrize("source", ["fast.pyx", "fast.pxd"])
def test_a_source_changed_since(package, source):
    (package / "ops" / source).write_text("# changed\n")
    code, words = say(package)
    assert code == 0
    assert words.startswith("<string>:1: RuntimeWarning: minigrad was compiled before")
    assert f"before minigrad/ops/{source} changed" in words
    assert words.count("Warning") == 1
    assert all(command in words for command in COMMANDS)


def test_modules_without_a_record_count_as_changed(package):
    (package / "_build_info.py").unlink()
    assert "before minigrad/ops/fast.pyx, minigrad/ops/fast.pxd changed" in say(package)[1]


def test_an_installed_copy_names_no_command_of_the_source_tree(package):
    (package.parent / "setup.py").unlink()
    (package / "ops" / f"fast{HERE}").unlink()
    words = say(package)[1]
    assert "Install minigrad with this Python again" in words
    assert not any(command in words for command in COMMANDS)


def test_the_package_imports_the_check_first():
    lines = (PACKAGE / "__init__.py").read_text(encoding="utf-8").splitlines()
    imports = [line for line in lines if re.match(r"(from|import)\b", line)]
    assert "_build_check" in imports[0]


def test_a_traceback_shows_the_cython_line(tmp_path):
    """Also in a folder where the path that Cython recorded leads nowhere."""
    code = (
        f"import sys, traceback; sys.path.insert(0, {str(PACKAGE.parent)!r})\n"
        "from minigrad.ops.math.linear import matmul\n"
        "try: matmul(1, 2)\n"
        "except ValueError: print(traceback.format_exc())\n"
    )
    command = [sys.executable, "-c", code]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert re.search(r'File "minigrad/ops/math/linear.pyx", line \d+.*\n    raise ', run.stdout), (
        run
    )
