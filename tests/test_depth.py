"""Graphs as deep as memory allows: nothing recurses, and nothing takes more than linear space."""

import sys
import threading
import tracemalloc

import numpy as np
import pytest

import minigrad as mg


def leaf(*values):
    return mg.tensor(list(values), dtype=mg.float64, requires_grad=True)


def in_small_stack(function):
    """Run in a thread with a stack of 256 KiB and next to no recursion left to Python."""
    errors = []

    def run():
        try:
            function()
        except BaseException as error:
            errors.append(error)

    before = threading.stack_size(256 * 1024)
    limit = sys.getrecursionlimit()
    try:
        thread = threading.Thread(target=run)
        sys.setrecursionlimit(100)
        thread.start()
        thread.join()
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(before)
    assert errors == []


def chain(length):
    x = leaf(1.0)
    y = x
    for _ in range(length):
        y = y + 1.0
    return x, y


def deep(length):
    x, y = chain(length)
    y.backward()
    assert x.grad.tolist() == [1]
    del x, y  # after a backward
    x, y = chain(length)
    del x, y  # without one
    x = leaf(0.5)
    y = x
    for _ in range(length // 4):  # nodes that keep values which lead on to nodes
        y = (y * y).sqrt()
    y.backward()
    del y


def diamonds(length):
    """2^length roads from y to x, to be walked in `length` steps."""
    x = leaf(1.0)
    y = x
    for _ in range(length):
        y = (y + y) * 0.5
    y.backward()
    assert x.grad.tolist() == [1]


def test_a_deep_chain():
    in_small_stack(lambda: deep(20_000))


def test_many_roads():
    diamonds(5_000)


@pytest.mark.slow
def test_a_chain_of_1_000_000():
    deep(1_000_000)
    in_small_stack(lambda: deep(1_000_000))
    diamonds(100_000)


class Twice(mg.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x * 2

    @staticmethod
    def backward(ctx, dy):
        return dy * 2


# Other ways to grow a graph: (one more link, what undoes its effect on the gradient).
LINKS = {
    "views": lambda y: y.view(1).unsqueeze(0).squeeze(0),
    "views by index": lambda y: y.unsqueeze(0)[0],
    "in place": lambda y: y.mul_(1.0),
    "writes": lambda y: y.__setitem__(0, y[0] * 1.0) or y,
    "own functions": lambda y: Twice.apply(y) * 0.5,
    "kept values": lambda y: (y * y).sqrt(),
}


def grow(link, length):
    x = leaf(1.0)
    y = x * 1.0
    for _ in range(length):
        y = link(y)
    return x, y


def deep_links(link, length):
    x, y = grow(link, length)
    y.sum().backward()
    np.testing.assert_allclose(x.grad.tolist(), [1])
    del x, y
    x, y = grow(link, length)
    del x, y


@pytest.mark.parametrize("name", LINKS)
def test_other_deep_chains(name):
    in_small_stack(lambda: deep_links(LINKS[name], 3_000))


def deep_second_order(length):
    """The pass itself recorded, gone back through, and dropped."""
    x = leaf(0.5)
    y = x
    for _ in range(length):
        y = y + 1.0 - y * y / 1e9
    (dx,) = mg.autograd.grad(y.sum(), x, create_graph=True)
    dx.sum().backward()
    assert np.isfinite(x.grad.item())
    del dx, y
    x.grad = None
    y = x * x
    for _ in range(length):
        y = y * 1.0
    (dx,) = mg.autograd.grad(y.sum(), x, create_graph=True)
    del x, y, dx


def test_a_deep_recorded_pass():
    in_small_stack(lambda: deep_second_order(2_000))


@pytest.mark.slow
@pytest.mark.parametrize("name", LINKS)
def test_other_chains_of_300_000(name):
    length = 300_000
    in_small_stack(lambda: deep_links(LINKS[name], length))


@pytest.mark.slow
def test_a_recorded_pass_of_200_000():
    in_small_stack(lambda: deep_second_order(200_000))


def written_at_the_end(length):
    """The history of a view is made anew, along the whole chain, once its base was written."""
    x = leaf(1.0, 2.0, 3.0)
    base = x * 1
    y = base
    for _ in range(length):
        y = y.expand(1, 3).t()[:, 0]
    y = y[1:]
    y.mul_(5.0)
    base.backward(mg.tensor([1.0, 10.0, 100.0], dtype=mg.float64), retain_graph=True)
    assert x.grad.tolist() == [1, 50, 500]
    x.grad = None
    y.backward(mg.tensor([1.0, 10.0], dtype=mg.float64))
    assert x.grad.tolist() == [0, 5, 50]
    del x, base, y


def test_a_view_far_from_its_base():
    in_small_stack(lambda: written_at_the_end(5_000))


@pytest.mark.slow
def test_a_view_100_000_links_from_its_base():
    in_small_stack(lambda: written_at_the_end(100_000 // 3))  # three links in one


@pytest.mark.parametrize("name", LINKS)
def test_a_chain_takes_linear_memory(name):
    def taken(length):
        before, _ = tracemalloc.get_traced_memory()
        kept = [leaf(1.0) * 1.0]
        for _ in range(length):
            kept.append(LINKS[name](kept[-1]))
        after, _ = tracemalloc.get_traced_memory()
        del kept
        return after - before

    tracemalloc.start()
    try:
        taken(100)
        assert taken(2_000) < 2.5 * taken(1_000)
    finally:
        tracemalloc.stop()


def test_a_chain_of_views_and_writes():
    def run():
        x = leaf(1.0, 2.0)
        y = x * 1
        for _ in range(2_000):
            y[0] = y[1] * 1.0
            y.mul_(1.0)
        y.sum().backward()
        assert x.grad.tolist() == [0, 2]

    in_small_stack(run)
