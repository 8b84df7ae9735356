"""Prints two runs side by side: two builds, two processors, before and after a change.

    python benchmarks/run.py --json a.json
    python benchmarks/run.py --json b.json        in another environment, or on another machine
    python benchmarks/compare.py a.json b.json

Compare the ratios of one run with those of the other: they depend least on the moment. The line
"minigrad, B / A" compares times of two runs. It means something only on one and the same processor
that did nothing else.
"""

import json
from pathlib import Path

import harness
import report


def main(arguments=None):
    parser = harness.command_line(__doc__)
    parser.add_argument("files", nargs=2, metavar="FILE", help="what run.py --json has written")
    options = parser.parse_args(arguments)
    runs = {}
    for name, path in zip("AB", options.files, strict=True):
        try:
            runs[name] = json.loads(Path(path).read_text(encoding="utf-8"))
        except (OSError, ValueError) as problem:
            parser.error(f"{path}: {problem}; expected a file of `run.py --json`")
    print_machines(**{name: run["machine"] for name, run in runs.items()})
    a, b = (run["figures"] for run in runs.values())
    for threads in shared(a, b):
        for subject in shared(a[threads], b[threads]):
            about = runs["A"]["about"][subject]
            print(f"\n{about['title']}: {threads} thread(s)")
            for part in shared(a[threads][subject], b[threads][subject]):
                columns = a[threads][subject][part], b[threads][subject][part]
                print_part(f"{part}, {about['units'][part]}", about["size"], *columns)


def shared(a, b):
    """The keys that both have, in the order of the first."""
    return [key for key in a if key in b]


def print_machines(A, B):
    for fact in dict.fromkeys((*A, *B)):
        a, b = A.get(fact, "unknown"), B.get(fact, "unknown")
        print(f"{fact}: {a}" if a == b else f"{fact}\n  A: {a}\n  B: {b}")


def print_part(title, size, a, b):
    """A table of minigrad's times, and one in which each ratio of A stands above that of B."""
    labels = [
        label for label in shared(a, b) if report.OURS in a[label] and report.OURS in b[label]
    ]
    if not labels:
        return
    pairs = [(a[label][report.OURS], b[label][report.OURS]) for label in labels]
    rows = {
        f"{report.OURS}, A": [report.amount(ours) for ours, _ in pairs],
        f"{report.OURS}, B": [report.amount(ours) for _, ours in pairs],
        f"{report.OURS}, B / A": [quotient(*pair) for pair in pairs],
    }
    found = [report.ratios({label: run[label] for label in labels}) for run in (a, b)]
    for name in shared(*found):
        rows[f"{name}, A"], rows[f"{name}, B"] = found[0][name], found[1][name]
    report.print_table(title, size, labels, rows)


def quotient(a, b):
    a, b = harness.middle(a), harness.middle(b)
    return "-" if a is None or b is None else f"{b / a:.2f}"


if __name__ == "__main__":
    main()
