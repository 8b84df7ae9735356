"""Measures minigrad's speed beside torch, JAX and NumPy, those that are installed.

    python benchmarks/run.py                    everything, with one thread and with two: 45 minutes
    python benchmarks/run.py --quick            small sizes and few rounds: does it all run?
    python benchmarks/run.py --only mlp_step --sizes 32 64 --threads 1
    python benchmarks/run.py --json speed.json --plot speed.png

Each subject and number of threads gets a process of its own. There the contestants are first shown
to compute the same, and then timed in turns. Figures are medians ± half the distance between the
quartiles; ratios are medians of the ratios of each round. At the end stand the aims and what was
reached of them. On a machine that does anything else, read ratios only.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import aims
import harness
import report
from subjects import ALL, ONCE

HERE = Path(__file__).parent


def parse(arguments):
    parser = harness.command_line(__doc__)
    add = parser.add_argument
    add("--quick", action="store_true", help="small sizes, few rounds, one thread")
    add("--threads", type=int, nargs="+", help="numbers of threads, default: 1 2")
    add("--only", nargs="+", choices=ALL, metavar="SUBJECT", help=" ".join(ALL))
    add("--sizes", nargs="+", metavar="SIZE", help="only these columns of the tables")
    add("--rounds", type=int, help="default: 20")
    add("--json", metavar="FILE", help="write all figures to FILE, round by round")
    add("--plot", metavar="FILE", help="draw the ratios (needs matplotlib)")
    options = parser.parse_args(arguments)
    cpus = harness.cpus()
    options.threads = options.threads or ([1] if options.quick or cpus == 1 else [1, 2])
    if options.rounds is None:
        options.rounds = 2 if options.quick else 20
    if min(options.threads) < 1 or max(options.threads) > cpus:
        parser.error(f"--threads: this process may use {cpus} CPU(s), not {options.threads}")
    if options.rounds < 1:
        parser.error("--rounds: at least 1")
    return options


def measure(subject, threads, options):
    """Part -> size -> name -> values, from a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder, "figures.json")
        command = [
            sys.executable, *(f"-W{word}" for word in sys.warnoptions), str(HERE / "worker.py"),
            subject, str(output), "--threads", str(threads), "--rounds", str(options.rounds),
            *(["--sizes", *options.sizes] if options.sizes else []),
            *(["--quick"] if options.quick else []),
            *(["--progress"] if sys.stderr.isatty() else []),
        ]  # fmt: skip
        run = subprocess.run(command, stdin=subprocess.DEVNULL)
        if sys.stderr.isatty():
            print(" " * harness.WIDTH, end="\r", file=sys.stderr)
        if run.returncode:
            sys.exit(f"{subject} with {threads} thread(s) ended with code {run.returncode}")
        return json.loads(output.read_text(encoding="utf-8"))


def main(arguments=None):
    options = parse(arguments)
    if options.plot:
        import plot  # a missing matplotlib is known before the long run
    machine = harness.machine()
    report.print_machine(machine)
    about, figures = {}, {str(threads): {} for threads in options.threads}
    for subject in options.only or ALL:
        for threads in options.threads[: 1 if subject in ONCE else None]:
            result = measure(subject, threads, options)
            about[subject], figures[str(threads)][subject] = result["about"], result["figures"]
            report.print_subject(about[subject], threads, result["figures"])
            sys.stdout.flush()
    reached = aims.measure_all(figures, machine["minigrad's products"])
    if options.quick:
        print("\nThis was a quick run: it shows that all contestants agree, and no more.")
    report.print_aims(reached, options.threads)
    results = {"machine": machine, "about": about, "figures": figures, "aims": reached}
    if options.json:
        Path(options.json).write_text(json.dumps(results, indent=1), encoding="utf-8")
    if options.plot:
        plot.draw(results, options.plot)


if __name__ == "__main__":
    main()
