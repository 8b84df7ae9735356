import numpy as np
import pytest
from against import assert_same, layouts, leaves, outcome

import minigrad
from minigrad import DTypeError, ShapeError, tensor

SHAPES = [(), (1,), (4,), (0, 3), (2, 3), (3, 1, 4), (2, 3, 4), (1, 2, 1, 3)]


def random_step(rng, x):
    """A random view of x (or of a tensor of x's shape): (method or attribute, arguments)."""
    shape, ndim = tuple(x.shape), x.ndim
    dim = int(rng.integers(-max(ndim, 1), max(ndim, 1)))
    other = int(rng.integers(-max(ndim, 1), max(ndim, 1)))
    kind = rng.integers(14)
    if kind == 0:
        sizes = [n for n in shape if n != 1] + [1] * int(rng.integers(0, 2))
        return "reshape", ([int(n) for n in rng.permutation(sizes)],)
    if kind == 1:
        return "reshape", (-1,) if 0 not in shape else (shape,)
    if kind == 2:
        return "flatten", tuple(sorted([dim % max(ndim, 1), other % max(ndim, 1)]))
    if kind == 3:
        return "squeeze", () if rng.random() < 0.5 else (dim,)
    if kind == 4:
        return "squeeze", (tuple(rng.permutation(ndim).tolist()[:2]),)
    if kind == 5:
        return "unsqueeze", (int(rng.integers(-ndim - 1, ndim + 1)),)
    if kind == 6:
        return "transpose", (dim, other)
    if kind == 7:
        return "permute", (tuple(rng.permutation(ndim).tolist()),)
    if kind == 8:
        sizes = [n if n != 1 or rng.random() < 0.5 else 3 for n in shape]
        return "expand", (*([2] if rng.random() < 0.5 else []), *sizes)
    if kind == 9:
        return "expand", (2, *[-1] * ndim)
    if kind == 10 and ndim <= 2:
        return "t", ()
    if kind == 11 and ndim >= 2:
        return "mT", None
    if kind == 12:
        return "broadcast_to", (2, *shape)
    if ndim <= 2:
        return "T", None
    return "view", (shape,)


def take(x, step):
    name, arguments = step
    return getattr(x, name) if arguments is None else getattr(x, name)(*arguments)


@pytest.mark.parametrize("seed", range(6))
def test_chains_of_views_agree_with_torch(torch, seed):
    rng = np.random.default_rng(seed)
    for _ in range(60):
        shape = SHAPES[rng.integers(len(SHAPES))]
        kinds = layouts(rng.standard_normal(shape))
        name = list(kinds)[rng.integers(len(kinds))]
        x, x_torch = leaves(kinds[name], torch)
        if name == "fortran" and x_torch.ndim > 1:
            x_torch = torch.from_numpy(kinds[name].copy(order="K")).requires_grad_()
        y, y_torch, steps = x, x_torch, []
        for _ in range(rng.integers(1, 6)):
            step = random_step(rng, y)
            steps.append(step)
            y, error = outcome(lambda y=y, step=step: take(y, step))
            y_torch, error_torch = outcome(lambda y=y_torch, step=step: take(y, step))
            if name in ("contiguous", "fortran"):
                assert (error is None) == (error_torch is None), (shape, steps, error, error_torch)
            if error is not None or error_torch is not None:
                break
            assert_same(y, y_torch)
            if name == "contiguous" and 0 not in shape:
                if y_torch.grad_fn is not None:
                    name = y_torch.grad_fn.name().replace("ReshapeAlias", "View")
                    assert y.grad_fn.name() == name, (shape, steps)
        else:
            if y.grad_fn is None:
                continue
            dy = rng.standard_normal(y.shape)
            y.backward(tensor(dy))
            y_torch.backward(torch.tensor(dy))
            assert_same(x.grad, x_torch.grad, rtol=1e-14)


@pytest.mark.parametrize("seed", range(4))
def test_writes_through_chains_of_views_agree_with_torch(torch, seed):
    rng = np.random.default_rng(50 + seed)
    written = 0
    for _ in range(60):
        shape = SHAPES[rng.integers(len(SHAPES))]
        array = rng.standard_normal(shape)
        x, x_torch = leaves(array, torch)
        order = rng.permutation(len(shape)).tolist()
        # A base of any memory order, so that views of it meet strides of every kind.
        base = minigrad.from_numpy(array.transpose(order).copy().transpose(np.argsort(order)))
        base_torch = torch.tensor(np.array(base.numpy()))
        base.mul_(0).add_(x)
        base_torch.mul_(0).add_(x_torch)
        y, y_torch = base, base_torch
        for _ in range(rng.integers(1, 5)):
            step = random_step(rng, y)
            after, error = outcome(lambda y=y, step=step: take(y, step))
            if error is None:
                y, y_torch = after, take(y_torch, step)
        if y._base is None or outcome(lambda y=y: y.mul_(1.0))[1] is not None:
            continue
        y_torch.mul_(1.0)
        v, v_torch = leaves(rng.standard_normal(y.shape), torch)
        y.mul_(v)
        y_torch.mul_(v_torch)
        if y_torch._base is None:
            continue
        assert_same(base, base_torch)
        assert_same(y, y_torch)
        d_base, dy = rng.standard_normal(shape), rng.standard_normal(y.shape)
        ((base * tensor(d_base)).sum() + (y * tensor(dy)).sum()).backward()
        ((base_torch * torch.tensor(d_base)).sum() + (y_torch * torch.tensor(dy)).sum()).backward()
        assert_same(x.grad, x_torch.grad, rtol=1e-13)
        assert_same(v.grad, v_torch.grad, rtol=1e-13)
        written += 1
    assert written > 15


def test_views_share_memory_and_say_so():
    x = minigrad.zeros(2, 3)
    for y in (x.reshape(3, 2), x.view(6), x.T, x.mT, x.t(), x.permute(1, 0), x.unsqueeze(1),
              x.expand(4, 2, 3), x.squeeze(), x.transpose(0, 1).unsqueeze(0).view(1, 3,
                                                                                  2)):  # fmt: skip
        assert y._base is x
        assert np.shares_memory(x.numpy(), y.numpy())
    copied = x.T.reshape(6)
    assert copied._base is None and not np.shares_memory(x.numpy(), copied.numpy())
    x.T[0, 1] = 4
    assert x.tolist() == [[0, 0, 0], [4, 0, 0]]


def test_what_changes_nothing_is_the_tensor_itself(torch):
    for library in (minigrad, torch):
        x = library.zeros(3)
        assert x.flatten() is x
        assert x.contiguous() is x
        assert x.to(library.float32) is x and x.float() is x and x.to("cpu") is x and x.cpu() is x
        assert x.reshape(3) is not x
        assert x.T.contiguous().is_contiguous() and x.clone() is not x


def test_writable_where_nothing_is_repeated():
    x = minigrad.zeros(2, 3)
    x.expand(1, 2, 3)[0, 0, 0] = 1
    assert x[0, 0].item() == 1
    with pytest.raises(ValueError, match="read-only"):
        x.expand(2, 2, 3).add_(1)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: x.reshape(5), ShapeError, r"6 elements of shape \(2, 3\) .* \(5,\)"),
        (lambda x: x.reshape(-1, 4), ShapeError, r"\(-1, 4\)"),
        (lambda x: x.reshape(-1, -1), ValueError, "only one size"),
        (lambda x: x[:0].reshape(-1, 0), ValueError, "ambiguous"),
        (lambda x: x[:0].reshape(0, -1), ValueError, "ambiguous"),
        (lambda x: x.reshape(-2, 3), ValueError, "≥ 0"),
        (lambda x: x.reshape(0, -1), ShapeError, "6 elements"),
        (lambda x: x.reshape(2**40, 2**40), ShapeError, "6 elements"),
        (lambda x: x.reshape(2.0, 3), TypeError, "2.0"),
        (lambda x: x.reshape(True, 6), TypeError, "True"),
        (lambda x: x.reshape("a"), TypeError, "'a'"),
        (lambda x: x.reshape(None), TypeError, "None"),
        (lambda x: x.view(5), ShapeError, "view: 6 elements"),
        (lambda x: x.T.view(6), ShapeError, "reshape"),
        (lambda x: x.view_as(6), ShapeError, "view: 6 elements"),
        (lambda x: x.view_as("a"), TypeError, "other"),
        (lambda x: x.flatten(1, 0), ValueError, "comes after"),
        (lambda x: x.flatten(2), IndexError, "dim 2"),
        (lambda x: x.squeeze(2), IndexError, "dim 2"),
        (lambda x: x.squeeze((0, 0)), ValueError, "twice"),
        (lambda x: x.squeeze("a"), TypeError, "dim"),
        (lambda x: x.unsqueeze(3), IndexError, "dim 3"),
        (lambda x: x.unsqueeze(-4), IndexError, "dim -4"),
        (lambda x: x.unsqueeze(None), TypeError, "dim"),
        (lambda x: x.transpose(0, 2), IndexError, "dim 2"),
        (lambda x: x.unsqueeze(0).t(), ShapeError, r"\(1, 2, 3\)"),
        (lambda x: x[0].mT, ShapeError, r"\(3,\)"),
        (lambda x: x.permute(0), ValueError, "1 dims"),
        (lambda x: x.permute(0, 0), ValueError, "twice"),
        (lambda x: x.permute(0, 2), IndexError, "dim 2"),
        (lambda x: x.expand(3), ShapeError, "1 sizes"),
        (lambda x: x.expand(4, 3), ShapeError, "only size 1 can grow"),
        (lambda x: x.expand(-1, 2, 3), ValueError, "−1 to keep"),
        (lambda x: x.expand(-2, 2, 3), ValueError, "≥ 0"),
        (lambda x: x.expand(2**62, 2**10, 2, 3), ValueError, "more than an array can be"),
        (lambda x: x.expand(2**70, 2, 3), ValueError, "more than an array can be"),
        (lambda x: x.size(2), IndexError, "dim 2"),
        (lambda x: x.sum().size(0), IndexError, "0-d"),
        (lambda x: minigrad.reshape([1], (1,)), TypeError, "input"),
        (lambda x: minigrad.flatten(None), TypeError, "input"),
        (lambda x: x.to("cuda"), ValueError, "'cuda'.*'cpu' only"),
        (lambda x: x.to(3), DTypeError, "3"),
        (lambda x: x.type("a"), DTypeError, "'a'"),
    ],
)  # fmt: skip
def test_bad_arguments(call, error, words):
    x = minigrad.zeros(2, 3)
    with pytest.raises(error, match=words):
        call(x)


def test_sizes_agree_with_torch(torch):
    for shape in SHAPES:
        x, y = leaves(np.zeros(shape), torch)
        assert tuple(x.size()) == tuple(y.size()) and x.numel() == y.numel() == x.nelement()
        assert x.dim() == y.dim() and minigrad.numel(x) == torch.numel(y)
        assert x.size().numel() == y.size().numel()
        if 0 not in shape:
            assert x.stride() == y.stride()
        for dim in range(-x.ndim, x.ndim):
            assert x.size(dim) == y.size(dim)
            if 0 not in shape:
                assert x.stride(dim) == y.stride(dim)
    assert minigrad.zeros(3, 2).T.stride() == (1, 2)


def test_expanded_beyond_memory_is_right():
    x = minigrad.ones(1).expand(2**33)
    assert x.numel() == 2**33 and x[2**32].item() == 1
    with pytest.raises(MemoryError):
        minigrad.ones(1).expand(2**46).clone()


def test_second_derivatives():
    x = tensor(np.random.default_rng(0).standard_normal((2, 1, 3)), requires_grad=True)

    def f(x):
        y = x.expand(2, 2, 3).permute(2, 0, 1).reshape(3, 4).t().unsqueeze(0).squeeze(0)
        return (y.flatten() ** 3).view(4, 3).mT * x.transpose(0, 2).reshape(3, 2)[:, :1]

    assert minigrad.autograd.gradcheck(f, (x,))
    assert minigrad.autograd.gradgradcheck(f, (x,))


# --- copies and casts ----------------------------------------------------------------------------

DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool"]


@pytest.mark.parametrize("source", DTYPES)
@pytest.mark.parametrize("target", DTYPES)
def test_casts_agree_with_torch(torch, source, target):
    array = np.array([0, 1, 2.9, 100.2]).astype(source)
    x, x_torch = leaves(array, torch)
    y, y_torch = x.to(getattr(minigrad, target)), x_torch.to(getattr(torch, target))
    assert_same(y, y_torch)
    assert_same(x.type(getattr(minigrad, target)), y_torch)
    assert_same(x.to(minigrad.zeros(1, dtype=getattr(minigrad, target))), y_torch)
    assert_same(x.to("cpu", getattr(minigrad, target)), y_torch)
    assert y.requires_grad == y_torch.requires_grad
    assert y.type().removeprefix("minigrad.") == y_torch.type().removeprefix("torch.")
    if y.grad_fn is not None:
        assert y.grad_fn.name() == y_torch.grad_fn.name()
        y.backward(tensor([1.0, 2.0, 3.0, 0.1], dtype=y.dtype))
        y_torch.backward(torch.tensor([1.0, 2.0, 3.0, 0.1], dtype=y_torch.dtype))
        assert_same(x.grad, x_torch.grad)


def test_short_names_of_casts(torch):
    x, x_torch = leaves(np.array([0.0, 1.5]), torch)
    for name in ("float", "double", "long", "int", "bool", "byte"):
        assert_same(getattr(x, name)(), getattr(x_torch, name)())


def test_casting_warns_of_nothing_and_copies_when_asked():
    assert tensor([np.nan, np.inf]).bool().tolist() == [True, True]
    tensor([np.nan, np.inf, 1e30]).int()
    assert tensor([1e300], dtype=minigrad.float64).float().tolist() == [np.inf]
    x = minigrad.zeros(2)
    y = x.to(minigrad.float32, copy=True)
    assert y is not x and not np.shares_memory(x.numpy(), y.numpy())


@pytest.mark.parametrize("name", ["contiguous", "fortran", "sliced", "flipped", "readonly"])
def test_clone_and_contiguous(name):
    array = layouts(np.random.default_rng(0).standard_normal((3, 4)))[name]
    x = minigrad.from_numpy(array).requires_grad_()
    for y in (x.clone(), x.contiguous()):
        assert y.is_contiguous()
        np.testing.assert_array_equal(y.detach().numpy(), array)
        if y is not x:
            y.detach().zero_()
    assert array.any()
    x.clone().backward(minigrad.from_numpy(array))
    np.testing.assert_array_equal(x.grad.numpy(), array)


def test_devices():
    assert minigrad.zeros(1).device == minigrad.device("cpu")
    assert (
        str(minigrad.device("cpu")) == "cpu"
        and repr(minigrad.device("cpu", 0)) == "device(type='cpu')"
    )
    assert minigrad.device(minigrad.device("cpu")).type == "cpu"
    assert len({minigrad.device("cpu"), minigrad.device("cpu:0")}) == 1
    assert minigrad.cuda.is_available() is False
    for bad, error in [
        ("cuda", ValueError),
        ("cpu:1", ValueError),
        (0, TypeError),
        (None, TypeError),
    ]:
        with pytest.raises(error, match="device"):
            minigrad.device(bad)
    with pytest.raises(ValueError, match="cpu"):
        minigrad.device("cpu", 1)
    with pytest.raises(ValueError, match="cuda"):
        minigrad.zeros(2, device="cuda")


# --- putting together, taking apart --------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
def test_joining_and_splitting_agree_with_torch(torch, seed):
    rng = np.random.default_rng(seed)
    for _ in range(40):
        shape = [int(n) for n in rng.integers(0, 4, rng.integers(1, 4))]
        dim = int(rng.integers(-len(shape), len(shape)))
        arrays = []
        for _ in range(rng.integers(1, 4)):
            own = list(shape)
            own[dim] = int(rng.integers(0, 4))
            arrays.append(rng.standard_normal(own).astype(rng.choice(["float32", "float64"])))
        pairs = [leaves(array, torch) for array in arrays]
        ours, theirs = [a for a, _ in pairs], [b for _, b in pairs]
        y, y_torch = minigrad.cat(ours, dim), torch.cat(theirs, dim)
        assert_same(y, y_torch)
        assert y.grad_fn.name() == y_torch.grad_fn.name()
        dy = rng.standard_normal(y.shape)
        (y * tensor(dy)).sum().backward()
        (y_torch * torch.tensor(dy)).sum().backward()
        for x, x_torch in pairs:
            if x.grad is not None:
                assert_same(x.grad, x_torch.grad)
        count = int(rng.integers(1, 4))
        for name, argument in [("split", count), ("chunk", count)]:
            if name == "split" and y.shape[dim] == 0:
                continue
            parts, parts_torch = (
                getattr(y, name)(argument, dim),
                getattr(y_torch, name)(argument, dim),
            )
            assert len(parts) == len(parts_torch)
            for part, part_torch in zip(parts, parts_torch, strict=True):
                assert_same(part, part_torch)
        x, x_torch = leaves(rng.standard_normal(shape), torch)
        at = int(rng.integers(-len(shape) - 1, len(shape) + 1))
        z, z_torch = minigrad.stack([x, x * 2], at), torch.stack([x_torch, x_torch * 2], at)
        assert_same(z, z_torch)
        dz = rng.standard_normal(z.shape)
        z.backward(tensor(dz))
        z_torch.backward(torch.tensor(dz))
        assert_same(x.grad, x_torch.grad, rtol=1e-14)
        for part, part_torch in zip(z.unbind(at), z_torch.unbind(at), strict=True):
            assert_same(part, part_torch)


def test_split_by_sections_and_its_gradient():
    x = tensor(np.arange(10.0).reshape(2, 5), requires_grad=True)
    a, b, c = x.split([1, 0, 4], dim=1)
    assert b.shape == (2, 0) and c._base is x
    (a.sum() * 2 + (c * c).sum()).backward()
    expected = 2 * np.arange(10.0).reshape(2, 5)
    expected[:, 0] = 2
    np.testing.assert_array_equal(x.grad.numpy(), expected)


def test_joining_promotes_as_torch(torch):
    for a in DTYPES:
        for b in DTYPES:
            for function in ("cat", "stack"):
                y = getattr(minigrad, function)(
                    [
                        minigrad.ones(1, dtype=getattr(minigrad, a)),
                        minigrad.ones(1, dtype=getattr(minigrad, b)),
                    ]
                )
                y_torch = getattr(torch, function)(
                    [torch.ones(1, dtype=getattr(torch, a)), torch.ones(1, dtype=getattr(torch, b))]
                )
                assert_same(y, y_torch)
    empty = minigrad.cat([minigrad.zeros(0), minigrad.ones(2, 3), minigrad.zeros(0)], 1)
    assert empty.shape == (2, 3)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda x: minigrad.cat([]), ValueError, "empty"),
        (lambda x: minigrad.stack([]), ValueError, "empty"),
        (lambda x: minigrad.cat(x), TypeError, "list or tuple"),
        (lambda x: minigrad.cat([x, 1]), TypeError, r"tensors\[1\]"),
        (lambda x: minigrad.cat([x, np.ones(3)]), TypeError, r"tensors\[1\].*ndarray"),
        (lambda x: minigrad.cat([tensor(1.0)]), ShapeError, "use stack"),
        (lambda x: minigrad.cat([x, x.T]), ShapeError, r"\(2, 3\) and \(3, 2\)"),
        (lambda x: minigrad.cat([x, x[0]]), ShapeError, "do not fit"),
        (lambda x: minigrad.cat([x, x], 2), IndexError, "dim 2"),
        (lambda x: minigrad.stack([x, x.T]), ShapeError, "differ"),
        (lambda x: minigrad.stack([x], 3), IndexError, "dim 3"),
        (lambda x: x.split(0), ValueError, "positive"),
        (lambda x: x.split(-1), ValueError, "positive"),
        (lambda x: x.split([1, 2]), ValueError, "add up to 2"),
        (lambda x: x.split([-1, 3]), ValueError, "≥ 0"),
        (lambda x: x.split(1.0), TypeError, "float"),
        (lambda x: x.split(True), TypeError, "bool"),
        (lambda x: x.split(1, 2), IndexError, "dim 2"),
        (lambda x: x.chunk(0), ValueError, "≥ 1"),
        (lambda x: x.chunk(1.5), TypeError, "float"),
        (lambda x: tensor(1.0).unbind(), ShapeError, "0-d"),
        (lambda x: tensor(1.0).split(1), ShapeError, "0-d"),
    ],
)
def test_bad_joins(call, error, words):
    with pytest.raises(error, match=words):
        call(minigrad.zeros(2, 3))
