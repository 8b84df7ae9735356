"""Arithmetic and elementary functions as torch and as differences say, over shapes and layouts."""

import itertools
import operator

import numpy as np
import pytest
from helpers.grids import for_each
from helpers.layouts import DTYPES, LAYOUTS, PAIRS, leaf, normal, stretched
from helpers.torch_peer import same_as_torch

import minigrad as mg
from minigrad._kernels import use_kernels
from minigrad.autograd import gradcheck, gradgradcheck

INF, NAN = np.inf, np.nan
BINARY = {
    "add": operator.add, "sub": operator.sub, "mul": operator.mul, "div": operator.truediv,
    "pow": operator.pow, "remainder": operator.mod, "floor_divide": operator.floordiv,
}  # fmt: skip
UNARY = ["neg", "exp", "log", "sqrt", "abs", "sin", "cos", "sign"]
SHAPES = [((3, 4), (3, 4)), ((3, 4), (4,)), ((3, 4), (3, 1)), ((3, 1), (1, 4)), ((1,), (5, 4)),
          ((2, 1, 3), (4, 1)), ((), (3, 4)), ((3, 4), ()), ((), ()), ((1, 1), (1,)), ((0, 3), (3,)),
          ((2, 3, 4), (2, 1, 4)), ((2, 3, 4), (1, 3, 1))]  # fmt: skip
shapes = for_each(("a", "b"), SHAPES)
binary = pytest.mark.parametrize("name", BINARY)
unary = pytest.mark.parametrize("name", UNARY)


def positive(*shape, seed=0):
    return np.random.default_rng(seed).uniform(0.5, 2.5, shape)


def operation(name):
    """m.name(p, q); torch has no gradient of floor_divide, ours is 0."""
    if name == "floor_divide":
        return lambda m, p, q: m.div(p, q, rounding_mode="floor")
    return lambda m, p, q: getattr(m, name)(p, q)


def differentiable(name):
    return name not in ("floor_divide", "sign")


# --- as torch, and against differences -----------------------------------------------------------


@shapes
@binary
def test_broadcast_pairs(torch, name, a, b):
    x, y = positive(*a), positive(*b, seed=1)
    same_as_torch(torch, operation(name), x, y)
    same_as_torch(torch, lambda m, p, q: BINARY[name](p.detach(), q.detach()), x, y)
    if differentiable(name) and x.size * y.size:
        p, q = leaf(x), leaf(y)
        assert gradcheck(getattr(mg, name), (p, q))
        assert gradgradcheck(lambda p, q: getattr(mg, name)(p * q, q * 1.1), (p, q))


@shapes
@pytest.mark.parametrize("name", ["add", "sub", "mul"])
def test_int64_is_numpys_and_wraps_around(name, a, b):
    rng = np.random.default_rng(3)
    x, y = (rng.integers(-(2**63), 2**63 - 1, shape, np.int64) for shape in (a, b))
    with np.errstate(over="ignore"):
        expected = np.asarray(BINARY[name](x, y))
    for kernels in ("compiled", "reference"):
        with use_kernels(kernels):
            z = BINARY[name](mg.tensor(x), mg.tensor(y))
        assert z.dtype is mg.int64 and z.numpy().shape == expected.shape
        np.testing.assert_array_equal(z.numpy(), expected)


def test_int64_and_python_numbers():
    x = mg.tensor([2**62, -3])
    x += 2**62
    assert x.tolist() == [-(2**63), 2**62 - 3]
    assert (x - 1).tolist() == [2**63 - 1, 2**62 - 4]
    assert (x * np.int32(2)).tolist() == [0, 2**63 - 6]
    with pytest.raises(ValueError, match="add_: 9223372036854775808 does not fit into int64"):
        x += 2**63
    assert (mg.tensor([1, 0]) / mg.tensor([0, 0])).tolist()[0] == INF


@for_each(("first", "second"), list(itertools.product(LAYOUTS, LAYOUTS)))
@binary
def test_layouts_do_not_matter(name, first, second):
    x, y = positive(4, 3), positive(4, 3, seed=1)
    p, q = leaf(LAYOUTS[first](x)), leaf(LAYOUTS[second](y))
    f = getattr(mg, name)
    assert np.array_equal(f(p, q).detach().numpy(), f(mg.tensor(x), mg.tensor(y)).numpy())
    if differentiable(name):
        assert gradcheck(f, (p, q))


@binary
def test_stride_0(name):
    x, y = stretched(positive(4, 3), 0), positive(4, 3, seed=1)
    f = getattr(mg, name)
    assert mg.equal(f(mg.from_numpy(x), mg.from_numpy(y)), f(mg.tensor(x.copy()), mg.tensor(y)))
    if differentiable(name):
        assert gradcheck(f, (leaf(x), leaf(stretched(y, 1))))


@for_each("shape", [(3, 4), (), (0, 3), (1,)])
@unary
def test_functions_of_one_tensor(torch, name, shape):
    x = positive(*shape) if name in ("log", "sqrt") else normal(*shape)
    same_as_torch(torch, lambda m, p: getattr(m, name)(p), x)
    same_as_torch(torch, lambda m, p: getattr(p, name)(), x.astype(np.float32))
    if differentiable(name) and x.size:
        assert gradcheck(getattr(mg, name), leaf(x))
        assert gradgradcheck(lambda p: getattr(mg, name)(p * p), leaf(np.asarray(abs(x) + 0.1)))


@for_each("layout", LAYOUTS)
@unary
def test_layouts_of_one_tensor(name, layout):
    x = positive(4, 3)
    f = getattr(mg, name)
    p = leaf(LAYOUTS[layout](x))
    assert np.array_equal(f(p).detach().numpy(), f(mg.tensor(x)).numpy())
    if differentiable(name):
        assert gradcheck(f, p)


# --- dtypes --------------------------------------------------------------------------------------


def few(dtype, *shape):
    return np.resize([3, 1, 2, 7, 1, 5], shape).astype(dtype)


def as_torch_or_refused(torch, function, *arrays):
    """The same result, or an error in words where torch has none for these dtypes."""
    try:
        function(torch, *(torch.from_numpy(np.array(a)) for a in arrays))
    except RuntimeError:
        with pytest.raises(mg.DTypeError, match="not defined for|alpha = "):
            function(mg, *(mg.from_numpy(np.array(a)) for a in arrays))
    else:
        same_as_torch(torch, function, *arrays)


@for_each(("first", "second"), PAIRS)
@binary
def test_every_pair_of_dtypes_as_torch(torch, name, first, second):
    for a, b in (((2,), (2,)), ((), (2,)), ((2,), ()), ((), ())):
        x, y = few(first, *a), few(second, *b)
        as_torch_or_refused(torch, lambda m, p, q: BINARY[name](p.detach(), q.detach()), x, y)


@for_each(
    "number", [True, 2, 2.5, np.float32(2.5), np.float64(0.1), np.int32(2)]
)
@for_each("dtype", DTYPES)
@binary
def test_numbers_never_widen(torch, name, number, dtype):
    for shape in ((2,), ()):
        x = few(dtype, *shape)
        as_torch_or_refused(torch, lambda m, p: BINARY[name](p.detach(), number), x)
        as_torch_or_refused(torch, lambda m, p: BINARY[name](number, p.detach()), x)


@for_each(("first", "second"), PAIRS)
@pytest.mark.parametrize("name", ["add", "mul", "div", "pow"])
def test_arrays_on_either_side_count_as_tensors(name, first, second):
    x, y = few(first, 2), few(second, 2)
    if name == "pow" and first == second == "bool":
        for call in (lambda: mg.tensor(x) ** y, lambda: x ** mg.tensor(y)):
            with pytest.raises(mg.DTypeError, match="pow: not defined for bool tensors"):
                call()
        return
    expected = BINARY[name](mg.tensor(x), mg.tensor(y))
    for result in (BINARY[name](mg.tensor(x), y), BINARY[name](x, mg.tensor(y))):
        assert isinstance(result, mg.Tensor)
        assert result.dtype is expected.dtype
        assert mg.equal(result, expected)


def test_an_array_on_the_left_keeps_the_graph():
    w = leaf(normal(3))
    y = np.array([1.0, 2.0, 3.0]) * w - np.ones(3)
    dy = normal(3, seed=1)
    y.backward(mg.tensor(dy))
    np.testing.assert_allclose(w.grad.numpy(), dy * [1, 2, 3])


@for_each("dtype", DTYPES)
@unary
def test_dtypes_of_one_tensor_as_torch(torch, name, dtype):
    as_torch_or_refused(torch, lambda m, p: getattr(m, name)(p.detach()), few(dtype, 4))


@pytest.mark.parametrize("dtype", DTYPES)
def test_plus_is_not_defined_for_masks(torch, dtype):
    as_torch_or_refused(torch, lambda m, p: +p.detach(), few(dtype, 4))
    x = mg.tensor([1.0])
    assert +x is x


@pytest.mark.parametrize("alpha", [2, 2.5, True, -1], ids=repr)
@pytest.mark.parametrize("name", ["add", "sub"])
def test_alpha_never_changes_the_dtype(torch, name, alpha):
    for first, second in PAIRS:
        if alpha == -1 and "uint8" in (first, second):
            continue  # no number of a uint8: an error here, and 255 in torch
        for a, b in (((2,), (2,)), ((), (2,)), ((2,), ()), ((), ())):
            x, y = few(first, *a), few(second, *b)
            as_torch_or_refused(
                torch, lambda m, p, q: getattr(m, name)(p.detach(), q.detach(), alpha=alpha), x, y
            )


def test_integers_with_signs_as_torch(torch):
    a, b = np.array([7, -7, 7, -7, 0]), np.array([2, 2, -2, -2, 3])
    for name in ("remainder", "floor_divide"):
        same_as_torch(torch, operation(name), a, b)
        same_as_torch(torch, operation(name), a / 2, b / 4)
    for p, q in ((a, b), (a / 2, b / 4), (a * 2**55 + 1, b)):
        same_as_torch(torch, lambda m, p, q: m.div(p, q, rounding_mode="trunc"), p, q)


# --- special values ------------------------------------------------------------------------------


EDGES = np.array([0.0, -0.0, 1.0, -1.0, 2.0, -2.5, INF, -INF, NAN, 1e-310, 1e308])


@binary
def test_edges_as_torch(torch, name):
    with np.errstate(all="raise"):
        x, y = np.meshgrid(EDGES, EDGES)
        if name in ("remainder", "floor_divide"):
            keep = (abs(x) < 9) & (abs(y) < 9) & (abs(y) > 1e-9)
            x, y = x[keep], y[keep]
        if (
            name == "pow"
        ):  # torch gives 0 · ∞ = NaN; the limits are in promises/test_special_values.py
            zero = np.isinf(y) & np.where(y > 0, abs(x) < 1, abs(x) > 1)
            keep = ~zero & ~(np.isinf(x) & (y < 0))
            x, y = x[keep], y[keep]
        same_as_torch(torch, operation(name), x, y)


@unary
def test_edges_of_one_tensor_as_torch(torch, name):
    with np.errstate(all="raise"):
        same_as_torch(torch, lambda m, p: getattr(m, name)(p), EDGES[:-2])


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, 0.5, -0.5, 0.0, 2.0])
def test_powers_as_torch(torch, exponent):
    same_as_torch(torch, lambda m, p: p**exponent, np.array([0.0, 1.0, 2.0, -1.0, -3.0]))
    same_as_torch(torch, lambda m, p: exponent**p, np.array([0.0, 1.0, 2.0, -1.0, 0.5]))


def test_the_logarithm_of_nothing_and_less():
    x = mg.tensor([0.0, -1.0], requires_grad=True)
    with np.errstate(all="raise"):
        y = mg.log(x)
        y.backward(mg.tensor([1.0, 1.0]))
    assert y[0].item() == -INF
    assert np.isnan(y[1].item())
    assert x.grad[0].item() == INF


@pytest.mark.parametrize("name", ["add", "sub", "add_", "sub_"])
def test_alpha_is_a_number(name):
    x = mg.zeros(2)
    for alpha in ("x", None, [2], np.ones(2), mg.ones(2, requires_grad=True)):
        with pytest.raises(TypeError, match=f"{name}: alpha must be a number"):
            getattr(x, name)(1.0, alpha=alpha)
    with pytest.raises(TypeError, match=f"{name}: other must be"):
        getattr(x, name)([1.0, 2.0], alpha=2)
    for other in (np.ones(2, np.float32), np.float32(1)):
        assert abs(getattr(x.clone(), name)(other, alpha=1e300)).tolist() == [INF, INF]


def test_alpha(torch):
    a, b = normal(3), normal(3, seed=1)
    same_as_torch(torch, lambda m, p, q: m.add(p, q, alpha=3), a, b)
    same_as_torch(torch, lambda m, p, q: m.sub(p, q, alpha=0.1), a, b)
    same_as_torch(torch, lambda m, p: p.add(2, alpha=0.1), a)


# --- the loops -----------------------------------------------------------------------------------


@for_each("seed", range(60))
def test_any_two_shapes_as_numpy(seed):
    rng = np.random.default_rng(seed)
    shape = rng.integers(1, 5, rng.integers(0, 5))
    operands = []
    for _ in range(2):
        own = np.where(rng.random(shape.size) < 0.4, 1, shape)[rng.integers(0, shape.size + 1) :]
        operands.append(rng.standard_normal(own).astype(rng.choice(["float32", "float64"])))
    a, b = operands[0], operands[1].astype(operands[0].dtype)
    for name in ("add", "sub", "mul", "div"):
        expected = BINARY[name](a, b)
        result = BINARY[name](mg.tensor(a), mg.tensor(b))
        assert result.numpy().dtype == expected.dtype
        assert np.array_equal(result.numpy(), expected)
        with use_kernels("reference"):
            assert mg.equal(BINARY[name](mg.tensor(a), mg.tensor(b)), result)


def test_inputs_are_not_written():
    for name, f in BINARY.items():
        x, y = few("float64", 3), few("float64", 3)
        x.flags.writeable = y.flags.writeable = False
        result = f(mg.from_numpy(x), mg.from_numpy(y))
        assert not np.shares_memory(result.numpy(), x), name
    for name in UNARY:
        assert not np.shares_memory(getattr(mg, name)(mg.from_numpy(x)).numpy(), x), name


# --- errors --------------------------------------------------------------------------------------


@binary
def test_shapes_that_do_not_broadcast(name):
    with pytest.raises(mg.ShapeError, match=r"\(2, 3\).*\(4,\)"):
        getattr(mg, name)(mg.ones(2, 3), mg.ones(4))


def test_the_message_names_the_dimension():
    with pytest.raises(mg.ShapeError, match="add: .*sizes 2 and 3 at dimension -2"):
        mg.ones(2, 3) + mg.ones(3, 1)


@for_each("bad", [None, "a", [1.0], 1j, object()])
@binary
def test_what_is_no_operand(name, bad):
    spelling = "div" if name == "floor_divide" else name
    with pytest.raises(
        TypeError, match=f"{spelling}: (other|exponent) must be a Tensor, a NumPy array"
    ):
        getattr(mg, name)(mg.ones(2), bad)
    with pytest.raises(TypeError, match=f"{spelling}: input must be a Tensor, a NumPy array"):
        getattr(mg, name)(bad, mg.ones(2))


@unary
def test_what_is_no_tensor(name):
    with pytest.raises(TypeError, match=f"{name}: input must be a Tensor"):
        getattr(mg, name)("a")


def test_bool_has_no_arithmetic():
    t = mg.tensor([True, False])
    for call in (lambda: t - t, lambda: -t, lambda: t // t, lambda: t % True, lambda: t**t,
                 lambda: True**t, lambda: abs(t), lambda: +t, lambda: t @ t,
                 lambda: mg.div(t, t, rounding_mode="trunc")):  # fmt: skip
        with pytest.raises(mg.DTypeError, match=r"not defined for bool tensors; .*(\.int|logical)"):
            call()
    assert (t + t).tolist() == [True, False]
    assert (t**True).tolist() == [True, False] and (t**False).tolist() == [True, True]


MASK = np.array([True, False])


@pytest.mark.parametrize("kernels", ["compiled", "reference"])
@pytest.mark.parametrize("dtype", [*DTYPES, "number"])
def test_a_difference_with_a_mask_is_refused_both_ways_round(dtype, kernels):
    """As in torch: mostly it is a mask where numbers were meant, or the other mask was."""
    x = mg.tensor(few(dtype, 2)) if dtype != "number" else 2.5
    ways = {
        "tensor": (mg.tensor(MASK), r"other is one; convert it with \.float.* ~mask for 1 - mask"),
        "0-d tensor": (mg.tensor(True), "other is one"),
        "array": (MASK, "other is one"),
        "bool": (True, "not defined for bool, and other is True; write 1"),
        "NumPy bool": (np.False_, "not defined for bool, and other is False; write 0"),
    }
    with use_kernels(kernels):
        for kind, (mask, words) in ways.items():
            if dtype == "number" and "tensor" not in kind:
                continue  # nothing of ours
            if dtype == "bool":
                words = r"not defined for bool tensors; use \^ or logical_xor"
            calls = {
                "sub": lambda: mg.sub(x, mask),  # noqa: B023
                "alpha": lambda: mg.sub(x, mask, alpha=2),  # noqa: B023
                "-": lambda: x - mask,  # noqa: B023
                "subtract": lambda: np.subtract(x, mask),  # noqa: B023
            }
            for name, call in calls.items():
                with pytest.raises(mg.DTypeError, match=words):
                    call()
                assert name
            for call in (lambda: mg.sub(mask, x), lambda: mask - x, lambda: np.subtract(mask, x)):  # noqa: B023
                with pytest.raises(mg.DTypeError, match=words.replace("other", "input")):
                    call()


@pytest.mark.parametrize(
    "other", [mg.tensor(MASK), MASK, mg.tensor(True), True, np.True_], ids=repr
)
def test_no_mask_is_subtracted_in_place(other):
    for dtype in DTYPES:
        x = mg.tensor(few(dtype, 2))
        for call in (lambda: x.sub_(other), lambda: x.__isub__(other),  # noqa: B023
                     lambda: x.sub_(other, alpha=2), lambda: x[:1].sub_(other)):  # noqa: B023
            with pytest.raises(mg.DTypeError, match="sub_: not defined for bool"):
                call()
        assert x._version == 0 and np.array_equal(x.numpy(), few(dtype, 2))
    with pytest.raises(mg.DTypeError, match="sub_: not defined for bool tensors, and input is one"):
        mg.tensor(MASK).sub_(1)
    recorded = leaf(normal(2)) * 2
    with pytest.raises(mg.DTypeError, match="sub_: not defined for bool"):
        recorded -= other


def test_what_a_mask_is_good_for():
    """The cures that the errors name."""
    x, mask = mg.tensor([3.0, 5.0]), mg.tensor(MASK)
    assert (x - mask.float()).tolist() == [2, 5] and (x - 1).tolist() == [2, 4]
    assert (~mask).tolist() == [False, True] and (mask ^ mask).tolist() == [False, False]


def test_integers_divided_by_zero():
    x = mg.tensor([1, 2])
    for call in (lambda: x // 0, lambda: x % 0, lambda: x // mg.tensor([1, 0])):
        with pytest.raises(ZeroDivisionError, match="an integer divided by zero"):
            call()
    assert (x / 0).tolist() == [INF, INF]


def test_other_bad_arguments():
    with pytest.raises(
        ValueError, match="rounding_mode must be None, 'floor' or 'trunc', got 'up'"
    ):
        mg.div(mg.ones(1), 2, rounding_mode="up")
    with pytest.raises(ValueError, match="pow: an integer to a negative integer power"):
        mg.tensor([2]) ** -1
    with pytest.raises(ValueError, match="add: 300 does not fit into uint8"):
        mg.tensor([1], dtype=mg.uint8) + 300


@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
def test_slopes_of_powers_to_infinity(dtype):
    """0 where the power is the constant 0, and ∞ where it is not."""
    a = mg.tensor([0.5, 2.0, 3.0], dtype=dtype, requires_grad=True)
    (a ** mg.tensor([INF, INF, 2.0], dtype=dtype)).sum().backward()
    assert a.grad.tolist() == [0, INF, 6]


def test_a_slope_of_zero_may_itself_change():
    """a² at 0, beside an exponent that makes the power a constant."""
    a = mg.tensor([0.0, 2.0], dtype=mg.float64, requires_grad=True)
    b = mg.tensor([2.0, 0.0], dtype=mg.float64)
    (da,) = mg.autograd.grad((a**b).sum(), a, create_graph=True)
    assert da.tolist() == [0, 0]
    assert mg.autograd.grad(da.sum(), a)[0].tolist() == [2, 0]


def test_second_derivatives_of_powers_at_zero():
    """Where a power is 0 or 1 nearby, no infinite factor of its gradient becomes a NaN later."""
    a = mg.tensor([0.0, 0.0, 2.0, 0.0], dtype=mg.float64, requires_grad=True)
    b = mg.tensor([1.5, 3.0, 0.0, 0.0], dtype=mg.float64, requires_grad=True)
    dy = mg.tensor([1.0, -2.0, 3.0, 4.0], dtype=mg.float64, requires_grad=True)
    da, db = mg.autograd.grad(a**b, (a, b), dy, create_graph=True)
    assert da.tolist() == [0, 0, 0, 0]
    assert db.tolist() == [0, 0, 3 * np.log(2), 0]
    by_b, by_dy = mg.autograd.grad(da.sum(), (b, dy), retain_graph=True)
    assert by_b.tolist() == [0, 0, 3 / 2, 0]  # d (b a^(b−1)) / db = 1/a at b = 0
    assert by_dy.tolist() == [0, 0, 0, 0]
    (by_dy,) = mg.autograd.grad(db.sum(), dy)
    assert by_dy.tolist() == [0, 0, np.log(2), 0]


@pytest.mark.parametrize("name", ["exp", "log", "sin", "cos", "pow"])
def test_the_same_bits_backwards(name):
    x = np.random.default_rng(0).uniform(0.5, 2, 1000)
    arguments = (x + 0.5,) if name == "pow" else ()
    forwards = getattr(mg, name)(mg.from_numpy(x), *map(mg.from_numpy, arguments)).numpy()
    backwards = getattr(mg, name)(
        mg.from_numpy(x[::-1]), *(mg.from_numpy(each[::-1]) for each in arguments)
    )
    assert np.array_equal(backwards.numpy()[::-1], forwards)
