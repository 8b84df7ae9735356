"""Time of each kernel on arrays that start anywhere, over its time on arrays at cache lines.

    python benchmarks/offsets.py                       every kernel, 100,000 elements, 24 draws
    python benchmarks/offsets.py adam_step sgd_step --elements 8192

NumPy's arrays start at multiples of 16 bytes, by chance. Those of minigrad start at multiples of
64, the length of a cache line, from 4,096 elements on. Printed are the smallest, the median and
the largest ratio over the draws: 1.00 for a kernel to which it makes no difference.
"""

import random
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in (".", "tests")]

import harness  # noqa: E402

harness.use_threads(1)

import numpy as np  # noqa: E402
from helpers.kernel_calls import CALLS, names  # noqa: E402

from minigrad import _kernels  # noqa: E402

LINE, STEP = 64, 16  # bytes


def placed(value, offset):
    """The same arguments, in arrays that start `offset()` bytes after a cache line."""
    if isinstance(value, np.ndarray):
        memory = np.empty(value.nbytes + 2 * LINE, np.uint8)
        start = -memory.ctypes.data % LINE + offset()
        array = memory[start : start + value.nbytes].view(value.dtype).reshape(value.shape)
        array[...] = value
        return array
    if isinstance(value, (list, tuple)):
        return type(value)(placed(each, offset) for each in value)
    return value


def seconds(kernel, arguments):
    """The shortest of 40 calls."""
    best = float("inf")
    for _ in range(40):
        start = perf_counter()
        kernel(*arguments)
        best = min(best, perf_counter() - start)
    return best


def main():
    parser = harness.command_line(__doc__)
    parser.add_argument("kernels", nargs="*", default=names(), metavar="KERNEL")
    parser.add_argument("--elements", type=int, default=100_000)
    parser.add_argument("--draws", type=int, default=24)
    options = parser.parse_args()
    draw = random.Random(0)
    print(f"{'time / time at cache lines':27} least  median  most")
    for name in options.kernels:
        kernel, arguments = _kernels._compiled[name], CALLS[name](options.elements)
        ratios = []
        for _ in range(options.draws):
            anywhere = placed(arguments, lambda: draw.randrange(0, LINE, STEP))
            at_lines = placed(arguments, lambda: 0)
            ratios.append(seconds(kernel, anywhere) / seconds(kernel, at_lines))
        print(f"{name:27} {min(ratios):5.2f}  {median(ratios):6.2f}  {max(ratios):4.2f}")


if __name__ == "__main__":
    main()
