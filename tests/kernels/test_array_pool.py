"""Memory that large arrays leave waits for the next of their size, and only so much of it."""

import gc
import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad._runtime import array_pool

MIB = 1 << 20
needs_loans = pytest.mark.skipif(sys.platform == "win32", reason="the system takes no loans")


@pytest.fixture(autouse=True)
def few():
    """Nothing waits before a test, and what it leaves is given back. No collection takes place in
    it: the arrays in the reference cycles of other tests would come to wait, too."""
    gc.disable()
    before = array_pool.set_limit(0)
    array_pool.set_limit(18)
    yield
    array_pool.set_limit(0)
    array_pool.set_limit(before)
    gc.enable()


def made(count, dtype=mg.float32):
    """A tensor made by an operation, of `count` elements."""
    return mg.from_numpy(np.ones(count, dtype.numpy)) + 1


def place(x):
    return x.detach().numpy().__array_interface__["data"][0]


def test_the_next_array_of_a_size_gets_the_memory_of_the_last():
    x = made(MIB // 4)
    before = place(x)
    del x
    assert array_pool.cached_bytes() == MIB
    y = made(MIB // 4)
    assert place(y) == before and array_pool.cached_bytes() == 0
    assert np.all(y.numpy() == 2)


def test_arrays_that_live_share_nothing():
    tensors = [made(MIB // 4) for _ in range(5)]
    del tensors[1::2]
    tensors += [made(MIB // 4) * k for k in range(4)]
    places = {place(x) for x in tensors}
    assert len(places) == len(tensors)
    for k, x in enumerate(tensors[3:]):
        assert np.all(x.numpy() == 2 * k)


def test_only_so_many_bytes_wait_the_newest():
    tensors = [made(MIB + k) for k in range(5)]  # 4 MiB and a little each: four fit
    sizes = [x.numpy().nbytes for x in tensors]
    while tensors:
        tensors.pop(0)
    assert array_pool.cached_bytes() == sum(sizes[1:])


def test_many_small_ones_take_turns():
    tensors = [made(20_000 + k) for k in range(100)]
    sizes = [x.numpy().nbytes for x in tensors]
    while tensors:
        tensors.pop(0)
    assert array_pool.cached_bytes() == sum(sizes[-64:])


@pytest.mark.parametrize("count", [1, 1000, 16_383])
def test_small_arrays_go_back_at_once(count):
    made(count)
    assert array_pool.cached_bytes() == 0


@needs_loans
def test_what_is_larger_than_a_quarter_of_the_limit_is_lent():
    x = made(5 * MIB // 4)
    before = place(x)
    del x
    assert (array_pool.cached_bytes(), array_pool.reclaimable_bytes()) == (0, 5 * MIB)
    y = made(5 * MIB // 4)
    assert place(y) == before and array_pool.reclaimable_bytes() == 0
    assert np.all(y.numpy() == 2)


@needs_loans
def test_what_is_lent_and_in_use_was_in_use_before():
    five, six, seven = (mg.ones(k * MIB // 4) for k in (5, 6, 7))  # not in blocks of ours
    x = five + 1
    del x
    assert array_pool.reclaimable_bytes() == 5 * MIB
    x = six + 1  # the most until now, and nothing may be left beside it
    assert array_pool.reclaimable_bytes() == 0
    y = seven + 1  # from now on 13 MiB may be
    del x
    assert array_pool.reclaimable_bytes() == 6 * MIB
    del y
    assert array_pool.reclaimable_bytes() == 13 * MIB
    alive = [five + 1]  # 5 + 6 + 7 are more; the oldest goes
    assert array_pool.reclaimable_bytes() == 7 * MIB
    alive.append(seven + 1)
    assert array_pool.reclaimable_bytes() == 0


@needs_loans
def test_keep_ends_all_loans():
    made(2 * MIB)
    assert array_pool.reclaimable_bytes() == 8 * MIB
    array_pool.set_limit(18)
    assert array_pool.reclaimable_bytes() == 0
    array_pool.set_limit(0)
    made(2 * MIB)
    assert array_pool.reclaimable_bytes() == 0


def test_nothing_waits_after_keep_0():
    made(MIB)
    assert array_pool.cached_bytes() == 4 * MIB
    assert array_pool.set_limit(0) == 18
    assert array_pool.cached_bytes() == 0
    made(MIB)
    assert array_pool.cached_bytes() == 0


def test_zeros_reuse_memory_too():
    x = made(MIB)
    before = place(x)
    del x
    y = mg.zeros(MIB)
    assert place(y) == before and array_pool.cached_bytes() == 0 and not y.any()


def test_arrays_of_others_are_theirs():
    made(MIB)
    array = np.ones(MIB, np.float32)  # as large as what waits
    assert array_pool.cached_bytes() == array.nbytes
    del array
    assert array_pool.cached_bytes() == 4 * MIB


def test_threads():
    def work(k):
        for _ in range(50):
            x = mg.full((MIB // 8,), float(k))
            total = (x + x) * x
            if not np.all(total.numpy() == 2.0 * k * k):
                wrong.append(k)

    wrong = []
    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("limit", [-1, 1.5, "2", None, True])
def test_limits_that_are_none(limit):
    with pytest.raises((TypeError, ValueError), match="set_limit: megabytes must be"):
        array_pool.set_limit(limit)
    assert array_pool.set_limit(18) == 18


@pytest.mark.parametrize(
    ("asked", "answer"),
    [("0", "0\n"), ("7", "7\n"), ("", "128\n"), ("-1", "MINIGRAD_KEEP_MB must be a number of MiB")],
)
def test_the_environment_sets_the_limit(asked, answer):
    code = "from minigrad._runtime import array_pool; print(array_pool.set_limit(1))"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env={**os.environ, "MINIGRAD_KEEP_MB": asked},
    )  # fmt: skip
    assert answer in (run.stdout if asked != "-1" else run.stderr)


NO_MEMORY = """
import resource
import numpy as np
import minigrad as mg
from minigrad._runtime import array_pool

x = mg.from_numpy(np.ones(18 << 20, np.float32))
waiting = [x[: k << 20] + 1 for k in (4, 16, 17)]
del waiting
assert (array_pool.cached_bytes(), array_pool.reclaimable_bytes()) == (80 << 20, 68 << 20)
with open("/proc/self/statm") as file:
    used = int(file.read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + (16 << 20), resource.RLIM_INFINITY))
y = x + 1  # 72 MiB
assert array_pool.cached_bytes() == array_pool.reclaimable_bytes() == 0
"""


@pytest.mark.slow
@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="no /proc here")
def test_what_waits_is_given_back_when_memory_runs_out():
    environment = {**os.environ, "MINIGRAD_KEEP_MB": "256"}
    subprocess.run([sys.executable, "-c", NO_MEMORY], check=True, env=environment)


# --- where arrays start --------------------------------------------------------------------------


def trained():
    """What a step of training makes: parameters, gradients and the state of an optimizer."""
    model = mg.nn.Sequential(mg.nn.Linear(100, 80), mg.nn.BatchNorm1d(80), mg.nn.ReLU())
    adam = mg.optim.Adam(model.parameters())
    y = model(mg.rand(64, 100))
    y.sum().backward()
    adam.step()
    weight = model[0].weight
    state = adam.state[weight]
    return y, weight, weight.grad, state["exp_avg"], state["exp_avg_sq"]


MAKERS = {
    "zeros": lambda n: [mg.zeros(n), mg.zeros_like(mg.rand(n)), mg.full((n,), 2.0)],
    "random": lambda n: [mg.rand(n), mg.randn(n, dtype=mg.float64), mg.randperm(n)],
    "copies": lambda n: [
        mg.arange(n).clone(),
        mg.rand(n, 2)[:, 1].contiguous(),
        mg.rand(2, n).T.clone(),
    ],
    "results": lambda n: [mg.rand(n) + 1, mg.rand(n, 3) @ mg.rand(3, 2), mg.rand(n).relu()],
    "training": lambda n: trained(),
}


@pytest.mark.parametrize("maker", MAKERS)
def test_arrays_start_at_a_cache_line(maker):
    kept = []  # so that each has memory of its own
    for n in (4096, 5000, 4099):
        kept += MAKERS[maker](n)
    assert [place(x) % 64 for x in kept] == [0] * len(kept)


def test_an_array_that_numpy_resizes_keeps_its_values():
    array = (mg.arange(5000) + 0).numpy()
    owner = array.base.obj  # what .numpy() gives is a view of it
    for size in (70_000, 4000, 10, 300_000):
        before = owner.copy()
        owner.resize(size, refcheck=False)
        same = min(size, len(before))
        assert np.array_equal(owner[:same], before[:same]) and not owner[same:].any()
