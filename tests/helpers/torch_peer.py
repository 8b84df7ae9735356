"""The comparison with torch: the same call in both libraries, results side by side."""

import numpy as np

import minigrad


def leaves(array, torch, requires_grad=None):
    """(ours, theirs): tensors with these values, `array`'s own memory and layout in ours."""
    array = np.asarray(array)
    if requires_grad is None:
        requires_grad = array.dtype.kind == "f"
    ours = minigrad.from_numpy(array).requires_grad_(requires_grad)
    theirs = torch.tensor(np.array(array), requires_grad=requires_grad)
    return ours, theirs


def assert_same(ours, theirs, rtol=0.0, atol=0.0):
    """Shape, dtype and values agree (to the bit unless a tolerance is given)."""
    assert tuple(ours.shape) == tuple(theirs.shape)
    assert ours.dtype.name == str(theirs.dtype).removeprefix("torch.")
    np.testing.assert_allclose(
        ours.detach().numpy(), theirs.detach().numpy(), rtol=rtol, atol=atol, equal_nan=True
    )


def outcome(function):
    """What a call gives: (result, None), or (None, the exception)."""
    try:
        return function(), None
    except Exception as error:
        return None, error


def outputs_of(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


def assert_close(y, u):
    """A tensor here and one of torch: same shape, dtype and, up to a few roundings, values."""
    assert y.dtype.name == str(u.dtype).removeprefix("torch.")
    assert tuple(y.shape) == tuple(u.shape)
    rtol, atol = (2e-6, 1e-7) if y.dtype is minigrad.float32 else (1e-12, 1e-13)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=rtol, atol=atol)


def same_as_torch(torch, function, *arrays):
    """`function(m, *tensors)` with m = minigrad and with m = torch: same values, dtypes, gradients.

    The cotangents are random. Float arrays require a gradient.
    """
    xs = [minigrad.from_numpy(np.array(a)) for a in arrays]
    zs = [torch.from_numpy(np.array(a)) for a in arrays]
    for x, z in zip(xs, zs, strict=True):
        if x.dtype.is_floating_point:
            x.requires_grad_()
            z.requires_grad_()
    ours, theirs = outputs_of(function(minigrad, *xs)), outputs_of(function(torch, *zs))
    assert len(ours) == len(theirs)
    rng = np.random.default_rng(0)
    ys, dys, us, dus = [], [], [], []
    for y, u in zip(ours, theirs, strict=True):
        assert_close(y, u)
        assert y.requires_grad == u.requires_grad
        if y.requires_grad:
            dy = rng.standard_normal(y.shape).astype(y.dtype.numpy)
            ys.append(y)
            us.append(u)
            dys.append(minigrad.from_numpy(dy))
            dus.append(torch.from_numpy(dy))
    if not ys:
        return
    xs, zs = [x for x in xs if x.requires_grad], [z for z in zs if z.requires_grad]
    dxs = minigrad.autograd.grad(ys, xs, dys, allow_unused=True)
    dzs = torch.autograd.grad(us, zs, dus, allow_unused=True)
    for dx, dz in zip(dxs, dzs, strict=True):
        assert (dx is None) == (dz is None)
        if dx is not None:
            assert_close(dx, dz)
