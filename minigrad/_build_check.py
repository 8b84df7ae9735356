"""Say in words what is wrong with the compiled modules: missing, stale, or built for another
Python or processor.

The package imports this first, so that no one meets a bare "No module named minigrad.tensor". It
also tells `traceback` where the Cython sources are, whose lines it would otherwise not find.
"""

import linecache
import os
from functools import partial
from hashlib import sha256
from importlib import import_module
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path
from sys import version_info
from warnings import warn

PACKAGE = Path(__file__).parent
HOME = PACKAGE.parent.as_posix().rstrip("/") + "/"
PYTHON = f"Python {version_info.major}.{version_info.minor}"


def check():
    """ImportError for modules that cannot be loaded; one warning for sources changed since."""
    paths = sources()
    missing = [name(path) for path in paths if path.suffix == ".pyx" and not compiled(path)]
    record = build_record()
    if (suffix := record.get("suffix")) not in (None, *EXTENSION_SUFFIXES):
        raise ImportError(
            f"minigrad is compiled for another Python ({suffix}); this is {PYTHON}. {remedy()}"
        )
    if missing:
        raise ImportError(
            f"minigrad is not compiled: {PYTHON} finds no module for {few(missing)}. {remedy()}"
        )
    if lacking := lacks(record.get("features", [])):
        raise ImportError(
            f"minigrad is compiled for another processor: this one has no {', '.join(lacking)}. "
            f"{remedy()} With MINIGRAD_PORTABLE=1 it is compiled for any."
        )
    for path in paths:
        linecache.cache[name(path)] = (partial(path.read_text, "utf-8"),)
    if stale := changed(paths):
        warn(
            f"minigrad was compiled before {few(stale)} changed. {remedy()}",
            RuntimeWarning,
            stacklevel=4,  # past this module and the package, to the line that imports it
        )


def sources():
    """All .pyx and .pxd files, from one walk: this runs at every import."""
    found = [
        Path(folder, file)
        for folder, _, files in os.walk(PACKAGE)
        for file in files
        if file.endswith((".pyx", ".pxd"))
    ]
    return sorted(found, key=lambda path: (path.suffix == ".pxd", path.as_posix()))


def changed(paths):
    """The names of the sources that have changed since the build."""
    hashes = build_record().get("sources", {})
    return [
        name(path)
        for path in paths
        if hashes.get(name(path)) != sha256(path.read_bytes()).hexdigest()
    ]


def name(path):
    """The source as Cython names it in a traceback: minigrad/tensor.pyx."""
    return path.as_posix()[len(HOME) :]


def compiled(path):
    return any(path.with_suffix(suffix).exists() for suffix in EXTENSION_SUFFIXES)


def build_record():
    """What setup.py wrote at the build, by name; empty if it wrote nothing."""
    try:
        from . import _build_info as info
    except ImportError:
        return {}
    return vars(info)


def lacks(features):
    """The features (by NumPy's names) that this processor is known to lack."""
    if os.environ.keys() & {"NPY_DISABLE_CPU_FEATURES", "NPY_ENABLE_CPU_FEATURES"}:
        return []  # NumPy then denies what is there
    known = processor_features()
    return [name for name in features if not known.get(name, True)]


def processor_features():
    """NumPy's names of features -> whether processor and operating system have them."""
    try:
        return import_module("numpy._core._multiarray_umath").__cpu_features__
    except (ImportError, AttributeError):  # a private name, without which nothing is known
        return {}


def few(names):
    """At most four names, then how many others."""
    rest = len(names) - 4
    return ", ".join(names[:4]) + (f" and {rest} more" if rest > 0 else "")


def remedy():
    """The command that repairs it, and the one that tells more."""
    root = PACKAGE.parent
    words = f"Install minigrad with this Python again ({PACKAGE} is an installed copy)."
    if (root / "setup.py").exists():
        words = f"Run `python setup.py build_ext --inplace` or `pip install -e .` in {root}."
    return f"{words} `python {PACKAGE / 'doctor.py'}` tells more."


check()
