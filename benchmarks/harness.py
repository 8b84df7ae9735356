"""What the benchmarks share: threads, interleaved timing, medians, and how they are printed.

Contestants take turns in short blocks, in an order that changes each round, so that a noisy moment
of the machine falls on all of them. Ratios are medians of the ratios within a round.

Import this before anything that computes: it is what sets the number of threads.
"""

import argparse
import json
import os
import platform
import random
import sys
from importlib.metadata import PackageNotFoundError, version
from statistics import median, quantiles
from time import perf_counter

BLOCK = 0.02  # seconds a contestant runs at a stretch


def arguments(description):
    """A parser with the options that every benchmark has."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--threads", type=int, default=1, help="threads for all (default: 1)")
    parser.add_argument("--rounds", type=int, default=20, help="rounds to time (default: 20)")
    parser.add_argument("--json", metavar="FILE", help="write the figures to FILE as well")
    return parser


def use_threads(count):
    """Hold every library to `count` threads; only works before the first of them is imported."""
    if "numpy" in sys.modules:
        raise RuntimeError("use_threads: NumPy is imported already")
    for name in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{name}_NUM_THREADS"] = str(count)
    if hasattr(os, "sched_setaffinity"):  # JAX has no setting of its own; it counts the CPUs
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-count:])


def time_in_turns(contestants, rounds):
    """Seconds a call for each name of `contestants` (name: function), a list of one a round."""
    repeats = {}
    for name, call in contestants.items():
        call()
        repeats[name] = max(1, round(BLOCK / min(clock(call, 3) for _ in range(3))))
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


def ratio(times, above, below):
    """The median over the rounds of time(above) / time(below)."""
    return median(a / b for a, b in zip(times[above], times[below], strict=True))


def spread(values):
    """Half the distance between the quartiles, relative to the median."""
    if len(values) < 2:
        return 0.0
    low, middle, high = quantiles(values, n=4)
    return (high - low) / 2 / middle


def microseconds(times):
    return f"{median(times) * 1e6:.0f} ± {spread(times) * median(times) * 1e6:.0f}"


def print_machine(threads, *packages):
    """The machine and the versions, without which a figure says nothing."""
    print(f"{processor()}, {threads} thread(s); Python {platform.python_version()}", end="")
    for package in packages:
        try:
            print(f", {package} {version(package)}", end="")
        except PackageNotFoundError:
            print(f", no {package}: left out", end="")
    print(end="\n\n")


def processor():
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            return next(line.split(":")[1].strip() for line in lines if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def print_table(title, columns, rows):
    """`rows`: label -> one string a column."""
    width = max(map(len, [title, *rows]))
    cell = max(len(text) for row in [columns, *rows.values()] for text in row) + 1
    for label, row in {title: columns, **rows}.items():
        print(label.ljust(width), *(text.rjust(cell) for text in row))
    print()


def write_json(path, results):
    """Medians and spreads of `results` (column -> name -> times), in seconds."""
    figures = {
        column: {name: {"median": median(t), "spread": spread(t)} for name, t in times.items()}
        for column, times in results.items()
    }
    with open(path, "w", encoding="utf-8") as file:
        json.dump(figures, file, indent=1)
