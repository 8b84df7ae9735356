import numpy as np
import pytest
from helpers.layouts import in_every_layout
from helpers.torch_peer import assert_same, leaves, outcome

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
        return "expand", ((*([2] if rng.random() < 0.5 else []), *sizes),)
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


@pytest.mark.filterwarnings("ignore:The use of `x.T`:UserWarning")  # once a process, of torch
@pytest.mark.parametrize("seed", range(6))
def test_chains_of_views_agree_with_torch(torch, seed):
    rng = np.random.default_rng(seed)
    for _ in range(60):
        shape = SHAPES[rng.integers(len(SHAPES))]
        kinds = in_every_layout(rng.standard_normal(shape))
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
              x.expand(4, 2, 3), x.squeeze(),
              x.transpose(0, 1).unsqueeze(0).view(1, 3, 2)):  # fmt: skip
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
        (lambda x: x.reshape(-2, 3), ValueError, ">= 0"),
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
        (lambda x: x.expand(-1, 2, 3), ValueError, "-1 to keep"),
        (lambda x: x.expand(-2, 2, 3), ValueError, ">= 0"),
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
