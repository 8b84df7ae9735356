"""What the tests of every operation found, in figures.

    python tools/measure/derivative_report.py

The largest relative errors of first and second derivatives over all sample calls of the registry
tests/helpers/operations.py, against differences of fourth order and against PyTorch (if it is
installed); and what became of every change of a tensor between its use and backward: see
tests/promises/test_stale_values.py.
"""

import sys
import warnings
from pathlib import Path

import numpy as np

import minigrad
from minigrad.display.terminal import command_line

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))
from helpers.derivatives import by_differences, derivatives, error  # noqa: E402
from helpers.operations import OPERATIONS  # noqa: E402
from promises.test_stale_values import LEAF, WAYS, outcomes_of  # noqa: E402


def largest_errors(torch):
    """{judge: [how many sample calls, errors of orders 1 and 2, each with its operation]}."""
    found = {"differences": [0, (0.0, ""), (0.0, "")], "torch": [0, (0.0, ""), (0.0, "")]}
    for name, samples in OPERATIONS.items():
        for sample in samples:
            arrays = [x.array(number) for number, x in enumerate(sample.inputs)]
            ours = derivatives(minigrad, sample.call, [a.copy() for a in arrays])[1:]
            expected = {}
            if sample.differences:
                orders = (1, 2)
                expected["differences"] = [by_differences(sample.call, arrays, n) for n in orders]
            if sample.torch and torch:
                expected["torch"] = derivatives(torch, sample.torch, arrays)[1:]
            for judge, theirs in expected.items():
                found[judge][0] += 1
                for order in (1, 2):
                    one = (error(ours[order - 1], theirs[order - 1]), name)
                    found[judge][order] = max(found[judge][order], one)
    return found


def main():
    warnings.simplefilter("ignore")
    try:
        import torch
    except ImportError:
        torch = None
    samples = sum(map(len, OPERATIONS.values()))
    print(f"{len(OPERATIONS)} operations, {samples} sample calls, float64; largest relative errors")
    for judge, (count, *orders) in largest_errors(torch).items():
        shown = "; ".join(f"order {n}: {e:.1e} ({name})" for n, (e, name) in enumerate(orders, 1))
        print(f"against {judge:12} {count:4} calls   {shown}")
    totals = {}
    for name, samples in OPERATIONS.items():
        for outcome, count in outcomes_of(name, samples[:1], [LEAF])[0].items():
            totals[outcome] = totals.get(outcome, 0) + count
    print(
        f"\n{len(OPERATIONS)} operations × {len(WAYS)} ways to change a value = "
        f"{len(OPERATIONS) * len(WAYS):,} pairs, {sum(totals.values()):,} trials: "
        + ", ".join(f"{count:,} {outcome}" for outcome, count in totals.items())
    )


if __name__ == "__main__":
    command_line(__doc__).parse_args()
    np.seterr(all="ignore")
    main()
