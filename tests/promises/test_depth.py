"""Graphs as deep as memory allows: nothing recurses, and nothing takes more than linear space."""

import gc
import sys
import threading
import time
import tracemalloc
import weakref

import numpy as np
import pytest
from helpers.fresh_values import Double
from helpers.layouts import leaf_of
from helpers.operations import OPERATIONS
from helpers.rest_slow import rest_slow

import minigrad as mg
from minigrad._runtime.versions import SavedTensor


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
    x = leaf_of(1.0)
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
    x = leaf_of(0.5)
    y = x
    for _ in range(length // 4):  # nodes that keep values which lead on to nodes
        y = (y * y).sqrt()
    y.backward()
    del y


def diamonds(length):
    """2^length roads from y to x, to be walked in `length` steps."""
    x = leaf_of(1.0)
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


# Other ways to grow a graph: (one more link, what undoes its effect on the gradient).
LINKS = {
    "views": lambda y: y.view(1).unsqueeze(0).squeeze(0),
    "views by index": lambda y: y.unsqueeze(0)[0],
    "in place": lambda y: y.mul_(1.0),
    "writes": lambda y: y.__setitem__(0, y[0] * 1.0) or y,
    "own functions": lambda y: Double.apply(y) * 0.5,
    "kept values": lambda y: (y * y).sqrt(),
}


def grow(link, length):
    x = leaf_of(1.0)
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
    x = leaf_of(0.5)
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
    x = leaf_of(1.0, 2.0, 3.0)
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


@pytest.mark.slow
def test_a_view_far_from_its_base():
    in_small_stack(lambda: written_at_the_end(5_000))


@pytest.mark.slow
def test_a_view_100_000_links_from_its_base():
    in_small_stack(lambda: written_at_the_end(100_000 // 3))  # three links in one


@pytest.mark.parametrize("name", rest_slow(LINKS, ["views"]))
def test_a_chain_takes_linear_memory(name):
    def taken(length):
        before, _ = tracemalloc.get_traced_memory()
        kept = [leaf_of(1.0) * 1.0]
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
        x = leaf_of(1.0, 2.0)
        y = x * 1
        for _ in range(2_000):
            y[0] = y[1] * 1.0
            y.mul_(1.0)
        y.sum().backward()
        assert x.grad.tolist() == [0, 2]

    in_small_stack(run)


# --- dropping -------------------------------------------------------------------------------------


class Probe:
    """Runs `function` when it is destroyed."""

    def __init__(self, function):
        self.function = function

    def __del__(self):
        self.function()


class Remembers(mg.autograd.Function):
    """Its context holds other tensors: as an attribute, or saved though they are not inputs."""

    @staticmethod
    def forward(ctx, x, other, as_attribute):
        if as_attribute:
            ctx.other = other
        else:
            ctx.save_for_backward(*other)
        return x * 2


def hooked(y, before):
    y.register_hook(lambda dy: before)
    return y


def with_gradient(y, before):
    y.grad = before
    return y


# One more link of a chain in which each tensor holds the one before it, by what is not an input.
HOLDS = {
    "attributes of a context": lambda y: Remembers.apply(leaf_of(1.0), [y], True),
    "values that are not inputs": lambda y: Remembers.apply(leaf_of(1.0), [y], False),
    "hooks of nodes": lambda y: hooked(leaf_of(1.0) * 1.0, y),
    "hooks of leaves": lambda y: hooked(leaf_of(1.0), y),
    "gradients": lambda y: with_gradient(leaf_of(1.0), y),
    "gradients of parameters": lambda y: with_gradient(mg.nn.Parameter(leaf_of(1.0).detach()), y),
}


def drop_chain(link, length):
    mark = Probe(lambda: None)
    y, first = hooked(leaf_of(1.0) * 1.0, mark), weakref.ref(mark)
    del mark
    for _ in range(length):
        y = link(y)
    assert first() is not None
    del y
    assert first() is None


@pytest.mark.parametrize("name", HOLDS)
def test_chains_of_other_references_are_dropped(name):
    in_small_stack(lambda: drop_chain(HOLDS[name], 5_000))


@pytest.mark.slow
@pytest.mark.parametrize("name", HOLDS)
def test_300_000_other_references_are_dropped(name):
    in_small_stack(lambda: drop_chain(HOLDS[name], 300_000))


@pytest.mark.slow
@pytest.mark.parametrize("every_node", [False, True])
def test_the_collector_takes_a_deep_chain(every_node):
    """A circle with a chain behind it, and one that goes through each of its nodes."""

    def run():
        x, y = leaf_of(1.0), leaf_of(1.0)
        gone, circle = weakref.ref(x), []
        y = x * 1.0
        for _ in range(5_000):
            y = y.view(1) + 1.0
            if every_node:
                y.register_hook(lambda dy, circle=circle: None)
                circle.append(y)
        circle.append(y)
        y.register_hook(lambda dy, circle=circle: None)
        del x, y, circle
        assert gone() is not None
        gc.collect()
        assert gone() is None

    in_small_stack(run)


def probed_chain(length, function):
    y = leaf_of(1.0)
    for _ in range(length):
        y = y * 1.0
        hooked(y, Probe(function))
    return y


def test_all_of_a_chain_is_gone_when_its_last_reference_is():
    """Also where a destructor lets other threads run, which drop chains of their own."""
    counts = [0] * 4
    wrong = []

    def work(number):
        def count():
            counts[number] += 1
            time.sleep(0)

        for turn in range(1, 6):
            y = probed_chain(200, count)
            del y
            if counts[number] != 200 * turn:
                wrong.append((number, counts[number]))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(counts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [] and counts == [1000] * len(counts)


@pytest.mark.slow
def test_a_destructor_may_drop_build_and_collect():
    dropped = []

    def work():
        y = chain(300)[1]
        y.backward()
        gc.collect()
        del y
        dropped.append(1)

    y = probed_chain(5, work)
    del y
    assert len(dropped) == 5


def test_an_exception_on_its_way_survives_what_it_drops():
    def fail():
        y = probed_chain(100, lambda: [][:1] or int("1"))
        assert y is not None
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine") as caught:
        fail()
    caught.value.__traceback__ = None

    def swallow():
        y = probed_chain(100, lambda: None)
        try:
            raise KeyError("mine")
        except KeyError:
            del y
            return sys.exc_info()[0]

    assert swallow() is KeyError


def test_nothing_is_left_of_what_waited_to_be_dropped():
    """Many at once, too: the list of a thread grows, and is freed."""

    def work():
        x = leaf_of(1.0)
        many = mg.stack([x * 1.0 for _ in range(500)])
        probed_chain(50, lambda: None)
        del many

    tracemalloc.start()
    try:
        for _ in range(5):
            work()
        before, _ = tracemalloc.get_traced_memory()
        for _ in range(20):
            work()
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 20_000


def test_little_is_dropped_after_much():
    x = leaf_of(1.0)
    many = mg.stack([x * 1.0 for _ in range(500)])
    del many
    for _ in range(3):
        y = x * 1.0  # leads to leaves alone
        del y
    many = mg.cat([x * 1.0 for _ in range(500)])
    del many
    assert (x * 2.0).tolist() == [2.0]


def is_kept(thing):
    """Whether it is what `Function.save` made: saved values, or pairs of one and its maker."""
    return type(thing) is tuple and all(
        each is None or type(each[0] if type(each) is tuple else each) is SavedTensor
        for each in thing
    )


def leads_on(thing, seen):
    """Whether `thing` leads to a node."""
    if id(thing) in seen or isinstance(thing, type) or not gc.is_tracked(thing):
        return False
    seen[id(thing)] = thing
    if hasattr(thing, "next_functions"):
        return True
    if hasattr(thing, "__globals__") or hasattr(thing, "__spec__"):
        return False
    return any(leads_on(each, seen) for each in gc.get_referents(thing))


def below(nodes):
    """These nodes and all that they lead to."""
    seen, stack = set(), list(nodes)
    while stack:
        node = stack.pop()
        if hasattr(node, "inputs") and node not in seen:
            seen.add(node)
            stack += node.inputs
    return seen


def test_only_what_is_dropped_in_a_loop_leads_from_node_to_node():
    """In every operation and its backward: another field that did would be dropped by recursion."""
    kinds = set()
    for sample in [sample for samples in OPERATIONS.values() for sample in samples[:4]]:
        x = [mg.tensor(each.array(number, 0)) for number, each in enumerate(sample.inputs)]
        x = [each.requires_grad_() * 1 if each.dtype.is_floating_point else each for each in x]
        result = sample.call(mg, *x)
        results = [y for y in (result if isinstance(result, tuple) else (result,)) if y.grad_fn]
        for y in list(results):
            wanted = [each for each in x if each.requires_grad]
            results += mg.autograd.grad((y * y).sum(), wanted, create_graph=True, allow_unused=True)
        for node in below([y.grad_fn for y in results if y is not None]):
            kinds.add(type(node))
            for each in gc.get_referents(node):
                assert each is node.inputs or is_kept(each) or not leads_on(each, {}), node
    assert len(kinds) > 60
