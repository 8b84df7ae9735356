"""Products of matrices and the linear layer: as torch and as differences say, in every layout."""

import itertools
import os
import subprocess
import sys

import numpy as np
import pytest
from helpers.grids import for_each
from helpers.layouts import LAYOUTS, leaf, normal, stretched
from helpers.torch_peer import same_as_torch

import minigrad as mg
from minigrad import _kernels
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.nn.functional import linear

SHAPES = [
    ((3, 4), (4, 5)), ((4,), (4,)), ((3, 4), (4,)), ((4,), (4, 5)), ((2, 3, 4), (4, 5)),
    ((3, 4), (2, 4, 5)), ((2, 3, 4), (2, 4, 5)), ((2, 1, 3, 4), (5, 4, 2)), ((4,), (2, 4, 5)),
    ((2, 3, 4), (4,)), ((1, 3, 4), (2, 4, 5)), ((1, 1), (1, 1)), ((3, 1), (1, 4)),
]  # fmt: skip
EMPTY = [((0, 4), (4, 5)), ((3, 0), (0, 5)), ((3, 4), (4, 0)), ((0,), (0,)), ((2, 0, 4), (4, 5))]
INPUTS = [(3, 4), (4,), (2, 3, 4), (1, 1, 1, 4)]


# Around the edges of a tile (8 or 4 × 32), of a panel (256 deep) and of what it meets (512 rows);
# wide and tall, so that both factors are the one that is brought into rows.
KERNEL_SIZES = [
    (1, 1, 1), (8, 5, 32), (4, 6, 32), (7, 3, 31), (9, 4, 33), (5, 257, 3), (40, 300, 70),
    (64, 20, 32), (70, 513, 20), (515, 9, 40), (33, 30, 515), (8, 0, 32), (0, 3, 4), (3, 4, 0),
]  # fmt: skip


@for_each("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", KERNEL_SIZES, ids=str)
def test_kernel(kernels, sizes, dtype):
    N, K, M = sizes
    a, b = normal(N, K).astype(dtype), normal(K, M, seed=1).astype(dtype)
    y = np.full((N, M), np.nan, dtype)
    kernels.matmul(a, b, y)
    exact = a.astype(np.longdouble) @ b.astype(np.longdouble)
    # Of a sum in parts of 256 terms, with one rounding a term; BLAS may take all of them in a row.
    terms = min(K, 256) + K // 256 + 1 if _kernels.use_kernels.current == "compiled" else 2 * K
    room = np.finfo(dtype).eps * terms / 2
    assert (np.abs(y - exact) <= room * (np.abs(a).astype(float) @ np.abs(b).astype(float))).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", [size for size in KERNEL_SIZES if 0 not in size], ids=str)
def test_compiled_kernel_in_any_layout_has_the_same_bits(sizes, dtype):
    N, K, M = sizes
    a, b = normal(N, K).astype(dtype), normal(K, M, seed=1).astype(dtype)
    bits = set()
    for first, second, third in itertools.product(LAYOUTS, LAYOUTS, list(LAYOUTS)[:-1]):
        y = LAYOUTS[third](np.full((N, M), np.nan, dtype))
        _kernels.linear.matmul(LAYOUTS[first](a), LAYOUTS[second](b), y)
        bits.add(y.tobytes())
    assert len(bits) == 1


def test_compiled_kernel_gives_a_row_the_same_bits_in_any_company():
    a, b = normal(70, 300).astype(np.float32), normal(300, 45, seed=1).astype(np.float32)
    whole, part = np.empty((70, 45), np.float32), np.empty((1, 45), np.float32)
    _kernels.linear.matmul(a, b, whole)
    for n in (0, 8, 69):
        _kernels.linear.matmul(a[n : n + 1], b, part)
        assert part.tobytes() == whole[n].tobytes()


def test_too_large_is_not_called_a_wrong_shape():
    one = mg.ones(1, 1)
    for a, b in [
        (one.expand(2**31, 1), one.expand(1, 2**31)),
        (mg.ones(1, 1, 1).expand(2, 2**40, 1), one.expand(1, 2**40)),
    ]:
        with pytest.raises(MemoryError, match="matmul: the size of the product of .* overflows"):
            a @ b


def test_kernel_refuses_what_is_no_array():
    with pytest.raises(TypeError, match="must not be None"):
        _kernels.linear.matmul(np.ones((3, 0)), None, np.ones((3, 0)))
    with pytest.raises(TypeError, match="must not be None"):
        _kernels.linear.matmul(np.ones((0, 4)), np.ones((4, 0)), None)


def test_kernel_in_a_thread_with_a_small_stack():
    code = (
        "import threading, minigrad as m; threading.stack_size(65536)\n"
        "x = m.ones(70, 70).double()\n"
        "thread = threading.Thread(target=lambda: x @ x); thread.start(); thread.join()"
    )
    environment = {**os.environ, "MINIGRAD_PRODUCTS": "minigrad"}
    assert subprocess.run([sys.executable, "-c", code], env=environment).returncode == 0


def test_kernel_refuses_sizes_that_do_not_fit():
    a, b, y = np.ones((3, 4)), np.ones((4, 5)), np.ones((3, 5))
    for arguments in [(a.T, b, y), (a, b.T, y), (a, b, y.T), (a, b, np.ones((2, 5)))]:
        with pytest.raises(ValueError, match=r"matmul: a is \("):
            _kernels.linear.matmul(*arguments)
    fields = np.ones((3, 4), [("x", float), ("flag", np.int32)])["x"]  # 12 bytes apart
    with pytest.raises(ValueError, match="elements of 8 bytes that lie 48 and 12 bytes apart"):
        _kernels.linear.matmul(fields, b, y)
    assert (y == 1).all()


@for_each("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("sizes", KERNEL_SIZES, ids=str)
def test_kernel_with_a_bias(kernels, sizes, dtype):
    """Y = X Wᵀ + b is the product, rounded, and then the bias: to the bit."""
    N, K, M = sizes
    x, weight = normal(N, K).astype(dtype), normal(M, K, seed=1).astype(dtype)
    bias = normal(M, seed=2).astype(dtype)
    y, product = np.empty((N, M), dtype), np.empty((N, M), dtype)
    kernels.linear_forward(x, weight, bias, y)
    kernels.matmul(x, weight.T, product)
    assert (y == product + bias).all()


def test_kernel_with_a_bias_refuses_sizes_that_do_not_fit():
    x, weight, bias, y = np.ones((3, 4)), np.ones((5, 4)), np.ones(5), np.ones((3, 5))
    for arguments in [(x.T, weight, bias, y), (x, weight.T, bias, y), (x, weight, np.ones(4), y),
                      (x, weight, bias, np.ones((5, 3)))]:  # fmt: skip
        with pytest.raises(ValueError, match=r"linear_forward: x is \("):
            _kernels.linear.linear_forward(*arguments)
    with pytest.raises(ValueError, match="not C-contiguous"):
        _kernels.linear.linear_forward(x, weight, bias, np.asfortranarray(y))
    assert (y == 1).all()


@pytest.mark.parametrize(("a", "b"), SHAPES + EMPTY, ids=str)
def test_products_as_torch(torch, a, b):
    x, y = normal(*a), normal(*b, seed=1)
    same_as_torch(torch, lambda m, p, q: m.matmul(p, q), x, y)
    same_as_torch(torch, lambda m, p, q: p @ q, x.astype(np.float32), y.astype(np.float32))
    same_as_torch(torch, lambda m, p, q: p.detach() @ q, x, y)
    same_as_torch(torch, lambda m, p, q: p @ q.detach(), x, y)


@pytest.mark.parametrize(("a", "b"), SHAPES, ids=str)
def test_gradients_of_products(a, b):
    x, y = leaf(normal(*a)), leaf(normal(*b, seed=1))
    assert gradcheck(mg.matmul, (x, y))
    assert gradgradcheck(mg.matmul, (x, y))


@pytest.mark.parametrize(("first", "second"), list(itertools.product(LAYOUTS, LAYOUTS)))
def test_layouts_of_products(first, second):
    x, y = normal(3, 4), normal(4, 2, seed=1)
    p, q = leaf(LAYOUTS[first](x)), leaf(LAYOUTS[second](y))
    np.testing.assert_allclose((p @ q).detach().numpy(), x @ y, rtol=1e-14)
    assert gradcheck(mg.matmul, (p, q))


def test_stride_0():
    x, y = leaf(stretched(normal(3, 4), 0)), leaf(stretched(normal(4, 2), 1))
    assert gradcheck(mg.matmul, (x, y))
    (x @ y).sum().backward()  # whose gradient is one number, repeated
    np.testing.assert_allclose(x.grad.numpy(), np.ones((3, 2)) @ y.detach().numpy().T)


def test_integers(torch):
    same_as_torch(
        torch, lambda m, p, q: p @ q, np.arange(6).reshape(2, 3), np.arange(6).reshape(3, 2)
    )


def test_mm(torch):
    same_as_torch(torch, lambda m, p, q: m.mm(p, q), normal(3, 4), normal(4, 5, seed=1))
    with pytest.raises(mg.ShapeError, match=r"mm: mat2 must be a matrix, got shape \(4,\)"):
        mg.mm(mg.ones(3, 4), mg.ones(4))
    with pytest.raises(mg.ShapeError, match=r"mm: input must be a matrix, got shape \(\)"):
        mg.mm(2.0, mg.ones(2, 2))


def test_an_array_on_either_side():
    w, x = leaf(normal(4, 5)), normal(3, 4, seed=1)
    y = x @ w
    assert isinstance(y, mg.Tensor)
    np.testing.assert_allclose(y.detach().numpy(), x @ normal(4, 5))
    y.backward(mg.tensor(normal(3, 5, seed=2)))
    np.testing.assert_allclose(w.grad.numpy(), x.T @ normal(3, 5, seed=2))
    assert isinstance(w.t() @ normal(4, 2), mg.Tensor)


def test_errors_of_products():
    with pytest.raises(
        mg.ShapeError, match=r"\(2, 3\) and \(4, 5\) do not fit: the inner sizes are 3 and 4"
    ):
        mg.ones(2, 3) @ mg.ones(4, 5)
    with pytest.raises(mg.ShapeError, match=r"leading dimensions of \(2, 3, 4\) and \(3, 4, 5\)"):
        mg.ones(2, 3, 4) @ mg.ones(3, 4, 5)
    with pytest.raises(mg.ShapeError, match=r"at least 1 dimension, got shapes \(2, 3\) and \(\)"):
        mg.ones(2, 3) @ mg.tensor(2.0)
    for shape in ((2,), (2, 2), (3, 2, 2)):
        mask = mg.ones(shape, dtype=mg.bool)
        with pytest.raises(mg.DTypeError, match="matmul: not defined for bool tensors; .*float"):
            mask @ mask
        assert ((mask.int() @ mask.int()) == 2).all()
    with pytest.raises(mg.DTypeError, match="matmul: the dtypes differ: .*float32 and .*float64"):
        mg.ones(2, 3) @ mg.ones(3, 2, dtype=mg.float64)
    with pytest.raises(TypeError, match="matmul: other must be a Tensor"):
        mg.ones(2, 3) @ "a"


# --- linear ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [*INPUTS, (0, 4), (2, 0, 4)], ids=str)
@pytest.mark.parametrize("biased", [True, False])
def test_linear_as_torch(torch, shape, biased):
    def function(m, x, w, *b):
        return m.nn.functional.linear(x, w, *b)

    arrays = [normal(*shape), normal(5, 4, seed=1)] + [normal(5, seed=2)] * biased
    same_as_torch(torch, function, *arrays)
    same_as_torch(torch, function, *(a.astype(np.float32) for a in arrays))
    tensors = [leaf(a) for a in arrays]
    if 0 not in shape:
        assert gradcheck(linear, tensors)
        assert gradgradcheck(linear, tensors)


@pytest.mark.parametrize("wanted", list(itertools.product([True, False], repeat=3))[:-1])
def test_any_of_the_three_may_want_a_gradient(wanted):
    arrays = [normal(2, 3, 4), normal(5, 4, seed=1), normal(5, seed=2)]
    tensors = [mg.tensor(a, requires_grad=want) for a, want in zip(arrays, wanted, strict=True)]
    assert gradcheck(linear, tensors)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_of_linear(layout):
    change = LAYOUTS[layout]
    arrays = [normal(3, 4), normal(5, 4, seed=1), normal(5, seed=2)]
    expected = arrays[0] @ arrays[1].T + arrays[2]
    tensors = [leaf(change(a)) for a in arrays]
    np.testing.assert_allclose(linear(*tensors).detach().numpy(), expected, rtol=1e-14)
    assert gradcheck(linear, tensors)


@pytest.mark.parametrize(("inner", "outer"), [(0, 2), (3, 0), (0, 0)])
def test_no_features(inner, outer):
    x, w, b = leaf(np.ones((4, inner))), leaf(np.ones((outer, inner))), leaf(normal(outer))
    y = linear(x, w, b)
    np.testing.assert_array_equal(y.detach().numpy(), np.broadcast_to(normal(outer), (4, outer)))
    dy = normal(4, outer, seed=1)
    y.backward(mg.tensor(dy))
    assert (x.grad.shape, w.grad.shape) == ((4, inner), (outer, inner))
    np.testing.assert_allclose(b.grad.numpy(), dy.sum(axis=0))


@pytest.mark.parametrize(("x", "w", "b"), [
    ((4, 3), (2, 3), ()), ((4, 3), (2, 3), (1,)), ((3,), (2, 3), ()), ((2, 4, 3), (1, 3), ()),
    ((4, 3), (1, 3), (1,)), ((0, 3), (2, 3), ()), ((4, 3), (3,), None), ((3,), (3,), None),
    ((2, 4, 3), (3,), None),
])  # fmt: skip
def test_one_bias_for_all_and_one_row_of_weights(torch, x, w, b):
    """The forms that torch's page of linear lists: bias (out,) or (), weight (out, in) or (in,)."""
    arrays = [np.array(normal(*shape)) for shape in (x, w, b) if shape is not None]
    dy = normal(*torch.nn.functional.linear(*map(torch.tensor, arrays)).shape)
    found = []
    for m in (mg, torch):
        tensors = [m.tensor(array, requires_grad=True) for array in arrays]
        y = m.nn.functional.linear(*tensors)
        first = m.autograd.grad(y, tensors, m.tensor(dy), create_graph=True)
        second = m.autograd.grad(sum((dx**2).sum() for dx in first), tensors[:2])
        found.append([each.detach().numpy() for each in (y, *first, *second)])
    for ours, theirs in zip(*found, strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-14)


def test_errors_of_linear():
    x, w, b = mg.ones(2, 3), mg.ones(5, 3), mg.ones(5)
    with pytest.raises(
        mg.ShapeError, match=r"last size of input must be 3 .*got input of shape \(2, 4\)"
    ):
        linear(mg.ones(2, 4), w, b)
    with pytest.raises(
        mg.ShapeError, match=r"last size of input must be 3 .*got input of shape \(\)"
    ):
        linear(mg.tensor(1.0), w)
    with pytest.raises(mg.ShapeError, match=r"bias must have shape \(5,\), got \(3,\)"):
        linear(x, w, mg.ones(3))
    with pytest.raises(
        mg.ShapeError, match=r"weight must be a matrix \(out, in\), got shape \(3,\)"
    ):
        linear(x, mg.ones(3), mg.ones(1))
    with pytest.raises(
        mg.DTypeError, match="linear: input must be float32 or float64, got .*int64"
    ):
        linear(mg.tensor([[1, 2, 3]]), w)
    with pytest.raises(mg.DTypeError, match="weight is .*float32, but input is .*float64"):
        linear(x.double(), w, b)
    with pytest.raises(TypeError, match="linear: weight must be a Tensor"):
        linear(x, None)
