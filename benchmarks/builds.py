"""Times several builds of minigrad on the subjects of the suite, in turns: does one fall behind?

    python benchmarks/builds.py . ~/venv/lib/python3.11/site-packages
    python benchmarks/builds.py . FOLDER FOLDER@v3 FOLDER@v2 --only mlp_step batch_norm

A build is the folder that holds the package, for an installed wheel with the level that
MINIGRAD_LEVEL shall choose. Each has a process of its own, pinned to the same CPU, with one thread,
and they take turns. Figures are the shortest times of the first build, and how many times as long
the others took. A build named twice shows how far to trust them.
"""

import argparse
import gc
import importlib
import os
import random
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import harness
from worker import SCALE

SUBJECTS = ["mlp_step", "batch_norm", "optimizers", "cross_entropy", "cnn_step"]
GLANCE = 1e-3  # seconds that are timed at once, if a call does not take longer
GLANCES = 10  # in a row; the shortest counts
MAKES = 12  # of everything that is timed: arrays lie somewhere else each time


def jobs(options):
    """What is timed: subject, part, label of a size, size."""
    for name in options.only:
        subject = importlib.import_module(f"subjects.{name}")
        for part in subject.PARTS:
            for label, size in subject.sizes(part, options.quick).items():
                if not options.sizes or label in options.sizes:
                    yield subject, part, label, size


def work(options):
    """In the process of a build: one line with a time for each line that comes."""
    harness.use_threads(1)
    harness.installed = lambda name: None  # the peers stay at home
    for subject, part, label, size in jobs(options):
        print(f"{subject.__name__.removeprefix('subjects.')}, {part}, {label}", flush=True)
        scale = SCALE[subject.PARTS[part].split()[0]]
        scale /= subject.count(size) if hasattr(subject, "count") else 1
        for _ in range(MAKES):
            call = subject.contestants(part, size)["minigrad"]
            call()
            repeats = max(1, round(GLANCE / min(harness.clock(call, 1) for _ in range(3))))
            gc.collect()
            for _ in range(options.rounds):
                sys.stdin.readline()
                call()  # its data comes back into the cache
                shortest = min(harness.clock(call, repeats) for _ in range(GLANCES))
                print(shortest * scale, flush=True)
            del call


def start(build):
    folder, _, level = build.partition("@")
    environment = {**os.environ, "PYTHONPATH": str(Path(folder).resolve())}
    if level:
        environment["MINIGRAD_LEVEL"] = level
    command = [sys.executable, __file__, *sys.argv[1:], "--work"]
    return subprocess.Popen(
        command, env=environment, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("builds", nargs="+", metavar="FOLDER[@LEVEL]")
    parser.add_argument("--only", nargs="+", metavar="SUBJECT", default=SUBJECTS)
    parser.add_argument("--sizes", nargs="+", metavar="SIZE", help="only these columns")
    parser.add_argument("--rounds", type=int, default=2, help=f"{MAKES} times as many; default: 2")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--work", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(options)
        return
    with ExitStack() as started:
        workers = [started.enter_context(start(build)) for build in options.builds]
        take_turns(workers, options.rounds)
    sys.exit(max(worker.returncode for worker in workers))


def take_turns(workers, rounds):
    """A line per job: the shortest time of the first build, and the others' as ratios."""
    while all(titles := [worker.stdout.readline() for worker in workers]):
        shortest = [float("inf")] * len(workers)
        for _ in range(MAKES * rounds):
            for number in random.sample(range(len(workers)), len(workers)):
                workers[number].stdin.write("\n")
                workers[number].stdin.flush()
                time = float(workers[number].stdout.readline())
                shortest[number] = min(shortest[number], time)
        ratios = "".join(f"{time / shortest[0]:8.3f}" for time in shortest[1:])
        print(f"{titles[0].strip():50} {shortest[0]:10.2f}{ratios}", flush=True)


if __name__ == "__main__":
    main()
