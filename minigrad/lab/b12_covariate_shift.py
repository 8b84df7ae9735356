"""Inputs of a layer shift less with batch norm, as a divergence of Gaussians measures it.

Paper: Ioffe & Szegedy 2015, section 2, call it internal covariate shift. An article measures it by
a Kullback-Leibler divergence: how far the distribution of a layer's inputs moves in training.
Here: 784-100-100-100-10, relu (He) and sigmoid (weights N(0, .3²)), SGD with .1, batches of 60,
5,000 steps. From step 500 on, every 500 steps, mean and variance of what enters each unit of layer
3's activation, behind the normalization, over the same 2,000 test images with running statistics.
Then KL(N(μ, σ²) at t from that at t + 500), averaged over the units.
Must show: the median over the windows, none over batch norm, is at least 2, for both.
Behind batch norm, mean and variance are nearly β and γ², so they can hardly move otherwise. It says
nothing of why batch norm trains better: see C5 and B10.
"""

import numpy as np

import minigrad
from minigrad import nn

from .protocol import Run, claim
from .training import Images, descend, divergence, images, moments, perceptron

SHOWN = 2000
NETS: dict[str, tuple[type[nn.Module], float | None]] = {
    "relu": (nn.ReLU, None),
    "sigmoid": (nn.Sigmoid, 0.3),
}


@claim("B12", "Inputs of a layer shift less", "Ioffe & Szegedy 2015, section 2", 15, mnist=True)
def covariate_shift(run: Run) -> None:
    data, (tests, _) = images(run)
    window = run.steps(500, 50)
    for name, (activation, std) in NETS.items():
        panel = run.panel(f"{name}: shift of what enters layer 3", "step", "KL, mean of units", "y")
        medians = []
        for arm, norm in (("none", None), ("batch norm", nn.BatchNorm1d)):
            run.arm(f"{name}, {arm}")
            minigrad.manual_seed(run.seed)
            model = perceptron([tests.shape[1], 100, 100, 100, 10], activation, norm, std)
            found = _followed(model, data, tests[:SHOWN], 10 * window, window, run.seed)
            pairs = zip(found[:-1], found[1:], strict=True)
            shifts = [divergence(*before, *after) for before, after in pairs]
            panel.line(arm, [window * (1 + each) for each in range(len(shifts))], shifts)
            medians.append(np.median(shifts))
            run.also(f"{name}, {arm}: median KL", medians[-1])
        ratio = medians[0] / medians[1]
        run.must(f"{name}: none / batch norm", ratio, at_least=2.0)


def _followed(model: nn.Sequential, data: Images, shown: minigrad.Tensor, steps, window, seed):
    """Train; mean and variance per unit of what enters the last activation, after each window."""
    before_activation = nn.Sequential(*list(model)[:-2])
    found = []

    def look(step):
        if step and step % window == 0:
            model.eval()
            found.append(moments(before_activation, shown))
            model.train()

    descend(model, data, steps, 0.1, 60, seed, look)
    look(steps)
    return found
