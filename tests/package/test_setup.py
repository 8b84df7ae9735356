"""What setup.py says when it cannot build, and when it compiles again."""

import os
import runpy
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("Cython")
pytest.importorskip("setuptools")
SETUP = Path(__file__).parents[2] / "setup.py"
if not SETUP.exists():
    pytest.skip("the tests run outside the source tree", allow_module_level=True)


@pytest.fixture
def tree(tmp_path):
    """setup.py with a package of one small module."""
    shutil.copy(SETUP, tmp_path)
    package = tmp_path / "minigrad"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "small.pyx").write_text("def add(double[::1] x, int i): return x[i] + 1\n")
    return tmp_path


def build(tree, *words, **environment):
    command = [sys.executable, *(words or ["setup.py", "build_ext", "--inplace"])]
    env = {**os.environ, **environment}
    run = subprocess.run(command, cwd=tree, env=env, capture_output=True, text=True)
    return run.returncode, run.stdout + run.stderr


def built(tree):
    return runpy.run_path(str(tree / "minigrad" / "_build_info.py"))


def test_no_compiler(tree):
    code, words = build(tree, CC="no-such-compiler")
    assert code == 1
    assert "there is no C compiler here ('no-such-compiler' was not found). Install one" in words
    assert "Traceback" not in words
    assert not (tree / "build" / "cython").exists()  # said before the work begins


def test_no_python_headers(tree):
    code = (
        "import runpy, sys, sysconfig\n"
        "sysconfig.get_path = lambda name, *rest: '/nowhere'\n"
        "sys.argv = ['setup.py', 'build_ext']\n"
        "runpy.run_path('setup.py', run_name='__main__')\n"
    )
    code, words = build(tree, "-c", code)
    assert code == 1
    assert "no Python.h in /nowhere). Install them" in words
    assert "Traceback" not in words


# Knows baseline code alone, as an old compiler, or one for another architecture.
OLD_COMPILER = """#!/bin/sh
for word; do case $word in -march=*) echo "unknown $word" >&2; exit 1;; esac; done
exec cc "$@"
"""


def machine(tree):
    """The -march of the build, and the features of the processor that it counts on."""
    words = shlex.split(built(tree)["command"])
    return [word for word in words if word.startswith("-march=")], built(tree)["features"]


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a compiler that takes gcc's options")
def test_builds_in_place_are_for_the_processor_at_hand(tree):
    (tree / "old-cc").write_text(OLD_COMPILER)
    (tree / "old-cc").chmod(0o755)
    old = {"CC": str(tree / "old-cc"), "LDSHARED": f"{tree / 'old-cc'} -shared"}

    code, words = build(tree, MINIGRAD_PORTABLE="1")
    assert code == 0, words
    baseline = machine(tree)[1]
    assert machine(tree)[0] == []

    words = build(tree)[1]
    flags, features = machine(tree)
    if flags:
        assert flags[0].startswith("-march=x86-64-v")
        assert set(baseline) < set(features)
        assert "building 'minigrad.small'" in words
    works = "import numpy, minigrad.small; assert minigrad.small.add(numpy.ones(1), 0) == 2"
    assert build(tree, "-c", works)[0] == 0

    code, words = build(tree, **old)  # a compiler without the flag builds, too
    assert code == 0, words
    assert machine(tree) == ([], baseline)

    assert build(tree, MINIGRAD_DEBUG="1")[0] == 0
    assert machine(tree) == ([], baseline)

    assert build(tree, "setup.py", "build")[0] == 0  # as for a wheel
    info = runpy.run_path(str(next(tree.glob("build/lib*/minigrad/_build_info.py"))))
    assert "-march=" not in info["command"]
    assert info["features"] == baseline

    if flags:
        assert build(tree, CFLAGS="-march=x86-64")[0] == 0  # whoever chooses is not overruled
        assert machine(tree) == (["-march=x86-64"], baseline)


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs a compiler that takes gcc's options")
def test_a_wheel_holds_its_kernels_once_more_per_level(tree):
    kernels = tree / "minigrad" / "_kernels"
    kernels.mkdir()
    (kernels / "__init__.py").touch()
    for name in ("loop", "max_pool2d"):
        (kernels / f"{name}.pyx").write_text("def twice(double[::1] x): return x[0] * 2\n")
    said = []

    def forms(**environment):
        """The files of each form of the kernel, and the levels of the record."""
        shutil.rmtree(tree / "build", ignore_errors=True)
        code, words = build(tree, "setup.py", "build", **environment)
        assert code == 0, words
        said.append(words)
        (lib,) = tree.glob("build/lib*/minigrad")
        found = {path.parent.name: path for path in lib.rglob("loop.*") if path.suffix != ".pyx"}
        assert len([path for path in lib.rglob("small.*") if path.suffix != ".pyx"]) == 1
        return found, runpy.run_path(str(lib / "_build_info.py")).get("levels", {})

    found, levels = forms()
    if not levels:
        pytest.skip("this compiler has no levels of x86-64")
    assert list(levels) == ["v3", "v4"]
    assert "AVX2" in levels["v3"] and "AVX512F" not in levels["v3"]
    assert set(levels["v3"]) < set(levels["v4"]) and "AVX512VL" in levels["v4"]
    # NumPy must be able to tell of all of them, or no import takes the level.
    known = pytest.importorskip("numpy._core._multiarray_umath").__cpu_features__
    assert set(levels["v4"]) <= known.keys()
    assert not {"BMI", "BMI2", "LZCNT", "MOVBE"} & set(levels["v4"])
    assert found.keys() == {"_kernels", "v3", "v4"}
    narrow = [line for line in said[0].splitlines() if "-mprefer-vector-width=256" in line]
    assert narrow and all("max_pool2d" in line and "v4" in line for line in narrow)
    assert len({path.read_bytes() for path in found.values()}) == 3

    (tree / "old-cc").write_text(OLD_COMPILER)
    (tree / "old-cc").chmod(0o755)
    old = {"CC": str(tree / "old-cc"), "LDSHARED": f"{tree / 'old-cc'} -shared"}
    for environment in ({"MINIGRAD_PORTABLE": "1"}, old):
        found, levels = forms(**environment)
        assert (list(found), levels) == (["_kernels"], {})


@pytest.mark.slow
def test_what_a_wheel_was_made_of_stays_out_of_the_tree(tree):
    """It is for every processor, and slower than what a build in place is for."""
    assert build(tree)[0] == 0
    (module,) = (tree / "minigrad").glob("small.*[!x]")
    before = module.read_bytes()
    code, words = build(tree, "setup.py", "build", CFLAGS="-DFOR_A_WHEEL -O0")
    assert code == 0, words
    (made,) = tree.glob(f"build/lib*/minigrad/{module.name}")
    assert made.read_bytes() != before
    assert build(tree)[0] == 0
    assert module.read_bytes() == before


@pytest.mark.slow
def test_builds_compile_what_changed_and_all_when_flags_change(tree):
    code, words = build(tree)
    assert code == 0, words
    assert not list((tree / "minigrad").rglob("*.c"))
    assert list(built(tree)["sources"]) == ["minigrad/small.pyx"]
    assert built(tree)["debug"] is False

    words = build(tree)[1]
    assert "building" not in words

    for path in (tree / "minigrad").glob("*.p*"):  # as Git does, and pip's NumPy is newer, too
        path.touch()
    shutil.rmtree(tree / "build")  # as pip does with the folders of its build
    words = build(tree)[1]
    assert "building" not in words

    for path in (tree / "minigrad").glob("small.*"):
        if path.suffix != ".pyx":
            path.unlink()
    words = build(tree)[1]
    assert "building 'minigrad.small'" in words
    assert "building 'minigrad._memoryviews'" not in words

    (tree / "minigrad" / "small.pyx").write_text("def add(double[::1] x, int i): return x[i] + 2\n")
    words = build(tree)[1]
    assert "building 'minigrad.small'" in words
    assert "building 'minigrad._memoryviews'" not in words

    beyond = "import numpy, minigrad.small; minigrad.small.add(numpy.ones(1), 1)"
    assert build(tree, "-c", beyond)[0] == 0  # reads past the end, as a normal build does
    words = build(tree, MINIGRAD_DEBUG="1")[1]
    assert "building 'minigrad.small'" in words
    assert built(tree)["debug"] is True
    code, words = build(tree, "-c", beyond)
    assert code == 1
    assert "IndexError" in words

    (tree / "minigrad" / "__init__.pxd").touch()
    (tree / "minigrad" / "sizes.pxd").write_text("cdef enum:\n    ONE = 1\n")
    source = "from minigrad.sizes cimport ONE\ndef add(double[::1] x, int i): return x[i] + ONE\n"
    (tree / "minigrad" / "small.pyx").write_text(source)
    assert build(tree)[0] == 0
    (tree / "minigrad" / "sizes.pxd").write_text("cdef enum:\n    ONE = 3\n")
    words = build(tree)[1]
    assert "building 'minigrad.small'" in words
    works = "import numpy, minigrad.small; assert minigrad.small.add(numpy.ones(1), 0) == 4"
    assert build(tree, "-c", works)[0] == 0
    assert built(tree)["debug"] is False
    assert build(tree, "-c", beyond)[0] == 0

    setup = (tree / "setup.py").read_text(encoding="utf-8")
    setup = setup.replace('"boundscheck": DEBUG', '"boundscheck": True')
    (tree / "setup.py").write_text(setup, encoding="utf-8")
    words = build(tree)[1]  # directives change the C, too
    assert "building 'minigrad.small'" in words
    assert "IndexError" in build(tree, "-c", beyond)[1]
