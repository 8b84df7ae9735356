"""Fails if minigrad has become slow. Compares within one run; no figure is a time.

    python benchmarks/guard.py

A kernel is compared with its twin in NumPy: a loop that the compiler no longer turns into vectors
falls behind it. A training step is compared with its kernels alone. And the memory that an
operation takes at most is compared with its input: an array that is copied once more is seen there,
whatever else the machine does.

The bounds are wide: they lie between what builds for AVX-512, AVX2 and SSE2 reach and what a build
without vectors takes. Shortest times count. A figure above its bound is measured up to three times
more, in more rounds each time, before it fails. Memory is the same in every run.
"""

import sys
import tracemalloc
from dataclasses import dataclass, field
from pathlib import Path
from time import thread_time

sys.path[:0] = [str(Path(__file__).resolve().parents[1] / folder) for folder in (".", "tests")]

import harness  # noqa: E402

harness.use_threads(1)

import numpy as np  # noqa: E402
from helpers.kernel_calls import CALLS  # noqa: E402
from subjects import cnn_step, mlp_step  # noqa: E402

import minigrad as mg  # noqa: E402
from minigrad import _kernels  # noqa: E402
from minigrad.nn import functional as F  # noqa: E402

ELEMENTS = 8192  # of an array: with them, NumPy takes no memory from the system in each call
GLANCE = 3e-4  # seconds that are timed at once, at least
ROUNDS = 50
TRIES = 4
HALF_A_COPY = 0.5

# The most that a compiled kernel may take of its NumPy twin's time. In parentheses: the most that
# builds for AVX-512, AVX2 and SSE2 took on a busy machine, and the least without any vectors.
KERNELS = {
    "adam_step": 0.35,  # (0.19, 0.65)
    "batch_norm_backward": 0.17,  # (0.12, 0.24)
    "batch_norm_backward of images": 0.2,  # (0.16, 0.27)
    "batch_norm_forward": 0.18,  # (0.13, 0.24)
    "batch_norm_forward of images": 0.21,  # (0.16, 0.29)
    "batch_norm_statistics": 0.24,  # (0.18, 0.32)
    "dropout_backward": 0.56,  # (0.40, 0.79)
    "dropout_forward": 0.54,  # (0.35, 0.85)
    "layer_norm_backward": 0.21,  # (0.17, 0.28)
    "leaky_relu_backward": 0.25,  # (0.14, 0.46)
    "log_softmax_backward": 0.92,  # (0.73, 1.18)
    "relu_backward": 0.21,  # (0.13, 0.34)
    "relu_forward": 0.24,  # (0.15, 0.38)
    "sgd_step": 0.36,  # (0.21, 0.62)
    "sigmoid_forward": 0.92,  # (0.73, 1.15)
    "softmax_forward": 0.5,  # (0.39, 0.65)
    "var_forward": 0.26,  # (0.21, 0.33)
}

# The most that an operation may take of NumPy's time for the same.
OPERATIONS = {
    "x / y": (lambda x, y: x / y, (128, 64), 2.1),  # (1.39, 3.33)
    "x @ y": (lambda x, y: x @ y, (256, 256), 5),  # (1.06, 34)
}

# The most that a training step may take of the time of its kernels alone.
STEPS = {
    "MLP step, batch 128": (mlp_step, "128", 1.9),
    "CNN step, batch 16": (cnn_step, "16", 1.6),
}


def arguments(name):
    """A valid call of a kernel, for batch norm "of images" on planes instead of rows."""
    kernel, _, of_images = name.partition(" of ")
    values = CALLS[kernel](ELEMENTS)
    if of_images:
        values = [v.reshape(4, 64, -1) if np.ndim(v) == 2 else v for v in values]
    return kernel, values


def clock(call, repeats):
    """Seconds per call, without those in which other processes had the CPU."""
    start = thread_time()
    for _ in range(repeats):
        call()
    return (thread_time() - start) / repeats


@dataclass
class Figure:
    """`ours` over the sum of `theirs`, in shortest times."""

    name: str
    bound: float
    ours: object
    theirs: list
    shortest: dict = field(default_factory=dict)

    def measure(self, rounds):
        calls = [self.ours, *self.theirs]
        repeats = {}
        for call in calls:
            call()
            repeats[call] = max(1, round(GLANCE / min(clock(call, 1) for _ in range(3))))
        for _ in range(rounds):
            for call in calls:
                seconds = clock(call, repeats[call])
                self.shortest[call] = min(seconds, self.shortest.get(call, seconds))

    @property
    def ratio(self):
        return self.shortest[self.ours] / sum(self.shortest[call] for call in self.theirs)

    @property
    def slow(self):
        return self.ratio > self.bound


def timed_figures():
    for name, bound in KERNELS.items():
        kernel, values = arguments(name)
        pair = _kernels._compiled[kernel], _kernels._reference[kernel]
        ours, twin = (lambda f=f, v=values: f(*v) for f in pair)
        yield Figure(f"{name} / NumPy", bound, ours, [twin])
    for name, (operation, shape, bound) in OPERATIONS.items():
        arrays = [np.ones(shape, np.float32) for _ in range(2)]
        tensors = [mg.from_numpy(array) for array in arrays]
        ours, numpy = (lambda f=operation, a=a: f(*a) for a in (tensors, arrays))
        yield Figure(f"{name} / NumPy", bound, ours, [numpy])
    for name, (subject, label, bound) in STEPS.items():
        size = subject.sizes("kernels alone", False)[label]
        calls = subject.contestants("kernels alone", size)
        yield Figure(f"{name} / its kernels", bound, calls.pop("minigrad"), list(calls.values()))


# --- memory --------------------------------------------------------------------------------------

ROWS, IMAGES, LARGE_IMAGES = (256, 1024), (16, 16, 64, 64), (16, 16, 128, 128)
NUMBERS, CHANNELS = (1024,), (16,)
TARGETS = mg.zeros(256, dtype=mg.int64)

# Operation, shapes of its inputs, and how often it takes the memory of the first one: forward, for
# results and what it saves; and backward, for gradients. All have to be new in both.
MEMORY = {
    "relu": (F.relu, [ROWS], 1, 1),
    "x + y": (lambda x, y: x + y, [ROWS, ROWS], 1, 2),
    "x * y": (lambda x, y: x * y, [ROWS, ROWS], 1, 2),
    "reshape": (lambda x: x.reshape(1024, 256), [ROWS], 0, 1),
    "linear": (F.linear, [(512, 512), (512, 512), (512,)], 1, 2),
    "softmax": (lambda x: F.softmax(x, 1), [ROWS], 1, 1),
    "cross_entropy": (lambda x: F.cross_entropy(x, TARGETS), [ROWS], 1, 1),
    "batch_norm": (
        lambda x, gamma, beta: F.batch_norm(x, None, None, gamma, beta, training=True),
        [ROWS, NUMBERS, NUMBERS], 1, 1,
    ),
    "batch_norm of images": (
        lambda x, gamma, beta: F.batch_norm(x, None, None, gamma, beta, training=True),
        [IMAGES, CHANNELS, CHANNELS], 1, 1,
    ),
    "layer_norm": (lambda x, *wb: F.layer_norm(x, NUMBERS, *wb), [ROWS, NUMBERS, NUMBERS], 1, 1),
    "conv2d": (lambda x, w: F.conv2d(x, w, padding=1), [LARGE_IMAGES, (16, 16, 3, 3)], 1, 1),
    "max_pool2d": (lambda x: F.max_pool2d(x, 2), [IMAGES], 0.75, 1),
}  # fmt: skip


def memory_figures():
    """Name, what was taken and what has to be, in copies of the first input."""
    for name, (operation, shapes, forward, backward) in MEMORY.items():
        inputs = [mg.ones(shape, requires_grad=True) for shape in shapes]
        size = 4 * inputs[0].numel()
        dy = mg.ones_like(operation(*inputs).detach())
        operation(*inputs).backward(dy)
        for x in inputs:
            x.grad = None
        y, most = traced(lambda f=operation, x=inputs: f(*x))
        yield f"{name}, forward", most / size, forward
        yield f"{name}, backward", traced(lambda y=y, dy=dy: y.backward(dy))[1] / size, backward
    layer = mg.nn.Linear(512, 512)
    layer(mg.ones(4, 512)).sum().backward()
    for optimizer in (
        mg.optim.Adam(layer.parameters()),
        mg.optim.SGD(layer.parameters(), 0.1, 0.9),
    ):
        optimizer.step()
        most = traced(optimizer.step)[1]
        yield f"a step of {type(optimizer).__name__}", most / (4 * layer.weight.numel()), 0


def traced(run):
    """Its result, and the most memory that NumPy and Python had allocated meanwhile, in bytes."""
    tracemalloc.start()
    try:
        return run(), tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


# --- the verdict ---------------------------------------------------------------------------------


def main():
    if sys.platform == "win32":
        sys.exit("guard.py: the clock of CPU time is too coarse here; run it on Linux or macOS")
    failed = False
    print(f"{'time, as a ratio':48} at most")
    for figure in timed_figures():
        rounds, tries = ROUNDS, 1
        figure.measure(rounds)
        while figure.slow and tries < TRIES:
            rounds, tries = 2 * rounds, tries + 1
            figure.measure(rounds)
        again = f", measured {tries} times" if tries > 1 else ""
        failed |= figure.slow
        verdict = f"SLOW{again}" if figure.slow else again.lstrip(", ")
        print(f"{figure.name:40} {figure.ratio:7.3f}  {figure.bound:5.2f}  {verdict}".rstrip())
    print(f"\n{'memory, in copies of the input':48} at most")
    for name, taken, needed in memory_figures():
        verdict = "COPIED" if taken > needed + HALF_A_COPY else ""
        failed |= bool(verdict)
        print(f"{name:40} {taken:7.3f}  {needed + HALF_A_COPY:5.2f}  {verdict}".rstrip())
    return int(failed)


if __name__ == "__main__":
    harness.command_line(__doc__).parse_args()
    sys.exit(main())
