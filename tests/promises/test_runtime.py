"""What surrounds the library: other processes, threads, settings, locales, the end of Python."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from helpers.call_promises import training
from helpers.rest_slow import rest_slow

import minigrad as m
from minigrad import nn, optim
from minigrad.nn import functional as F

HERE = Path(__file__).parents[1]
TRAIN = """
import minigrad
from helpers.call_promises import training
digest = [part.hex() for part in training()]
"""


def python(code, *options, **environment):
    """What a new Python prints that runs `code`, which must end well and without complaint."""
    path = os.pathsep.join([str(Path(m.__file__).parents[1]), str(HERE), *sys.path])
    run = subprocess.run(
        [sys.executable, *options, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path, **environment},
        timeout=120,
    )
    assert (run.returncode, run.stderr) == (0, ""), run.stderr[-3000:]
    return run.stdout


def expected():
    return repr([part.hex() for part in training()])


@pytest.mark.parametrize(
    "options", rest_slow([("-O",), ("-OO",), ("-W", "error"), ("-X", "dev")], [("-OO",)]), ids=str
)
def test_options_of_python(options):
    assert python(TRAIN + "print(digest)", *options).strip() == expected()


def test_a_decimal_comma():
    code = f"""
import locale
for name in ("de_DE.UTF-8", "de_DE.utf8", "fr_FR.UTF-8", "C.UTF-8"):
    try:
        locale.setlocale(locale.LC_ALL, name)
        break
    except locale.Error:
        pass
{TRAIN}
x = minigrad.tensor([1.5, 2.25])
minigrad.save({{"x": x, "y": 0.5}}, "file")
assert minigrad.load("file")["y"] == 0.5 and minigrad.load("file")["x"].tolist() == [1.5, 2.25]
assert repr(x) == "tensor([1.5000, 2.2500])", repr(x)
assert "1.5" in x.graph().to_svg()
print(digest)
"""
    with_folder = f"import os, tempfile; os.chdir(tempfile.mkdtemp())\n{code}"
    assert python(with_folder).strip() == expected()


def test_numpy_that_raises():
    """np.seterr(all="raise") is for the user's own arrays; ours give inf and NaN as ever."""
    right = training()
    before = np.seterr(all="raise")
    try:
        assert training() == right
        x = m.tensor([0.0, -1.0, 1e38, float("nan")], requires_grad=True)
        for y in (
            x.log(), x / 0, x.exp(), x.sqrt(), x * 1e38, x**0.5, F.softmax(x, 0), x.tanh(),
            x.norm(), x.var(), x.mean(), x.sum(), x.std(), x.sigmoid(), F.gelu(x),
        ):  # fmt: skip
            y.sum().backward()
            repr(y)
        assert x.double().float().dtype is m.float32 and (x * 1e38).long().dtype is m.int64
        with m.use_kernels("reference"):
            F.gelu(x).sum().backward()
            F.layer_norm(x, (4,)).sum().backward()
    finally:
        np.seterr(**before)


def test_the_end_of_python_with_live_graphs():
    code = """
import minigrad as m
from minigrad import nn
x = m.ones(3, requires_grad=True)
alive = [x]
for _ in range(50_000):
    x = x * 1.0
view = x[0]
view.register_hook(lambda g: None)
loop = nn.Linear(2, 2)
loop.itself = [loop]
first = next(iter([m.no_grad()])).__enter__()
print("end")
"""
    assert python(code).strip() == "end"


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.parametrize("threaded", [False, True])
def test_fork(threaded):
    """A child after import computes the same bits, also when a thread forks."""
    code = f"""
{TRAIN}
import os, threading
training()
def child():
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.write(write, repr([part.hex() for part in training()]).encode())
        os._exit(0)
    os.close(write)
    with open(read) as pipe:
        found = pipe.read()
    assert os.waitpid(pid, 0)[1] == 0
    print(found)
if {threaded}:
    thread = threading.Thread(target=child)
    thread.start()
    thread.join()
else:
    child()
"""
    options = ("-W", "ignore::DeprecationWarning")  # of Python 3.12, about fork beside threads
    assert python(code, *options).strip() == expected()


def test_recursion_limit():
    code = f"""
import sys
{TRAIN}
x = minigrad.ones(2, requires_grad=True)
y = x
for _ in range(20_000):
    y = y * 1.0
sys.setrecursionlimit(50)
y.sum().backward()
del y
print(digest)
"""
    assert python(code).strip() == expected()


# --- threads -------------------------------------------------------------------------------------


def long_training(seed, steps=200):
    """The bits of a network with batch norm, dropout by hand, convolution, Adam, after `steps`."""
    generator = m.Generator().manual_seed(seed)
    images = m.randn(8, 1, 6, 6, generator=generator)
    labels = m.randint(0, 3, (8,), generator=generator)
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(12, 3), nn.LayerNorm(3),
    )  # fmt: skip
    with m.no_grad():
        for parameter in model.parameters():
            parameter.uniform_(-0.5, 0.5, generator=generator)
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    for _ in range(steps):
        optimizer.zero_grad()
        F.cross_entropy(model(images), labels).backward()
        optimizer.step()
        with m.no_grad():
            assert not model(images).requires_grad
        assert m.is_grad_enabled()
    state = model.state_dict()
    return b"".join(tensor.numpy().tobytes() for tensor in state.values())


@pytest.mark.slow
def test_threads_give_the_serial_bits():
    serial = [long_training(seed) for seed in range(8)]
    found, errors = [None] * 8, []

    def run(seed):
        try:
            found[seed] = long_training(seed)
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=run, args=(seed,)) for seed in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert errors == []
    assert found == serial


def test_grad_mode_does_not_leak_between_threads():
    """Neither a context nor a generator that another thread continues takes its mode along."""
    barrier, seen = threading.Barrier(2), {}

    @m.no_grad()
    def steps():
        while True:
            yield m.is_grad_enabled()

    shared = steps()
    assert next(shared) is False

    def run():
        seen["at first"] = m.is_grad_enabled()
        seen["inside"] = next(shared)
        seen["after"] = m.is_grad_enabled()
        with m.no_grad():
            barrier.wait()
            barrier.wait()
            seen["still"] = m.is_grad_enabled()

    thread = threading.Thread(target=run)
    thread.start()
    barrier.wait()
    assert m.is_grad_enabled()
    barrier.wait()
    thread.join()
    assert seen == {"at first": True, "inside": False, "after": True, "still": False}


def in_threads(*functions):
    """Run each in a thread of its own, with as many switches between them as Python makes."""
    errors = []

    def run(function):
        try:
            function()
        except BaseException as error:
            errors.append(error)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=run, args=(each,)) for each in functions]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert errors == []


def test_threads_that_share_a_leaf_add_up_their_gradients():
    """Large enough that NumPy lets other threads run while it adds."""
    x = m.ones(150_000, requires_grad=True)
    shared = x * 1
    shared.retain_grad()

    def own_graph():
        for _ in range(20):
            (x * 1).sum().backward()

    def shared_graph():
        for _ in range(20):
            shared.sum().backward(retain_graph=True, inputs=[x])

    in_threads(own_graph, own_graph, shared_graph, shared_graph)
    assert (x.grad == 80).all() and (shared.grad == 40).all()


def test_a_thread_waits_while_another_adds_to_the_same_gradient():
    """However long it takes: here until the other pass has had all the time it could want."""
    inside = threading.Event()

    class Slow(m.Tensor):
        def __add__(self, other):
            total = self.detach() + other
            inside.set()
            second.join(0.2)
            return total

    x = m.ones(2, requires_grad=True)
    x.grad = Slow([5.0, 5.0])
    second = threading.Thread(target=lambda: inside.wait(9) and (x * 3).sum().backward())
    second.start()
    (x * 2).sum().backward(create_graph=True)
    second.join()
    assert x.grad.tolist() == [10, 10]


def test_threads_that_share_a_layer_add_up_its_gradients():
    layer = nn.Linear(200, 200)
    batch = m.ones(8, 200)

    def run():
        for _ in range(15):
            layer(batch).sum().backward()

    in_threads(run, run, run, run)
    assert (layer.weight.grad == 8 * 60).all() and (layer.bias.grad == 8 * 60).all()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
def test_a_child_forked_while_another_thread_adds_gradients():
    code = """
import os, threading
import minigrad as m
x, stop = m.ones(2_000_000, requires_grad=True), threading.Event()
def run():
    while not stop.is_set():
        (x * 1).sum().backward()
thread = threading.Thread(target=run)
thread.start()
for _ in range(8):
    pid = os.fork()
    if pid == 0:
        w = m.ones(2, requires_grad=True)
        (w * 3).sum().backward()
        os._exit(0 if w.grad.tolist() == [3, 3] else 1)
    assert os.waitpid(pid, 0)[1] == 0
stop.set()
thread.join()
"""
    python(code, "-W", "ignore::DeprecationWarning")  # as above
