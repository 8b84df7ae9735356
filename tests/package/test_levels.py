"""Which kernels the import of a wheel takes, and what it says of levels that it cannot take."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad._build_check import processor_features
from minigrad._kernels.levels import LEVELS, choose, here

PACKAGE = Path(minigrad.__file__).parent
BUILD = {"v3": ["AVX2", "FMA3"], "v4": ["AVX2", "FMA3", "AVX512F"]}
V4 = {"AVX2": True, "FMA3": True, "AVX512F": True}


def run(folder, code, **environment):
    """The status, and the last line that was printed."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NPY_", "MINIGRAD_"))}
    command = [sys.executable, "-W", "error", "-c", code]
    done = subprocess.run(
        command, cwd=folder, env=kept | environment, capture_output=True, text=True
    )
    return done.returncode, (done.stdout + done.stderr).strip().splitlines()[-1]


@pytest.mark.parametrize(
    ("has", "level", "reason"),
    [
        (V4, "v4", "the highest of this build"),
        (V4 | {"X86_V3": True, "X86_V4": True}, "v4", "the highest of this build"),
        (V4 | {"AVX512F": False}, "v3", "this processor has no AVX512F, which v4 needs"),
        ({"AVX2": True, "FMA3": True}, "v3", "this processor has no AVX512F, which v4 needs"),
        (V4 | {"FMA3": False}, "v2", "this processor has no FMA3, which v3 needs"),
        (V4 | {"X86_V4": False}, "v3", "this processor has no X86_V4, which v4 needs"),
        (V4 | {"X86_V3": False}, "v2", "this processor has no X86_V3, which v3 needs"),
        ({}, "v2", "NumPy names no features, which v3 needs"),
    ],
)  # fmt: skip
def test_the_highest_level_that_runs_is_taken(has, level, reason):
    assert choose(BUILD, has, None) == (level, reason)
    assert choose(BUILD, has, "") == (level, reason)


@pytest.mark.parametrize("asked", ["v2", "v3", "v4"])
def test_the_environment_chooses(asked):
    assert choose(BUILD, V4, asked) == (asked, "MINIGRAD_LEVEL asks for it")


def test_a_level_that_is_none():
    for asked in ("v1", "x86-64-v3", "V3", " "):
        with pytest.raises(ValueError, match="expected one of 'v2', 'v3', 'v4'") as error:
            choose(BUILD, V4, asked)
        assert f"MINIGRAD_LEVEL: got {asked!r}" in str(error.value)


def test_a_level_that_does_not_run_here():
    expected = "MINIGRAD_LEVEL is 'v4', but this processor has no AVX512F, which v4 needs. Without"
    with pytest.raises(ImportError, match=f"{expected} the variable the import takes 'v3', "):
        choose(BUILD, V4 | {"AVX512F": False}, "v4")
    with pytest.raises(ImportError, match="'v3', but NumPy names no features"):
        choose(BUILD, {}, "v3")


def test_a_build_that_holds_each_kernel_once():
    assert choose({}, V4, None) == (None, "this build holds each kernel once")
    with pytest.raises(ImportError, match="'v3', but this build holds each kernel once: only wh"):
        choose({}, V4, "v3")


@pytest.fixture
def wheel(tmp_path):
    """A package of one kernel in three forms, each of which says where it lies."""
    if not processor_features().get("AVX2"):
        pytest.skip("levels are those of x86-64")
    kernels = tmp_path / "minigrad" / "_kernels"
    (kernels / "v3").mkdir(parents=True)
    (kernels / "v4").mkdir()
    shutil.copy(PACKAGE / "_build_check.py", kernels.parent)
    shutil.copy(PACKAGE / "_kernels" / "levels.py", kernels)
    (kernels.parent / "__init__.py").touch()
    (kernels / "__init__.py").write_text("from . import levels\nfrom . import loop\n")
    for form in (kernels, kernels / "v3", kernels / "v4"):
        (form / "loop.py").write_text(f"print({form.name!r})\n")
    levels = {"v3": ["AVX2"], "v4": ["UNHEARD_OF"]}
    (kernels.parent / "_build_info.py").write_text(f"levels = {levels}\nsources = {{}}\n")
    return tmp_path


def test_the_import_finds_the_kernels_of_the_level(wheel):
    code = "import minigrad._kernels.loop"
    assert run(wheel, code) == (0, "v3")
    assert run(wheel, code, MINIGRAD_LEVEL="v3") == (0, "v3")
    assert run(wheel, code, MINIGRAD_LEVEL="v2") == (0, "_kernels")
    for level, kind in (("v4", "ImportError"), ("v5", "ValueError")):
        code_of, words = run(wheel, code, MINIGRAD_LEVEL=level)
        assert code_of == 1
        assert words.startswith(f"{kind}: MINIGRAD_LEVEL")


def test_what_numpy_was_told_to_deny_is_not_taken(wheel):
    dispatched = np.show_config(mode="dicts")["SIMD Extensions"]["found"]
    denied = {"X86_V3", "AVX2"} & set(dispatched)
    if not denied:
        pytest.skip("NumPy has no loops of its own for AVX2 that it could be told to leave")
    environment = {"NPY_DISABLE_CPU_FEATURES": " ".join(denied)}
    assert run(wheel, "import minigrad._kernels", **environment) == (0, "_kernels")


def test_every_level_of_this_build(tmp_path):
    """In an installed wheel: the loops are those of the level, and products those of the loops."""
    if not LEVELS:
        pytest.skip("this build holds each kernel once")
    code = (
        f"import sys; sys.path.insert(0, {str(PACKAGE.parent)!r})\n"
        "from minigrad import _kernels\n"
        "from minigrad._runtime import matmul\n"
        "from pathlib import Path\n"
        "folder = Path(_kernels.linear.__file__).parent.name\n"
        "print(folder, _kernels.levels.current, matmul.provider())\n"
    )
    for level in here():
        status, words = run(tmp_path, code, MINIGRAD_LEVEL=level)
        folder, current, provider = words.split()
        assert status == 0
        assert current == level
        assert folder == ("_kernels" if level == "v2" else level)
        assert provider == "mkl" or (provider == "minigrad") == (level == "v4")
