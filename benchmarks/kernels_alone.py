"""The kernels of a training step and nothing else: what the step cannot go below.

One step is watched. Its kernels and matrix products are then called again, part by part, on the
same arrays, from a loop that does nothing else. What the step takes longer is Python, the graph,
new arrays, and what each part finds in the cache.
"""

from unittest import mock

import numpy as np
import report

from minigrad import _kernels
from minigrad._runtime import matmul


def parts(step):
    """Name of a part, in the order of report.PARTS -> a function that runs its kernels."""
    for _ in range(3):
        step()  # its gradients and the optimizer's state exist
    found = {part: [] for part in report.PARTS.values()}
    for subject, function, arguments in watched(step):
        found[report.PARTS[subject]].append((function, arguments))
    return {part: in_a_row(calls) for part, calls in found.items() if calls}


def watched(step):
    """Subject, function and arguments of each kernel that a step calls, the products among them.

    Where C code would call a loop, it is made to call the kernel's Python function, which is still
    the compiled one: so it can be watched. Products are noted as what it would have called.
    """
    calls = []

    def watch(kernel):
        subject = kernel.__module__.rpartition(".")[2]

        def call(*arguments):
            calls.append((subject, kernel, arguments))
            return kernel(*arguments)

        return call

    def product(a, b, y):
        calls.append(("linear", matmul.linear_forward, (a, b, None, y, True)))
        multiply(a, b, y)

    def linear(x, weight, bias, y):
        calls.append(("linear", matmul.linear_forward, (x, weight, bias, y, False)))
        multiply_and_add(x, weight, bias, y)

    def stacks(a, b, y=None):
        y = numpy_matmul(a, b, y)
        calls.append(("linear", matmul.products, (a, b, y)))
        return y

    compiled, numpy_matmul = _kernels._compiled, np.matmul
    multiply, multiply_and_add = compiled["matmul"], compiled["linear_forward"]
    kernels = {name: watch(kernel) for name, kernel in compiled.items()}
    kernels |= {"matmul": product, "linear_forward": linear}
    _kernels.active.choose(kernels, False)
    try:
        with mock.patch.object(np, "matmul", stacks):
            step()
    finally:
        _kernels.active.choose(compiled, True)
    return calls


def in_a_row(calls):
    def run():
        for function, arguments in calls:
            function(*arguments)

    return run
