"""What tests of operations share: values in every memory layout, and the comparison with torch."""

import itertools

import numpy as np

import minigrad as mg

DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool"]
PAIRS = list(itertools.product(DTYPES, DTYPES))

# Shapes and dimensions to reduce: neighbours, strangers, none, sizes 0 and 1, 0-d.
REDUCTIONS = [
    ((), None), ((), 0), ((), -1), ((5,), None), ((5,), 0), ((3, 4), None), ((3, 4), 0),
    ((3, 4), -1), ((3, 4), (0, 1)), ((3, 4), ()), ((2, 3, 4), 1), ((2, 3, 4), (0, 2)),
    ((2, 3, 4), (2, 0)), ((2, 3, 4), (-1, -2)), ((2, 1, 3, 2), (0, 3)), ((2, 3, 1, 4), (1, 2)),
    ((1, 1), 0), ((2, 3, 2, 3), (0, 2)),
]  # fmt: skip


def every_other(a):
    wide = np.full((*a.shape, 2), 99, dtype=a.dtype)
    wide[..., 0] = a
    return wide[..., 0]


# Ways that the same values lie in memory.
LAYOUTS = {
    "contiguous": np.ascontiguousarray,
    "transposed": np.asfortranarray,
    "sliced": every_other,
    "reversed": lambda a: np.ascontiguousarray(a[::-1])[::-1] if a.ndim else a,
    "read-only": lambda a: np.broadcast_to(a, a.shape),
}


def normal(*shape, seed=0, dtype=np.float64):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def leaf(array):
    """A tensor over this very array, layout and all, that requires a gradient."""
    return mg.from_numpy(array).requires_grad_()


def stretched(array, axis):
    """The first slice along an axis, repeated with stride 0."""
    return np.broadcast_to(np.take(array, [0], axis), array.shape)


def outputs_of(result):
    return list(result) if isinstance(result, (tuple, list)) else [result]


def assert_close(y, u):
    """A tensor here and one of torch: same shape, dtype and, up to a few roundings, values."""
    assert y.dtype.name == str(u.dtype).removeprefix("torch.")
    assert tuple(y.shape) == tuple(u.shape)
    rtol, atol = (2e-6, 1e-7) if y.dtype is mg.float32 else (1e-12, 1e-13)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(y.detach().numpy(), u.detach().numpy(), rtol=rtol, atol=atol)


def same_as_torch(torch, function, *arrays):
    """`function(m, *tensors)` with m = minigrad and with m = torch: same values, dtypes, gradients.

    The cotangents are random. Float arrays require a gradient.
    """
    xs = [mg.from_numpy(np.array(a)) for a in arrays]
    zs = [torch.from_numpy(np.array(a)) for a in arrays]
    for x, z in zip(xs, zs, strict=True):
        if x.dtype.is_floating_point:
            x.requires_grad_()
            z.requires_grad_()
    ours, theirs = outputs_of(function(mg, *xs)), outputs_of(function(torch, *zs))
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
            dys.append(mg.from_numpy(dy))
            dus.append(torch.from_numpy(dy))
    if not ys:
        return
    xs, zs = [x for x in xs if x.requires_grad], [z for z in zs if z.requires_grad]
    dxs = mg.autograd.grad(ys, xs, dys, allow_unused=True)
    dzs = torch.autograd.grad(us, zs, dus, allow_unused=True)
    for dx, dz in zip(dxs, dzs, strict=True):
        assert (dx is None) == (dz is None)
        if dx is not None:
            assert_close(dx, dz)
