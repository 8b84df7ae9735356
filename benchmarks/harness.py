"""What the benchmarks share: threads, turns, medians, and a description of the machine.

Contestants take turns in short blocks, in an order that changes each round, so that a noisy moment
of the machine falls on all of them. Ratios are medians of the ratios within a round.

`use_threads` comes before anything that computes is imported: run.py gives each subject and each
number of threads a process of its own.
"""

import ctypes
import importlib.metadata
import os
import platform
import random
import sys
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter

BLOCK = 0.02  # seconds a contestant runs at a stretch
BUDGET = 20.0  # seconds for all rounds of one size; with less than LEAST rounds it is exceeded
LEAST = 5
PACKAGES = ("numpy", "torch", "jax")


def use_threads(count):
    """Hold every library to `count` threads; only works before the first of them is imported."""
    if "numpy" in sys.modules:
        raise RuntimeError("use_threads: NumPy is imported already")
    for name in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{name}_NUM_THREADS"] = str(count)
    if hasattr(os, "sched_setaffinity"):  # JAX has no setting of its own; it counts the CPUs
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-count:])


def installed(name):
    """The peer imported, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def time_in_turns(contestants, rounds, block=BLOCK):
    """Seconds a call for each name of `contestants` (name: function), a list of one a round."""
    repeats, once = {}, 0
    for name, call in contestants.items():
        call()
        seconds = clock(call, 1)
        if seconds < block:
            seconds = min(clock(call, 3) for _ in range(3))
        repeats[name] = max(1, round(block / seconds))
        once += (repeats[name] + 1) * seconds
    rounds = min(rounds, max(LEAST, int(BUDGET / once)))
    times = {name: [] for name in contestants}
    order = list(contestants)
    shuffle = random.Random(0).shuffle
    for _ in range(rounds):
        shuffle(order)
        for name in order:
            contestants[name]()  # its data comes back into the cache
            times[name].append(clock(contestants[name], repeats[name]))
    return times


def clock(call, repeats):
    start = perf_counter()
    for _ in range(repeats):
        call()
    return (perf_counter() - start) / repeats


def middle(values):
    """The median; None if a value is missing (an accuracy that was never reached)."""
    return None if None in values or not values else median(values)


def ratio(above, below):
    """The median over the rounds of above / below."""
    if None in above or None in below:
        return None
    return median(a / b for a, b in zip(above, below, strict=True))


def spread(values):
    """Half the distance between the quartiles, relative to the median."""
    if len(values) < 2 or None in values:
        return 0.0
    low, centre, high = quantiles(values, n=4, method="inclusive")
    return (high - low) / 2 / centre


def machine():
    """What a figure depends on beside the code: processor, versions, compiler, BLAS."""
    from minigrad import _build_info as build

    return {
        "processor": processor(),
        "CPUs": cpus(),
        "system": platform.platform(terse=True),
        "Python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "BLAS of NumPy": blas(),
        "compiler": build.compiler,
        "flags": " ".join(w for w in build.command.split() if w.startswith(("-O", "-m", "-f"))),
        "Cython": build.cython,
        "debug build": build.debug,
    }


def cpus():
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed: left out"


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def blas():
    """The library and, if it is OpenBLAS, the processor whose kernels it took."""
    import numpy as np

    library = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    name = f"{library.get('name')} {library.get('version')}"
    folder = Path(np.__file__).parents[1] / "numpy.libs"
    for path in folder.glob("*openblas*"):
        try:
            core = ctypes.CDLL(str(path)).scipy_openblas_get_corename64_
        except (OSError, AttributeError):
            continue
        core.restype = ctypes.c_char_p
        name += f", kernels for {core().decode()}"
    return name
