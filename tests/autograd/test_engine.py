"""The backward pass: accumulation, freeing, hooks, failure."""

import numpy as np
import pytest
from helpers.layouts import leaf_of as leaf
from helpers.layouts import normal

import minigrad as mg

# --- gradients add up ----------------------------------------------------------------------------


def test_roads_add_up():
    x = leaf(3.0)
    (x * x).backward()
    assert x.grad.tolist() == [6]
    a = leaf(1.0)
    b = a + a
    c = b + b
    c.backward()
    assert a.grad.tolist() == [4]


def test_a_node_waits_for_all_that_use_it():
    # micrograd#64: z uses y, and w uses both; y must not go backward before z has.
    x = leaf(2.0)
    y = x * x
    z = y * 3
    w = y * z
    w.backward()
    assert x.grad.tolist() == [3 * 4 * 2**3]


def test_backwards_accumulate_until_the_gradient_is_reset():
    x = leaf(3.0)
    for y, total in ((2 * x, 2), (3 * x, 5), (x * x, 11)):
        y.backward()
        assert x.grad.tolist() == [total]
    grad = x.grad
    (x * 1).backward()
    assert x.grad is grad
    x.grad = None
    (x * 1).backward()
    assert x.grad.tolist() == [1]


MIXED = [
    lambda a, b: a * b,
    lambda a, b: a + b,
    lambda a, b: (a - b) * 0.5,
    lambda a, b: a / (b * b + 1),
    lambda a, b: a.sum() * 0.1 + b,
    lambda a, b: (a * 0.1).exp(),
]


@pytest.mark.parametrize("seed", range(40))
def test_random_graphs_as_torch(torch, seed):
    rng = np.random.default_rng(seed)
    start, weights = rng.uniform(0.5, 1.5, (3, 4)), rng.standard_normal((40, 4))
    plan = [(rng.integers(6), rng.integers(0, n, 2)) for n in range(3, 40)]
    results = []
    for m in (mg, torch):
        xs = [m.tensor(row, requires_grad=True) for row in start]
        nodes = list(xs)
        for kind, (i, j) in plan:
            nodes.append(MIXED[kind](nodes[i], nodes[j]) / 2)
        total = sum((n * m.tensor(w)).sum() for n, w in zip(nodes, weights, strict=True))
        total.backward()
        results.append([x.grad.numpy() for x in xs])
    np.testing.assert_allclose(*results, rtol=1e-11, atol=1e-13)


def test_grad_touches_no_grad(torch):
    for m in (mg, torch):
        x = m.tensor([1.0, 2.0], requires_grad=True)
        w = m.tensor([3.0, 4.0], requires_grad=True)
        y = x * w
        dy = m.tensor([5.0, 7.0])
        dw, dy_, dx = m.autograd.grad(y, (w, y, x), dy)
        assert [d.tolist() for d in (dw, dy_, dx)] == [[5, 14], [5, 7], [15, 28]]
        assert x.grad is None
        assert w.grad is None


def test_several_outputs(torch):
    for m in (mg, torch):
        x = m.tensor([1.0, 2.0], requires_grad=True)
        dys = [m.tensor([1.0, -1.0]), m.tensor([0.5, 3.0]), None]
        (dx,) = m.autograd.grad([x * 2, x * x, x.sum()], x, dys)
        assert dx.tolist() == [4, 11]


def test_inputs_of_backward(torch):
    for m in (mg, torch):
        x = m.tensor([1.0], requires_grad=True)
        w = m.tensor([3.0], requires_grad=True)
        calls = []
        w.register_hook(calls.append)
        y = x * w
        (y * y).backward(m.tensor([2.0]), inputs=[x, y])
        assert (x.grad.tolist(), y.grad.tolist(), w.grad, calls) == ([36], [12], None, [])


def test_an_unused_input():
    x, w = leaf(1.0), leaf(1.0)
    y = x * 2
    assert mg.autograd.grad(y, (x, w), allow_unused=True, retain_graph=True)[1] is None
    with pytest.raises(mg.GraphError, match="do not depend on input 1; pass allow_unused=True"):
        mg.autograd.grad(y, (x, w))
    assert mg.autograd.grad(y, x)[0].tolist() == [2]  # the failed call freed nothing


def test_create_graph_is_kept_under_no_grad():
    """What is asked for is a graph of the pass; no_grad is about the lines around it."""
    x = leaf(1.0, 2.0)
    h = x * 1
    h.retain_grad()
    y = (h**3).sum()
    (x * 5).sum().backward()
    with mg.no_grad():
        y.backward(mg.tensor(2.0, dtype=mg.float64), create_graph=True)
        assert not mg.is_grad_enabled()
    assert x.grad.tolist() == [11, 29] and h.grad.tolist() == [6, 24]
    for first in (x.grad, h.grad):
        second = mg.autograd.grad(first.sum(), x, retain_graph=True)
        assert second[0].tolist() == [12, 24]  # of 2 · 3x²


# --- what starts a backward ----------------------------------------------------------------------


def test_errors_of_backward():
    x = leaf(1.0, 2.0)
    y = x * 2
    with pytest.raises(mg.GraphError, match=r"backward: .*shape \(2,\).*\.sum\(\).*gradient="):
        y.backward()
    with pytest.raises(mg.ShapeError, match=r"backward: the output has shape \(2,\).*\(3,\)"):
        y.backward(mg.ones(3, dtype=mg.float64))
    with pytest.raises(mg.DTypeError, match=r"backward: .*float64, got a gradient of .*float32"):
        y.backward(mg.ones(2))
    with pytest.raises(TypeError, match="backward: gradient must be a Tensor or None, got list"):
        y.backward([1.0, 1.0])
    with pytest.raises(mg.GraphError, match="backward: this tensor does not.*requires_grad=True"):
        mg.tensor(1.0).backward()
    with pytest.raises(ValueError, match="backward: inputs is empty"):
        y.backward(mg.ones(2, dtype=mg.float64), inputs=[])
    with pytest.raises(TypeError, match="backward: inputs must be Tensors, got int"):
        y.backward(mg.ones(2, dtype=mg.float64), inputs=[1])
    with pytest.raises(mg.GraphError, match="one of the inputs does not require a gradient"):
        y.backward(mg.ones(2, dtype=mg.float64), inputs=[mg.ones(2)])
    assert x.grad is None


def test_errors_of_grad():
    x = leaf(1.0, 2.0)
    y = x * 2
    with pytest.raises(TypeError, match="grad: outputs must be Tensors, got float"):
        mg.autograd.grad([1.0], x)
    with pytest.raises(TypeError, match="grad: inputs must be Tensors, got str"):
        mg.autograd.grad(y, ["a"])
    with pytest.raises(ValueError, match="grad: 1 outputs, but 2 grad_outputs"):
        mg.autograd.grad(y, x, [None, None])
    with pytest.raises(mg.GraphError, match=r"grad: .*one-element output, got shape \(2,\)"):
        mg.autograd.grad(y, x)
    with pytest.raises(mg.GraphError, match="grad: one of the inputs does not require a gradient"):
        mg.autograd.grad(y, mg.ones(2))


def test_a_leaf_goes_backward_too():
    x = leaf(5.0)
    x.backward()
    assert x.grad.tolist() == [1]


# --- the graph is used once ----------------------------------------------------------------------


@pytest.mark.parametrize("function", [
    lambda x: x * x, lambda x: x.exp(), lambda x: x[[0, 0]].sum(),
])  # fmt: skip
def test_a_freed_graph(function):
    x = leaf(2.0)
    y = function(x)
    y.backward(retain_graph=True)
    y.backward()
    twice = x.grad.tolist()
    with pytest.raises(mg.GraphError, match="a second time.*retain_graph=True"):
        y.backward()
    assert x.grad.tolist() == twice


def test_saved_values_are_freed_by_backward():
    x = leaf(1.0, 2.0)
    squares = x * 2 * x
    y = squares.exp()
    nodes = [y.grad_fn, squares.grad_fn]
    assert all(node.saved_arrays() for node in nodes)
    y.sum().backward()
    assert not any(node.saved_arrays() for node in nodes)


def test_create_graph_gives_higher_derivatives(torch):
    results = []
    for m in (mg, torch):
        x = m.tensor([1.5, 2.0], dtype=m.float64, requires_grad=True)
        y = (x**4).sum()
        derivatives = []
        for _ in range(4):
            (y,) = m.autograd.grad(y.sum(), x, create_graph=True)
            derivatives.append(y.tolist())
        results.append(derivatives)
    np.testing.assert_allclose(*results, rtol=1e-12)
    np.testing.assert_allclose(results[0][3], [24, 24], rtol=1e-12)


def test_backward_with_create_graph_gives_a_gradient_with_history():
    x = leaf(2.0)
    (x * x * x).backward(create_graph=True)
    assert x.grad.requires_grad
    x.grad, first = None, x.grad
    first.backward()
    assert x.grad.tolist() == [12]


# --- .grad shares memory with nothing ------------------------------------------------------------


def separate(*tensors):
    arrays = [t.detach().numpy() for t in tensors]
    return not any(np.shares_memory(a, b) for i, a in enumerate(arrays) for b in arrays[i + 1 :])


def test_gradients_of_two_leaves():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    dy = mg.tensor([5.0, 7.0], dtype=mg.float64)
    (a + b).backward(dy)
    assert separate(a.grad, b.grad, dy)
    a.grad.mul_(100)
    assert b.grad.tolist() == dy.tolist() == [5, 7]


@pytest.mark.parametrize("function", [
    lambda x: x, lambda x: x + 1, lambda x: x.clone(), lambda x: x.reshape(2, 1),
    lambda x: x.view(2),
    lambda x: x.expand(3, 2), lambda x: x.sum(), lambda x: x.double(), lambda x: x.unsqueeze(0),
])  # fmt: skip
def test_the_given_gradient(function):
    x = leaf(1.0, 2.0)
    y = function(x)
    dy = mg.tensor(normal(*y.shape))
    for _ in range(2):
        function(x).backward(dy)
        assert separate(x.grad, dy, x)
    assert dy.tolist() == normal(*y.shape).tolist()


def test_the_gradient_that_a_hook_kept():
    x = leaf(1.0, 2.0)
    kept = []
    x.register_hook(kept.append)
    (x * 2).sum().backward()
    (x * 2).sum().backward()
    assert [g.tolist() for g in kept] == [[2, 2], [2, 2]]
    assert x.grad.tolist() == [4, 4]
    assert separate(x.grad, *kept)


def test_retained_gradients():
    x = leaf(1.0, 2.0)
    y = x + 0
    z = y + 0
    y.retain_grad()
    z.retain_grad()
    z.sum().backward()
    assert separate(x.grad, y.grad, z.grad)


def test_a_gradient_in_memory_that_cannot_be_written():
    x = leaf(1.0, 2.0)
    x.grad = mg.tensor([[1.0]], dtype=mg.float64).expand(1, 2)[0]
    (x * 2).sum().backward()
    assert x.grad.tolist() == [3, 3]


# --- hooks, retain_grad --------------------------------------------------------------------------


def test_hooks_see_and_replace(torch):
    for m in (mg, torch):
        x = m.tensor([1.0, 2.0], requires_grad=True)
        y = x * 2
        seen = []
        y.register_hook(lambda g: g * 10)
        y.register_hook(lambda g: seen.append(g.tolist()))  # noqa: B023
        x.register_hook(lambda g: g + 1)
        y.retain_grad()
        (y * y).backward(m.tensor([1.0, 3.0]))
        assert seen == [[40, 240]]
        assert y.grad.tolist() == [40, 240]
        assert x.grad.tolist() == [81, 481]


def test_a_leaf_hook_sees_the_whole_gradient_once(torch):
    for m in (mg, torch):
        x = m.tensor([1.0], requires_grad=True)
        seen = []
        x.register_hook(lambda g: seen.append(g.tolist()))  # noqa: B023
        (x * 2 + x * 3 + x).backward()
        assert seen == [[6]]


def test_hooks_come_in_order_and_go():
    x = leaf(1.0)
    seen = []
    x.register_hook(lambda g: seen.append(1))
    handle = x.register_hook(lambda g: seen.append(2))
    with x.register_hook(lambda g: seen.append(3)):
        (x * 2).backward()
    handle.remove()
    handle.remove()
    (x * 2).backward()
    assert seen == [1, 2, 3, 1]


@pytest.mark.parametrize(("answer", "error", "message"), [
    (lambda g: 1.0, TypeError, "hook: expected None or a Tensor, got float"),
    (lambda g: mg.cat([g, g]), mg.ShapeError, r"shape \(2,\), the hook returned \(4,\)"),
    (lambda g: g.float(), mg.DTypeError, "float64, the hook returned .*float32"),
    (lambda g: 1 / 0, ZeroDivisionError, "division by zero"),
])  # fmt: skip
def test_a_pass_that_fails_changes_nothing(answer, error, message):
    a, b, c = leaf(1.0, 2.0), leaf(3.0, 4.0), leaf(5.0, 6.0)
    c.grad = mg.tensor([1.0, 1.0], dtype=mg.float64)
    middle = a * b
    middle.retain_grad()
    y = (middle * b * c).sum()
    handle = a.register_hook(answer)
    with pytest.raises(error, match=message):
        y.backward()
    assert (a.grad, b.grad, middle.grad, c.grad.tolist()) == (None, None, None, [1, 1])
    assert mg.is_grad_enabled()
    handle.remove()
    y.backward()  # and nothing was freed
    assert b.grad.tolist() == [2 * 1 * 3 * 5, 2 * 2 * 4 * 6]


def test_a_graph_freed_in_part_fails_as_a_whole():
    a, b = leaf(2.0), leaf(3.0)
    shared = a * a
    shared.backward(retain_graph=False)
    a.grad = None
    y = shared * b
    with pytest.raises(mg.GraphError, match="a second time"):
        y.backward()
    assert (a.grad, b.grad) == (None, None)


def test_new_values_of_another_shape():
    a, b = leaf(1.0, 2.0), leaf(3.0, 4.0)
    y = (a + b).sum()
    a.data = mg.ones(3, dtype=mg.float64)
    with pytest.raises(mg.GraphError, match=r"shape \(2,\).*now \(3,\).*\.data was replaced"):
        y.backward()
    assert (a.grad, b.grad) == (None, None)


def test_errors_of_hooks_and_retain_grad():
    x = mg.tensor([1.0])
    with pytest.raises(mg.GraphError, match="register_hook: this tensor does not require"):
        x.register_hook(print)
    with pytest.raises(mg.GraphError, match="retain_grad: this tensor does not require"):
        x.retain_grad()
    with pytest.raises(TypeError, match="register_hook: hook must be a function, got int"):
        leaf(1.0).register_hook(3)
    y = leaf(1.0)
    y.retain_grad()  # a leaf keeps its gradient anyway
    y.backward()
    assert y.grad.tolist() == [1]
