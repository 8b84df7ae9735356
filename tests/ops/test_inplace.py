"""In-place operations and views: values, histories, errors as torch; saved values are guarded."""

import operator

import numpy as np
import pytest
from helpers.grids import for_each
from helpers.layouts import DTYPES, normal
from helpers.torch_peer import assert_close

import minigrad as mg

ARITHMETIC = ["add_", "sub_", "mul_", "div_"]
OTHERS = ["pow_", "floor_divide_", "remainder_", "bitwise_and_", "bitwise_or_", "bitwise_xor_"]


def few(dtype, *shape):
    return np.resize([3, 1, 2, 200, 1, 0], shape).astype(dtype)


# --- values and dtypes ----------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*ARITHMETIC, *OTHERS])
@for_each("dtype", DTYPES)
@for_each("other", [*DTYPES, True, 2, 2.5])
@pytest.mark.filterwarnings("ignore:divide by zero")
def test_every_pair_of_dtypes_as_torch(torch, name, dtype, other):
    """Same result and same dtype, or an error on both sides and nothing changed."""
    for shape in ((2, 3), (3,), ()):
        x, z = mg.tensor(few(dtype, 2, 3)), torch.tensor(few(dtype, 2, 3))
        b = few(other, *shape) + 1 if other in DTYPES and other != "bool" else other
        b = np.ones(shape, dtype=bool) if other == "bool" else b
        p, q = (b, b) if not isinstance(b, np.ndarray) else (mg.tensor(b), torch.tensor(b))
        try:
            getattr(z, name)(q)
        except RuntimeError:
            with pytest.raises(mg.DTypeError):
                getattr(x, name)(p)
            assert np.array_equal(x.numpy(), few(dtype, 2, 3))
            assert x._version == 0
        else:
            assert getattr(x, name)(p) is x
            assert_close(x, z)
            assert x._version == 1


def test_operators_write_into_the_tensor(torch):
    for m in (mg, torch):
        x = m.tensor([1.0, 2.0, 3.0])
        y = x
        y += 1
        y -= m.tensor([1.0, 0.0, 1.0])
        y *= 6
        y /= 4
        y **= 2
        y //= 2
        y %= 4
        assert y is x
        assert x.tolist() == [1, 2, 2]
        mask = both = m.tensor([True, True, False])
        both &= m.tensor([True, False, False])
        both |= x > 1
        both ^= m.tensor([False, False, True])
        assert mask is both
        assert mask.tolist() == [True, True, False]
        row = m.tensor([[6, 7], [12, 13]])[0]
        row &= 3
        assert row.tolist() == [2, 3]


def test_arrays_and_numpy_numbers_on_the_right():
    x = mg.tensor([1.0, 2.0])
    x += np.array([1.0, 1.0])
    x *= np.float64(3)
    assert x.tolist() == [6, 9]
    assert x.dtype is mg.float32


@pytest.mark.parametrize("dtype", DTYPES)
def test_fill_zero_copy(dtype):
    x = mg.tensor(few(dtype, 2, 3))
    kind = x.dtype
    assert x.fill_(1).tolist() == [[1] * 3] * 2
    assert x.zero_().tolist() == [[0] * 3] * 2
    assert x.copy_(mg.tensor([1.0, 0.0, 1.0])).tolist() == [[1, 0, 1]] * 2
    assert x.fill_(mg.tensor(1)).tolist() == [[1] * 3] * 2
    assert x.dtype is kind
    assert x._version == 4


def test_numbers_keep_their_digits():
    assert mg.zeros(1, dtype=mg.float64).fill_(0.1).item() == 0.1
    assert mg.zeros(1, dtype=mg.float64).add_(1, alpha=0.1).item() == 0.1
    assert mg.zeros(1, dtype=mg.float64).sub_(0.3, alpha=3).item() == -(0.3 * 3)


@pytest.mark.parametrize("number", [np.float32("inf"), np.float64(1e30), np.float32("nan")])
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_numbers_of_numpy_that_no_integer_holds(number, dtype):
    x = mg.ones(2, dtype=getattr(mg, dtype))
    for write in (x.fill_, lambda v: x.__setitem__(0, v), lambda v: mg.masked_fill(x, x > 0, v)):
        with pytest.raises(ValueError):
            write(number)
    assert x.tolist() == [1, 1]


@pytest.mark.parametrize("mode", ["floor", "trunc", None])
@pytest.mark.parametrize("dtype", ["float64", "int64", "uint8"])
def test_div_rounds_as_its_twin(torch, mode, dtype):
    array = np.array([7, 250, 3, 1]).astype(dtype)
    found = []
    for m in (mg, torch):
        x = m.tensor(array)
        try:
            x[1:].div_(m.tensor([2, 3, 4]), rounding_mode=mode)
        except RuntimeError:  # no integer holds the quotient
            assert mode is None and dtype != "float64" and x._version == 0
        found.append(x.tolist())
    assert found[0] == found[1]
    x = mg.tensor([7.0, -7.0], requires_grad=True)
    y = x * 1
    y.div_(2, rounding_mode=mode)
    y.sum().backward()
    assert x.grad.tolist() == ([0.5, 0.5] if mode is None else [0, 0])
    before = mg.tensor([7.0, -7.0])
    with pytest.raises(ValueError, match="rounding_mode must be None, 'floor' or 'trunc'"):
        before.div_(2, rounding_mode="up")
    assert before.tolist() == [7, -7] and before._version == 0


def test_the_two_sides_may_overlap():
    x = mg.arange(6)
    x[1:] += x[:-1]
    assert x.tolist() == [0, 1, 3, 5, 7, 9]
    for i in range(3):
        y = mg.tensor([2.0, 4.0, 8.0])
        y /= y[i]
        assert y.tolist() == [2 / 2 ** (i + 1), 4 / 2 ** (i + 1), 8 / 2 ** (i + 1)]
    y = mg.arange(4.0)
    y += y
    y[:2] -= y[1:3]
    assert y.tolist() == [-2, -2, 4, 6]
    z = mg.arange(4.0)
    z.copy_(z.flip(0) if hasattr(z, "flip") else mg.tensor(z.numpy()[::-1].copy()))
    assert z.tolist() == [3, 2, 1, 0]


OVERLAPPING = {
    "a column": lambda x: x[:, 0],
    "a column that broadcasts": lambda x: x[:, :1],
    "a row": lambda x: x[1],
    "an element": lambda x: x[2, 1],
    "the transposed": lambda x: x.t(),
    "a row, expanded": lambda x: x[0].expand(4, 4),
}
WRITING = {
    "+=": operator.iadd,
    "-=": operator.isub,
    "sub_ with alpha": lambda x, y: x.sub_(y, alpha=2),
    "copy_": lambda x, y: x.copy_(y),
    "[:] =": lambda x, y: operator.setitem(x, slice(None), y),
    "*=": operator.imul,
    "/=": operator.itruediv,
}


@for_each("part", OVERLAPPING)
@pytest.mark.parametrize("write", WRITING)
def test_what_is_read_while_it_is_overwritten_is_read_as_it_was(kernels, write, part):
    """`x -= x[:, 0]` means the x[:, 0] from before, and so do gradients. torch 2.13 reads both."""
    values, dy = normal(4, 4), mg.tensor(normal(4, 4))

    def written(leaf, copy):
        x = leaf * 1
        other = OVERLAPPING[part](x)
        WRITING[write](x, other.clone() if copy else other)
        return x

    expected = written(mg.tensor(values), copy=True)
    np.testing.assert_array_equal(written(mg.tensor(values), copy=False).numpy(), expected.numpy())
    leaf = mg.tensor(values, requires_grad=True)
    right = mg.autograd.grad(written(leaf, copy=True), leaf, dy, allow_unused=True)[0]
    x = written(leaf, copy=False)
    np.testing.assert_array_equal(x.detach().numpy(), expected.numpy())
    if write in ("*=", "/="):  # backward needs the factor, of which nothing is left
        with pytest.raises(mg.GraphError, match="in place"):
            mg.autograd.grad(x, leaf, dy)
    else:
        found = mg.autograd.grad(x, leaf, dy, allow_unused=True)[0]
        np.testing.assert_allclose(found.numpy(), right.numpy(), rtol=1e-12)


@pytest.mark.parametrize("call", [
    lambda x: x.add_(mg.ones(4)), lambda x: x.mul_(mg.ones(5, 2, 3)), lambda x: x.copy_(mg.ones(2)),
    lambda x: x.fill_(mg.ones(3)), lambda x: x.pow_(mg.ones(4)), lambda x: x.div_("a"),
    lambda x: x.add_(None), lambda x: x.copy_("a"), lambda x: x.fill_(None),
])  # fmt: skip
def test_a_failed_call_changes_nothing(call):
    x = mg.tensor(normal(2, 3))
    before = x.numpy().copy()
    with pytest.raises((ValueError, TypeError)):
        call(x)
    assert np.array_equal(x.numpy(), before)
    assert x._version == 0


@pytest.mark.parametrize("name", ["add_", "sub_", "mul_", "div_", "pow_"])
def test_errors_name_the_call(name):
    with pytest.raises(mg.ShapeError, match=rf"^{name}: shapes \(3,\)( and|,) \(4,\) do not"):
        getattr(mg.ones(3), name)(mg.ones(4))
    x = mg.ones(3)
    with pytest.raises(mg.ShapeError, match=r"^add_: shapes \(3,\) and \(2,\) do not broadcast"):
        x += mg.ones(2)


def test_only_tensors_are_written():
    for function in (mg.Tensor.add_, mg.Tensor.fill_, mg.Tensor.copy_):
        with pytest.raises(TypeError, match="expected a Tensor to write into, got ndarray"):
            function(np.ones(3), 1.0)


def test_memory_that_cannot_be_written():
    frozen = np.ones(3)
    frozen.flags.writeable = False
    for x in (mg.from_numpy(frozen), mg.zeros(1, 3).expand(4, 3)):
        for call in (lambda: x.add_(1), lambda: x.zero_(), lambda: x.__setitem__(0, 1)):  # noqa: B023
            with pytest.raises(ValueError, match="read-only"):
                call()


# --- leaves ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*ARITHMETIC, "pow_", "copy_", "fill_"])
def test_a_leaf_is_changed_under_no_grad_only(name):
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    number = mg.tensor(2.0)
    for target in (x, x[0:1], x.reshape(2, 1)):
        with pytest.raises(mg.GraphError, match=rf"{name}: a leaf that requires.*no_grad\(\)"):
            getattr(target, name)(number)
    assert x._version == 0
    with mg.no_grad():
        getattr(x, name)(number)
    assert x._version == 1
    assert x.requires_grad
    assert x.is_leaf


def test_a_leaf_without_gradient_joins_the_graph():
    w = mg.tensor([1.0, 2.0], requires_grad=True)
    total = mg.zeros(2)
    total += w * 3
    total[0] += w[1]
    assert not total.is_leaf
    (dw,) = mg.autograd.grad(total, w, mg.tensor([5.0, 7.0]))
    assert dw.tolist() == [15, 26]


# --- histories ------------------------------------------------------------------------------------


def test_rows_collected_in_a_tensor(torch):
    results = []
    for m in (mg, torch):
        w = m.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=m.float64, requires_grad=True)
        out = m.zeros(3, 2, dtype=m.float64)
        for i in range(2):
            out[i] = w[i] * (i + 2)
        out[2] = w[0] * w[1] + out[0]
        out[:, 1] *= 10
        dy = m.tensor([[1.0, -2.0], [3.0, 0.5], [0.25, 4.0]], dtype=m.float64)
        out.backward(dy)
        results.append((out.tolist(), w.grad.tolist()))
    assert results[0] == results[1]


def test_a_write_is_seen_through_every_view(torch):
    results = []
    for m in (mg, torch):
        x = m.tensor([1.0, 2.0, 3.0, 4.0], dtype=m.float64, requires_grad=True)
        y = x * 2
        a, b = y.view(2, 2), y[1:]
        column = a.transpose(0, 1)[0]
        column.mul_(10)
        b[0] = column[1] * 3
        values = [t.tolist() for t in (y, a, b, column)]
        total = (y * y).sum() + (a * 3).sum() - (b**2).sum() + column.sum()
        total.backward()
        results.append((values, x.grad.tolist()))
    assert results[0] == results[1]


def test_x_0_plus_1(torch):
    for m in (mg, torch):
        x = m.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
        y = x * x
        y[0] += 1
        y[1, 0] -= y[0, 1]
        y.backward(m.tensor([[1.0, 2.0], [3.0, 4.0]]))
        assert y.tolist() == [[2, 5], [4, 16]]
        assert x.grad.tolist() == [[2, -4], [18, 32]]


def test_overwritten_values_get_the_gradient_zero(torch):
    for m in (mg, torch):
        x = m.tensor([1.0, 2.0], requires_grad=True)
        y = x * 3
        y.zero_()
        assert y.requires_grad
        y.backward(m.tensor([5.0, 7.0]))
        assert x.grad.tolist() == [0, 0]


def test_the_retained_gradient_is_that_of_the_last_value(torch):
    for m in (mg, torch):
        x = m.tensor([1.0, 2.0], requires_grad=True)
        y = x * 2
        y.retain_grad()
        y.mul_(3)
        (y * y).backward(m.tensor([1.0, -1.0]))
        assert y.grad.tolist() == [12, -24]
        assert x.grad.tolist() == [72, -144]


# --- saved values ---------------------------------------------------------------------------------

# Operations that save what they are given, and what they give.
SAVING = {
    "mul": lambda x: x * x, "div": lambda x: 1 / x, "pow": lambda x: x**3, "log": mg.log,
    "abs": mg.abs, "sin": mg.sin, "cos": mg.cos, "maximum": lambda x: mg.maximum(x, x * 2),
    "var": lambda x: x.var(), "norm": lambda x: x.norm(3), "amax": lambda x: x.amax(),
    "matmul": lambda x: x @ x, "linear": lambda x: mg.nn.functional.linear(x, x),
    "remainder": lambda x: 5 % x,
}  # fmt: skip
SAVING_THEIR_RESULT = {"exp": mg.exp, "sqrt": mg.sqrt, "sigmoid": mg.sigmoid, "tanh": mg.tanh}
CHANGES = {
    "add_": lambda x: x.add_(1), "setitem": lambda x: x.__setitem__(0, 1),
    "fill_": lambda x: x.fill_(2), "view": lambda x: x.view(-1).mul_(2),
    "data": lambda x: x.data.add_(1),
    "detach": lambda x: x.detach().mul_(2), "zero_": lambda x: x.zero_(),
    "new data": lambda x: setattr(x, "data", x.data + 1),
}  # fmt: skip


@for_each("change", CHANGES)
@pytest.mark.parametrize("operation", SAVING)
def test_a_saved_value_that_was_changed_is_an_error(operation, change):
    for x in (mg.tensor(abs(normal(3, 3)) + 1, requires_grad=True), None):
        x = mg.tensor(abs(normal(3, 3)) + 1, requires_grad=True) * 2 if x is None else x
        y = SAVING[operation](x)
        with mg.no_grad():
            CHANGES[change](x)
        with pytest.raises(
            mg.GraphError, match=r"changed in place by .*\(version \d+, expected 0\)"
        ):
            y.sum().backward()


@for_each("change", CHANGES)
@pytest.mark.parametrize("operation", SAVING_THEIR_RESULT)
def test_a_saved_result_that_was_changed_is_an_error(operation, change):
    x = mg.tensor(abs(normal(3, 3)) + 1, requires_grad=True)
    y = SAVING_THEIR_RESULT[operation](x)
    z = y.sum()
    with mg.no_grad():
        CHANGES[change](y)
    with pytest.raises(mg.GraphError, match="changed in place"):
        z.backward()
    assert x.grad is None


@pytest.mark.parametrize("function", [
    lambda x: x * 2, lambda x: x / 2, lambda x: x + x, lambda x: x - 1, lambda x: x % 2,
    lambda x: x.sum(), lambda x: x.mean(), lambda x: x.max(0).values, lambda x: x.clone(),
    lambda x: x[0], lambda x: mg.where(mg.tensor(True), x, 0),
    lambda x: x @ mg.ones(3, 2, dtype=mg.float64),
])  # fmt: skip
def test_what_no_gradient_needs_is_not_saved(function):
    x = mg.tensor(normal(3, 3), requires_grad=True)
    y = function(x)
    (expected,) = mg.autograd.grad(y.sum(), x, retain_graph=True)
    with mg.no_grad():
        x.add_(1)
    (dx,) = mg.autograd.grad(y.sum(), x)
    assert mg.equal(dx, expected)


def test_an_operand_that_was_a_constant_may_be_overwritten(torch):
    results = []
    for m in (mg, torch):
        x, w = m.tensor([2.0, 3.0]), m.tensor([5.0, 7.0], requires_grad=True)
        x *= w
        x /= w * 2
        x.backward(m.tensor([1.0, 3.0]))
        results.append((x.tolist(), w.grad.tolist()))
    assert results[0] == results[1]
