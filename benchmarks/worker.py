"""Measures one subject in this process; run.py starts it, once for each number of threads.

A subject is a module of subjects/ with

    TITLE           what is measured
    SIZE            what the columns of its tables mean
    PARTS           name of a table -> unit; the first word of a unit of time scales it
    sizes(part, quick)         label of a column -> size
    contestants(part, size)    name -> function to be timed, after all of them were found to agree
    count(size)                what a time is divided by (not needed where it is 1)
    ABSOLUTE = True            the plot shows times instead of ratios (False where it is missing)

or, where a contestant must run in a process of its own and takes its measures itself, instead of
the last three

    ROUNDS
    runs(quick)                name -> function of the number of the round: part -> value

"minigrad" is one of the names, LIMITS are what nobody can go below, PARTS are parts of a step,
which are summed up. All others are peers.
"""

import argparse
import gc
import importlib
import json
import sys

import harness
import report

SCALE = {"ns": 1e9, "µs": 1e6, "ms": 1e3, "s": 1}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("subject")
    parser.add_argument("output")
    parser.add_argument("--threads", type=int, required=True)
    parser.add_argument("--rounds", type=int, required=True)
    parser.add_argument("--sizes", nargs="+")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--progress", action="store_true")
    options = parser.parse_args()
    harness.use_threads(options.threads)
    subject = importlib.import_module(f"subjects.{options.subject}")
    figures = {part: {} for part in subject.PARTS}
    measure = measure_runs if hasattr(subject, "runs") else measure_calls
    measure(subject, options, figures)
    about = {"title": subject.TITLE, "size": subject.SIZE, "units": subject.PARTS}
    about["absolute"] = getattr(subject, "ABSOLUTE", False)
    with open(options.output, "w", encoding="utf-8") as file:
        json.dump({"about": about, "figures": figures}, file)


def measure_calls(subject, options, figures):
    for part, unit in subject.PARTS.items():
        scale = SCALE[unit.split()[0]]
        for label, size in subject.sizes(part, options.quick).items():
            if options.sizes and label not in options.sizes:
                continue
            show(options, f"{part}, {subject.SIZE} {label}")
            calls = subject.contestants(part, size)
            harness.check_pinned(options.threads)
            block = harness.BLOCK / 10 if options.quick else harness.BLOCK
            # Nobody shall pay for others: the objects that torch and JAX make at their import
            # would lengthen each collection of the garbage that a contestant makes itself.
            gc.collect()
            gc.freeze()
            times = harness.time_in_turns(calls, options.rounds, block)
            if kernels := [times[name] for name in times if name in report.PARTS.values()]:
                times[report.KERNELS] = [
                    sum(of_a_round) for of_a_round in zip(*kernels, strict=True)
                ]
            factor = scale / subject.count(size) if hasattr(subject, "count") else scale
            figures[part][label] = {n: [t * factor for t in times[n]] for n in times}
            del calls
            gc.unfreeze()
            gc.collect()  # the arrays of this size, before those of the next


def measure_runs(subject, options, figures):
    runs = subject.runs(options.quick)
    for number in range(1 if options.quick else subject.ROUNDS):
        for name, run in runs.items():
            show(options, f"{name}, round {number + 1}")
            for part, value in run(number).items():
                figures[part].setdefault("", {}).setdefault(name, []).append(value)


def show(options, text):
    if options.progress:
        line = f"{options.subject}, {options.threads} thread(s): {text}"
        print(line.ljust(harness.WIDTH), end="\r", flush=True, file=sys.stderr)


if __name__ == "__main__":
    main()
