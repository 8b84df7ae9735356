"""The same values in every memory layout, and where tests get their numbers."""

import itertools

import numpy as np

import minigrad as mg

DTYPES = ["float32", "float64", "int64", "int32", "uint8", "bool"]
PAIRS = list(itertools.product(DTYPES, DTYPES))

# Shapes and dimensions to reduce: neighbors, strangers, none, sizes 0 and 1, 0-d.
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
    "contiguous": lambda a: np.array(a, order="C"),
    "transposed": lambda a: np.array(a.T, order="C").T,
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


def in_every_layout(array):
    """The same values in every memory layout: {name: array}."""
    array = np.asarray(array)
    padded = np.zeros(tuple(2 * size for size in array.shape), array.dtype)
    inner = padded[(*(slice(None, None, 2) for _ in array.shape), ...)]
    inner[...] = array
    flipped = np.flip(array).copy()
    readonly = array.copy()
    readonly.flags.writeable = False
    return {
        "contiguous": array.copy(),
        "fortran": np.asfortranarray(array),
        "sliced": inner,
        "flipped": np.flip(flipped),
        "readonly": readonly,
    }


def laid_out(rng, x):
    """The same values in memory as they may come: as made, transposed, strided, reversed."""
    kind = rng.integers(4)
    if kind == 1:
        return np.ascontiguousarray(x.T).T
    if kind == 2:
        larger = np.full((*x.shape, 2), np.nan, x.dtype)
        larger[..., 0] = x
        return larger[..., 0]
    if kind == 3:
        return np.ascontiguousarray(x[::-1])[::-1]
    return x


def rows_laid_out(rng, x):
    """The same values in memory as they may come: as made, transposed, rows strided, reversed."""
    kind = rng.integers(4)
    if kind == 1:
        return np.ascontiguousarray(x.T).T
    if kind == 2:
        larger = np.full((2 * x.shape[0], *x.shape[1:]), np.nan, x.dtype)
        larger[::2] = x
        return larger[::2]
    if kind == 3:
        return np.ascontiguousarray(x[::-1])[::-1]
    return x


def leaf_of(*values):
    """A float64 vector of these numbers that requires a gradient."""
    return mg.tensor(list(values), dtype=mg.float64, requires_grad=True)
