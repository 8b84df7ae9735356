"""What minigrad costs before it computes: import time, size on the disk, time to build."""

import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

TITLE = "before anything is computed"
SIZE = ""
PARTS = {
    "import, over NumPy's": "ms",
    "import of NumPy itself": "ms",
    "installed, without what it depends on": "MB",
    "build from source": "s",
}
ROUNDS = 15
ROOT = Path(__file__).parents[2]
IMPORT = """
from time import perf_counter
start = perf_counter()
import numpy
middle = perf_counter()
import {0}
print(middle - start, perf_counter() - middle)
"""


def runs(quick):
    contestants = {"minigrad": lambda number: ours(number, build=not quick)}
    for name in ("torch", "jax"):
        if importlib.util.find_spec(name):
            contestants[name] = lambda number, name=name: theirs(name)
    return contestants


def ours(number, build):
    package = Path(importlib.util.find_spec("minigrad").submodule_search_locations[0])
    files = [path for path in package.rglob("*") if "__pycache__" not in path.parts]
    size = sum(path.stat().st_size for path in files if path.is_file())
    figures = import_time("minigrad") | {"installed, without what it depends on": size / 1e6}
    if build and number == 0 and (ROOT / "setup.py").exists():
        figures["build from source"] = build_time()
    return figures


def theirs(name):
    sizes = [0]
    for library in {"jax": ["jax", "jaxlib"]}.get(name, [name]):
        paths = (Path(f.locate()) for f in importlib.metadata.files(library) if f.suffix != ".pyc")
        sizes += [path.stat().st_size for path in paths if path.is_file()]
    return import_time(name) | {"installed, without what it depends on": sum(sizes) / 1e6}


def import_time(name):
    command = [sys.executable, "-c", IMPORT.format(name)]
    run = subprocess.run(command, stdout=subprocess.PIPE, check=True, text=True)
    numpy, library = (1e3 * float(word) for word in run.stdout.split())
    figures = {"import, over NumPy's": library}
    return figures | ({"import of NumPy itself": numpy} if name == "minigrad" else {})


def build_time():
    """Cython, compiler and linker from nothing, with the CPUs this process may use."""
    with tempfile.TemporaryDirectory() as folder:
        ignore = shutil.ignore_patterns("*.so", "*.pyd", "__pycache__", "_build_info.py")
        shutil.copytree(ROOT / "minigrad", Path(folder, "minigrad"), ignore=ignore)
        for name in ("setup.py", "pyproject.toml", "README.md", "LICENSE"):
            shutil.copy(ROOT / name, folder)
        start = perf_counter()
        subprocess.run(
            [sys.executable, "setup.py", "--quiet", "build_ext", "--inplace"],
            cwd=folder, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            env={**os.environ, "CCACHE_DISABLE": "1"},
        )  # fmt: skip
        return perf_counter() - start
