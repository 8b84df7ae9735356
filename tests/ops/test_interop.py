import copy
import pickle

import numpy as np
import pytest
from helpers.grids import for_each
from helpers.layouts import DTYPES, in_every_layout
from helpers.torch_peer import assert_same

import minigrad
from minigrad import DTypeError, GraphError, tensor


@pytest.mark.parametrize("dtype", DTYPES)
def test_numpy_shares_and_cannot_be_written(dtype):
    values = np.random.default_rng(0).integers(0, 2, (3, 4)).astype(dtype)
    for array in [
        *in_every_layout(values).values(),
        values[:0],
        np.array(1, dtype),
        np.broadcast_to(values, (2, 3, 4)),
    ]:
        x = minigrad.from_numpy(array)
        for view in (x.numpy(), np.asarray(x), np.array(x, copy=None), x.numpy(force=True)):
            np.testing.assert_array_equal(view, array)
            assert view.dtype == array.dtype and view.shape == array.shape
            assert array.size == 0 or np.shares_memory(view, array)
            with pytest.raises(ValueError, match="read-only|WRITEABLE"):
                view[...] = 0
            with pytest.raises(ValueError, match="WRITEABLE"):
                view.flags.writeable = True
            with pytest.raises(ValueError, match="WRITEABLE"):
                view[...].flags.writeable = True
        copied = np.array(x)
        copied[...] = 0
        assert np.array_equal(x.numpy(), array)


def test_numpy_sees_later_changes():
    x = minigrad.zeros(3)
    view = x.numpy()
    x.add_(1)
    assert view.tolist() == [1, 1, 1]


def test_array_protocol():
    x = tensor([1.5, 2.5])
    assert np.asarray(x, dtype=np.float64).tolist() == [1.5, 2.5]
    assert np.asarray(x, dtype=int).dtype == np.int64
    assert np.array(x, copy=False) is not None
    assert x.__array__().dtype == np.float32 and x.__array__("int64").tolist() == [1, 2]
    assert (
        x.__array__(copy=True).flags.writeable
        and x.__array__(np.float64, copy=True).flags.writeable
    )
    with pytest.raises(ValueError, match="without a copy"):
        np.array(x, dtype=np.float64, copy=False)
    huge = tensor([3e29])  # of which int64 makes nonsense, here as in .to(): without a warning
    assert huge.__array__("int64", True).dtype == huge.__array__("int64").dtype == np.int64
    assert np.stack([x, x]).shape == (2, 2) and np.concatenate([x, x.numpy()]).shape == (4,)
    assert [*map(float, x)] == [1.5, 2.5]
    assert np.arange(3)[tensor(1)] == 1 and [10, 20][tensor(1)] == 20


def test_numpy_refuses_to_lose_the_graph():
    x = tensor([1.0], requires_grad=True)
    for call in (
        x.numpy,
        lambda: np.asarray(x),
        lambda: np.array([x[0]]),
        (x * 2).numpy,
        x[:1].numpy,
    ):
        with pytest.raises(GraphError, match=r"\.detach\(\)"):
            call()
    assert x.numpy(force=True).tolist() == x.detach().numpy().tolist() == [1.0]
    with minigrad.no_grad():
        assert (x * 2).numpy().tolist() == [2.0]


def test_tolist_and_item(torch):
    for data in (1.5, 3, True, [1, 2], [[1.5], [2.5]], [], [[], []]):
        assert tensor(data).tolist() == torch.tensor(data).tolist()
    x = tensor(np.float32(0.1), requires_grad=True)
    assert x.item() == x.tolist() == float(np.float32(0.1)) and type(x.item()) is float
    assert type(tensor(True).item()) is bool and type(tensor(3).item()) is int
    assert tensor([[7]]).item() == 7
    with pytest.raises(ValueError, match="got 2"):
        tensor([1, 2]).item()


# --- NumPy's functions ---------------------------------------------------------------------------


def test_operators_with_arrays_on_either_side_keep_the_graph():
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((2, 3)), rng.standard_normal(3)
    for name in ("__add__", "__sub__", "__mul__", "__truediv__"):
        for array, values in ((a, b), (b, a), (a, np.float64(2))):
            x = tensor(values, dtype=minigrad.float64, requires_grad=True)
            for y in (getattr(np.ndarray, name)(array, x), getattr(x, name)(array)):
                assert isinstance(y, minigrad.Tensor) and y.requires_grad
            np.testing.assert_array_equal(
                getattr(np.ndarray, name)(array, x).detach().numpy(),
                getattr(np.ndarray, name)(array, values),
            )
    x = minigrad.ones(3, requires_grad=True)
    assert (np.float64(2) * x).dtype is minigrad.float32 and (np.float64(2) * x).requires_grad
    assert (np.ones(3) * x).dtype is minigrad.float64
    assert (np.ones((2, 3)) @ minigrad.ones(3).double()).tolist() == [3, 3]
    assert (np.zeros(3) < x).tolist() == [True] * 3 and (np.ones(3) == x).tolist() == [True] * 3
    (np.arange(3.0) ** (x * 2) - x.detach().numpy() / x).sum().backward()


@pytest.mark.parametrize(
    "name",
    [
        "exp",
        "log",
        "sqrt",
        "sin",
        "cos",
        "tanh",
        "negative",
        "absolute",
        "sign",
        "isnan",
        "isfinite",
    ],
)
def test_ufuncs_of_one_tensor_keep_the_graph(name):
    ufunc = getattr(np, name)
    x = tensor([0.5, 2.0], dtype=minigrad.float64, requires_grad=True)
    y = ufunc(x)
    assert isinstance(y, minigrad.Tensor)
    np.testing.assert_allclose(y.detach().numpy(), ufunc(x.detach().numpy()), rtol=1e-15)
    assert y.requires_grad or y.dtype is minigrad.bool


@pytest.mark.parametrize(
    "name",
    ["add", "subtract", "multiply", "divide", "power", "maximum", "minimum", "remainder",
     "floor_divide", "less",
     "less_equal", "greater", "greater_equal", "equal", "not_equal", "logical_and", "matmul"],
)  # fmt: skip
def test_ufuncs_of_two_keep_the_graph(name):
    ufunc = getattr(np, name)
    a, b = np.array([[1.5, 2.0], [3.0, 4.5]]), np.array([[2.0, 2.0], [0.5, 1.0]])
    x = tensor(a, requires_grad=True)
    for y, expected in (
        (ufunc(x, b), ufunc(a, b)),
        (ufunc(b, x), ufunc(b, a)),
        (ufunc(x, x), ufunc(a, a)),
    ):
        assert isinstance(y, minigrad.Tensor)
        np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-15)
        if name in (
            "add",
            "subtract",
            "multiply",
            "divide",
            "power",
            "maximum",
            "minimum",
            "matmul",
        ):
            assert y.requires_grad


def test_other_ufuncs_compute_on_values():
    x = tensor([0.5, 2.0])
    for y in (np.log1p(x), np.hypot(x, 3.0), np.add.accumulate(x), np.add.reduce(x),
              np.multiply.outer(x, x),
              np.add(x, x, dtype=np.float64), np.log(-x)):  # fmt: skip
        assert type(y) is minigrad.Tensor and not y.requires_grad
    np.testing.assert_array_equal(np.log1p(x).numpy(), np.log1p(x.numpy()))
    quotient, rest = np.divmod(x, 0.75)
    assert quotient.tolist() == [0, 2] and rest.tolist() == [0.5, 0.5]
    out = np.zeros(2)
    assert np.add(x, 1, out=out) is out and out.tolist() == [1.5, 3.0]
    out += x
    np.multiply.at(out, [0], tensor([2.0]))
    assert out.tolist() == [4.0, 5.0]
    leaf = x.detach().requires_grad_()
    for call in (lambda: np.log1p(leaf), lambda: np.add.reduce(leaf),
                 lambda: np.add(leaf, 1, out=out), lambda: np.add(out, leaf, out=out),
                 lambda: np.exp(leaf, where=[True, False])):  # fmt: skip
        with pytest.raises(GraphError, match="detach"):
            call()
    with pytest.raises(TypeError, match="out must be a NumPy array"):
        np.add(out, 1, out=x)
    with pytest.raises(DTypeError, match="complex128|the result"):
        np.multiply(x, 1j, dtype=complex)
    assert out.tolist() == [4.0, 5.0] and x.tolist() == [0.5, 2.0]


@pytest.mark.parametrize("name", ["sum", "mean", "max", "min", "argmax", "argmin", "any", "all"])
def test_numpy_reductions_are_ours(name):
    x = tensor([[0.5, 2.0], [3.0, 1.0]], requires_grad=True)
    y = getattr(np, name)(x)
    assert isinstance(y, minigrad.Tensor) and y.item() == getattr(np, name)(x.tolist())
    if name in ("sum", "mean"):
        assert y.requires_grad
        reduce = getattr(np, name)
        assert reduce(x, axis=0).tolist() == reduce(x.tolist(), axis=0).tolist()


@pytest.mark.parametrize("name", ["std", "var"])
def test_numpy_s_deviations_divide_by_the_number_of_values(name):
    x = tensor([[0.5, 2.0], [3.0, 1.0]], requires_grad=True)
    for options in ({}, {"axis": 0}, {"axis": 1, "ddof": 1, "keepdims": True}):
        y = getattr(np, name)(x, **options)
        expected = getattr(np, name)(x.tolist(), **options)
        assert y.requires_grad and y.shape == expected.shape
        np.testing.assert_allclose(y.detach().numpy(), expected, rtol=1e-6)


# --- DLPack --------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", DTYPES)
def test_dlpack_both_ways(torch, dtype):
    x = tensor(np.array([[0, 1, 1], [1, 0, 1]]).astype(dtype))
    theirs = torch.from_dlpack(x)
    assert_same(x, theirs)
    theirs[0, 0] = 1
    assert x[0, 0].item() == 1
    back = minigrad.from_dlpack(torch.tensor([[0, 1]], dtype=getattr(torch, dtype)))
    assert back.dtype.name == dtype and back.tolist() == [[0, 1]]
    np.testing.assert_array_equal(np.from_dlpack(x), x.numpy())
    assert minigrad.from_dlpack(x).tolist() == x.tolist()
    assert x.__dlpack_device__() == (1, 0)


def test_dlpack_refuses():
    with pytest.raises(BufferError, match="detach"):
        np.from_dlpack(minigrad.ones(2, requires_grad=True))
    with pytest.raises(TypeError, match="list"):
        minigrad.from_dlpack([1])
    with pytest.raises(DTypeError, match="int8"):
        minigrad.from_dlpack(np.zeros(2, np.int8))
    assert minigrad.from_dlpack(np.arange(6.0).reshape(2, 3).T).stride() == (1, 3)


# --- copies and pickles --------------------------------------------------------------------------


def every_copy(x):
    return [
        copy.deepcopy(x),
        *(pickle.loads(pickle.dumps(x, n)) for n in range(2, pickle.HIGHEST_PROTOCOL + 1)),
    ]


@pytest.mark.parametrize("dtype", DTYPES)
def test_copies_of_leaves(dtype):
    values = np.random.default_rng(0).integers(0, 2, (3, 4)).astype(dtype)
    for array in [*in_every_layout(values).values(), np.array(1, dtype), values[:0]]:
        x = minigrad.from_numpy(array).requires_grad_(dtype.startswith("float"))
        for y in every_copy(x):
            np.testing.assert_array_equal(y.detach().numpy(), array)
            assert y.requires_grad == x.requires_grad and y.is_leaf and y.dtype is x.dtype
            assert not np.shares_memory(y.detach().numpy(), array)
            y.detach().zero_()


def test_deepcopy_as_torch(torch):
    for library in (minigrad, torch):
        x = library.ones(2, requires_grad=True)
        (x * 3).sum().backward()
        y, z = copy.deepcopy([x, x])
        assert y is z and y.grad is not x.grad and y.grad.tolist() == [3, 3]
        assert pickle.loads(pickle.dumps(x)).grad is None
        with pytest.raises(RuntimeError):
            copy.deepcopy(x * 2)
        shallow = copy.copy(x)
        assert shallow is not x and shallow.requires_grad and shallow.data_ptr() == x.data_ptr()
        with library.no_grad():
            shallow.add_(1)
        assert x.tolist() == [2, 2]
    for function in (copy.deepcopy, copy.copy, pickle.dumps):
        with pytest.raises(GraphError, match="detach"):
            function(minigrad.ones(2, requires_grad=True) * 2)


def aliases(x):
    """Everything that shares memory with x: views of all kinds, and the tensor without history."""
    return {
        "slice": x[1:], "step": x[:, ::2], "transposed": x.t(), "expanded": x[:, :1].expand(3, 4),
        "of a view": x[1:].t()[1:], "empty": x[3:], "detach": x.detach(), "data": x.data,
        "view of detach": x.detach()[:2], "copy.copy": copy.copy(x), "row": x[-1],
        "element": x[2, 3], "of a shallow copy": copy.copy(x).t(),
    }  # fmt: skip


@pytest.mark.parametrize("name", aliases(minigrad.zeros(3, 4)))
@for_each("layout", ["contiguous", "fortran", "sliced", "flipped"])
@for_each("base_first", [True, False])
def test_deepcopy_keeps_shared_memory(name, layout, base_first):
    x = minigrad.from_numpy(
        in_every_layout(np.random.default_rng(0).standard_normal((3, 4)))[layout]
    )
    before, v = x.tolist(), aliases(x)[name]
    pair = copy.deepcopy([x, v] if base_first else [v, x])
    y, w = pair if base_first else pair[::-1]
    assert y.tolist() == before and w.tolist() == v.tolist() and w.stride() == v.stride()
    y.mul_(2)
    np.testing.assert_array_equal(w.numpy(), 2 * v.numpy())
    assert y._version == w._version and x.tolist() == before
    assert not np.shares_memory(w.numpy(), x.numpy())
    if name == "expanded":
        with pytest.raises(ValueError, match="read-only"):
            w.add_(1)
        return
    again = aliases(y)[name]
    w.sub_(1)
    assert again.tolist() == w.tolist() and y._version == w._version and x.tolist() == before


def test_a_change_through_a_deep_copied_alias_is_noticed():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    y, data = copy.deepcopy({"leaf": x, "data": x.data}).values()
    assert y.requires_grad and not data.requires_grad
    z = (y * y).sum()
    data.mul_(3)
    assert y.tolist() == [3, 6] and x.tolist() == [1, 2]
    with pytest.raises(GraphError, match="mul_"):
        z.backward()


def test_a_deep_copied_gradient_shares_what_it_shared():
    x = minigrad.tensor([1.0, 2.0], requires_grad=True)
    x.grad = minigrad.tensor([3.0, 4.0])
    y, g, part = copy.deepcopy((x, x.grad, x.grad[:1]))
    assert y.grad is g
    part.zero_()
    assert y.grad.tolist() == [0, 4] and x.grad.tolist() == [3, 4]


def test_one_deep_copy_after_another_is_independent():
    x = minigrad.arange(4.0)
    v = x[:2]
    first, second = copy.deepcopy((x, v)), copy.deepcopy((x, v))
    first[1].zero_()
    assert second[0].tolist() == [0, 1, 2, 3] and x.tolist() == [0, 1, 2, 3]
    # What is made and forgotten during a copy must not be taken for what stands there afterwards.
    memo = {}
    made = [copy.deepcopy(minigrad.full((3,), float(i)), memo) for i in range(50)]
    assert [y.tolist() for y in made] == [[float(i)] * 3 for i in range(50)]


@pytest.mark.parametrize("readonly", [True, False])
def test_a_deep_copy_of_repeated_elements_stays_read_only(readonly):
    array = np.arange(3.0)
    array.flags.writeable = not readonly
    x = minigrad.from_numpy(array)
    y, w = copy.deepcopy((x, x.view(3, 1).expand(3, 5)))
    y.add_(1)
    assert w.tolist() == [[1] * 5, [2] * 5, [3] * 5] and w.stride() == (1, 0)
    with pytest.raises(ValueError, match="read-only"):
        w.zero_()


def test_deepcopy_of_aliases_as_torch(torch):
    for library in (minigrad, torch):
        x = library.arange(6.0)
        y, v, t = copy.deepcopy((x, x[:2], x.view(2, 3).t()))
        v.add_(1)
        assert y.tolist() == [1, 2, 2, 3, 4, 5] and t.tolist() == [[1, 3], [2, 4], [2, 5]]
        assert t.stride() == (1, 3) and v._base is None
        y, v = pickle.loads(pickle.dumps((x, x[:2])))  # as torch: here memory is not shared
        v.add_(1)
        assert y.tolist() == [0, 1, 2, 3, 4, 5]


def test_a_change_through_a_shallow_copy_is_noticed():
    x = minigrad.ones(2, requires_grad=True)
    y = (x * x).sum()
    shallow = copy.copy(x)
    with minigrad.no_grad():
        shallow.mul_(5)
    with pytest.raises(GraphError, match="mul_"):
        y.backward()


class Weights(minigrad.Tensor):
    pass


def test_subclasses_and_parameters():
    for x in (Weights([1.0, 2.0]), minigrad.nn.Parameter(tensor([1.0, 2.0]))):
        for y in (*every_copy(x), copy.copy(x)):
            assert (
                type(y) is type(x) and y.tolist() == [1, 2] and y.requires_grad == x.requires_grad
            )


# --- text and facts ------------------------------------------------------------------------------


def test_formats_agree_with_torch(torch):
    for library in (minigrad, torch):
        x = library.tensor(1.2345678, requires_grad=True)
        assert f"{x:.3f}" == "1.235" and f"{x * 2:8.2e}" == "2.47e+00"
        assert f"{x}" == "1.2345677614212036"
        assert f"{library.tensor(7):04d}" == "0007" and f"{library.tensor(True)}" == "True"
        assert f"{library.tensor([1.0])}" == "tensor([1.])"
        with pytest.raises(TypeError):
            f"{library.tensor([1.0]):.3f}"


def test_facts_agree_with_torch(torch):
    for name in DTYPES:
        x, y = (
            minigrad.zeros(3, dtype=getattr(minigrad, name)),
            torch.zeros(3, dtype=getattr(torch, name)),
        )
        assert x.element_size() == y.element_size()
    x = minigrad.zeros(3, 4)
    assert x[1].data_ptr() == x.data_ptr() + 16 and x.T.data_ptr() == x.data_ptr()
    assert x.data_ptr() == x.numpy().ctypes.data
    assert x.is_contiguous() and not x.T.is_contiguous() and x.T.contiguous().is_contiguous()
