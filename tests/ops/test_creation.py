import itertools
import warnings

import numpy as np
import pytest
from helpers.layouts import DTYPES, in_every_layout
from helpers.torch_peer import assert_same, outcome

import minigrad
from minigrad import DTypeError, GraphError, ShapeError, tensor


@pytest.mark.parametrize(
    "data",
    [
        1, 1.5, True, -(2**63), [], [[], []], [1, 2], [1.5, 2], [True, False], [True, 2],
        [True, 2.5],
        [[1, 2], [3, 4.5]], (1, (2,))[0], ((1, 2), [3, 4]), range(4), [range(3), range(3)], 1e300,
        [1e300],
        np.float64(1), np.float32(1), np.int32(1), np.int64(1), np.bool_(True), np.uint8(7),
        [np.float64(1)], [np.float32(1), 2.0], [np.float64(1), np.float32(2)], [np.int32(1), 2],
        [np.int32(1)], [1.0, np.float32(1.1)], [1, np.float32(1.1)], [[np.float32(1.1)], [2.0]],
        [np.array([1, 2]), np.array([3, 4])], [np.array([1.0, 2]), [1, 2]],
        [np.array([1, 2], np.float32), np.array([3.0, 4])], np.arange(6).reshape(2, 3),
        np.array(2.5),
        np.zeros((0, 3)), np.array([True, False]), float("nan"), [float("inf"), 1],
        [[[[1]]]], np.arange(6, dtype=np.int32)[::2],
    ],
    ids=repr,
)  # fmt: skip
def test_dtype_and_values_of_data_agree_with_torch(torch, data):
    y = tensor(data)
    warnings.simplefilter("ignore")  # torch's about slow lists of arrays
    assert_same(y, torch.tensor(data))
    assert y.is_leaf and not y.requires_grad and y.is_contiguous()
    for name in DTYPES:
        ours, error = outcome(lambda name=name: tensor(data, dtype=getattr(minigrad, name)))
        theirs, error_torch = outcome(
            lambda name=name: torch.tensor(data, dtype=getattr(torch, name))
        )
        if error_torch is None:
            assert_same(ours, theirs)
        elif "cannot be interpreted as an integer" not in str(error_torch):  # NumPy scalars
            assert isinstance(error, ValueError), name


def test_python_floats_become_the_default_dtype(torch):
    minigrad.set_default_dtype(minigrad.float64)
    torch.set_default_dtype(torch.float64)
    try:
        for library in (minigrad, torch):
            for y in (library.tensor(1.0), library.tensor([1, 2.5]), library.zeros(2),
                      library.Tensor([1]),
                      library.full((2,), 1.5), library.arange(0, 1, 0.5), library.rand(2),
                      library.eye(2)):  # fmt: skip
                assert y.dtype is library.float64
            assert library.tensor(np.float32(1)).dtype is library.float32
    finally:
        minigrad.set_default_dtype(minigrad.float32)
        torch.set_default_dtype(torch.float32)


@pytest.mark.filterwarnings("ignore:.*data requires a gradient")
def test_lists_of_tensors():
    one = tensor(1.5, requires_grad=True)
    y = tensor([one, tensor([2])])
    assert y.tolist() == [1.5, 2.0] and y.dtype is minigrad.float32 and y.is_leaf
    assert tensor([tensor(1), tensor(2.0, dtype=minigrad.float64)]).dtype is minigrad.float64
    assert tensor([[tensor(1), 2], [3, tensor(4)]]).tolist() == [[1, 2], [3, 4]]
    with pytest.raises(ValueError, match=r"shape \(2,\).*stack"):
        tensor([minigrad.zeros(2), minigrad.zeros(2)])


@pytest.mark.filterwarnings("ignore:.*data requires a gradient")
def test_tensor_copies_and_as_tensor_shares():
    array = np.zeros(3, np.float32)
    source = minigrad.from_numpy(array).requires_grad_()
    copies = [tensor(array), tensor(source), minigrad.as_tensor(array, dtype=minigrad.float64),
              minigrad.Tensor(array), minigrad.Tensor(source)]  # fmt: skip
    shares = [minigrad.from_numpy(array), minigrad.as_tensor(array), minigrad.as_tensor(source)]
    array[0] = 5
    assert [y[0].item() for y in copies] == [0] * 5
    assert [y[0].item() for y in shares] == [5] * 3
    assert not copies[1].requires_grad and shares[2] is source
    assert minigrad.as_tensor([1, 2]).tolist() == [1, 2] and minigrad.as_tensor(2.5).shape == ()
    with minigrad.no_grad():
        shares[0].add_(1)
    assert array.tolist() == [6, 1, 1]


@pytest.mark.parametrize("dtype", DTYPES)
def test_from_numpy_takes_every_layout(dtype):
    values = np.random.default_rng(0).integers(0, 2, (3, 4)).astype(dtype)
    for name, array in in_every_layout(values).items():
        y = minigrad.from_numpy(array)
        assert y.dtype.name == dtype and np.shares_memory(array, y.numpy())
        np.testing.assert_array_equal(y.numpy(), values)
        if name == "readonly":
            with pytest.raises(ValueError, match="read-only"):
                y.zero_()
            np.testing.assert_array_equal(array, values)
        else:
            y.zero_()
            assert not array.any()


def test_from_numpy_and_odd_arrays(tmp_path):
    mapped = np.memmap(tmp_path / "values", np.float32, "w+", shape=3)
    mapped[:] = 2
    y = minigrad.from_numpy(mapped)
    assert type(y.numpy()) is np.ndarray and y.tolist() == [2, 2, 2]
    y.add_(1)
    assert mapped[0] == 3
    assert minigrad.from_numpy(np.array(1.5)).shape == ()
    assert minigrad.from_numpy(np.rec.array([(1.0,)], [("a", "f8")]).a).tolist() == [1.0]
    assert minigrad.from_numpy(np.broadcast_to(1.0, (2, 3))).stride() == (0, 0)
    packed = np.zeros(3, [("a", "u1"), ("b", "f8")])["b"]
    for bad, error, words in [
        ([1], TypeError, "list"),
        (np.float32(1), TypeError, "float32"),
        (None, TypeError, "NoneType"),
        (np.array([1], ">i4"), ValueError, "byte order.*newbyteorder"),
        (packed, ValueError, "aligned.*copy"),
        (np.array([1], np.int8), DTypeError, "int8.*float32"),
        (np.array([1], np.float16), DTypeError, "float16"),
        (np.array([1j]), DTypeError, "complex128"),
        (np.array(["a"]), DTypeError, "<U1"),
        (np.array([None]), DTypeError, "object"),
        (np.ma.masked_array([1.0], [True]), TypeError, "filled"),
        (np.array(["2020-01-01"], "M8[D]"), DTypeError, "datetime"),
    ]:
        with pytest.raises(error, match=words):
            minigrad.from_numpy(bad)


def test_tensor_converts_what_from_numpy_refuses():
    packed = np.ones(3, [("a", "u1"), ("b", "f8")])["b"]
    for array, name in [
        (np.array([-5], np.int8), "int32"),
        (np.array([500], np.uint16), "int32"),
        (np.array([2**31], np.uint32), "int64"),
        (np.array([1.5], np.float16), "float32"),
        (np.array([1.5], ">f4"), "float32"),
        (np.array([1], ">i8"), "int64"),
        (packed, "float64"),
    ]:
        for y in (tensor(array), minigrad.as_tensor(array)):
            assert y.dtype.name == name and y.tolist() == array.tolist()
    for bad in (np.array([1], np.uint64), np.array([1j]), np.array([1], np.longdouble)):
        with pytest.raises(DTypeError, match=str(bad.dtype)):
            tensor(bad)


@pytest.mark.parametrize(
    ("data", "error", "words"),
    [
        ([[1, 2], [3]], ShapeError, "length or depth"),
        ([1, [2]], ShapeError, "length or depth"),
        ([[1], 2], ShapeError, "length or depth"),
        ([[], [1]], ShapeError, "length or depth"),
        ("a", TypeError, "str"),
        (["a"], TypeError, "str"),
        (b"ab", TypeError, "bytes"),
        (None, TypeError, "NoneType"),
        ([None, 1], TypeError, "NoneType"),
        (1j, TypeError, "complex"),
        ([1.0, 1j], TypeError, "complex"),
        ({1, 2}, TypeError, "set"),
        ({1: 2}, TypeError, "dict"),
        ((x for x in [1]), TypeError, "generator"),
        (object(), TypeError, "object"),
        ([object()], TypeError, "object"),
        (2**63, ValueError, "9223372036854775808 does not fit into int64"),
        ([1, 2**70], ValueError, "does not fit into int64"),
        (-(2**63) - 1, ValueError, "does not fit"),
        (np.array(["a"]), DTypeError, "<U1"),
        (np.array([None]), DTypeError, "object"),
        (np.ma.masked_array([1.0], [True]), TypeError, "masked"),
        ([np.ma.masked_array([1.0], [True])], TypeError, "masked"),
    ],
    ids=repr,
)
def test_bad_data(data, error, words):
    for maker in (tensor, minigrad.as_tensor):
        with pytest.raises(error, match=words):
            maker(data)


def test_numbers_out_of_range_of_the_dtype():
    for value, name in [(300, "uint8"), (-300, "uint8"), (2**31, "int32"), (float("nan"), "int64"),
                        (2.0**63, "int64"), (float("-inf"), "int32"),
                        (10**400, "float32")]:  # fmt: skip
        for data in (value, [value, 0]):
            with pytest.raises(ValueError, match=f"does not fit into {name}"):
                tensor(data, dtype=getattr(minigrad, name))


def test_requires_grad():
    assert tensor([1.0], requires_grad=True).requires_grad
    assert tensor([1.0], minigrad.float64, True).requires_grad
    assert minigrad.zeros(2, requires_grad=True).is_leaf
    for maker in (lambda: tensor([1], requires_grad=True),
                  lambda: minigrad.arange(3, requires_grad=True),
                  lambda: minigrad.zeros(2, dtype=bool, requires_grad=True)):  # fmt: skip
        with pytest.raises(DTypeError, match="requires_grad"):
            maker()
    with pytest.raises(TypeError, match="requires_grad"):
        tensor(1.0, requires_grad=1)


# --- from nothing --------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [None, *DTYPES])
def test_zeros_and_kin_agree_with_torch(torch, dtype):
    for name in ("zeros", "ones", "empty"):
        for size in (
            (),
            ((),),
            (3,),
            (2, 3),
            ((2, 3),),
            ([2, 3],),
            (0, 3),
            (np.int64(2),),
            (tensor(2),),
        ):
            theirs_size = tuple(
                torch.tensor(2) if isinstance(n, minigrad.Tensor) else n for n in size
            )
            pair = []
            for library, own_size in ((minigrad, size), (torch, theirs_size)):
                chosen = None if dtype is None else getattr(library, dtype)
                make = getattr(library, name)
                pair.append(outcome(lambda m=make, s=own_size, d=chosen: m(*s, dtype=d)))
            (y, error), (y_torch, error_torch) = pair
            assert (error is None) == (error_torch is None)
            if error is None and name == "empty":
                assert tuple(y.shape) == tuple(y_torch.shape) and y.dtype.name in str(y_torch.dtype)
            elif error is None:
                assert_same(y, y_torch)
    chosen = None if dtype is None else getattr(minigrad, dtype)
    theirs = None if dtype is None else getattr(torch, dtype)
    for name in ("zeros_like", "ones_like"):
        for shape in ((), (2, 3)):
            for own in DTYPES:
                x = getattr(minigrad, name)(
                    minigrad.ones(shape, dtype=getattr(minigrad, own)).T, dtype=chosen
                )
                y = getattr(torch, name)(
                    torch.ones(shape, dtype=getattr(torch, own)).permute(
                        *reversed(range(len(shape)))
                    )
                    if shape
                    else torch.ones((), dtype=getattr(torch, own)),
                    dtype=theirs,
                )
                assert_same(x, y)
    assert_same(minigrad.eye(3, 2, dtype=chosen), torch.eye(3, 2, dtype=theirs))
    for value in (0, 3, True, 1.0, 2.5, np.float64(1), tensor(3)):
        value_torch = torch.tensor(3) if isinstance(value, minigrad.Tensor) else value
        assert_same(
            minigrad.full((2,), value, dtype=chosen), torch.full((2,), value_torch, dtype=theirs)
        )
        y, y_torch = minigrad.ones(2), torch.ones(2)
        assert_same(
            minigrad.full_like(y, value, dtype=chosen),
            torch.full_like(y_torch, value_torch, dtype=theirs),
        )


def test_size_by_name():
    assert minigrad.zeros(size=(2, 3)).shape == minigrad.ones(size=[2, 3]).shape == (2, 3)
    assert minigrad.empty_like(minigrad.ones(2, 3), dtype=minigrad.int64).dtype is minigrad.int64


@pytest.mark.parametrize("dtype", [None, *DTYPES])
def test_arange_and_linspace_agree_with_torch(torch, dtype):
    rng = np.random.default_rng(0)
    chosen = None if dtype is None else getattr(minigrad, dtype)
    theirs = None if dtype is None else getattr(torch, dtype)
    cases = [(5,), (0,), (5.0,), (1, 5), (5, 1), (5, 1, -1), (5, 1, -3), (1, 5, 2), (0, 1, 0.1),
             (1, 2.5),
             (0.5, 3), (0, 2.5), (True,), (3, 3), (0, 5, 0), (-3,), (np.float64(3),),
             (0, -2.5, -0.5)]  # fmt: skip
    cases += [tuple(rng.normal(size=3) * [5, 5, 0.7]) for _ in range(40)]
    if dtype in ("int32", "uint8"):  # torch fills arange(0, 1, 0.1) with ten zeros in these
        cases = [case for case in cases if not any(isinstance(n, float) for n in case)]
    for case in cases:
        y, error = outcome(lambda case=case: minigrad.arange(*case, dtype=chosen))
        y_torch, error_torch = outcome(lambda case=case: torch.arange(*case, dtype=theirs))
        assert (error is None) == (error_torch is None), (case, error, error_torch)
        if error is None:
            assert_same(y, y_torch, rtol=1e-6 if y.dtype is minigrad.float32 else 1e-14, atol=1e-6)
    for case in [
        (0, 1, 5),
        (0, 1, 1),
        (0, 1, 0),
        (1, 0, 4),
        (0, 10, 7),
        (-2.5, 7.3, 50),
        (3, 3, 4),
    ]:
        if dtype != "bool" and (dtype != "uint8" or case[0] >= 0):
            y, y_torch = minigrad.linspace(*case, dtype=chosen), torch.linspace(*case, dtype=theirs)
            assert_same(y, y_torch, rtol=1e-6, atol=1e-6)
    assert minigrad.linspace(start=0, end=1, steps=3).tolist() == [0, 0.5, 1]
    assert (
        minigrad.arange(start=1, end=3).tolist()
        == minigrad.arange(tensor(1), tensor(3)).tolist()
        == [1, 2]
    )


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: minigrad.zeros(), TypeError, "expected a size"),
        (lambda: minigrad.zeros(2, size=(2,)), TypeError, "twice"),
        (lambda: minigrad.zeros(-1), ValueError, "zeros: sizes must be >= 0"),
        (lambda: minigrad.zeros(2.0), TypeError, "2.0"),
        (lambda: minigrad.zeros(True), TypeError, "True"),
        (lambda: minigrad.zeros("a"), TypeError, "'a'"),
        (lambda: minigrad.zeros(None), TypeError, "None"),
        (lambda: minigrad.zeros((2,), 3), TypeError, "a size must be an integer"),
        (lambda: minigrad.zeros(2**40, 2**40), MemoryError, "overflow"),
        (lambda: minigrad.zeros(2**70), MemoryError, "overflow"),
        (lambda: minigrad.ones(0, 2**62), MemoryError, "overflow"),
        (lambda: minigrad.ones(2**42), MemoryError, "17592186044416 bytes"),
        (lambda: minigrad.ones(*[1] * 65), ValueError, "65 dimensions"),
        (lambda: minigrad.zeros(2, dtype="a"), DTypeError, "'a'"),
        (lambda: minigrad.zeros(2, dtype=np.float16), DTypeError, "float16"),
        (lambda: minigrad.zeros(2, dtype=1), DTypeError, "1"),
        (lambda: minigrad.full(2, 1.0), TypeError, "size"),
        (lambda: minigrad.full((2,), "a"), TypeError, "fill_value"),
        (lambda: minigrad.full((2,), None), TypeError, "fill_value"),
        (lambda: minigrad.full((2,), minigrad.ones(1)), TypeError, r"fill_value.*\(1,\)"),
        (lambda: minigrad.full((2,), 300, dtype=minigrad.uint8), ValueError, "300"),
        (lambda: minigrad.full((2**61,), 1), MemoryError, "overflow"),
        (lambda: minigrad.zeros_like([1]), TypeError, "zeros_like.*list"),
        (lambda: minigrad.ones_like(np.ones(2)), TypeError, "ones_like.*ndarray"),
        (lambda: minigrad.eye(-1), ValueError, ">= 0"),
        (lambda: minigrad.eye(2.5), TypeError, "2.5"),
        (lambda: minigrad.arange("a"), TypeError, "end"),
        (lambda: minigrad.arange(0, 1, None), TypeError, "step"),
        (lambda: minigrad.arange(0, 5, 0), ValueError, "step must not be 0"),
        (lambda: minigrad.arange(5, 1), ValueError, "leads from 5 to 1"),
        (lambda: minigrad.arange(float("nan")), ValueError, "finite"),
        (lambda: minigrad.arange(0, float("inf")), ValueError, "finite"),
        (lambda: minigrad.arange(5, dtype=bool), DTypeError, "bool"),
        (lambda: minigrad.arange(2**62), MemoryError, "overflow"),
        (lambda: minigrad.linspace(0, 1, -1), ValueError, ">= 0"),
        (lambda: minigrad.linspace(0, 1, 2.5), TypeError, "2.5"),
        (lambda: minigrad.linspace("a", 1, 2), TypeError, "start"),
        (lambda: minigrad.linspace(0, 1, 2**61), MemoryError, "overflow"),
        (lambda: minigrad.set_default_dtype(None), DTypeError, "None"),
        (lambda: minigrad.set_default_dtype(minigrad.int64), DTypeError, "int64"),
    ],
)
def test_bad_arguments(call, error, words):
    with pytest.raises(error, match=words):
        call()


# --- Tensor(…) -----------------------------------------------------------------------------------


def test_the_constructor_agrees_with_torch(torch):
    for arguments in [
        (),
        ([1, 2],),
        (np.array([1.0, 2]),),
        ((2, 3),),
        ([[1.5], [2]],),
        (range(3),),
    ]:
        assert_same(minigrad.Tensor(*arguments), torch.Tensor(*arguments))
    assert minigrad.Tensor(2, 3).shape == (2, 3) and not minigrad.Tensor(2, 3).numpy().any()
    assert minigrad.Tensor(minigrad.zeros(4, 5).shape).shape == (4, 5)
    assert minigrad.Tensor(tensor([1, 2])).dtype is minigrad.int64
    for arguments, error in [((2.5,), TypeError), ((True,), TypeError), (("a",), TypeError),
                             ((-1,), ValueError),
                             (([[1], [2, 3]],), ShapeError), ((None,), TypeError)]:  # fmt: skip
        with pytest.raises(error):
            minigrad.Tensor(*arguments)


def test_subclasses_and_empty_instances():
    class Weights(minigrad.Tensor):
        pass

    assert isinstance(Weights([1.0]), minigrad.Tensor) and Weights([1.0]).tolist() == [1.0]
    assert minigrad.Tensor.__new__(minigrad.Tensor).shape == (0,)


def test_dtypes():
    assert [d.name for d in (minigrad.float32, minigrad.bool)] == ["float32", "bool"]
    assert repr(minigrad.float64) == "minigrad.float64"
    assert minigrad.int32.itemsize == 4 and not minigrad.int32.is_floating_point
    for name in ("float64", np.float64, np.dtype("float64")):
        assert minigrad.zeros(1, dtype=name).dtype is minigrad.float64


def test_promote_types_agrees_with_torch(torch):
    for a, b in itertools.product(DTYPES, DTYPES):
        ours = minigrad.promote_types(getattr(minigrad, a), getattr(minigrad, b))
        assert ours.name in str(torch.promote_types(getattr(torch, a), getattr(torch, b)))


@pytest.mark.filterwarnings("ignore:.*data requires a gradient")
def test_a_graph_does_not_follow_a_copy():
    x = tensor([1.0], requires_grad=True)
    assert tensor(x * 2).is_leaf
    with pytest.raises(GraphError):
        (tensor(x * 2)).backward()


def test_a_list_that_holds_itself_is_an_error():
    endless = []
    endless.extend([endless, endless])
    for make in (minigrad.tensor, minigrad.as_tensor, minigrad.Tensor):
        with pytest.raises(ValueError, match="lists in lists, more than 64 deep"):
            make(endless)
    deep = 1.5
    for _ in range(64):
        deep = [deep]
    assert tensor(deep).shape == (1,) * 64
    with pytest.raises(ValueError, match="more than 64 deep"):
        tensor([deep])


def test_a_dtype_made_by_name_is_the_one_there_is():
    assert minigrad.ones(1).to(minigrad.dtype("float64")).dtype is minigrad.float64
    for name in ("float16", b"f8", 8, None, np.ones(2)):
        with pytest.raises(minigrad.DTypeError, match="dtype: got .*, expected one of float32"):
            minigrad.dtype(name)
    for pair in ((None, minigrad.float32), (minigrad.int64, 3)):
        with pytest.raises(minigrad.DTypeError, match="dtype: got"):
            minigrad.promote_types(*pair)


def test_more_dimensions_than_numpy_has():
    x = minigrad.from_numpy(np.ones((1,) * 64))
    for name, call in {
        "unsqueeze": lambda: x.unsqueeze(0), "stack": lambda: minigrad.stack([x, x]),
        "index": lambda: x[None], "reshape": lambda: x.reshape((1,) * 65),
        "expand": lambda: x.expand((2,) + (1,) * 64), "zeros": lambda: minigrad.zeros((1,) * 65),
    }.items():  # fmt: skip
        with pytest.raises(ValueError, match=f"^{name}: an array cannot have 65 dimensions"):
            call()
    assert "True" in repr(x > 0)  # which NumPy's array.flat could not walk


# --- histories that end ---------------------------------------------------------------------------


def test_data_that_requires_a_gradient_is_warned_of():
    w = minigrad.tensor([2.0, 3.0], requires_grad=True)
    for data in (w, w * 2, [w[0], w[1]], [[1.0, w[1]]]):
        with pytest.warns(UserWarning, match="data requires a gradient, which ends here.*stack"):
            assert not minigrad.tensor(data).requires_grad
    with pytest.warns(UserWarning, match="tensor: data requires a gradient"):
        minigrad.as_tensor([w[0], w[1]])
    minigrad.tensor([w[0].item(), w[1].detach()])
    minigrad.tensor(w.detach())
    with minigrad.no_grad():
        minigrad.tensor([w[0], w[1]])


@pytest.mark.parametrize("call", [
    lambda x: minigrad.full((2,), x), lambda x: minigrad.full_like(minigrad.ones(2), x),
    lambda x: minigrad.arange(x), lambda x: minigrad.arange(0, 1, x),
    lambda x: minigrad.linspace(0, x, 3),
])  # fmt: skip
def test_numbers_that_require_a_gradient_are_refused(call):
    x = minigrad.tensor(2.0, requires_grad=True)
    with pytest.raises(GraphError, match=r"requires a gradient, but none is kept; use .item"):
        call(x)
    assert call(x.detach()).numel() > 0
