"""Every operation × every way to change a tensor: no backward ever uses a value that was changed.

A pair is an operation of helpers/operations.py and a way below: 10,203 pairs. It is tried on every
input and every output of the operation; in the deep tests also on computed inputs, recorded and
not. After the change backward raises, or gives the gradient of what was computed: nothing else is
allowed. Memory that the caller shares on purpose (from_numpy, as_tensor, DLPack) is the open door
that the documentation names.
"""

import copy
import ctypes

import numpy as np
import pytest
from helpers.derivatives import backward, cotangents, floating, value_of
from helpers.operations import OPERATIONS

import minigrad as mg
from minigrad import nn, optim

F = nn.functional


def ones_like(x):
    return mg.ones(x.shape, dtype=x.dtype)


def step(optimizer, **options):
    """A step with a gradient of ones; only leaves have one."""

    def change(x):
        x.grad = ones_like(x)
        optimizer([x], **options).step()

    return change


def load_state_dict(x):
    holder = nn.Module()
    holder.x = x
    holder.load_state_dict({"x": x.detach() + 1})


def module_to_float32(x):
    holder = nn.Module()
    holder.x = x
    holder.float()


def running_statistics(x):
    flat = x.detach().view(-1)
    batch = mg.tensor(np.arange(2.0 * flat.numel()).reshape(2, -1), dtype=x.dtype)
    F.batch_norm(batch, flat, mg.ones(flat.numel(), dtype=x.dtype), training=True)


def assign(key):
    return lambda x: x.__setitem__(key, 1)


def in_place(name, *arguments):
    return lambda x: getattr(x, name)(*arguments)


def write_into(array_of):
    def change(x):
        array_of(x)[...] = 1

    return change


def source_array(x):
    """Of the copy that `tensor` makes: `checked` has left it in SOURCE."""
    SOURCE[...] = 0


SOURCE = None  # the array from which the changed tensor was made

WAYS = {
    # methods
    "add_": in_place("add_", 1), "sub_": in_place("sub_", 1), "mul_": in_place("mul_", 3),
    "div_": in_place("div_", 2), "pow_": in_place("pow_", 2), "fill_": in_place("fill_", 1),
    "zero_": in_place("zero_"), "copy_": lambda x: x.copy_(ones_like(x)),
    "masked_fill_": lambda x: x.masked_fill_(ones_like(x).bool(), 1),
    "scatter_": lambda x: x.scatter_(0, mg.zeros(x.shape, dtype=mg.int64)[:1], 1),
    "normal_": in_place("normal_"), "uniform_": in_place("uniform_"),
    "add_ of alpha": lambda x: x.add_(ones_like(x), alpha=2),
    # operators
    "+=": in_place("__iadd__", 1), "-=": in_place("__isub__", 1), "*=": in_place("__imul__", 3),
    "/=": in_place("__itruediv__", 2), "**=": in_place("__ipow__", 2),
    "//=": in_place("__ifloordiv__", 2), "%=": in_place("__imod__", 0.3),
    "floor_divide_": in_place("floor_divide_", 2), "remainder_": in_place("remainder_", 0.3),
    # indexing
    "x[...] =": assign(...), "x[0] =": assign(0), "x[None, ..., None] =": assign((None, ...)),
    "x[mask] =": lambda x: x.__setitem__(ones_like(x).bool(), 1),
    "x[[0]] =": assign([0]), "x[0] += 1": lambda x: x[0].add_(1),
    # through other tensors on the same memory
    "view": lambda x: x.view(-1).mul_(3), "transposed": lambda x: x.transpose(0, -1).mul_(3),
    "unsqueezed": lambda x: x.unsqueeze(0).add_(1), "detach": lambda x: x.detach().mul_(3),
    ".data": lambda x: x.data.add_(1), ".data[...] =": lambda x: x.data.__setitem__(..., 1),
    ".data =": lambda x: setattr(x, "data", x.data + 1),
    "copy.copy": lambda x: copy.copy(x).mul_(3),
    "view of .data": lambda x: x.data.view(-1).zero_(),
    # functions that write
    "relu(inplace)": lambda x: F.relu(x.sub_(1), inplace=True),
    "leaky_relu(inplace)": lambda x: F.leaky_relu(x, -2.0, inplace=True),
    "dropout(inplace)": lambda x: F.dropout(x, 1.0, inplace=True),
    "init.ones_": nn.init.ones_, "init.normal_": nn.init.normal_,
    "running statistics": running_statistics,
    "vector_to_parameters": lambda x: nn.utils.vector_to_parameters(ones_like(x).view(-1), [x]),
    # training
    "SGD": step(optim.SGD, lr=0.5), "SGD with momentum": step(optim.SGD, lr=0.5, momentum=0.9),
    "Adam": step(optim.Adam, lr=0.5), "AdamW": step(optim.AdamW, lr=0.5),
    "load_state_dict": load_state_dict, "Module.float": module_to_float32,
    # NumPy
    ".numpy()": write_into(lambda x: x.numpy()),
    ".detach().numpy()": write_into(lambda x: x.detach().numpy()),
    "np.asarray": write_into(lambda x: np.asarray(x.detach())),
    "np.asarray of .data": write_into(lambda x: np.asarray(x.data)),
    "ufunc with out": lambda x: np.add(x.detach().numpy(), 1, out=x.detach().numpy()),
    "the source array": source_array, "__init__": lambda x: x.__init__([1.0, 2.0]),
}  # fmt: skip

PAIRS = 179 * 57  # promised in docs/promises.md


def test_the_pairs_are_counted():
    assert len(OPERATIONS) * len(WAYS) == PAIRS


def parameters_of(arrays):
    """Leaves, copies of the arrays; floats are Parameters, as layers have them."""
    return [
        nn.Parameter(mg.tensor(a)) if a.dtype.kind == "f" else mg.tensor(a) for a in arrays
    ]


def computed(sample, arrays, history):
    """(leaves, inputs, outputs, Σ dy · y): everything up to the moment of the change."""
    leaves = parameters_of(arrays)
    xs = [x if history == "leaf" else x * 1 if x.requires_grad else x.clone() for x in leaves]
    results = sample.call(mg, *xs)
    results = list(results) if isinstance(results, (tuple, list)) else [results]
    ys = floating(results)
    weights = [mg.tensor(dy) for dy in cotangents(ys, 1)]
    total = sum((y * w).sum() for y, w in zip(ys, weights, strict=True))
    return [x for x in leaves if x.requires_grad], xs, results, total


def gradients(leaves, total):
    return [value_of(dx) for dx in backward(mg, [total], leaves, [ones_like(total)])]


def outcome(sample, arrays, history, recorded, target, way, expected):
    """What became of one change: refused, noticed, right, or silent."""
    global SOURCE
    source = [a.copy() for a in arrays]
    leaves, xs, ys, total = computed(sample, source, history)
    x = (xs + ys)[target]
    SOURCE = source[target] if target < len(xs) else np.zeros(1)
    try:
        with mg.set_grad_enabled(recorded):
            WAYS[way](x)
    except (ValueError, TypeError, RuntimeError, IndexError):
        return "refused"
    try:
        found = gradients(leaves, total)
    except mg.GraphError as error:
        assert "changed in place" in str(error)
        return "noticed"
    same = all(np.array_equal(a, b, equal_nan=True) for a, b in zip(found, expected, strict=True))
    return "right" if same else "silent"


LEAF, COMPUTED, RECORDED = ("leaf", False), ("computed", False), ("computed", True)


def outcomes_of(name, samples, histories, ways=WAYS):
    """(how often each outcome, the silent ones)."""
    counts = dict.fromkeys(["refused", "noticed", "right", "silent"], 0)
    silent = []
    for sample in samples:
        arrays = [x.array(number) for number, x in enumerate(sample.inputs)]
        if any(a.size == 0 for a in arrays):
            continue
        for history, recorded in histories:
            leaves, xs, ys, total = computed(sample, arrays, history)
            expected = gradients(leaves, total)
            for target in range(len(xs) + len(ys)):
                for way in ways:
                    came = outcome(sample, arrays, history, recorded, target, way, expected)
                    counts[came] += 1
                    if came == "silent":
                        silent.append((name, way, history, recorded, target))
    return counts, silent


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_no_change_is_silent(name):
    """Each operation with a few ways, each way with several operations; all pairs: see below."""
    few = ["the source array", *list(WAYS)[list(OPERATIONS).index(name) % 12 :: 12]]
    counts, silent = outcomes_of(name, OPERATIONS[name][:1], [LEAF], few)
    assert silent == []
    assert counts["right"] > 0  # after a change of the source array, at least


@pytest.mark.parametrize("name", ["mul", "pow", "norm", "matmul", "nn.functional.conv2d"])
def test_every_way_is_effective(name):
    """What needs its input notices all, but for the source of a copy and what is refused."""
    sample = OPERATIONS[name][0]
    arrays = [x.array(number) for number, x in enumerate(sample.inputs)]
    leaves, _, _, total = computed(sample, arrays, "leaf")
    expected = gradients(leaves, total)
    for way in WAYS:
        cannot = way in (".numpy()", ".detach().numpy()", "np.asarray", "np.asarray of .data",
                         "ufunc with out", "__init__")  # fmt: skip
        wanted = "right" if way == "the source array" else "refused" if cannot else "noticed"
        assert outcome(sample, arrays, *LEAF, 0, way, expected) == wanted, way


def test_a_hidden_write_would_be_seen(monkeypatch):
    def memory(x):
        ctypes.memset(x.data_ptr(), 0, 8)

    monkeypatch.setitem(WAYS, "memory", memory)
    for name in ("mul", "exp", "softmax", "nn.functional.batch_norm"):
        _, silent = outcomes_of(name, OPERATIONS[name][:1], [LEAF])
        assert {way for _, way, *_ in silent} == {"memory"}


def test_init_again():
    x = mg.tensor([2.0, 3.0], requires_grad=True)
    y = x * x
    x.__init__([5.0, 7.0])
    with pytest.raises(mg.GraphError, match="changed in place by __init__"):
        y.backward(mg.tensor([1.0, 1.0]))


@pytest.mark.slow
@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.filterwarnings("ignore:.*:RuntimeWarning")
def test_no_change_is_silent_in_any_sample(name):
    _, silent = outcomes_of(name, OPERATIONS[name], [LEAF, COMPUTED, RECORDED])
    assert silent == []
