"""Derivatives of sample calls, in this library and in torch, and by differences of values."""

import functools

import numpy as np

import minigrad as mg


def floating(result):
    """The outputs of a call that can have a derivative."""
    results = list(result) if isinstance(result, (tuple, list)) else [result]
    return [y for y in results if y.dtype in (mg.float32, mg.float64) or is_torchs_float(y)]


def is_torchs_float(y):
    return str(y.dtype) in ("torch.float32", "torch.float64")


def frozen(array):
    """The array, which nobody may write any more."""
    array.flags.writeable = False
    return array


def tensors(m, arrays):
    """A leaf over each array; those of floats require a gradient."""
    if m is mg:
        return [m.from_numpy(frozen(a)).requires_grad_(a.dtype.kind == "f") for a in arrays]
    return [m.tensor(np.array(a), requires_grad=a.dtype.kind == "f") for a in arrays]


def cotangents(like, seed):
    """Random signs and sizes, none near 0, so that each entry counts."""
    return [dy.copy() for dy in drawn(tuple(tuple(y.shape) for y in like), seed)]


@functools.cache
def drawn(shapes, seed):
    rng = np.random.default_rng(seed)
    return [np.array(rng.choice([-1.0, 1.0], s) * rng.uniform(0.5, 1.5, s)) for s in shapes]


def backward(m, ys, xs, dys, create_graph=False):
    """The gradients of all xs, 0 where no road leads."""
    roots = [(y, dy) for y, dy in zip(ys, dys, strict=True) if y.requires_grad]
    if not roots:
        return [m.zeros_like(x) for x in xs]
    ys, dys = zip(*roots, strict=True)
    dxs = m.autograd.grad(ys, xs, dys, create_graph=create_graph, allow_unused=True)
    return [m.zeros_like(x) if dx is None else dx for x, dx in zip(xs, dxs, strict=True)]


def value_of(x):
    return np.array(x.numpy(force=True))


def derivatives(m, call, arrays, order=2):
    """(values, gradients, gradients of the gradients by inputs and cotangents), as arrays."""
    xs = tensors(m, arrays)
    ys = floating(call(m, *xs))
    wanted = [x for x in xs if x.requires_grad]
    dys = tensors(m, cotangents(ys, 1))
    dys = [dy.to(y.dtype).detach().requires_grad_() for dy, y in zip(dys, ys, strict=True)]
    dxs = backward(m, ys, wanted, dys, create_graph=order > 1)
    result = [value_of(y) for y in ys], [value_of(dx) for dx in dxs]
    if order == 1:
        return *result, []
    ddxs = [
        m.tensor(c).to(dx.dtype) for c, dx in zip(cotangents(dxs, 2), dxs, strict=True)
    ]
    seconds = backward(m, dxs, [*wanted, *dys], ddxs)
    return *result, [value_of(each) for each in seconds]


def differences(function, arrays, step=2e-3):
    """The gradient of Σ of `function(arrays)` by each entry, from four values around it.

    f′ ≈ (8 (f(x + h) − f(x − h)) − (f(x + 2h) − f(x − 2h))) / 12h with an error of h⁴ f⁗′ / 30.
    """
    gradients = []
    for x in arrays:
        dx = np.zeros(x.shape)
        for index in np.ndindex(x.shape):
            direction = np.zeros(x.shape)
            direction[index] = 1
            dx[index] = slope(function, arrays, x, direction, step)
        gradients.append(dx)
    return gradients


def slope(function, arrays, x, direction, step=2e-3):
    """The derivative of `function(arrays)` when x, one of the arrays, goes in this direction."""
    here, total = x.copy(), 0.0
    for factor, shift in ((8, 1), (-8, -1), (-1, 2), (1, -2)):
        x[...] = here + shift * step * direction
        total += factor * function(arrays)
    x[...] = here
    return total / (12 * step)


def directions(like):
    """A random direction of length 1 per array; no entry is near 0, so that each counts."""
    return [v / max(np.linalg.norm(v), 1.0) for v in cotangents(like, 3)]


def slopes(function, arrays):
    """The derivative along `directions`: four values per array instead of four per entry."""
    return [slope(function, arrays, x, v) for x, v in zip(arrays, directions(arrays), strict=True)]


def error_along(gradients, expected):
    """The largest error of gradients along `directions`, relative to the largest entry of each."""
    worst = 0.0
    for dx, v, dv in zip(gradients, directions(gradients), expected, strict=True):
        worst = max(worst, abs((dx * v).sum() - dv) / max(np.abs(dx).max(initial=0.0), 1e-3))
    return worst


def by_differences(call, arrays, order, differences=differences):
    """What `derivatives` must give, from values (order 1) or from gradients (order 2)."""
    floats = [i for i, a in enumerate(arrays) if a.dtype.kind == "f"]

    def outputs(changed):
        given = list(arrays)
        for i, a in zip(floats, changed, strict=False):
            given[i] = a.copy()
        xs = tensors(mg, given)
        return floating(call(mg, *xs)), [xs[i] for i in floats]

    ys, _ = outputs([arrays[i] for i in floats])
    start = [np.array(arrays[i], np.float64) for i in floats]
    dys = cotangents(ys, 1)
    if order == 1:
        def value(changed):
            ys, _ = outputs(changed)
            return sum((dy * y.numpy(force=True)).sum() for dy, y in zip(dys, ys, strict=True))

        return differences(value, start)

    ddxs = cotangents(start, 2)

    def gradient(changed):
        ys, xs = outputs(changed[: len(floats)])
        given = [mg.tensor(dy) for dy in changed[len(floats):]]
        dxs = backward(mg, ys, xs, given)
        return sum((ddx * dx.numpy(force=True)).sum() for ddx, dx in zip(ddxs, dxs, strict=True))

    return differences(gradient, start + dys)


def error(found, expected):
    """The largest error, relative to the largest entry of each expected gradient (or to 1e-3)."""
    worst = 0.0
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        if not np.array_equal(a, b, equal_nan=True):
            scale = max(np.abs(b[np.isfinite(b)]).max(initial=0.0), 1e-3)
            with np.errstate(all="ignore"):
                gap = np.where(a == b, 0.0, np.abs(a - b))
            gap[np.isnan(a) & np.isnan(b)] = 0
            worst = max(worst, np.nan_to_num(gap / scale, nan=np.inf).max(initial=0.0))
    return worst
