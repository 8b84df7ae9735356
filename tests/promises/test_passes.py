"""Graphs that are walked more than once: in pieces, again, together, with torch beside them."""

import gc

import numpy as np
import pytest
from helpers.derivatives import cotangents, floating, tensors
from helpers.layouts import leaf_of as leaf
from helpers.layouts import normal
from helpers.operations import OPERATIONS
from helpers.rest_slow import rest_slow

import minigrad as mg

every_operation = pytest.mark.parametrize(  # all of them with the slow tests
    "name", rest_slow(OPERATIONS, list(OPERATIONS)[1::3])
)


def arrays_of(sample):
    return [x.array(number, 0) for number, x in enumerate(sample.inputs)]


# --- a pass in two pieces ------------------------------------------------------------------------


def test_grad_leaves_the_history_of_where_it_stops(torch):
    for m in (mg, torch):
        w = m.tensor([2.0, 3.0], requires_grad=True)
        h = w * w
        (g,) = m.autograd.grad(h * h, h, m.tensor([1.0, -1.0]))
        h.backward(g)
        assert w.grad.tolist() == [32, -108]


@pytest.mark.parametrize("retained", [False, True])
def test_backward_leaves_the_history_of_its_inputs(retained):
    """torch runs the rule of h too, for nobody, and frees it."""
    w = leaf(2.0, 3.0)
    h = w * w
    if retained:
        h.retain_grad()
    (h * h).backward(mg.tensor([1.0, -1.0], dtype=mg.float64), inputs=[h, h])
    assert (h.grad.tolist(), w.grad) == ([8, -18], None)
    h.backward(h.grad.clone())
    assert w.grad.tolist() == [32, -108]


def test_backward_after_the_gradient_of_a_tensor_by_itself(torch):
    for m in (mg, torch):
        w = m.tensor([2.0], requires_grad=True)
        y = w * w
        for _ in range(3):
            (dy,) = m.autograd.grad(y, y, m.tensor([7.0]))
            assert dy.tolist() == [7]
        y.backward()
        assert w.grad.tolist() == [4]


def test_a_pass_that_goes_through_an_input_frees_it(torch):
    for m in (mg, torch):
        w = m.tensor([2.0], requires_grad=True)
        h = w * w
        assert [g.tolist() for g in m.autograd.grad(h * h, [h, w])] == [[8], [32]]
        with pytest.raises(RuntimeError, match="second time"):
            h.backward()


def test_many_heads_on_one_trunk(torch):
    """Multi-task training: each head back to the features, then the trunk once, with the sum."""
    for m in (mg, torch):
        w = m.tensor(normal(3, seed=1), requires_grad=True)
        heads = [m.tensor(normal(3, seed=seed)) for seed in (2, 3, 4)]
        features = (w * w).exp()
        gradients = [m.autograd.grad((features * features * head).sum(), features)[0]
                     for head in heads]
        features.backward(sum(gradients))
        staged, w.grad = w.grad, None
        features = (w * w).exp()
        sum((features * features * head).sum() for head in heads).backward()
        np.testing.assert_allclose(staged.numpy(), w.grad.numpy(), rtol=1e-12)


@pytest.mark.parametrize("kernels", ["compiled", "reference"])
@every_operation
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_two_pieces_are_one(name, kernels):
    """Every operation as the maker of h: loss → h, then h → inputs, as in one go."""
    def made(sample):
        xs = tensors(mg, arrays_of(sample))
        ys = [y for y in floating(sample.call(mg, *xs)) if y.requires_grad]
        return [x for x in xs if x.requires_grad], ys[-1] if ys else None

    with mg.use_kernels(kernels):
        for sample in OPERATIONS[name][:: 1 if kernels == "compiled" else 5]:
            xs, h = made(sample)
            if h is None:
                continue
            (dy,) = [mg.tensor(c).to(h.dtype) for c in cotangents([h], 3)]
            whole = mg.autograd.grad(h * h * dy, xs, dy, allow_unused=True)
            xs, h = made(sample)
            (dh,) = mg.autograd.grad(h * h * dy, h, dy)
            pieces = mg.autograd.grad(h, xs, dh, allow_unused=True)
            for one, other in zip(whole, pieces, strict=True):
                assert (one is None) == (other is None)
                if one is not None:
                    np.testing.assert_array_equal(one.numpy(), other.numpy())


# --- a second pass -------------------------------------------------------------------------------


def test_nodes_that_saved_nothing_are_walked_again(torch):
    for m in (mg, torch):
        t = m.tensor([1.0], requires_grad=True)
        k = t + 1
        (k * k).backward()
        (k * 3).backward()
        assert t.grad.tolist() == [7]
        r = t % 3  # its rule may save both operands, but does so only for the second one
        r.backward()
        r.backward()
        assert t.grad.tolist() == [9]


# Ours save something where torch saves nothing, or the other way round.
STRICTER = {"add", "sub", "flip"}  # with alpha, a product of its own; an index
KINDER = {"div", "logsumexp"}  # rounded; over a dimension of no elements
KINDER |= {"nn.functional.adaptive_avg_pool2d", "nn.AdaptiveAvgPool2d"}  # needs shapes alone
KINDER |= {"prod", "sort", "topk", "nn.functional.embedding"}  # places and numbers, no tensors


@every_operation
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning", "ignore:.*:UserWarning")
def test_a_second_pass_is_refused_where_torch_refuses(torch, name):
    def second(m, call, arrays):
        xs = tensors(m, arrays)
        ys = [y for y in floating(call(m, *xs)) if y.requires_grad]
        if not ys:
            return "no gradient"
        dys = [m.tensor(c).to(y.dtype) for c, y in zip(cotangents(ys, 1), ys, strict=True)]
        wanted = [x for x in xs if x.requires_grad]
        first = m.autograd.grad(ys, wanted, dys, allow_unused=True)
        try:
            again = m.autograd.grad(ys, wanted, dys, allow_unused=True)
        except RuntimeError as error:
            assert "a second time" in str(error)
            return "refused"
        for one, other in zip(first, again, strict=True):
            if one is not None:
                np.testing.assert_array_equal(one.numpy(), other.numpy())
        return "works"

    for sample in OPERATIONS[name]:
        if sample.torch is not None:
            found = second(mg, sample.call, arrays_of(sample))
            expected = second(torch, sample.torch, arrays_of(sample))
            if (found, expected) == ("refused", "works"):
                assert name in STRICTER
            elif (found, expected) == ("works", "refused"):
                assert name in KINDER
            else:
                assert found == expected


def held(node):
    """The arrays that a node refers to, but for the picture's and those of Python attributes."""
    pictured = {id(each) for part in (*node.picture()[:2], node.picture()[2])
                for each in (part if type(part) is tuple else (part,))}
    found, stack = [], [each for each in gc.get_referents(node) if type(each) in KINDS]
    while stack:
        each = stack.pop()
        if isinstance(each, np.ndarray):
            if id(each) not in pictured:
                found.append(each)
        else:
            stack += [part for part in gc.get_referents(each) if type(part) in KINDS]
    return found


# One number per channel or row; their nodes have saved x, so they refuse.
STATISTICS = {"BatchNormBackward0", "LayerNormBackward0", "GroupNormBackward0"}
KINDS = (tuple, list, dict, np.ndarray)


def nodes_below(ys):
    seen, stack = set(), [y.grad_fn for y in ys if y.grad_fn is not None]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack += [each for each, _ in node.next_functions if hasattr(each, "next_functions")]
    return seen


@every_operation
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_what_was_used_is_freed(name):
    """Index arrays, masks, permutations: no node whose rule ran keeps an array, saved or not."""
    for sample in OPERATIONS[name]:
        xs = tensors(mg, arrays_of(sample))
        ys = [y for y in floating(sample.call(mg, *xs)) if y.requires_grad]
        if not ys:
            continue
        dys = [mg.tensor(c).to(y.dtype) for c, y in zip(cotangents(ys, 1), ys, strict=True)]
        nodes = nodes_below(ys)
        mg.autograd.backward(ys, dys)
        for node in nodes:
            assert node.name() in STATISTICS or not held(node), node
            assert not node.saved_arrays(), node


def test_the_arrays_of_an_index_are_seen():
    """The check above looks where it should: before the pass the arrays are there."""
    x = leaf(1.0, 2.0, 3.0)
    y = x[np.array([0, 2, 2])]
    assert [a.tolist() for a in y.grad_fn.saved_arrays()] == [[0, 2, 2]]
    assert y.grad_fn.name() == "IndexBackward0"
    y.backward(mg.tensor([1.0, 10.0, 100.0], dtype=mg.float64))
    assert x.grad.tolist() == [1, 0, 110]
    assert (y.grad_fn.saved_arrays(), y.grad_fn.name()) == ([], "IndexBackward0")
    with pytest.raises(mg.GraphError, match=r"IndexBackward0: .*a second time.*retain_graph=True"):
        y.sum().backward()


def own(m, reads):
    class Own(m.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            ctx.factor = 3.0
            return x * 3

        @staticmethod
        def backward(ctx, dy):
            if reads:
                (_,) = ctx.saved_tensors
            return dy * ctx.factor

    return Own


@pytest.mark.parametrize("reads", [False, True])
def test_an_own_function_refuses_only_what_it_reads(torch, reads):
    for m in (mg, torch):
        x = m.tensor([2.0], requires_grad=True)
        y = own(m, reads).apply(x)
        y.backward()
        if reads:
            with pytest.raises(RuntimeError, match="a second time"):
                y.backward()
        else:
            y.backward()
        assert x.grad.tolist() == [3 if reads else 6]


def test_an_own_function_minds_only_what_it_reads(torch):
    """A saved value that was changed in place matters to a backward that looks at it."""
    for m in (mg, torch):
        for reads in (False, True):
            x = m.tensor([2.0], requires_grad=True)
            z = x * 1
            y = own(m, reads).apply(z)
            z.mul_(5)
            if reads:
                with pytest.raises(RuntimeError, match="in.?place"):
                    y.backward()
            else:
                y.backward()
                assert x.grad.tolist() == [3]


# --- several tensors in one pass -----------------------------------------------------------------


def test_backward_of_several(torch):
    for m in (mg, torch):
        x = m.tensor([1.0, 2.0], requires_grad=True)
        w = m.tensor(3.0, requires_grad=True)
        shared = x * x
        calls = []
        shared.register_hook(lambda g: calls.append(g.tolist()))  # noqa: B023
        dys = [m.tensor([1.0, -1.0]), None, m.tensor([0.5, 3.0])]
        m.autograd.backward([shared * 2, shared.sum() * w, x], dys)
        assert calls == [[5, 1]]  # one pass: the gradients met before they went on
        assert x.grad.tolist() == [10.5, 7]
        assert w.grad.tolist() == 5
        m.autograd.backward(x.sum(), inputs=w)
        m.autograd.backward((w * w, w * w), retain_graph=True)
        assert w.grad.tolist() == 17
        m.autograd.backward([])
        m.autograd.backward([w, w], (m.tensor(2.0), None), inputs=[w])
        assert w.grad.tolist() == 20


@pytest.mark.filterwarnings("ignore:Using backward:UserWarning")
def test_backward_of_several_with_a_recorded_pass(torch):
    for m in (mg, torch):
        x = m.tensor([2.0], requires_grad=True)
        y = x**3
        m.autograd.backward([y, y * y], create_graph=True)
        x.grad, first = None, x.grad
        assert first.tolist() == [12 + 6 * 32]
        m.autograd.backward(first)
        assert x.grad.tolist() == [12 + 30 * 16]


def test_backward_of_several_takes_effect_as_a_whole_or_not_at_all():
    a, b = leaf(2.0), leaf(3.0)
    kept = a * a
    spent = b * b
    spent.backward()
    kept.retain_grad()
    a.grad, before = mg.tensor([1.0], dtype=mg.float64), b.grad.tolist()
    for tensors_ in ([kept, spent], [spent, kept]):
        with pytest.raises(mg.GraphError, match="a second time"):
            mg.autograd.backward(tensors_)
        assert (a.grad.tolist(), b.grad.tolist(), kept.grad) == ([1], before, None)
    mg.autograd.backward([kept, b])
    assert (a.grad.tolist(), b.grad.tolist(), kept.grad.tolist()) == ([5], [7], [1])


@pytest.mark.parametrize(("arguments", "error", "message"), [
    (lambda x, y: (3,), TypeError, "backward: tensors must be a Tensor or several.*got int"),
    (lambda x, y: ([3],), TypeError, "backward: tensors must be Tensors, got int"),
    (lambda x, y: ([x, y], [None]), ValueError, "backward: 2 tensors, but 1 grad_tensors"),
    (lambda x, y: ([x[0], y],), mg.GraphError, r"one-element.*shape \(2,\).*or pass grad_tensors="),
    (lambda x, y: ([x[0], mg.ones(1)],), mg.GraphError, r"backward: tensors\[1\] does not require"),
    (lambda x, y: (y, mg.ones(3)), mg.ShapeError, r"\(2,\).*\(3,\) as grad_tensors\[0\]"),
    (lambda x, y: ([y[0], y], [None, y.float()]), mg.DTypeError, r"float32 as grad_tensors\[1\]"),
    (lambda x, y: (y, [2.0]), TypeError, r"grad_tensors\[0\] must be a Tensor or None, got float"),
    (lambda x, y: (y, 2.0), TypeError, "grad_tensors must be a Tensor or several.*got float"),
    (lambda x, y: (y[0], None, None, False, []), ValueError, "backward: inputs is empty"),
])  # fmt: skip
def test_errors_of_backward_of_several(arguments, error, message):
    x = leaf(1.0, 2.0)
    y = x * x
    given = arguments(x, y)
    with pytest.raises(error, match=message):
        mg.autograd.backward(*given)
    assert x.grad is None
    mg.autograd.backward(y.sum())
    assert x.grad.tolist() == [2, 4]


# --- everything at once, with torch --------------------------------------------------------------

STEPS = [
    lambda m, a, b: a * b,
    lambda m, a, b: a + b,
    lambda m, a, b: a - b * 0.5,
    lambda m, a, b: a / (b * b + 1),
    lambda m, a, b: (a * 0.1).exp() + b,
    lambda m, a, b: -a,
    lambda m, a, b: a.sum() * 0.1 + b,
    lambda m, a, b: a.tanh(),
    lambda m, a, b: m.relu(a) + b,
    lambda m, a, b: a.reshape(2, 2).t().reshape(4),
    lambda m, a, b: m.cat([a[:2], b[2:]]),
    lambda m, a, b: a[m.tensor([3, 0, 0, 1])],
    lambda m, a, b: m.where(a > b, a, b * 2),
    lambda m, a, b: a.expand(2, 4).mean(0),
    lambda m, a, b: (a + 0.5).mul_(b),
    lambda m, a, b: own(m, False).apply(a),
    lambda m, a, b: own(m, True).apply(a),
]


class Replay:
    """One random program, run in one library: operations and passes in turns."""

    def __init__(self, m, start):
        self.m = m
        self.leaves = [m.tensor(row, requires_grad=True) for row in start]
        self.nodes = list(self.leaves)
        self.returned = []

    def operation(self, kind, i, j):
        self.nodes.append(STEPS[kind](self.m, self.nodes[i], self.nodes[j]) / 2)

    def write(self, i, j):
        self.nodes[i].mul_(self.nodes[j])

    def write_part(self, i, j):
        self.nodes[i][1:3] = self.nodes[j][:2]

    def retain(self, i):
        self.nodes[i].retain_grad()

    def hook(self, i):
        self.nodes[i].register_hook(lambda g: g * 1.5)

    def backward(self, roots, dys, retain, inputs):
        self.m.autograd.backward(
            [self.nodes[i] for i in roots], [self.m.tensor(dy) for dy in dys], retain,
            inputs=None if inputs is None else [self.leaves[i] for i in inputs])

    def grad(self, roots, dys, retain, inputs):
        self.returned += self.m.autograd.grad(
            [self.nodes[i] for i in roots], [self.nodes[i] for i in inputs],
            [self.m.tensor(dy) for dy in dys], retain, allow_unused=True)

    def gradients(self, retained):
        kept = [x.grad for x in self.leaves] + [self.nodes[i].grad for i in retained]
        return [None if g is None else g.numpy().copy() for g in kept + self.returned]


def program(rng):
    """(method, arguments) of each step; nothing in it depends on what the libraries answer."""
    count, hooked, retained, steps = 3, set(), set(), []
    for _ in range(rng.integers(8, 30)):
        kind = rng.random()
        i, j = (int(k) for k in rng.integers(0, count, 2))
        if kind < 0.6 or count < 6:
            steps.append(("operation", (int(rng.integers(len(STEPS))), i, j)))
            count += 1
        elif kind < 0.66:
            name = "write" if rng.random() < 0.5 or j == max(i, 3) else "write_part"
            steps.append((name, (max(i, 3), j)))
        elif kind < 0.7:
            steps.append(("retain", (max(i, 3),)))
            retained.add(max(i, 3))
        elif kind < 0.74:
            steps.append(("hook", (i,)))
            hooked.add(i)
        else:
            roots = [int(k) for k in rng.integers(3, count, rng.integers(1, 3))]
            dys = rng.standard_normal((len(roots), 4))
            retain = bool(rng.random() < 0.6)
            # Of a hooked input torch returns what came before the hook, and at a root it retains a
            # gradient although no road leads from it to an input.
            part = not retained & {*roots}
            if part and rng.random() < 0.5:
                inputs = sorted({*range(count)} - hooked)
                inputs = [int(k) for k in rng.choice(inputs, min(2, len(inputs)), replace=False)]
                steps.append(("grad", (roots, dys, retain, inputs)))
            else:
                inputs = [int(rng.integers(3))] if part and rng.random() < 0.4 else None
                steps.append(("backward", (roots, dys, retain, inputs)))
    return steps


def replay(torch, seed):
    """How the program ended: both run it to its end, or both refuse the same step."""
    rng = np.random.default_rng(seed)
    start, steps = rng.uniform(0.5, 1.5, (3, 4)), program(rng)
    ours, theirs = Replay(mg, start), Replay(torch, start)
    retained, written = [], False
    for number, (name, arguments) in enumerate(steps):
        before, errors = ours.gradients(retained), {}
        for each in (ours, theirs):
            try:
                getattr(each, name)(*arguments)
            except RuntimeError as error:
                errors[each] = str(error)
        if written and ours not in errors and "second time" in errors.get(theirs, ""):
            return "kinder"  # torch's node of a write to a part saves nothing, and refuses
        assert len(errors) in (0, 2), f"step {number}: {name}{arguments}: {errors}"
        if errors:  # of which torch's left its graph in pieces
            for now, then in zip(ours.gradients(retained), before, strict=True):
                np.testing.assert_equal(now, then)
            return "refused" if "second time" in errors[ours] else "other"
        written = written or name == "write_part"
        if name == "retain":
            retained.append(arguments[0])
        for a, b in zip(ours.gradients(retained), theirs.gradients(retained), strict=True):
            assert (a is None) == (b is None), f"step {number}: {name}{arguments}"
            if a is not None:
                np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-12)
    return "finished"


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_random_programs_as_torch(torch):
    ends = [replay(torch, seed) for seed in range(120)]
    assert min(ends.count(end) for end in ("finished", "refused")) > 25


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_more_random_programs_as_torch(torch):
    for seed in range(120, 10_000):
        replay(torch, seed)
