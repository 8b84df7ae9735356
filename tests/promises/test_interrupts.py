"""Ctrl-C is answered within half a second, inside every kernel and in every long operation."""

import signal
import time

import numpy as np
import pytest
from helpers import kernel_calls

import minigrad as m
from minigrad import _kernels, nn
from minigrad.nn import functional as F

pytestmark = pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no timers here")
LONGEST = 0.5  # seconds from the signal to its answer
SIZE = 3 << 20  # elements: some three looks at the keyboard
# Optimizer steps are completed; what works per channel needs millions of them to take long.
COMPLETED = {"sgd_step", "adam_step", "rmsprop_step"}
QUICK = {"max_pool2d_gather", "label_outside"}
PER_CHANNEL = {"batch_norm_update", "batch_renorm_correction"}


class Interrupt(Exception):
    pass


def ignored(*_):
    """What stays when a test is over: a signal that another thread took may arrive late."""


def answers(function):
    """The moments at which a signal was answered while `function` ran, its start, and its end.

    In time of this thread: what it waits for the processor on a busy machine is not its own.
    """
    moments = []
    signal.signal(signal.SIGALRM, lambda *_: moments.append(time.thread_time()))
    signal.setitimer(signal.ITIMER_REAL, 5e-5, 5e-5)
    try:
        moments.append(time.thread_time())
        function()
        moments.append(time.thread_time())
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, ignored)
    return moments


@pytest.mark.parametrize("name", sorted(set(kernel_calls.CALLS) - COMPLETED - PER_CHANNEL))
def test_every_kernel_looks_at_the_keyboard(name):
    arguments = kernel_calls.CALLS[name](SIZE * 8 if name in QUICK else SIZE)
    for _attempt in range(10):  # on a busy machine the timer itself may come too late
        moments = answers(lambda: _kernels._compiled[name](*arguments))
        gap = max(np.diff(moments))
        assert gap < LONGEST
        if gap < 0.75 * (moments[-1] - moments[0]):
            return
    raise AssertionError("answered only before and after")


@pytest.mark.parametrize("name", sorted(PER_CHANNEL))
def test_kernels_of_channels_are_short(name):
    arguments = kernel_calls.CALLS[name](1 << 20)  # more channels than any network has
    start = time.thread_time()
    _kernels._compiled[name](*arguments)
    assert time.thread_time() - start < LONGEST


def matrix():
    return m.rand(1500, 1500)


def row():
    return m.rand(1 << 22)


def images():
    return m.rand(16, 16, 64, 64)


# Long operations, most of which are NumPy's or BLAS' loops: sizes that fit into a small machine.
LONG = {
    "matmul": (matrix, lambda x: x @ x),
    "linear": (matrix, lambda x: F.linear(x, x)),
    "exp": (row, lambda x: x.exp()),
    "sum of exponentials": (row, lambda x: x[: 1 << 20].logsumexp(0)),
    "sum": (row, lambda x: x.double().sum()),
    "norm": (row, lambda x: x.norm(3)),
    "max": (row, lambda x: x.reshape(-1, 64).max(1)),
    "permutation": (lambda: None, lambda _: m.randperm(1 << 20)),
    "picking": (row, lambda x: x[m.randint(0, 1 << 22, (1 << 21,))]),
    "a mask": (row, lambda x: x[x > 0.5]),
    "writing": (row, lambda x: x.__setitem__(m.randint(0, 1 << 22, (1 << 20,)), 0.0)),
    "cat": (row, lambda x: m.cat([x, x])),
    "transposed": (matrix, lambda x: x.t().contiguous()),
    "random numbers": (lambda: None, lambda _: m.randn(1 << 22)),
    "conv2d": (images, lambda x: F.conv2d(x, m.rand(16, 16, 3, 3), padding=1)),
    "conv2d backward": (images, lambda x: F.conv2d(
        x.requires_grad_(), m.rand(16, 16, 3, 3), padding=1
    ).sum().backward()),
    "pooling": (images, lambda x: F.max_pool2d(x, 3, 1, 1)),
    "batch norm": (images, lambda x: nn.BatchNorm2d(16)(x)),
    "layer norm": (images, lambda x: F.layer_norm(x, (64, 64))),
    "group norm": (images, lambda x: F.group_norm(x, 4)),
    "cross-entropy": (matrix, lambda x: F.cross_entropy(x, m.zeros(1500).long())),
}  # fmt: skip


@pytest.mark.parametrize("name", LONG)
def test_long_operations(name):
    make, function = LONG[name]
    given = make()
    assert max(np.diff(answers(lambda: function(given)))) < LONGEST


@pytest.mark.slow
def test_sigint_100_times():
    """Real signals at random moments of a backward pass: gradients as before, or whole."""
    rng = np.random.default_rng(0)
    x = m.rand(1 << 20).requires_grad_()

    def work():
        x.grad = None
        F.gelu((x * 2).tanh()).softmax(0).log_softmax(0).sum().backward()

    def interrupt(*_):
        raise Interrupt

    def length():
        start = time.perf_counter()
        work()
        return time.perf_counter() - start

    usual = min(length() for _ in range(5))
    signal.signal(signal.SIGALRM, interrupt)
    answered = 0
    try:
        for _ in range(100):
            start, after = time.perf_counter(), rng.uniform(1e-4, 0.9 * usual)
            try:
                signal.setitimer(signal.ITIMER_REAL, after)
                work()
            except Interrupt:
                answered += 1
                assert time.perf_counter() - start - after < LONGEST
                assert x.grad is None or bool(x.grad.isfinite().all())
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
            assert m.is_grad_enabled()
    finally:
        signal.signal(signal.SIGALRM, ignored)
    assert answered > 50
