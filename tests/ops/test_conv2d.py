"""functional.conv2d: against torch, primitives and differences; its blocks; bad input.

The kernels themselves are in kernels/test_conv2d.py, the layer is in nn/test_conv2d.py.
"""

import signal
import time
import tracemalloc

import numpy as np
import pytest
from helpers.layouts import laid_out, leaf, normal
from helpers.pooling_reference import convolution_call, cotangent

import minigrad
from minigrad import DTypeError, GraphError, ShapeError, tensor
from minigrad._kernels import active, use_kernels
from minigrad._runtime import matmul
from minigrad.autograd import grad, gradcheck, gradgradcheck
from minigrad.nn.functional import conv2d, conv_transpose2d

BLOCK = 2**18  # what ops/nn/conv2d.pyx allows the columns and outputs of a block
torch_warns = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel")


@pytest.fixture
def by_columns():
    """Products of columns, as where our own loops do not multiply."""
    before = matmul.use("numpy")
    yield
    matmul.use(before)


@pytest.fixture(params=["compiled", "reference"])
def kernels(request):
    with use_kernels(request.param):
        yield active


def differentiated(library, function, arrays, dy, options):
    """y and the gradients; `library` is minigrad or torch."""
    leaves = [library.as_tensor(array).requires_grad_() for array in arrays]
    y = function(*leaves, **options)
    y.backward(library.as_tensor(dy))
    return [each.detach().numpy() for each in [y, *(each.grad for each in leaves)]]


def given(x, weight, bias):
    return [x, weight] if bias is None else [x, weight, bias]


@torch_warns
@pytest.mark.parametrize("block", range(3))
def test_agrees_with_torch(torch, kernels, block):
    for seed in range(70 * block, 70 * block + 70):
        x, weight, bias, options = convolution_call(seed)
        arrays = given(x, weight, bias)
        dy = cotangent(seed, conv2d(*map(tensor, arrays), **options).shape)
        found = differentiated(minigrad, conv2d, arrays, dy, options)
        expected = differentiated(
            torch, torch.nn.functional.conv2d, [a.copy() for a in arrays], dy.copy(), options
        )
        for a, b in zip(found, expected, strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10, err_msg=f"seed {seed}")


def composed(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The same from indexing and a matrix product, whose rules know nothing of convolution."""
    image = x if x.ndim == 4 else x.unsqueeze(0)
    N, C, H, W = image.shape
    O, per_group, *kernel = weight.shape  # noqa: E741
    steps, gaps = (v if isinstance(v, tuple) else (v, v) for v in (stride, dilation))
    spans = [d * (k - 1) for d, k in zip(gaps, kernel, strict=True)]
    if padding == "same":
        ends = [(span // 2, span - span // 2) for span in spans]
    else:
        padding = 0 if padding == "valid" else padding
        ends = [(p, p) for p in (padding if isinstance(padding, tuple) else (padding, padding))]
    (top, bottom), (left, right) = ends
    wide = minigrad.zeros(N, C, H + top + bottom, W + left + right, dtype=x.dtype)
    wide[:, :, top : top + H, left : left + W] = image
    out = [
        (size - span - 1) // s + 1
        for size, span, s in zip(wide.shape[2:], spans, steps, strict=True)
    ]
    h, w = (
        np.arange(count) * s + np.arange(k)[:, None] * d
        for count, s, k, d in zip(out, steps, kernel, gaps, strict=True)
    )
    columns = wide[:, :, h[:, None, :, None], w[None, :, None, :]]
    columns = columns.reshape(N, groups, per_group * kernel[0] * kernel[1], out[0] * out[1])
    y = (weight.reshape(groups, O // groups, -1) @ columns).reshape(N, O, *out)
    y = y if bias is None else y + bias.reshape(-1, 1, 1)
    return y if x.ndim == 4 else y.squeeze(0)


def test_agrees_with_primitives(kernels):
    for seed in range(60):
        x, weight, bias, options = convolution_call(seed)
        arrays = given(x, weight, bias)
        dy = cotangent(seed, conv2d(*map(tensor, arrays), **options).shape)
        found = differentiated(minigrad, conv2d, arrays, dy, options)
        expected = differentiated(minigrad, composed, arrays, dy, options)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10, err_msg=f"seed {seed}")


DIFFERENTIABLE = [
    ((2, 2, 4, 5), (3, 2, 2, 3), {}),
    ((2, 2, 4, 5), (2, 2, 3, 2), dict(stride=(2, 1), padding=(1, 2), dilation=(1, 2))),
    ((2, 4, 3, 3), (4, 2, 2, 2), dict(groups=2, padding="same")),
    ((2, 3, 3, 3), (3, 1, 2, 2), dict(groups=3, stride=2, padding=1)),
    ((2, 2, 3, 2), (3, 2, 1, 1), {}),
    ((3, 4, 3), (2, 3, 2, 2), dict(padding=1)),
    ((5, 2, 2, 2), (4, 2, 2, 2), {}),  # one window per sample: the samples side by side
]


@pytest.mark.parametrize(("x", "weight", "options"), DIFFERENTIABLE, ids=str)
@pytest.mark.parametrize("biased", [True, False])
def test_derivatives(x, weight, options, biased):
    inputs = [leaf(normal(*x, seed=0)), leaf(normal(*weight, seed=1))]
    inputs += [leaf(normal(weight[0], seed=2))] * biased
    assert gradcheck(lambda *t: conv2d(*t, **options), inputs)
    assert gradgradcheck(lambda *t: conv2d(*t, **options), inputs)


def twice_differentiated(library, function, arrays, dy, seed, options):
    """The gradients of a random function of the gradients, and of the cotangent."""
    leaves = [library.as_tensor(a).requires_grad_() for a in [*arrays, dy]]
    y = function(*leaves[:-1], **options)
    grads = library.autograd.grad(y, leaves[:-1], leaves[-1], create_graph=True)
    total = 0
    for i, each in enumerate(grads):
        total = total + (each * each * library.as_tensor(normal(*each.shape, seed=seed + i))).sum()
    second = library.autograd.grad(total, leaves, create_graph=True, allow_unused=True)
    third = sum((each**2).sum() for each in second if each is not None)
    thirds = library.autograd.grad(third, leaves, allow_unused=True)
    return [None if u is None else u.detach().numpy() for u in [*second, *thirds]]


@torch_warns
def test_second_and_third_derivatives_are_torchs(torch):
    for x, weight, options in DIFFERENTIABLE:
        arrays = [normal(*x, seed=0), normal(*weight, seed=1), normal(weight[0], seed=2)]
        dy = normal(*conv2d(*map(tensor, arrays), **options).shape, seed=3)
        found = twice_differentiated(minigrad, conv2d, arrays, dy, 5, options)
        expected = twice_differentiated(
            torch, torch.nn.functional.conv2d, [a.copy() for a in arrays], dy, 5, options
        )
        for a, b in zip(found, expected, strict=True):
            a = np.zeros_like(b) if a is None and b is not None else a
            b = np.zeros_like(a) if b is None and a is not None else b
            if a is not None:
                scale = max(1, np.abs(b).max())
                np.testing.assert_allclose(a, b, rtol=1e-9, atol=1e-9 * scale)


@pytest.mark.parametrize("wanted", range(1, 8))
def test_only_what_is_wanted_is_computed(monkeypatch, wanted):
    calls = []
    for name in ("conv2d_gather", "conv2d_scatter"):
        kernel = getattr(active, name)
        monkeypatch.setattr(
            active, name, lambda *a, kernel=kernel, name=name: calls.append(name) or kernel(*a)
        )
    wants = [bool(wanted & bit) for bit in (1, 2, 4)]
    arrays = [normal(2, 2, 4, 4, seed=0), normal(3, 2, 2, 2, seed=1), normal(3, seed=2)]
    tensors = [tensor(a, requires_grad=want) for a, want in zip(arrays, wants, strict=True)]
    y = conv2d(*tensors)
    assert calls == ["conv2d_gather"]
    calls.clear()
    y.backward(tensor(normal(*y.shape, seed=3)))
    assert calls == ["conv2d_scatter"] * wants[0] + ["conv2d_gather"] * wants[1]
    assert [each.grad is not None for each in tensors] == wants


def test_points_are_their_own_columns(monkeypatch):
    """1 × 1 without steps is a matrix product and nothing else."""

    def none(*_):
        raise AssertionError("gathered")

    monkeypatch.setattr(active, "conv2d_gather", none)
    x, weight = leaf(normal(3, 4, 5, 6, seed=0)), leaf(normal(2, 4, 1, 1, seed=1))
    dy = normal(3, 2, 5, 6, seed=2)
    y = conv2d(x, weight)
    y.backward(tensor(dy))
    w = weight.detach().numpy()[:, :, 0, 0]
    expected = np.einsum("oc,nchw->nohw", w, x.detach().numpy())
    np.testing.assert_allclose(y.detach().numpy(), expected, atol=1e-13)
    np.testing.assert_allclose(x.grad.numpy(), np.einsum("oc,nohw->nchw", w, dy), atol=1e-13)
    expected = np.einsum("nohw,nchw->oc", dy, x.detach().numpy())
    np.testing.assert_allclose(weight.grad.numpy()[:, :, 0, 0], expected, atol=1e-12)
    with pytest.raises(AssertionError, match="gathered"):
        conv2d(x, weight, stride=2)


LARGE = [
    ((300, 2, 12, 12), (3, 2, 3, 3), dict(padding=1)),  # several blocks of samples
    ((2, 8, 70, 75), (4, 8, 5, 5), dict(padding=2)),  # several blocks of rows per sample
    ((1, 8, 120, 95), (4, 8, 5, 5), dict(stride=2, padding=(2, 1), dilation=(2, 1))),
    ((2, 40, 60, 70), (12, 10, 3, 3), dict(groups=4)),
    ((3, 50, 80, 40), (60, 50, 1, 1), {}),  # points, in blocks of rows
    ((70, 64, 6, 6), (64, 64, 3, 3), {}),  # samples side by side, in several blocks
]


@pytest.mark.parametrize(("x", "weight", "options"), LARGE, ids=str)
def test_blocks(torch, monkeypatch, by_columns, x, weight, options):
    """What is worked in parts is the same, and no part is larger than said."""
    sizes = []
    for name in ("conv2d_gather", "conv2d_scatter"):
        kernel = getattr(active, name)

        def watched(a, b, *steps, kernel=kernel):
            sizes.append(max(a.size if a.ndim == 6 else 0, b.size if b.ndim == 6 else 0))
            kernel(a, b, *steps)

        monkeypatch.setattr(active, name, watched)
    arrays = [normal(*x, seed=0), normal(*weight, seed=1), normal(weight[0], seed=2)]
    dy = normal(*conv2d(*map(tensor, arrays), **options).shape, seed=3)
    found = differentiated(minigrad, conv2d, arrays, dy, options)
    expected = differentiated(torch, torch.nn.functional.conv2d, arrays, dy, options)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * max(1, np.abs(b).max()))
    assert len(sizes) >= 4 and max(sizes) <= BLOCK


TILED = [
    ((3, 8, 14, 14), (24, 8, 5, 5), dict(padding=2)),  # run by run of one row
    ((3, 8, 7, 9), (20, 8, 3, 3), dict(padding=1)),  # without regard to rows
    ((2, 8, 23, 40), (33, 8, 3, 4), dict(stride=(2, 3), padding=(1, 2))),
    ((2, 8, 30, 33), (24, 8, 3, 2), dict(dilation=(3, 2), padding=(4, 1))),
    ((2, 32, 20, 21), (48, 16, 2, 3), dict(groups=2, stride=2, padding=1, dilation=(2, 1))),
    ((2, 40, 70, 75), (16, 40, 3, 3), dict(padding=1)),  # some rows of the image at a time
    ((1, 8, 6, 300), (16, 8, 3, 3), dict()),  # rows of more terms than a sum has
]


@pytest.mark.parametrize(("x", "weight", "options"), TILED, ids=str)
def test_tiles_are_the_products_of_columns(monkeypatch, x, weight, options):
    """The windows read where they lie give what columns give; and no column is made."""
    arrays = [normal(*x, seed=0), normal(*weight, seed=1), normal(weight[0], seed=2)]
    dy = normal(*conv2d(*map(tensor, arrays), **options).shape, seed=3)
    found = {}
    for name in ("numpy", "minigrad"):
        before = matmul.use(name)
        try:
            with monkeypatch.context() as patch:
                if name == "minigrad":
                    for kernel in ("conv2d_gather", "conv2d_scatter"):
                        patch.setattr(active, kernel, None)
                found[name] = differentiated(minigrad, conv2d, arrays, dy, options)
        finally:
            matmul.use(before)
    for a, b in zip(found["minigrad"], found["numpy"], strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10 * max(1, np.abs(b).max()))


def test_memory_of_a_large_image():
    """Its columns would be 150 times the image: 240 MB."""
    x = tensor(normal(1, 8, 150, 167, seed=0), requires_grad=True)
    weight = tensor(normal(4, 8, 13, 12, seed=1), requires_grad=True)
    tracemalloc.start()
    y = conv2d(x, weight, padding=6)
    y.sum().backward()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    kept = 3 * y.numel() * 8 + 2 * x.numel() * 8
    assert peak < kept + 3 * BLOCK * 8


def test_one_row_may_be_larger_than_a_block():
    x, weight = normal(1, 60, 3, 900, seed=0), normal(2, 60, 3, 3, seed=1)
    y = conv2d(tensor(x), tensor(weight), padding=(2, 1))
    expected = composed(tensor(x), tensor(weight), padding=(2, 1))
    np.testing.assert_allclose(y.numpy(), expected.numpy(), atol=1e-10)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs signal.setitimer")
def test_ctrl_c_is_answered_between_blocks(monkeypatch, by_columns):
    class Interrupt(Exception):
        pass

    def interrupt(*_):
        raise Interrupt

    blocks = []
    kernel = active.conv2d_gather
    monkeypatch.setattr(active, "conv2d_gather", lambda *a: blocks.append(1) or kernel(*a))
    x, weight = minigrad.zeros(60, 32, 48, 48), minigrad.zeros(32, 32, 3, 3)
    before = signal.signal(signal.SIGALRM, interrupt)
    try:
        with pytest.raises(Interrupt):
            signal.setitimer(signal.ITIMER_REAL, 0.002)
            conv2d(x, weight)
            time.sleep(1)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert len(blocks) < 120  # 180 make the whole


def test_layout_does_not_matter():
    for seed in range(40):
        x, weight, bias, options = convolution_call(seed)
        rng = np.random.default_rng(seed)
        plain = [np.array(a, order="C") for a in given(x, weight, bias)]
        dy = normal(*conv2d(*map(tensor, plain), **options).shape, seed=seed)
        expected = differentiated(minigrad, conv2d, plain, dy, options)
        odd = [laid_out(rng, a) for a in plain]
        found = differentiated(minigrad, conv2d, odd, laid_out(rng, dy), options)
        for a, b in zip(found, expected, strict=True):
            np.testing.assert_array_equal(a, b)


def test_float32_is_accurate(kernels):
    x, weight, bias = (
        normal(4, 16, 20, 20, seed=0),
        normal(32, 16, 3, 3, seed=1),
        normal(32, seed=2),
    )
    dy = normal(4, 32, 18, 18, seed=3)
    arrays = [a.astype(np.float32) for a in (x, weight, bias)]
    dy = dy.astype(np.float32)
    found = differentiated(minigrad, conv2d, arrays, dy, {})
    exact = differentiated(
        minigrad, conv2d, [a.astype(float) for a in arrays], dy.astype(float), {}
    )
    for a, b in zip(found, exact, strict=True):
        assert a.dtype == np.float32
        assert np.abs(a - b).max() <= 1e-6 * np.abs(b).max()


def test_weight_gradient_of_many_samples_is_summed_in_double():
    x = np.full((40_000, 1, 2, 2), 0.1, np.float32)
    weight = tensor(np.ones((1, 1, 1, 1), np.float32), requires_grad=True)
    conv2d(tensor(x), weight).sum().backward()
    exact = 160_000 * float(np.float32(0.1))
    assert abs(weight.grad.item() - exact) <= 2e-6 * exact


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e38])
def test_no_warnings(kernels, value):
    x = leaf(np.full((2, 2, 4, 4), value, np.float32))
    weight = leaf(normal(3, 2, 2, 2, seed=1, dtype=np.float32) * 10)
    conv2d(x, weight, tensor(np.zeros(3, np.float32)), padding=1).backward(
        minigrad.full((2, 3, 5, 5), value)
    )
    assert not np.isfinite(weight.grad.numpy()).all()


@pytest.mark.parametrize("options", [{}, dict(padding=1, stride=2), dict(padding="same")])
def test_empty_batch(torch, kernels, options):
    arrays = [np.zeros((0, 4, 5, 6)), normal(2, 4, 3, 3, seed=1), normal(2, seed=2)]
    shape = tuple(torch.nn.functional.conv2d(*map(torch.as_tensor, arrays), **options).shape)
    y, dx, dweight, dbias = differentiated(minigrad, conv2d, arrays, np.zeros(shape), options)
    assert y.shape == shape and dx.shape == (0, 4, 5, 6)
    np.testing.assert_array_equal(dweight, np.zeros((2, 4, 3, 3)))
    np.testing.assert_array_equal(dbias, np.zeros(2))


def test_no_channels():
    x, weight, bias = np.zeros((2, 0, 5, 5)), np.zeros((3, 0, 2, 2)), normal(3, seed=0)
    y, dx, dweight, _ = differentiated(
        minigrad, conv2d, [x, weight, bias], normal(2, 3, 4, 4, seed=1), {}
    )
    np.testing.assert_array_equal(y, np.broadcast_to(bias[:, None, None], (2, 3, 4, 4)))
    assert (dx.shape, dweight.shape) == (x.shape, weight.shape)
    assert conv2d(tensor(normal(2, 3, 5, 5, seed=0)), tensor(np.zeros((0, 3, 2, 2)))).shape == (
        2, 0, 4, 4,
    )  # fmt: skip


def test_a_changed_weight_is_noticed():
    x, weight = leaf(normal(1, 2, 3, 3, seed=0)), leaf(normal(2, 2, 2, 2, seed=1))
    y = conv2d(x, weight)
    with minigrad.no_grad():
        weight.mul_(2)
    with pytest.raises(GraphError, match="Convolution"):
        y.sum().backward()


def test_the_gradient_of_the_gradient_alone():
    """Through dx to dy: a convolution of v."""
    x, weight = leaf(normal(1, 2, 4, 4, seed=0)), tensor(normal(3, 2, 2, 2, seed=1))
    dy = leaf(normal(1, 3, 3, 3, seed=2))
    (dx,) = grad(conv2d(x, weight), x, dy, create_graph=True)
    v = tensor(normal(1, 2, 4, 4, seed=3))
    (ddy,) = grad(dx, dy, v)
    np.testing.assert_allclose(ddy.numpy(), conv2d(v, weight).numpy(), atol=1e-13)


# --- bad arguments -------------------------------------------------------------------------------

ONES = np.ones((2, 4, 5, 5))
KERNEL = np.ones((6, 4, 3, 3))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((ONES[0, 0], KERNEL), ShapeError, r"input must have shape .*, got \(5, 5\)"),
        ((ONES[None], KERNEL), ShapeError, r"input must have shape .*, got \(1, 2, 4, 5, 5\)"),
        ((ONES, KERNEL[0]), ShapeError, r"weight must have shape .*, got \(4, 3, 3\)"),
        ((ONES, KERNEL[:, :, :0]), ShapeError, r"at least 1 × 1, got \(6, 4, 0, 3\)"),
        ((ONES[:, :3], KERNEL), ShapeError, r"input has 3 channels .* groups = 1 expects 4"),
        ((ONES, KERNEL, None, 1, 0, 1, 2), ShapeError, r"input has 4 .* groups = 2 expects 8"),
        ((ONES, KERNEL, None, 1, 0, 1, 4), ShapeError, "6 output channels, which groups = 4 does"),
        ((ONES, KERNEL, None, 1, 0, 1, 0), ValueError, "groups must be >= 1, got 0"),
        ((ONES, KERNEL, None, 1, 0, 1, True), TypeError, "groups must be an integer, got True"),
        ((ONES, KERNEL, np.ones(5)), ShapeError, r"bias must have shape \(6,\), got \(5,\)"),
        ((ONES, KERNEL, np.ones((6, 1))), ShapeError, r"bias must .*, got \(6, 1\)"),
        ((ONES, KERNEL, None, 0), ValueError, "stride must be >= 1, got 0"),
        ((ONES, KERNEL, None, (1, -1)), ValueError, r"stride must be >= 1, got \(1, -1\)"),
        ((ONES, KERNEL, None, (1, 1, 1)), TypeError, "stride must be an integer or a pair"),
        ((ONES, KERNEL, None, (1,)), TypeError, "stride must be an integer or a pair"),
        ((ONES, KERNEL, None, 1.0), TypeError, "stride must be .*, got 1.0"),
        ((ONES, KERNEL, None, True), TypeError, "stride must be .*, got True"),
        ((ONES, KERNEL, None, None), TypeError, "stride must be .*, got None"),
        ((ONES, KERNEL, None, 2**31), ValueError, "stride must be <= 2147483647, got 2147483648"),
        ((ONES, KERNEL, None, 2**80), ValueError, "stride must be <= 2147483647"),
        ((ONES, KERNEL, None, 1, -1), ValueError, "padding must be >= 0, got -1"),
        ((ONES, KERNEL, None, 1, (1, None)), TypeError, r"padding must be .*, got \(1, None\)"),
        ((ONES, KERNEL, None, 1, "full"), ValueError, "padding must be 'same', .*, got 'full'"),
        ((ONES, KERNEL, None, (1, 2), "same"), ValueError, "padding='same' needs stride 1"),
        ((ONES, KERNEL, None, 1, 0, 0), ValueError, "dilation must be >= 1, got 0"),
        ((ONES, KERNEL, None, 1, 0, 3), ShapeError, "window of 7 × 7 does .* image of 5 × 5"),
        ((ONES, np.ones((6, 4, 6, 3))), ShapeError, "window of 6 × 3 does not fit .* 5 × 5"),
        ((ONES[:0], np.ones((6, 4, 6, 6))), ShapeError, "window of 6 × 6 does not fit"),
        ((ONES.astype(int), KERNEL), DTypeError, "input must be float32 or float64, got .*int64"),
        ((ONES.astype(np.float32), KERNEL), DTypeError, "weight is .*64, but input is .*32"),
        ((ONES, KERNEL, np.ones(6, np.float32)), DTypeError, "bias is .*32, but input is .*64"),
        ((None, KERNEL), TypeError, "input must be a Tensor"),
        ((ONES, "w"), TypeError, "weight must be a Tensor"),
        ((ONES, KERNEL, [1.0] * 6), TypeError, "bias must be a Tensor"),
    ],
)
def test_bad_arguments(arguments, error, message):
    with pytest.raises(error, match=f"^conv2d: .*{message}") as caught:
        conv2d(*arguments)
    assert caught.type is error


def test_too_large_an_output_is_a_memory_error():
    with pytest.raises((MemoryError, ValueError)):
        conv2d(tensor(ONES), tensor(KERNEL), padding=2**30)


# --- seen from the other side ---------------------------------------------------------------------


def test_conv_transpose2d_agrees_with_torch(torch, kernels):
    for seed in range(60):
        rng = np.random.default_rng(seed)
        groups = int(rng.integers(1, 3))
        channels, outs = groups * rng.integers(1, 3, 2)
        kernel, stride, dilation = (tuple(rng.integers(1, 4, 2).tolist()) for _ in range(3))
        extra = tuple(
            int(rng.integers(0, max(s, d))) for s, d in zip(stride, dilation, strict=True)
        )
        options = {"stride": stride, "dilation": dilation, "groups": groups,
                   "output_padding": extra, "padding": int(rng.integers(0, 2))}  # fmt: skip
        x = rng.standard_normal((int(rng.integers(0, 3)), channels, 4, 5))
        weight = rng.standard_normal((channels, outs // groups, *kernel))
        arrays = given(x, weight, rng.standard_normal(outs) if seed % 2 else None)
        dy = cotangent(seed, conv_transpose2d(*map(tensor, arrays), **options).shape)
        found = differentiated(minigrad, conv_transpose2d, arrays, dy, options)
        theirs = torch.nn.functional.conv_transpose2d
        expected = differentiated(torch, theirs, [a.copy() for a in arrays], dy.copy(), options)
        for a, b in zip(found, expected, strict=True):
            assert a.shape == b.shape
            np.testing.assert_allclose(a, b, rtol=1e-10, atol=1e-10, err_msg=f"seed {seed}")


SQUARE, FILTERS = np.ones((1, 2, 3, 3)), np.ones((2, 3, 2, 2))


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((SQUARE[0, 0], FILTERS), {}, ShapeError, "input must have shape"),
        ((SQUARE[:, :, :0], FILTERS), {}, ShapeError, "only N may be 0"),
        ((SQUARE, FILTERS[0]), {}, ShapeError, "weight must have shape"),
        ((SQUARE[:, :1], FILTERS), {}, ShapeError, "input has 1 channels .* expects 2"),
        ((SQUARE, FILTERS), {"groups": 3}, ShapeError, "expects 2, a multiple of groups = 3"),
        ((SQUARE, FILTERS, np.ones(2)), {}, ShapeError, r"bias must have shape \(3,\), got \(2,\)"),
        ((SQUARE, FILTERS.astype("f4")), {}, DTypeError, "weight is .*float32, but input is"),
        ((SQUARE, FILTERS), {"output_padding": 1}, ValueError, "smaller than stride or dilation"),
        ((SQUARE, FILTERS), {"padding": 3}, ShapeError, "padding 3 leaves nothing"),
        ((SQUARE, FILTERS), {"stride": 0}, ValueError, "stride must be >= 1"),
        ((SQUARE, FILTERS), {"padding": "same"}, TypeError, "padding must be an integer or a pair"),
        ((SQUARE, FILTERS), {"stride": 2**30}, ValueError, "too large"),
    ],
)
def test_conv_transpose2d_bad_arguments(arguments, options, error, message):
    with pytest.raises(error, match=f"conv_transpose2d: .*{message}"):
        conv_transpose2d(*arguments, **options)
