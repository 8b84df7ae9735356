"""What the benchmarks share: threads, turns, medians, and a description of the machine.

Contestants take turns in short blocks, in an order that changes each round, so that a noisy moment
of the machine falls on all of them. Ratios are medians of the ratios within a round.

`use_threads` comes before anything that computes is imported: run.py gives each subject and each
number of threads a process of its own. It pins the process to as many CPUs as it may use threads,
for all contestants alike: JAX ignores every setting that asks for one thread. Where a system cannot
pin a process (macOS, Windows), the description of the machine says so, and JAX has all CPUs.
"""

import importlib.metadata
import importlib.util
import os
import platform
import random
import runpy
import sys
from contextlib import suppress
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, sleep

BLOCK = 0.02  # seconds a contestant runs at a stretch
REST = 0.05  # seconds before it: longer than the threads of OpenBLAS wait busily for more work
BUDGET = 20.0  # seconds for all rounds of one size; with less than LEAST rounds it is exceeded
LEAST = 5
WIDTH = 79  # of the line that says what is being timed
CAN_PIN = hasattr(os, "sched_setaffinity")
PACKAGES = ("numpy", "torch", "jax")


def use_threads(count):
    """Hold every library to `count` threads; only works before the first of them is imported."""
    if "numpy" in sys.modules:
        raise RuntimeError("use_threads: NumPy is imported already")
    for name in ("OMP", "OPENBLAS", "MKL"):
        os.environ[f"{name}_NUM_THREADS"] = str(count)
    os.environ["MINIGRAD_THREADS"] = str(count)
    if CAN_PIN:
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-count:])


def check_pinned(count):
    """Every thread that a contestant has started by now may use those CPUs and no other."""
    threads = Path("/proc/self/task")
    if not CAN_PIN or not threads.exists():
        return
    allowed = os.sched_getaffinity(0)
    strays = []
    for thread in map(int, os.listdir(threads)):
        with suppress(ProcessLookupError):  # it has ended meanwhile
            if not os.sched_getaffinity(thread) <= allowed:
                strays.append(thread)
    if strays or len(allowed) > count:
        raise RuntimeError(
            f"check_pinned: {len(allowed)} CPU(s) for {count} thread(s), and {len(strays)} "
            "thread(s) of this process may use others; call use_threads before anything computes"
        )


def installed(name):
    """The peer imported, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def command_line(description):
    """The parser of a benchmark that prints anywhere: minigrad's, which is not imported for it."""
    found = importlib.util.find_spec("minigrad")
    if not found or not found.origin:
        sys.exit("minigrad is not installed here: pip install -e .")
    terminal = runpy.run_path(str(Path(found.origin).with_name("display") / "terminal.py"))
    return terminal["command_line"](description)


def time_in_turns(contestants, rounds, block=BLOCK):
    """Seconds per call for each name of `contestants` (name: function), one per round."""
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
            sleep(REST if cpus() > 1 else 0)  # nobody meets another's threads
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
    low, center, high = quantiles(values, n=4, method="inclusive")
    return (high - low) / 2 / center


def machine():
    """What a figure depends on beside the code: processor, versions, compiler, BLAS."""
    import minigrad
    from minigrad import doctor

    info, levels = doctor.build_info(), minigrad._kernels.levels
    build, blas = doctor.build(info, minigrad), doctor.blas(minigrad)
    return {
        "processor": doctor.processor(info)["model"],
        "pinned": "one CPU per thread, for everyone" if CAN_PIN else "no: not on this system",
        "system": platform.platform(terse=True),
        "Python": platform.python_version(),
        **{name: version(name) for name in PACKAGES},
        "minigrad": minigrad.__version__,
        "NumPy's BLAS": blas["NumPy's BLAS"],
        "BLAS loaded": blas["BLAS loaded"],
        "minigrad's products": blas["provider"],
        "minigrad's build": f"{build['form']}; {build['with']}",
        "level of its kernels": f"{levels.current or 'one level'}: {levels.reason}",
        "compiler": build["compiler"],
        "flags": " ".join(flags(info["command"])),
    }


def flags(command):
    """The words of a compiler's command that decide what code it makes."""
    return [word for word in command.split() if word.startswith(("-O", "-m", "-f"))]


def cpus():
    """Those that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def version(package):
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed: left out"
