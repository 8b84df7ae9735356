"""Operations written in Python by `autograd.Function`: as torch's, and as if they were built in."""

import gc
import threading

import numpy as np
import pytest
from helpers.layouts import leaf, normal

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck


def functions(m):
    """The same custom operations for minigrad and for torch."""

    class Cube(m.autograd.Function):
        @staticmethod
        def forward(ctx, x, scale):
            ctx.save_for_backward(x)
            ctx.scale = scale
            return x**3 * scale

        @staticmethod
        def backward(ctx, dy):
            (x,) = ctx.saved_tensors
            return 3 * x**2 * ctx.scale * dy, None

    class Exp(m.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            y = x.exp()
            ctx.save_for_backward(y)
            return y

        @staticmethod
        def backward(ctx, dy):
            (y,) = ctx.saved_tensors
            return dy * y

    class SumAndProduct(m.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            product = a * b
            ctx.save_for_backward(a, b, product)
            return a + b, product

        @staticmethod
        def backward(ctx, dsum, dproduct):
            a, b, product = ctx.saved_tensors
            return dsum + dproduct * product / a, dsum + dproduct * a

    class LargestAndPlace(m.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            place = x.argmax()
            ctx.place, ctx.n = int(place), x.numel()
            ctx.mark_non_differentiable(place)
            return x[ctx.place], place

        @staticmethod
        def backward(ctx, dy, dplace):
            dx = m.zeros(ctx.n, dtype=m.float64)
            dx[ctx.place] = dy
            return dx

    return Cube, Exp, SumAndProduct, LargestAndPlace


Cube, Exp, SumAndProduct, LargestAndPlace = functions(mg)
OTHER = np.array([1.5, -2.0, 3.0])


@pytest.mark.parametrize("order", [1, 2])
def test_as_torch(torch, order):
    results = []
    for m in (mg, torch):
        cube, exp, both, largest = functions(m)
        x = m.tensor([1.0, 2.0, -0.5], dtype=m.float64, requires_grad=True)
        w = m.tensor(OTHER, requires_grad=True)
        s, p = both.apply(cube.apply(x, 2.0), exp.apply(w) * 2)
        top, place = largest.apply(p * w)
        assert not place.requires_grad
        y = (s * p).sum() * top
        dxs = m.autograd.grad(y, (x, w), create_graph=order == 2)
        if order == 2:
            dxs = m.autograd.grad((dxs[0] * w).sum() + (dxs[1] * x).sum(), (x, w))
        results.append([y.item(), *(d.tolist() for d in dxs)])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_gradients():
    x, w = leaf(normal(3, 2)), leaf(normal(3, 2, seed=1))
    for function, inputs in [
        (lambda x: Cube.apply(x, 2.0), x),
        (Exp.apply, x),
        (SumAndProduct.apply, (x, w)),
        (lambda x, w: SumAndProduct.apply(x, w)[1], (x, w)),
    ]:
        assert gradcheck(function, inputs)
        assert gradgradcheck(function, inputs)


def test_a_wrong_backward_is_found():
    class Wrong(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, dy):
            return dy * 2.1

    with pytest.raises(RuntimeError, match="backward is not the gradient"):
        gradcheck(Wrong.apply, leaf(normal(3)))


def test_the_node_has_a_name():
    y = Exp.apply(leaf(normal(3)))
    assert y.grad_fn.name() == "ExpBackward"


def test_what_wants_no_gradient():
    assert not Exp.apply(mg.tensor([1.0])).requires_grad
    with mg.no_grad():
        assert not Exp.apply(leaf(normal(3))).requires_grad
    wanted = []

    class Look(mg.autograd.Function):
        @staticmethod
        def forward(ctx, *inputs):
            wanted.append(ctx.needs_input_grad)
            return inputs[0] * 1

        @staticmethod
        def backward(ctx, dy):
            return dy, None, None

    Look.apply(leaf(normal(3)), mg.ones(3), "a").sum().backward()
    assert wanted == [(True, False, False)]


def test_forward_is_not_recorded():
    class Inside(mg.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            assert not mg.is_grad_enabled()
            return x.detach() * 3

        @staticmethod
        def backward(ctx, dy):
            return dy * 5

    x = leaf(normal(3))
    Inside.apply(x).sum().backward()
    assert x.grad.tolist() == [5, 5, 5]
    assert mg.is_grad_enabled()


@pytest.mark.parametrize("forward", [lambda ctx, x: x, lambda ctx, x: x[:], lambda ctx, x: x.t()])
def test_an_output_that_is_the_input_or_a_view(forward):
    Same = type("Same", (mg.autograd.Function,), {
        "forward": staticmethod(forward), "backward": staticmethod(lambda ctx, dy: dy.t() * 3)
    })  # fmt: skip
    x = leaf(normal(3, 3))
    y = Same.apply(x)
    y[0] = 0
    y.backward(mg.tensor(normal(3, 3, seed=1)))
    expected = normal(3, 3, seed=1) * 3
    expected[0] = 0
    np.testing.assert_allclose(x.grad.numpy(), expected.T)
    assert x.detach().numpy()[0].all()


def test_saved_values_are_guarded():
    x = leaf(normal(3))
    y = Cube.apply(x, 1.0)
    with mg.no_grad():
        x.mul_(2)
    with pytest.raises(mg.GraphError, match="changed in place by mul_"):
        y.sum().backward()
    z = Exp.apply(leaf(normal(3)))
    total = z.sum()
    z.mul_(2)
    with pytest.raises(mg.GraphError, match="changed in place by mul_"):
        total.backward()


def test_a_second_backward():
    x = leaf(normal(3))
    y = Exp.apply(x).sum()
    y.backward(retain_graph=True)
    y.backward()
    with pytest.raises(mg.GraphError, match="ExpBackward|SumBackward0"):
        y.backward()


@pytest.mark.slow
def test_nothing_is_left_behind():
    def count():
        return sum(type(each) is mg.Tensor for each in gc.get_objects())

    x = leaf(normal(3))
    gc.collect()
    gc.disable()
    try:
        before = count()
        for _ in range(5):
            Exp.apply(x)
            s, p = SumAndProduct.apply(x, x)
            del s, p
        assert count() == before
    finally:
        gc.enable()


def operation(forward=lambda ctx, x: x * 2, backward=lambda ctx, dy: dy * 2):
    methods = {"forward": staticmethod(forward), "backward": staticmethod(backward)}
    return type("Made", (mg.autograd.Function,), methods)


@pytest.mark.parametrize(("backward", "error", "message"), [
    (lambda ctx, dy: (), mg.GraphError, "MadeBackward: returned 0 gradients for 1 inputs"),
    (lambda ctx, dy: (dy, dy), mg.GraphError, "MadeBackward: returned 2 gradients for 1 inputs"),
    (lambda ctx, dy: dy.sum(), mg.ShapeError, r"input 0 has shape \(3,\).*shape \(\)"),
    (lambda ctx, dy: 1.0, TypeError, "gradient 0 must be a Tensor or None, got float"),
    (lambda ctx, dy: 1 / 0, ZeroDivisionError, "division"),
])  # fmt: skip
def test_a_bad_backward_changes_nothing(backward, error, message):
    x, w = leaf(normal(3)), leaf(normal(3))
    y = (operation(backward=backward).apply(x) * w).sum()
    with pytest.raises(error, match=message):
        y.backward()
    assert (x.grad, w.grad) == (None, None)


def test_a_saved_tensor_that_is_no_input_keeps_its_history():
    """w, a leaf, and what was made of it reach backward as what they are: dx = 2 · w · w · dy."""
    x, w = leaf(normal(3)), leaf(normal(3))
    twice = w * 2
    seen = []

    def forward(ctx, x):
        ctx.save_for_backward(w, twice)
        return x * w * twice

    def backward(ctx, dy):
        seen.extend(ctx.saved_tensors)
        return dy * seen[0] * seen[1]

    y = operation(forward, backward).apply(x)
    (dx,) = mg.autograd.grad(y.sum(), x, create_graph=True)
    assert seen[0] is w and seen[1].grad_fn is twice.grad_fn
    dx.sum().backward()
    np.testing.assert_allclose(w.grad.numpy(), 4 * w.detach().numpy(), rtol=1e-12)


def test_more_is_allowed_if_it_is_none():
    x = leaf(normal(3))
    operation(backward=lambda ctx, dy: (dy * 2, None, None)).apply(x).sum().backward()
    assert x.grad.tolist() == [2, 2, 2]


def test_a_gradient_is_cast_to_the_dtype_of_its_input():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    operation(lambda ctx, x: x.double(), lambda ctx, dy: dy * 2).apply(x).sum().backward()
    assert x.grad.dtype is mg.float32


def test_errors():
    x = leaf(normal(3))
    with pytest.raises(NotImplementedError, match=r"must define forward\(ctx"):
        type("Empty", (mg.autograd.Function,), {}).apply(x)
    with pytest.raises(TypeError, match="Made: forward must return Tensors, got float"):
        operation(lambda ctx, x: 1.0).apply(x)
    with pytest.raises(TypeError, match="save_for_backward: expected Tensors or None, got int"):
        operation(lambda ctx, x: ctx.save_for_backward(3)).apply(x)
    with pytest.raises(mg.GraphError, match="saved_tensors: there are none outside of backward"):
        operation(lambda ctx, x: ctx.saved_tensors).apply(x)
    with pytest.raises(TypeError, match=r"Made: use Made\.apply\(…\), on the class"):
        operation()()(x)
    for kept in ([x], {"x": x}):  # a Tensor in there would lose its history unseen
        with pytest.raises(TypeError, match="Made: forward must return Tensors, got"):
            operation(lambda ctx, x: (x * 1, kept)).apply(x)  # noqa: B023
    with pytest.raises(mg.GraphError, match=r"mark_dirty: .* write to x\.clone\(\)"):
        operation(lambda ctx, x: ctx.mark_dirty(x)).apply(x)
    assert mg.is_grad_enabled()


# --- forms that torch's own pages use ------------------------------------------------------------


def newer_functions(m):
    class Scaled(m.autograd.Function):
        @staticmethod
        def forward(x, w):
            return x * w

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.set_materialize_grads(True)
            ctx.save_for_backward(*inputs, output)

        @staticmethod
        def backward(ctx, dy):
            x, w, y = ctx.saved_tensors
            return dy * w + 0 * y, dy * x  # as large as y; forward may have broadcast x and w

    class WithFacts(m.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2, None, 7, x * 3, "name"

        @staticmethod
        def backward(ctx, dy, none, number, dz, name):
            assert (none, number, name) == (None, None, None)
            return dy * 2 + dz * 3

    return Scaled, WithFacts


@pytest.mark.parametrize("shapes", [
    ((3,), (3,)), ((2, 3), (3,)), ((2, 3), ()), ((2, 1), (1, 3)), ((1, 1), (4, 2, 3)),
    ((0, 3), (1,)),
])  # fmt: skip
def test_setup_context_and_gradients_of_what_was_broadcast(torch, shapes):
    values = [normal(*shape) for shape in shapes]
    dy = normal(*np.broadcast_shapes(*shapes))
    found = []
    for library in (mg, torch):
        scaled, _ = newer_functions(library)
        x, w = (library.tensor(np.array(value), requires_grad=True) for value in values)
        first = library.autograd.grad(
            scaled.apply(x, w), (x, w), library.tensor(dy), create_graph=True
        )
        second = library.autograd.grad((first[0] ** 2).sum() + (first[1] ** 2).sum(), (x, w))
        found.append([each.detach().numpy() for each in (*first, *second)])
    for ours, theirs, shape in zip(*found, shapes * 2, strict=True):
        assert ours.shape == shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-12)


def test_what_does_not_fit_after_a_sum_either_is_refused():
    x = leaf(normal(2, 3))
    for wrong in (mg.ones(3), mg.ones(5, 2, 4), mg.tensor(1.0)):
        y = operation(backward=lambda ctx, dy: wrong.double()).apply(x)  # noqa: B023
        with pytest.raises(mg.ShapeError, match=r"input 0 has shape \(2, 3\), got a gradient of"):
            y.sum().backward()


def test_outputs_that_are_no_tensors(torch):
    dy = normal(2, 3)
    for library in (mg, torch):
        _, with_facts = newer_functions(library)
        x = library.tensor(normal(3, seed=1), requires_grad=True)
        y, none, number, z, name = with_facts.apply(x)
        assert (none, number, name) == (None, 7, "name")
        ((y * library.tensor(dy[0])).sum() + (z * library.tensor(dy[1])).sum()).backward()
        np.testing.assert_allclose(x.grad.numpy(), 2 * dy[0] + 3 * dy[1], rtol=1e-12)


def test_a_backward_that_runs_within_itself_and_beside_itself():
    """It reads what it saved, whoever else is in the middle of the same backward."""
    x = leaf(normal(3))
    both = threading.Barrier(2)
    todo = ["again"]

    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    def within(ctx, dy):
        if todo:
            todo.pop()
            y.backward(retain_graph=True)
        return dy * 2 * ctx.saved_tensors[0]

    def beside(ctx, dy):
        for _ in range(3):  # the other is inside, too; then one of them leaves first
            both.wait(timeout=10)
        slow = threading.current_thread().name == "slow"
        if slow:
            left.wait(timeout=10)
        return dy * 2 * ctx.saved_tensors[0]

    y = operation(forward, within).apply(x).sum()
    y.backward(retain_graph=True)
    np.testing.assert_allclose(x.grad.numpy(), 4 * x.detach().numpy(), rtol=1e-12)

    x.grad, left, errors = None, threading.Event(), []
    y = operation(forward, beside).apply(x).sum()

    def run():
        try:
            y.backward(retain_graph=True)
        except BaseException as error:
            errors.append(error)
        left.set()

    threads = [threading.Thread(target=run, name=name) for name in ("fast", "slow")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    np.testing.assert_allclose(x.grad.numpy(), 4 * x.detach().numpy(), rtol=1e-12)
