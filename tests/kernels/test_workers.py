"""Large work on several threads: the same bits, whoever works, and no thread too many."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad._kernels import active, batch_norm, batch_norm_planes
from minigrad._runtime import matmul
from minigrad.nn import functional as F

COUNTS = (1, 2, 3, 7)


@pytest.fixture(autouse=True)
def our_products():
    """The loops that are divided, also where BLAS would be asked; and the number as it was."""
    threads, before = mg.get_num_threads(), matmul.use("minigrad")
    yield
    matmul.use(before)
    mg.set_num_threads(threads)


def with_each_count(compute):
    """The bits that each number of threads gives."""
    found = []
    for count in COUNTS:
        mg.set_num_threads(count)
        found.append([x.detach().numpy().tobytes() for x in compute()])
    return found


def operand(rows, columns, layout, dtype):
    if layout == "transposed":
        return mg.rand(columns, rows, dtype=dtype).T
    if layout == "strided":
        return mg.rand(rows, 2 * columns, dtype=dtype)[:, ::2]
    return mg.rand(rows, columns, dtype=dtype)


@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
@pytest.mark.parametrize("left", ["plain", "transposed", "strided"])
@pytest.mark.parametrize("right", ["plain", "transposed", "strided"])
@pytest.mark.parametrize(
    "sizes",
    [
        (300, 301, 299), (2051, 130, 67), (67, 130, 2051), (129, 3000, 33), (400, 300, 95),
        (2051, 600, 10),
    ],
)  # fmt: skip
def test_no_bit_depends_on_the_number(sizes, left, right, dtype):
    rows, terms, columns = sizes
    a, b = operand(rows, terms, left, dtype), operand(terms, columns, right, dtype)
    one, *others = with_each_count(lambda: [a @ b])
    assert all(other == one for other in others)


@pytest.mark.parametrize("groups", [1, 2])
def test_convolutions(groups):
    x = mg.rand(9, 8, 20, 20, requires_grad=True)
    weight = mg.rand(64, 8 // groups, 5, 5, requires_grad=True)

    def step():
        y = F.conv2d(x, weight, padding=2, groups=groups)
        return [y, *mg.autograd.grad((y * y).sum(), [x, weight])]

    one, *others = with_each_count(step)
    assert all(other == one for other in others)


def numbers(*shape, dtype=np.float32):
    return np.random.default_rng(0).standard_normal(shape, dtype)


@pytest.mark.parametrize(
    ("make", "dtype"),
    [
        (lambda p: optim.Adam(p, weight_decay=0.1, amsgrad=True), np.float32),
        (lambda p: optim.AdamW(p), np.float64),
        (lambda p: optim.SGD(p, lr=0.1), np.float32),
        (lambda p: optim.SGD(p, lr=0.1, momentum=0.9), np.float64),
        (lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True), np.float32),
        (lambda p: optim.RMSprop(p, centered=True, momentum=0.9), np.float32),
    ],
)
def test_optimizers(make, dtype):
    first = [numbers(size, dtype=dtype) for size in (370_001, 3, 100_019)]

    def steps():
        params = [mg.tensor(x, requires_grad=True) for x in first]
        optimizer = make(params)
        for p in params:
            p.grad = 0.9 * p.detach()
        optimizer.step()
        optimizer.step()
        state = [x for p in params for x in optimizer.state[p].values()]
        return params + [x for x in state if isinstance(x, mg.Tensor)]

    one, *others = with_each_count(steps)
    assert all(other == one for other in others)
    assert one[0] != first[0].tobytes()


@pytest.mark.parametrize(
    ("a", "b", "dtype"),
    [
        ((400_003,), (400_003,), np.float32),
        ((400_003,), (), np.float64),
        ((), (400_003,), np.float32),
        ((1001, 401), (401,), np.float64),
        ((5, 80_007), (5, 1), np.float32),
    ],
)
def test_arithmetic(a, b, dtype):
    a, b = numbers(*a, dtype=dtype), numbers(*b, dtype=dtype)
    x, y = mg.tensor(a), mg.tensor(b)
    one, *others = with_each_count(lambda: [x + y, x - y, x * y, x / y, x.clone().add_(x)])
    assert all(other == one for other in others)
    for got, operate in zip(one, (np.add, np.subtract, np.multiply, np.divide), strict=False):
        assert got == operate(a, b).tobytes()


@pytest.mark.parametrize(
    ("shape", "dtype", "training"),
    [
        ((7800, 203), np.float32, True),
        ((710, 1500), np.float64, True),
        ((5200, 203), np.float32, False),
        ((170, 203, 31), np.float32, True),
        ((45, 37, 23, 29), np.float32, True),
    ],
)
def test_batch_norm(shape, dtype, training):
    x, dy = mg.tensor(numbers(*shape, dtype=dtype)), mg.tensor(numbers(*shape, dtype=dtype) - 1)
    if dtype is np.float32:
        x[:, 5] = x[:, 5] * 1e31 + 1e33  # float32 does not hold its differences
    x.requires_grad_()
    weight, bias = (
        mg.tensor(numbers(shape[1], dtype=dtype) + k, requires_grad=True) for k in (1, 2)
    )

    def both():
        mean, var = (mg.ones(shape[1], dtype=x.dtype) for _ in range(2))
        y = F.batch_norm(x, mean, var, weight, bias, training)
        return [y, mean, var, *mg.autograd.grad((y * dy).sum(), [x, weight, bias])]

    one, *others = with_each_count(both)
    assert all(other == one for other in others)


def test_the_error_of_a_part_is_that_of_the_call():
    mg.set_num_threads(3)
    x, row = np.ones((7800, 203), np.float32), np.ones(203, np.float32)
    means = [np.zeros(203) for _ in range(3)]
    with pytest.raises(ValueError, match="batch_norm_forward: .* 203, 202,"):
        active.batch_norm_forward(x, row, row[1:], x.copy(), *means, 1e-5, True)


@pytest.mark.parametrize("shape", [(8192, 256), (4, 4096, 128)], ids=str)
def test_a_part_that_a_worker_cannot_do_is_done_again(shape, monkeypatch):
    """A worker may lack memory that the thread that asked has: its failure is not the call's."""
    name = "_forward_part" if len(shape) == 2 else "_planes_forward_part"
    home = batch_norm if len(shape) == 2 else batch_norm_planes
    x, failed = numbers(*shape), []
    mg.set_num_threads(1)
    expected = batch_normed(x)
    whole = getattr(home, name)

    def part_of(*arguments):
        if arguments[-2] == 1 and not failed:
            failed.append(True)
            raise MemoryError
        return whole(*arguments)

    monkeypatch.setattr(home, name, part_of)
    mg.set_num_threads(2)
    assert batch_normed(x).tobytes() == expected.tobytes() and failed


def batch_normed(x):
    C = x.shape[1]
    y, ones = np.zeros_like(x), np.ones(C, np.float32)
    active.batch_norm_forward(x, ones, ones, y, np.empty(C), np.empty(C), np.empty(C), 1e-5, True)
    return y


def test_a_result_is_the_product():
    mg.set_num_threads(3)
    a, b = np.random.default_rng(0).normal(size=(2, 500, 500))
    assert np.allclose((mg.tensor(a) @ mg.tensor(b)).numpy(), a @ b, rtol=1e-12, atol=1e-12)


def test_threads_of_the_program_share_the_workers():
    mg.set_num_threads(3)
    pairs = [(mg.rand(400, 300), mg.rand(300, 350)) for _ in range(4)]
    expected = [(a @ b).numpy().tobytes() for a, b in pairs]
    wrong = []

    def work(k):
        a, b = pairs[k]
        for _ in range(60):
            if (a @ b).numpy().tobytes() != expected[k]:
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def in_a_process(code, **environment):
    start = "import minigrad as mg, os, threading\nfrom minigrad._runtime import matmul\n"
    start += "matmul.use('minigrad')\n"
    run = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", start + code],
        capture_output=True, text=True, timeout=60, env={**os.environ, **environment},
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    return run.stdout.split()


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="no /proc here")
def test_workers_come_with_the_first_large_product():
    code = """
def threads():
    return len(os.listdir("/proc/self/task"))
before = threads()
x, small = mg.rand(500, 500), mg.rand(60, 60)
mg.set_num_threads(3)
small @ small
print(threads() - before)
x @ x
print(threads() - before, threading.active_count())
mg.set_num_threads(2)
x @ x
print(threads() - before)
"""
    assert in_a_process(code, OPENBLAS_NUM_THREADS="1") == ["0", "2", "1", "2"]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("busy", [False, True])
def test_a_child_hires_its_own(busy):
    code = f"""
mg.set_num_threads(3)
x = mg.rand(500, 500)
expected, stop = (x @ x).numpy().tobytes(), threading.Event()
def work():
    while not stop.is_set():
        x @ x
thread = threading.Thread(target=work)
if {busy}:
    thread.start()
for _ in range(5):
    pid = os.fork()
    if pid == 0:
        os._exit((x @ x).numpy().tobytes() != expected)
    assert os.waitpid(pid, 0)[1] == 0
stop.set()
if {busy}:
    thread.join()
print("end")
"""
    assert in_a_process(code) == ["end"]


@pytest.mark.parametrize("asked", ["1", "3"])
def test_the_environment_sets_the_number(asked):
    assert in_a_process("print(mg.get_num_threads())", MINIGRAD_THREADS=asked) == [asked]


@pytest.mark.parametrize("asked", ["0", "-1", "two", "1.5"])
def test_an_environment_without_a_number(asked):
    with pytest.raises(AssertionError, match="MINIGRAD_THREADS must be a number of threads"):
        in_a_process("", MINIGRAD_THREADS=asked)


def test_the_number_is_at_most_64():
    mg.set_num_threads(1_000_000)
    assert mg.get_num_threads() == 64


@pytest.mark.parametrize(
    ("count", "error"), [(0, ValueError), (-2, ValueError), (1.5, TypeError), (True, TypeError)]
)
def test_numbers_that_are_none(count, error):
    before = mg.get_num_threads()
    with pytest.raises(error, match="set_num_threads: count must be"):
        mg.set_num_threads(count)
    assert mg.get_num_threads() == before
