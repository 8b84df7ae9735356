"""If the gradient ignores μ and σ, a bias grows without end, and the loss stands still.

Paper: Ioffe & Szegedy 2015, section 2: with x = u + b and E[x] taken as a constant, "b will grow
indefinitely while the loss remains fixed". (What networks lose by it: B11.)
Here: float64, 64 values u, a single bias b, normalization, squared error to targets whose mean is
near 1, plain SGD with .1, 1,000 steps; with μ and σ as constants for the gradient, and exact.
Must show: constants, b after all steps is twice that of half the steps, within 1 %, and the loss
moves by less than 1e-9; exact, b stays below 1e-9.
"""

from collections.abc import Callable

import numpy as np

import minigrad
from minigrad import Tensor, optim
from minigrad.nn import functional as F

from .protocol import Run, claim


@claim("C3", "A bias grows if the gradient ignores μ and σ", "Ioffe & Szegedy 2015, section 2", 0.2)
def ignored_statistics(run: Run) -> None:
    rng = np.random.default_rng(run.seed)
    u, targets = minigrad.tensor(rng.normal(size=(64, 1))), rng.normal(1, 1, (64, 1))
    steps = run.steps(1000, 200)
    constants, losses = _followed(_constants, u, minigrad.tensor(targets), steps)
    exact, _ = _followed(_exact, u, minigrad.tensor(targets), steps)
    run.also("constants: b after half the steps", constants[steps // 2 - 1])
    run.also("constants: b", constants[-1])
    growth = constants[-1] / constants[steps // 2 - 1]
    run.must("constants: b, all steps / half of them", growth, at_least=1.98, at_most=2.02)
    moved = max(losses) - min(losses)
    run.must("constants: the loss moves by", moved, at_most=1e-9, published="0, theory")
    run.must("exact: largest |b|", max(map(abs, exact)), at_most=1e-9, published="0, theory")
    panel = run.panel("A bias before batch norm", "step", "b")
    panel.line("μ and σ constants", range(1, steps + 1), constants)
    panel.line("exact", range(1, steps + 1), exact)


def _exact(x: Tensor) -> Tensor:
    return F.batch_norm(x, None, None, training=True)


def _constants(x: Tensor) -> Tensor:
    """What the gradient sees of μ and σ: nothing."""
    return (x - x.mean(0).detach()) / (x.var(0, correction=0) + 1e-5).sqrt().detach()


def _followed(normalize: Callable[[Tensor], Tensor], u: Tensor, targets: Tensor, steps: int):
    """The bias and the loss after each step."""
    bias = minigrad.zeros(1, dtype=minigrad.float64, requires_grad=True)
    optimizer, values, losses = optim.SGD([bias], lr=0.1), [], []
    for _ in range(steps):
        loss = F.mse_loss(normalize(u + bias), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        values.append(bias.item())
        losses.append(loss.item())
    return values, losses
