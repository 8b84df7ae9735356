"""Batch norm's first and second derivatives are what the formulas say.

Paper: Ioffe & Szegedy 2015, section 3, gives the gradient through μ and σ². With r = 1/√(σ² + ε)
and P(u) = u − M(u) − x̂ M(u x̂) it is dx = γ r P(dy), dγ = Σ dy x̂, dβ = Σ dy.
Here: inputs (N, C) and (N, C, H, W) in float64. Autograd's gradients, and their gradients, beside
formulas and beside central differences. The second formulas are in `_second_formula`, where v, v_γ
and v_β are the cotangents of dx, dγ and dβ.
Must show: 1e-12 from the formula, 1e-6 from differences (relative), |Σ dx| at most 1e-12.
"""

import numpy as np

import minigrad
from minigrad import autograd
from minigrad.nn import functional as F

from .protocol import Run, claim

EPS, STEP = 1e-5, 1e-5
STEPS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)


@claim("A1", "Both derivatives are the formulas'", "Ioffe & Szegedy 2015, section 3", 0.1)
def gradients(run: Run) -> None:
    panel = run.panel("Central differences", "step h", "error of the gradients, relative", "xy")
    for shape in ((8, 3), (4, 3, 2, 3)):
        rng = np.random.default_rng(run.seed)
        x, dy = rng.normal(1, 2, shape), rng.normal(size=shape)
        gamma, beta = rng.normal(1, 0.3, 3), rng.normal(size=3)
        found = _first(x, gamma, beta, dy)
        formula = _formula(x, gamma, dy)
        worst = max(_apart(*pair) for pair in zip(found, formula, strict=True))
        run.must(f"{shape} gradients, from the formula", worst, at_most=1e-12)
        run.must(f"{shape} |Σ dx|", abs(_sum(found[0])).max(), at_most=1e-12)

        def loss(x, gamma, beta, dy=dy):
            x, gamma, beta = map(minigrad.tensor, (x, gamma, beta))
            y = F.batch_norm(x, None, None, gamma, beta, training=True, eps=EPS)
            return (y.numpy() * dy).sum()

        worst = _error(loss, (x, gamma, beta), found, STEP)
        run.must(f"{shape} gradients, from differences", worst, at_most=1e-6)
        panel.line(str(shape), STEPS, [_error(loss, (x, gamma, beta), found, h) for h in STEPS])

        cotangents = [rng.normal(size=each.shape) for each in found]

        def along(x, gamma, dy, beta=beta, cotangents=cotangents):
            pairs = zip(_first(x, gamma, beta, dy), cotangents, strict=True)
            return sum((gradient * v).sum() for gradient, v in pairs)

        second = _second(x, gamma, beta, dy, cotangents)
        formula = _second_formula(x, gamma, dy, *cotangents)
        worst = max(_apart(*pair) for pair in zip(second, formula, strict=True))
        run.must(f"{shape} second derivatives, from the formula", worst, at_most=1e-12)
        worst = _error(along, (x, gamma, dy), second, STEP)
        run.must(f"{shape} second derivatives, from differences", worst, at_most=1e-6)


def _graph(*arrays):
    """Leaves x, γ, β, dy, and the gradients dx, dγ, dβ as functions of them."""
    leaves = [minigrad.tensor(each, requires_grad=True) for each in arrays]
    x, gamma, beta, dy = leaves
    y = F.batch_norm(x, None, None, gamma, beta, training=True, eps=EPS)
    return leaves, autograd.grad(y, [x, gamma, beta], dy, create_graph=True)


def _first(*arrays):
    return [each.detach().numpy() for each in _graph(*arrays)[1]]


def _second(x, gamma, beta, dy, cotangents):
    (x, gamma, _, dy), first = _graph(x, gamma, beta, dy)
    pairs = zip(first, map(minigrad.tensor, cotangents), strict=True)
    total = sum((each * v).sum() for each, v in pairs)
    return [each.numpy() for each in autograd.grad(total, [x, gamma, dy])]


def _formula(x, gamma, dy):
    M, r, x_hat, P = _pieces(x)
    return gamma.reshape(r.shape) * r * P(dy), _sum(dy * x_hat), _sum(dy)


def _second_formula(x, gamma, dy, v, v_gamma, v_beta):
    M, r, x_hat, P = _pieces(x)
    gamma, v_gamma, v_beta = (each.reshape(r.shape) for each in (gamma, v_gamma, v_beta))
    s = v_gamma * dy - gamma * r * (dy * M(v * x_hat) + v * M(dy * x_hat))
    dx = r * P(s) - M(gamma * v * P(dy)) * r**2 * x_hat
    return dx, _sum(r * v * P(dy)), gamma * r * P(v) + v_gamma * x_hat + v_beta


def _pieces(x):
    def M(u):
        return u.mean(tuple(axis for axis in range(x.ndim) if axis != 1), keepdims=True)

    r = 1 / np.sqrt(M((x - M(x)) ** 2) + EPS)
    x_hat = (x - M(x)) * r
    return M, r, x_hat, lambda u: u - M(u) - x_hat * M(u * x_hat)


def _sum(u):
    return u.sum(tuple(axis for axis in range(u.ndim) if axis != 1))


def _error(function, arrays, gradients, step):
    """How far gradients are from (f(a + h) − f(a − h)) / 2h, for every element of every array."""
    slopes = [np.zeros_like(each) for each in arrays]
    for array, slope in zip(arrays, slopes, strict=True):
        for place in np.ndindex(array.shape):
            kept, values = array[place], []
            for h in (step, -step):
                array[place] = kept + h
                values.append(function(*arrays))
            array[place], slope[place] = kept, (values[0] - values[1]) / (2 * step)
    return max(_apart(*pair) for pair in zip(gradients, slopes, strict=True))


def _apart(a, b):
    return abs(a - b).max() / abs(b).max()
