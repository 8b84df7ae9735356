"""Whoever computes them, products are NumPy's, in every layout, and nothing else."""

import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from helpers.grids import for_each
from helpers.layouts import normal

import minigrad as mg
from minigrad import _kernels
from minigrad._runtime import matmul as products
from minigrad.nn.functional import conv2d

SIZES = [
    (3, 4, 5), (1, 4, 5), (3, 1, 5), (3, 4, 1), (1, 1, 1), (1, 7, 1), (8, 1, 8), (9, 2, 40),
    (64, 784, 33),
]  # fmt: skip
EMPTY = [(0, 4, 5), (3, 0, 5), (3, 4, 0), (0, 0, 0)]
LAYOUTS = {
    "C": lambda x: x,
    "Fortran": np.asfortranarray,
    "every second column": lambda x: np.repeat(x, 2, 1)[:, ::2],
    "every second row": lambda x: np.repeat(x, 2, 0)[::2],
    "columns of a wider matrix": lambda x: np.concatenate([x, x], 1)[:, : x.shape[1]],
    "rows of a taller Fortran matrix": lambda x: np.asfortranarray(np.vstack([x, x]))[: len(x)],
    "backwards": lambda x: x[::-1, ::-1].copy()[::-1, ::-1],
    "a field of records": lambda x: np.rec.fromarrays([x, x])["f0"],
    "one row, repeated": lambda x: np.broadcast_to(x[:1], x.shape),
    "one column, repeated": lambda x: np.broadcast_to(x[:, :1], x.shape),
}


@pytest.fixture(params=["mkl", "minigrad", "openblas", "numpy"])
def provider(request):
    try:
        before = products.use(request.param)
    except ImportError:
        pytest.skip(f"{request.param} is not installed")
    yield request.param
    products.use(before)


def product(a, b):
    return (mg.from_numpy(a) @ mg.from_numpy(b)).numpy()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@for_each("layout", LAYOUTS)
def test_layouts(provider, layout, dtype):
    for n, k, m in SIZES:
        a, b = normal(n, k).astype(dtype), normal(k, m, seed=1).astype(dtype)
        for first, second in (
            (LAYOUTS[layout](a), b),
            (a, LAYOUTS[layout](b)),
            (LAYOUTS[layout](a), LAYOUTS[layout](b)),
        ):
            y = product(first, second)
            assert y.shape == (n, m) and y.dtype == dtype and y.flags.c_contiguous
            exact = first.astype(np.longdouble) @ second.astype(np.longdouble)
            room = np.finfo(dtype).eps * k * (np.abs(first).astype(float) @ np.abs(second)).max()
            assert np.abs(y - exact).max() <= room, (n, k, m)


def test_rows_that_overlap(provider):
    windows = np.lib.stride_tricks.sliding_window_view(normal(9), 4)
    np.testing.assert_allclose(product(windows, normal(4, 2)), windows.copy() @ normal(4, 2))


@pytest.mark.parametrize("sizes", EMPTY, ids=str)
def test_nothing_to_multiply(provider, sizes):
    n, k, m = sizes
    y = product(normal(n, k), normal(k, m))
    assert y.shape == (n, m) and not y.any()


def test_infinities_without_a_word(provider):
    huge = np.full((4, 4), 3e38, np.float32)
    assert np.isinf(product(huge, huge)).all()
    with np.errstate(all="raise"):
        y = product(np.full((4, 4), np.inf), np.zeros((4, 4)))
    assert np.isnan(y).all()


def test_another_name_changes_nothing():
    before = products.provider()
    with pytest.raises(ValueError, match="got 'blis', expected one of 'mkl', 'minigrad', 'open"):
        products.use("blis")
    assert products.provider() == before


def test_without_a_blas_our_loops_leave_to_numpy_what_does_not_suit_them(monkeypatch):
    with monkeypatch.context() as without:
        without.setitem(products._LIBRARIES, "openblas", (lambda: iter(()), "cblas_{}gemm_64"))
        before = products.use("minigrad")
    try:
        for n, k, m in SIZES:
            a, b = normal(n, k), normal(k, m, seed=1)
            np.testing.assert_allclose(product(a, b), a @ b, rtol=1e-12, atol=1e-12)
    finally:
        products.use(before)


@pytest.mark.parametrize(
    ("sizes", "others"),
    [((1024, 64, 10), 0), ((64, 64, 10), 1), ((4096, 64, 7), 1)],  # 7 of 32 columns: too few
    ids=str,
)
def test_nobody_wakes_the_threads_of_blas_for_a_narrow_product(monkeypatch, sizes, others):
    """They would wait busily for the next one, where our own threads have work."""
    n, k, m = sizes
    asked = []

    def matmul(a, b, y):
        asked.append(y.shape)
        np.dot(a, b, y)

    monkeypatch.setitem(products._LIBRARIES, "openblas", (lambda: iter(()), "cblas_{}gemm_64"))
    a, b = (normal(*shape).astype(np.float32) for shape in ((n, k), (k, m)))
    expected = a.astype(float) @ b
    before = products.use("minigrad")
    try:
        monkeypatch.setattr(np, "matmul", matmul)
        y = product(a, b)
    finally:
        monkeypatch.undo()
        products.use(before)
    assert len(asked) == others
    np.testing.assert_allclose(y, expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("points", [False, True])
def test_convolutions(provider, points):
    """Its products are those of many small matrices in a larger array."""
    x = normal(3, 32, 7, 6)
    weight = normal(16, 16, *((1, 1) if points else (3, 2)), seed=1)
    y = conv2d(mg.from_numpy(x), mg.from_numpy(weight), groups=2).numpy()
    exact = np.empty_like(y)
    for n, o, p, q in np.ndindex(*y.shape):
        h, w = weight.shape[2:]
        seen = x[n, :16] if o < 8 else x[n, 16:]
        exact[n, o, p, q] = (seen[:, p : p + h, q : q + w] * weight[o]).sum()
    np.testing.assert_allclose(y, exact, rtol=1e-12, atol=1e-12)


def test_gradients_of_convolutions(provider):
    """Both factors are stacks then, of large enough matrices for our loops."""
    x, weight = mg.from_numpy(normal(3, 32, 7, 6)), mg.from_numpy(normal(64, 16, 3, 2, seed=1))
    dy = normal(3, 64, 5, 5, seed=2)
    conv2d(x.requires_grad_(), weight.requires_grad_(), groups=2).backward(mg.from_numpy(dy))
    dx, dweight = np.zeros(x.shape), np.zeros(weight.shape)
    for n, o, p, q in np.ndindex(*dy.shape):
        window = n, slice(0, 16) if o < 32 else slice(16, 32), slice(p, p + 3), slice(q, q + 2)
        dx[window] += dy[n, o, p, q] * weight.detach().numpy()[o]
        dweight[o] += dy[n, o, p, q] * x.detach().numpy()[window]
    np.testing.assert_allclose(x.grad.numpy(), dx, rtol=1e-12, atol=1e-11)
    np.testing.assert_allclose(weight.grad.numpy(), dweight, rtol=1e-12, atol=1e-11)


def test_the_kernels_in_numpy_multiply_in_numpy(provider, monkeypatch):
    asked = []

    def matmul(a, b, y):
        asked.append(a.shape)
        return np.matmul(a, b, y)

    with mg.use_kernels("reference"):
        monkeypatch.setattr(_kernels.active, "matmul", matmul)
        product(normal(64, 64), normal(64, 64))
    assert asked == [(64, 64)]
    monkeypatch.setattr(products, "np", SimpleNamespace(matmul=matmul))
    product(normal(64, 64), normal(64, 64))
    assert len(asked) == (2 if provider == "numpy" else 1)


@for_each("sizes", [*SIZES, *EMPTY])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_linear_layers_are_a_product_and_a_bias(provider, sizes, dtype):
    """Of small integers, so that no sum is rounded, whoever computes it."""
    n, k, m = sizes
    x, weight, row = (np.rint(4 * normal(*s)).astype(dtype) for s in ((n, k), (m, k), (m,)))
    biases = {
        "C": row, "none": None, "backwards": row[::-1], "one, repeated": np.full(m, 3, dtype),
        "stride 0": np.broadcast_to(row[:1], m) if m else row, "read-only": LAYOUTS["C"](row),
    }  # fmt: skip
    biases["read-only"].flags.writeable = False
    for layout in ("C", "Fortran", "every second column", "backwards", "one row, repeated"):
        a, w = LAYOUTS[layout](x), LAYOUTS[layout](weight)
        for bias in biases.values():
            arguments = [mg.from_numpy(each) for each in (a, w, bias) if each is not None]
            y = mg.nn.functional.linear(*arguments).numpy()
            assert y.flags.c_contiguous and y.dtype == dtype
            assert np.array_equal(y, a @ w.T + (0 if bias is None else bias))


def test_numpy_wheels_lend_their_openblas():
    config = np.__config__.CONFIG["Build Dependencies"]["blas"]["name"]
    if config != "scipy-openblas":
        pytest.skip(f"NumPy was built with {config}")
    before = products.use("openblas")
    assert products.use(before) == "openblas"


def test_a_library_that_is_missing(monkeypatch):
    monkeypatch.setitem(products._LIBRARIES, "mkl", (lambda: iter(()), "cblas_{}gemm_64"))
    before = products.provider()
    with pytest.raises(ImportError, match=r"mkl was not found; pip install 'minigrad-cython\[mkl"):
        products.use("mkl")
    assert products.provider() == before


def test_a_library_without_the_function_is_passed_over(monkeypatch):
    other = next(iter(products._LIBRARIES["openblas"][0]()), None)
    if other is None:
        pytest.skip("NumPy's wheel has no OpenBLAS here")
    files = ["no library", str(other)]
    monkeypatch.setitem(products._LIBRARIES, "mkl", (lambda: iter(files), "cblas_{}gemm_nowhere"))
    with pytest.raises(ImportError, match="mkl was not found"):
        products.use("mkl")


@pytest.mark.parametrize(
    ("asked", "answer"), [("numpy", "numpy"), ("blis", "ValueError: products: got 'blis'")]
)
def test_the_environment_chooses(asked, answer):
    code = "import minigrad._runtime.matmul as p; print(p.provider())"
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True,
        env={**os.environ, "MINIGRAD_PRODUCTS": asked},
    )  # fmt: skip
    assert answer in run.stdout + run.stderr


CHANGING = """
import threading, time
import minigrad as mg
from minigrad._runtime import matmul as products
from minigrad.nn.functional import conv2d

a, b = mg.ones(600, 600)[::3, ::3], mg.ones(200, 200)
finished = False

def work():
    while not finished:
        assert (a @ b)[0, 0].item() == 200

thread = threading.Thread(target=work)
thread.start()
end = time.monotonic() + 1
while time.monotonic() < end:
    products.use("numpy")
    products.use("minigrad")
    products.use("openblas")
finished = True
thread.join()
"""


@pytest.mark.slow
def test_another_thread_may_choose_while_one_multiplies():
    before = products.provider()
    try:
        products.use("openblas")
    except ImportError:
        pytest.skip("NumPy's wheel has no OpenBLAS here")
    products.use(before)
    run = subprocess.run([sys.executable, "-c", CHANGING], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
