"""Sums, means, variances, norms: kernels = twins; values, dtypes, gradients as torch; nothing."""

import itertools

import numpy as np
import pytest
from helpers.grids import for_each
from helpers.layouts import DTYPES, LAYOUTS, REDUCTIONS, leaf, normal
from helpers.torch_peer import same_as_torch

import minigrad as mg
from minigrad import nn
from minigrad._kernels import reductions, reference, use_kernels
from minigrad.autograd import gradcheck, gradgradcheck

INF, NAN = np.inf, np.nan
NAMES = ["sum", "mean", "var", "std", "norm"]
names = pytest.mark.parametrize("name", NAMES)
cases = for_each(("shape", "dim"), REDUCTIONS)
keeps = for_each("keepdim", [False, True])


def reduce(name, dim, keepdim=False):
    """m.name(x, dim, keepdim), said as torch lets it be said."""

    def function(m, x):
        if name == "norm":
            return m.norm(x, dim=None if dim == () else dim, keepdim=keepdim)
        if dim is None and not keepdim:
            return getattr(m, name)(x)
        if dim is None and name in ("mean", "sum"):
            return getattr(m, name)(x, (), keepdim)
        return getattr(m, name)(x, dim=dim, keepdim=keepdim)

    return function


# --- kernels -------------------------------------------------------------------------------------

SIZES = [
    (1, 7, 5), (3, 1, 4), (2, 9, 1), (4, 3, 2), (1, 4, 1030), (1, 1, 1),
    (2, 0, 3), (0, 3, 2), (2, 3, 0),
]  # fmt: skip


@pytest.mark.parametrize("size", SIZES, ids=str)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_kernels_equal_their_twins(size, dtype):
    x = (normal(*size) + 3).astype(dtype)
    results = []
    for kernels in (reductions, reference):
        mean, y = np.full((2, size[0], size[2]), 77.0)
        with np.errstate(all="ignore"):
            kernels.sum_forward(x, mean, size[1])
            kernels.var_forward(x, mean, y, size[1] - 0.5)
        results.append((mean, y))
    np.testing.assert_allclose(results[0], results[1], rtol=1e-14)


def test_kernels_refuse_sizes_that_do_not_fit():
    x, y = np.ones((2, 3, 4)), np.ones((2, 3))
    with pytest.raises(ValueError, match=r"sum_forward: x is \(2, 3, 4\), y \(2, 3\)"):
        reductions.sum_forward(x, y, 1.0)
    with pytest.raises(ValueError, match=r"var_forward: .*, mean \(2, 3\), y \(2, 4\)"):
        reductions.var_forward(x, y, np.ones((2, 4)), 1.0)
    with pytest.raises(TypeError):
        reductions.sum_forward(x, None, 1.0)


def test_ten_million_tenths():
    x = mg.from_numpy(np.full(10**7, 0.1, dtype=np.float32))
    exact = 1e7 * float(np.float32(0.1))
    assert x.sum().item() == np.float32(exact)
    assert x.mean().item() == np.float32(0.1)
    columns = mg.from_numpy(np.full((2 * 10**6, 5), 0.1, dtype=np.float32)).sum(0)
    assert columns.tolist() == [np.float32(exact / 5)] * 5


@pytest.mark.parametrize("offset", [0.0, 1e2, 1e4, 1e6])
@pytest.mark.parametrize("dim", [0, 1])
def test_float32_variance_at_any_offset(offset, dim):
    x = (normal(64, 48) + offset).astype(np.float32)
    exact = x.astype(np.float64).var(axis=dim, ddof=1)
    np.testing.assert_allclose(mg.tensor(x).var(dim).numpy(), exact, rtol=1e-7)
    t = mg.tensor(x, requires_grad=True)
    dy = normal(*exact.shape, seed=1, dtype=np.float32)
    t.var(dim).backward(mg.tensor(dy))
    mean = x.astype(np.float64).mean(axis=dim, keepdims=True)
    expected = np.expand_dims(dy, dim) * 2 * (x - mean) / (x.shape[dim] - 1)
    np.testing.assert_allclose(t.grad.numpy(), expected, rtol=0, atol=3e-7 * np.abs(expected).max())


def test_reference_kernels_serve_the_same_operations():
    x = mg.tensor(normal(3, 4, 5))
    compiled = [getattr(x, name)(dim=(0, 2)) for name in NAMES]
    with use_kernels("reference"):
        for name, y in zip(NAMES, compiled, strict=True):
            assert mg.allclose(getattr(x, name)(dim=(0, 2)), y, rtol=1e-14)


# --- as torch ------------------------------------------------------------------------------------


@cases
@keeps
@names
@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
def test_values_and_gradients_as_torch(torch, name, shape, dim, keepdim):
    if name == "std" and np.prod(shape) == 1:
        return  # torch: NaN; the gradient of a constant is 0 here
    if name in ("var", "std") and dim == ():
        return  # torch 2.13 divides by 0 in this backward
    same_as_torch(torch, reduce(name, dim, keepdim), normal(*shape))
    same_as_torch(torch, reduce(name, dim, keepdim), normal(*shape, dtype=np.float32))


@cases
@names
def test_gradients(name, shape, dim):
    if name in ("var", "std") and np.prod(shape) == 1:
        return
    x = leaf(normal(*shape))
    function = reduce(name, dim)
    assert gradcheck(lambda x: function(mg, x), x)
    assert gradgradcheck(lambda x: function(mg, x * x), x)


@for_each("layout", LAYOUTS)
@for_each("dim", [None, 0, 1, 2])
@names
def test_layouts_do_not_matter(name, layout, dim):
    a = normal(4, 3, 2)
    x = mg.from_numpy(LAYOUTS[layout](a))
    assert mg.equal(getattr(x, name)(dim=dim), getattr(mg.tensor(a), name)(dim=dim))
    assert gradcheck(lambda x: getattr(x, name)(dim=dim), x.requires_grad_())


@names
def test_stride_0(name):
    a = np.broadcast_to(normal(3, 1), (3, 4))
    for dim in (0, 1, None):
        y = getattr(mg.from_numpy(a), name)(dim=dim)
        assert mg.equal(y, getattr(mg.tensor(a.copy()), name)(dim=dim))


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_sum_of_any_dtype_as_torch(torch, dtype):
    a = np.array([[0, 1, 2, 200], [0, 0, 3, 0]]).astype(dtype)
    same_as_torch(torch, lambda m, x: m.sum(x), a)
    same_as_torch(torch, lambda m, x: m.sum(x, 0, True), a)
    same_as_torch(torch, lambda m, x: x.sum(dim=1), a)


@for_each(("source", "target"), list(itertools.product(DTYPES, DTYPES[:-1])))
def test_sum_in_another_dtype_as_torch(torch, source, target):
    a = np.array([[0, 1, 2.75, 200], [0, 0, 3, 0]]).astype(source)
    same_as_torch(torch, lambda m, x: x.detach().sum(1, dtype=getattr(m, target)), a)
    if target.startswith("float"):
        same_as_torch(torch, lambda m, x: x.sum(1, dtype=getattr(m, target)), a)
        same_as_torch(torch, lambda m, x: x.mean(1, dtype=getattr(m, target)), a)


@pytest.mark.parametrize("options", [{}, {"correction": 0}, {"correction": 2}, {"correction": 1.5},
                                     {"unbiased": False}, {"unbiased": True}])  # fmt: skip
@pytest.mark.parametrize("name", ["var", "std"])
def test_corrections_as_torch(torch, name, options):
    a = normal(4, 5)
    same_as_torch(torch, lambda m, x: getattr(m, name)(x, dim=0, **options), a)
    same_as_torch(torch, lambda m, x: getattr(x, name)(0, False), a)
    same_as_torch(torch, lambda m, x: getattr(x, name)(False), a)
    same_as_torch(torch, lambda m, x: getattr(x, name)(1, True, True), a)


@pytest.mark.parametrize("name", ["var", "std"])
def test_one_value_has_no_variance_and_one_warning_names_the_cure(torch, kernels, name):
    for shape, arguments, options in [
        ((1,), (), {}),
        ((), (), {}),
        ((1,), (True,), {}),
        ((2, 1), (1,), {}),
        ((2, 1), (-1,), {"keepdim": True}),
        ((2, 1), (1,), {"unbiased": True}),
        ((1, 1, 2), ((0, 1),), {"correction": 1.0}),
        ((2, 2), (), {"correction": 4}),
        ((2, 2), (0,), {"correction": 2.5}),
        ((0,), (), {}),
        ((2, 0), (1,), {"correction": 0}),
    ]:
        values = np.zeros(shape)
        with np.errstate(all="raise"), pytest.warns(UserWarning) as caught:
            ours = getattr(mg.tensor(values), name)(*arguments, **options)
        assert len(caught) == 1 and caught[0].filename == __file__
        message = str(caught[0].message)
        assert message.startswith(f"{name}: degrees of freedom <= 0")
        assert ("correction=0 divides" in message) == (values.size > 0)
        with pytest.warns(UserWarning, match="degrees of freedom is <= 0"):
            theirs = getattr(torch.tensor(values), name)(*arguments, **options)
        np.testing.assert_array_equal(ours.numpy(), theirs.numpy())


@pytest.mark.parametrize("name", ["var", "std"])
def test_where_a_variance_exists_or_nothing_is_asked_there_is_no_warning(kernels, name):
    one = mg.tensor([[1.0], [2.0]])  # a warning would be an error here
    assert getattr(one, name)(1, correction=0).tolist() == [0, 0]
    assert getattr(one, name)(1, unbiased=False).tolist() == [0, 0]
    assert getattr(one, name)(1, correction=0.5).tolist() == [0, 0]
    assert getattr(mg.zeros(0, 1), name)(1).shape == (0,)
    with pytest.warns(UserWarning):
        assert one.var(correction=3).item() == INF


def test_normalizations_of_one_value_warn_of_nothing(kernels):
    layers = [nn.LayerNorm(1), nn.BatchNorm1d(1).eval(), nn.BatchNorm1d(1)]
    for layer, rows in zip(layers, (1, 1, 2), strict=True):
        layer(mg.ones(rows, 1, requires_grad=True)).sum().backward()
    repr(mg.ones(1)), mg.ones(1).norm(), mg.randn(1)


@pytest.mark.parametrize("p", ["fro", 2, 1, 3, 2.5, 1.5, 0.5, INF, -INF, 0, -1])
@for_each("dim", [None, 0, (0, 2)])
def test_norms_as_torch(torch, p, dim):
    a = normal(3, 2, 4)
    if p == 0:  # torch has no gradient there, ours is 0
        same_as_torch(torch, lambda m, x: m.norm(x.detach(), p, dim), np.trunc(a))
    else:
        same_as_torch(torch, lambda m, x: m.norm(x, p, dim), a)
        assert gradcheck(lambda x: x.norm(p, dim), leaf(a))


@pytest.mark.parametrize("p", [2, 1, 3, 1.5, INF])
def test_the_gradient_of_a_norm_at_zero(torch, p):
    a = np.array([[0.0, 0.0], [3.0, 0.0]])
    same_as_torch(torch, lambda m, x: m.norm(x, p, 1), a)


def test_standard_deviation_of_equal_values():
    x = mg.tensor([3.0, 3.0, 3.0], requires_grad=True)
    x.std().backward()
    assert x.grad.tolist() == [0, 0, 0]


# --- nothing at all ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "dim"), [((0,), None), ((0, 3), 0), ((0, 3), 1), ((3, 0), 1), ((0, 3), (0, 1))]
)
@pytest.mark.parametrize("name", ["sum", "mean", "var", "norm"])
@pytest.mark.filterwarnings("ignore:.*degrees of freedom")
def test_empty_as_torch(torch, name, shape, dim):
    with np.errstate(all="raise"):
        same_as_torch(torch, reduce(name, dim), np.zeros(shape))


# --- bad calls -----------------------------------------------------------------------------------


@names
def test_bad_dimensions(name):
    x = mg.tensor(np.ones((2, 3)))
    with pytest.raises(IndexError, match=rf"{name}: dim 2 is out of range for a 2-d tensor"):
        getattr(x, name)(dim=2)
    with pytest.raises(IndexError, match=rf"{name}: dim -3 is out of range"):
        getattr(x, name)(dim=-3)
    with pytest.raises(TypeError, match=f"{name}: dim must be an integer, got str"):
        getattr(x, name)(dim="a")
    with pytest.raises(ValueError, match=rf"{name}: dim \(1, -1\) names a dimension twice"):
        getattr(x, name)(dim=(1, -1))


@pytest.mark.parametrize("name", ["mean", "var", "std", "norm"])
@pytest.mark.parametrize("dtype", ["int64", "uint8", "bool"])
def test_integers_have_no_mean(name, dtype):
    with pytest.raises(mg.DTypeError, match=f"{name}: input must be float.*{dtype}"):
        getattr(mg.tensor(np.ones(3, dtype=dtype)), name)()


@pytest.mark.parametrize("dtype", DTYPES)
@for_each("target", DTYPES)
def test_a_norm_is_widened_and_nothing_else_as_torch(torch, dtype, target):
    x = np.array([3, 0, 4]).astype(dtype)
    for order in (2, 1, INF):
        call = lambda m, p: m.norm(p, order, dtype=getattr(m, target))  # noqa: B023, E731
        try:
            call(torch, torch.tensor(x))
        except RuntimeError:
            with pytest.raises(mg.DTypeError, match="norm: (input must be|dtype = .*narrow)"):
                call(mg, mg.tensor(x))
        else:
            same_as_torch(torch, call, x)


@names
@pytest.mark.parametrize("bad", [None, "a", [1.0]])
def test_what_is_no_tensor(name, bad):
    with pytest.raises(TypeError, match=f"{name}: input must be a Tensor"):
        getattr(mg, name)(bad)


def test_bad_options():
    x = mg.tensor([1.0, 2.0])
    with pytest.raises(TypeError, match="var: unbiased is another way"):
        x.var(unbiased=True, correction=1)
    with pytest.raises(ValueError, match="std: correction must be finite"):
        x.std(correction=NAN)
    for p in ("nuc", NAN, True, None):
        with pytest.raises(ValueError, match="norm: p must be a number or 'fro'"):
            x.norm(p)


@names
def test_no_warning_escapes(name):
    a = np.array([[3e38, 3e38, -3e38], [INF, -INF, 1], [NAN, 0, 1e-45]], dtype=np.float32)
    with np.errstate(all="raise"):
        for dim in (None, 0, 1):
            x = mg.tensor(a, requires_grad=True)
            y = getattr(x, name)(dim=dim)
            y.backward(mg.from_numpy(np.full(y.shape, 2, dtype=np.float32)))


def test_running_sums_and_products():
    """Small enough to check by hand: rows 1 2 3 and 0 5 7, weights 1 10 100."""
    a, weights = np.array([[1.0, 2, 3], [0, 5, 7]]), np.array([1.0, 10, 100])
    x = mg.tensor(a, requires_grad=True)
    y = mg.cumsum(x, 1)
    (y * weights).sum().backward()
    assert y.tolist() == [[1, 3, 6], [0, 5, 12]]
    assert x.grad.tolist() == [[111, 110, 100]] * 2
    x.grad = None
    y = mg.prod(x, 1)
    (y * weights[:2]).sum().backward()
    assert y.tolist() == [6, 0] and x.grad.tolist() == [[6, 3, 2], [350, 0, 0]]
