"""The Tensor itself: what it says of itself, its operators, and what may be assigned to it."""

import copy
import operator
import pickle
import warnings

import numpy as np
import pytest
from helpers.layouts import DTYPES, normal
from helpers.torch_peer import assert_close

import minigrad as mg
from minigrad.tensor import install_operators

OPERATORS = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
    "//": operator.floordiv, "%": operator.mod, "**": operator.pow, "==": operator.eq,
    "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
BITS = {"&": operator.and_, "|": operator.or_, "^": operator.xor}


# --- operators -----


@pytest.mark.parametrize("sign", OPERATORS)
def test_operators_as_torch(torch, sign):
    f = OPERATORS[sign]
    a, b = np.array([1.5, -2.0, 3.0]), np.array([2.0, -2.0, 0.5])
    x, y, p, q = mg.tensor(a), mg.tensor(b), torch.tensor(a), torch.tensor(b)
    assert_close(f(x, y), f(p, q))
    assert_close(f(x, 2), f(p, 2))
    assert_close(f(2, x.abs()), f(2, p.abs()))
    assert_close(f(x, b), f(p, q))
    assert_close(f(a, y), f(p, q))
    assert_close(f(np.float64(2), y.abs()), f(2.0, q.abs()))


@pytest.mark.parametrize("sign", BITS)
def test_bit_operators_as_torch(torch, sign):
    f = BITS[sign]
    for a, b, n in (([1, 2, 7], [3, 2, 1], 5), ([True, False], [True, True], True)):
        x, y, p, q = mg.tensor(a), mg.tensor(b), torch.tensor(a), torch.tensor(b)
        assert_close(f(x, y), f(p, q))
        assert_close(f(x, n), f(p, n))
        assert_close(f(n, x), f(n, p))
        assert_close(f(np.array(a), y), f(p, q))


def test_operators_of_one_tensor(torch):
    for m in (mg, torch):
        x = m.tensor([1.0, -2.0])
        assert (-x).tolist() == [-1, 2]
        assert (+x).tolist() == [1, -2]
        assert abs(x).tolist() == [1, 2]
        assert (~m.tensor([True, False])).tolist() == [False, True]
        assert (x @ x).item() == 5


# --- what it is -----


def test_sizes(torch):
    for m in (mg, torch):
        x = m.zeros(2, 3)
        assert x.shape == (2, 3)
        assert x.shape[0] == 2
        assert x.shape.numel() == 6
        assert repr(x.shape) == f"{m.__name__}.Size([2, 3])"
        assert repr(m.tensor(1).shape) == f"{m.__name__}.Size([])"
        assert x.ndim == x.dim() == 2
        assert len(x) == 2
        assert x.size() == x.shape
        assert x.size(-1) == 3
        assert x.numel() == 6


def test_parts_and_sums_of_shapes_are_shapes(torch):
    for m in (mg, torch):
        shape = m.zeros(2, 3, 4).shape
        for found, right in (
            (shape[1:], (3, 4)), (shape[:-1], (2, 3)), (shape[::-1], (4, 3, 2)), (shape[3:], ()),
            (shape + (5,), (2, 3, 4, 5)), ((5,) + shape, (5, 2, 3, 4)),
            (shape + shape[:1], (2, 3, 4, 2)), (shape[:1] * 2, (2, 2)), (2 * shape[:1], (2, 2)),
        ):  # fmt: skip
            assert type(found) is m.Size and found == right
            assert found.numel() == np.prod(right, dtype=int)
        assert type(shape[-1]) is int and shape[-1] == 4
        assert repr(shape[1:]) == f"{m.__name__}.Size([3, 4])"
        assert m.zeros(shape[:2] + (1,)).shape == (2, 3, 1)
        for wrong in (lambda s: s + [1], lambda s: s * 1.5, lambda s: s["a"]):
            with pytest.raises(TypeError):
                wrong(shape)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dtype(dtype):
    x = mg.zeros(2, dtype=getattr(mg, dtype))
    assert x.dtype is getattr(mg, dtype)
    assert repr(x.dtype) == f"minigrad.{dtype}"


@pytest.mark.parametrize("value", [3, 2.5, True])
def test_one_element_as_a_python_number(value):
    for x in (mg.tensor(value), mg.tensor([[value]])):
        assert x.item() == value
        assert type(x.item()) is type(value)
        assert float(x) == float(value)
        assert int(x) == int(value)
        assert bool(x) == bool(value)


@pytest.mark.parametrize("shape", [(2,), (0,), (2, 2)])
def test_only_one_element_is_a_number(shape):
    x = mg.zeros(shape)
    count = int(np.prod(shape))
    with pytest.raises(ValueError, match=rf"item: expected a tensor with one element, got {count}"):
        x.item()
    for function in (float, int):
        with pytest.raises(ValueError, match=f"one element, got {count}"):
            function(x)
    with pytest.raises(ValueError, match=rf"bool: .* {count} elements is ambiguous.*\.any\(\)"):
        bool(x)


def test_as_an_index():
    assert [10, 20, 30][mg.tensor(1)] == 20
    assert list(range(mg.tensor([3]))) == [0, 1, 2]
    for bad in (mg.tensor(1.0), mg.tensor([1, 2])):
        with pytest.raises(TypeError, match="only a one-element integer tensor can be an index"):
            [10, 20][bad]


def test_iteration_and_membership(torch):
    for m in (mg, torch):
        x = m.tensor([[1.0, 2.0], [3.0, 4.0]])
        assert [row.tolist() for row in x] == [[1, 2], [3, 4]]
        assert 3.0 in x
        assert 5 not in x
        for strange in (slice(1), (1, None), "x"):
            with pytest.raises((TypeError, RuntimeError), match="(?i)tensor.*(got|passed)"):
                strange in x  # noqa: B015
        first, second = x
        assert second.tolist() == [3, 4]
        with pytest.raises(TypeError):
            iter(m.tensor(1.0))
        with pytest.raises(TypeError):
            len(m.tensor(1.0))


def test_iteration_keeps_the_graph():
    x = mg.tensor([1.0, 2.0, 3.0], requires_grad=True)
    total = sum(v * (i + 1) for i, v in enumerate(x))
    total.backward()
    assert x.grad.tolist() == [1, 2, 3]


def test_hashed_by_identity():
    x, y = mg.tensor([1.0]), mg.tensor([1.0])
    assert len({x, y, x}) == 2
    assert {x: 1}[x] == 1


# --- requires_grad, leaves -----


def test_requires_grad():
    x = mg.tensor([1.0])
    assert not x.requires_grad
    assert x.is_leaf
    assert x.requires_grad_() is x
    assert x.requires_grad
    y = x * 2
    assert y.requires_grad
    assert not y.is_leaf
    assert x.grad_fn is None
    assert y.grad_fn.name() == "MulBackward0"
    assert y.grad_fn.next_functions[0][0] is x
    x.requires_grad = False
    assert not (x * 2).requires_grad


@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8", "bool"])
def test_only_floats_have_gradients(dtype):
    x = mg.zeros(2, dtype=getattr(mg, dtype))
    with pytest.raises(mg.DTypeError, match=f"requires_grad: only float.*got minigrad.{dtype}"):
        x.requires_grad_()
    with pytest.raises(mg.DTypeError, match=dtype):
        mg.tensor([1, 0], dtype=x.dtype, requires_grad=True)
    assert not x.requires_grad


def test_errors_of_requires_grad():
    x = mg.tensor([1.0], requires_grad=True)
    with pytest.raises(mg.GraphError, match=r"computed from others.*\.detach\(\)"):
        (x * 2).requires_grad = False
    with pytest.raises(TypeError, match="requires_grad: expected True or False, got 1"):
        x.requires_grad = 1


def test_results_without_recording_are_leaves():
    x = mg.tensor([1.0], requires_grad=True)
    with mg.no_grad():
        y = x * 2
    assert y.is_leaf
    assert not y.requires_grad
    assert y.grad_fn is None


# --- grad, data, detach -----


def test_assigning_grad():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    x.grad = mg.tensor([3.0, 4.0])
    assert x.grad.tolist() == [3, 4]
    del x.grad
    assert x.grad is None
    x.grad = None
    for bad, error, message in [
        (mg.tensor([1.0]), mg.ShapeError, r"grad: the tensor has shape \(2,\).*\(1,\)"),
        (mg.tensor([1, 2]), mg.DTypeError, "grad: the tensor has dtype .*float32.*int64"),
        (np.ones(2), TypeError, "grad: expected a Tensor or None, got ndarray"),
        (x, mg.GraphError, "grad: a tensor cannot be its own gradient"),
    ]:
        with pytest.raises(error, match=message):
            x.grad = bad
        assert x.grad is None


def test_detach_shares_values_and_their_version():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    d = y.detach()
    assert not d.requires_grad
    assert d.grad_fn is None
    d[0] = 7
    assert y.tolist() == [7, 4]
    assert (y._version, d._version) == (1, 1)


def test_assigning_data():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    x.data = mg.tensor([5.0, 6.0])
    assert x.tolist() == [5, 6]
    assert x.requires_grad
    assert x.is_leaf
    with pytest.raises(mg.GraphError, match=r"changed in place by assignment to \.data"):
        y.sum().backward()
    with pytest.raises(TypeError, match="data: expected a Tensor, got ndarray"):
        x.data = np.ones(2)
    with pytest.raises(mg.DTypeError, match="data: this tensor requires a gradient.*int64"):
        x.data = mg.tensor([1, 2])
    x.data = mg.ones(3)
    assert x.shape == (3,)


def test_data_of_another_shape_has_no_old_gradient():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    (x * 2).sum().backward()
    x.data = mg.ones(3)
    assert x.grad is None


def test_versions_count_writes():
    x = mg.tensor(normal(2, 3))
    view = x[0]
    for write in (lambda: x.add_(1), lambda: view.mul_(2), lambda: x.data.zero_(),
                  lambda: x.__setitem__(0, 1)):  # fmt: skip
        before = x._version
        write()
        assert x._version == view._version == before + 1
    assert view._base is x
    assert x._base is None
    x.clone().add_(1)
    assert x._version == 4


def test_tensors_made_by_the_class():
    assert mg.Tensor([1, 2]).dtype is mg.float32
    assert mg.Tensor(2, 3).shape == (2, 3)
    assert isinstance(mg.ones(2), mg.Tensor)


def test_the_methods_are_the_functions():
    for name in ("add", "exp", "sum", "maximum", "matmul", "max", "var", "reshape"):
        assert getattr(mg.Tensor, name) is getattr(mg, name)
    assert mg.tensor([1.0, 2.0]).where(mg.tensor([True, False]), 0).tolist() == [1, 0]


# --- nodes -----


def test_a_node_is_neither_copied_nor_pickled():
    node = (mg.ones(3, requires_grad=True) * 2).grad_fn
    for duplicate in (copy.copy, copy.deepcopy, pickle.dumps):
        with pytest.raises(TypeError, match="MulBackward0: .* neither copied nor pickled"):
            duplicate(node)


def test_a_view_stays_with_the_memory_that_its_base_gave_up():
    base = mg.zeros(3, requires_grad=True)
    with mg.no_grad():
        view = base[:2]
    old, other = base.detach(), mg.ones(3)
    base.data = other
    view.mul_(0).add_(7)
    assert (old.tolist(), base.tolist(), view._base) == ([7, 7, 0], [1, 1, 1], None)
    assert base.is_leaf and base._version == 0
    y = mg.zeros(3, requires_grad=True) * 1
    part = y[:2]
    y.data = mg.ones(3)
    part *= 5  # has the history of the old values, and y its own
    assert type(y.grad_fn).__name__ == "Mul" and y.tolist() == [1, 1, 1]


@pytest.mark.parametrize("shape", [(2,), (3,)])
def test_a_view_of_data_that_was_replaced(shape):
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 3
    view = y.reshape(1, 2)
    y.data = mg.ones(*shape)
    assert view.requires_grad and view._base is None  # it keeps the memory and the history it had
    view.mul_(2)
    assert y.tolist() == [1] * len(y) and view.tolist() == [[6, 12]]
    view.sum().backward()
    assert x.grad.tolist() == [6, 6]
    inner = view.reshape(2)
    with mg.no_grad():
        inner.zero_()
    assert view.tolist() == [[0, 0]] and inner._base is view


def test_operators_are_installed_by_name():
    with pytest.raises(AttributeError, match="addd"):
        install_operators({"addd": mg.add})
    install_operators({})  # all are there


# --- .grad of what was computed -------------------------------------------------------------------


def test_reading_the_grad_of_a_computed_tensor_warns_and_names_the_cure():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    with pytest.warns(UserWarning, match=r"MulBackward0.*\.retain_grad\(\)") as caught:
        assert y.grad is None
    assert [warning.filename for warning in caught] == [__file__]
    y.sum().backward()
    for computed in (y, x[:1], x * 1):
        with pytest.warns(UserWarning, match="grad: .*leaf"):
            assert computed.grad is None
    with mg.no_grad(), pytest.warns(UserWarning, match="grad"):
        assert y.grad is None


def test_each_place_that_reads_a_missing_grad_is_told_once():
    y = mg.tensor([1.0], requires_grad=True) * 2
    with warnings.catch_warnings(record=True) as caught:
        warnings.resetwarnings()
        warnings.simplefilter("default")
        for _ in range(3):
            assert y.grad is None
        assert y.grad is None
    assert len({warning.lineno for warning in caught}) == len(caught) == 2


def test_reading_any_other_grad_does_not_warn():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    assert x.grad is None and x.detach().grad is None and mg.tensor([1]).grad is None
    y = x * 2
    y.retain_grad()
    assert y.grad is None
    y.mul_(3)
    assert y.grad is None
    y.sum().backward()
    assert y.grad.tolist() == [1, 1] and x.grad.tolist() == [6, 6]
    z = x * 2
    z.grad = mg.tensor([1.0, 2.0])
    assert z.grad.tolist() == [1, 2]
    del z.grad
    with mg.no_grad():
        assert (x * 2).grad is None


def test_the_package_itself_reads_no_grad_of_a_computed_tensor():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * 2
    net = mg.nn.Linear(2, 2)
    net.register_buffer("computed", x * 3)
    net.double().float()
    assert "MulBackward0" in repr(y) + str(y) + f"{y}" + y._repr_html_()
    str(y.graph()), y.graph(net, y=y).to_mermaid()
    mg.nn.utils.clip_grad_norm_([x, y], 1.0)
    y.register_hook(lambda dy: None)
    optimizer = mg.optim.SGD([x], lr=0.1)
    x.requires_grad = False
    x.mul_(y.detach() * net.weight[0])  # from now on no leaf
    optimizer.step()
    optimizer.zero_grad()
    with pytest.raises(RuntimeError):
        copy.deepcopy(y)
    y.sum().backward()
