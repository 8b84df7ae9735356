"""What batch norm gives out may be shaken at random: the network learns as well.

Papers: Ioffe & Szegedy 2015 say in their title that batch norm helps *by* reducing the internal
covariate shift. Santurkar et al. 2018, "How Does Batch Normalization Help Optimization?", section
2.1, put the shift back behind each batch norm, by noise that changes with every batch: it trains
as well as before. So the shift is not the reason.
Here: the small digits that come with minigrad, 64-64-64-64-10 relu (He), SGD with .3, batches of
64, 500 steps. "Shaken": each unit times exp(.5 n), plus .5 n', with one normal n and one n' per
unit, the same for all rows, drawn anew for every batch. Every 10 steps, in training, mean and
variance of what enters the last activation, over all training images. Its way is the sum of the KL
divergences between one look and the next.
Must show: the way is longer without batch norm than with it, and longer shaken than without; and
being shaken costs batch norm at most 2 points of accuracy.
"""

import copy

import minigrad
from minigrad import nn

from .protocol import Run, claim
from .training import Images, accuracy, descend, divergence, moments, perceptron, small_digits


class Shaken(nn.Module):
    """Stretches and moves what it gets, differently in every batch; nothing in evaluation."""

    def forward(self, x: minigrad.Tensor) -> minigrad.Tensor:
        if not self.training:
            return x
        stretch, shift = minigrad.randn(2, x.shape[1])
        return x * (0.5 * stretch).exp() + 0.5 * shift


@claim(
    "C5", "Not because the inputs of a layer stay", "Santurkar et al. 2018, section 2.1", 1,
    analogue="the small digits and a perceptron stand for CIFAR-10 and VGG",
)  # fmt: skip
def shaken_outputs(run: Run) -> None:
    data, tests = small_digits(run)
    panel = run.panel("What enters the last activation", "step", "KL from 10 steps before", "y")
    way, reached = {}, {}
    for arm in ("none", "batch norm", "shaken"):
        run.arm(arm)
        minigrad.manual_seed(run.seed)
        model = perceptron([64] * 4 + [10], nn.ReLU, None if arm == "none" else nn.BatchNorm1d)
        if arm == "shaken":
            for place in (7, 4, 1):  # behind each batch norm, the last first
                model.insert(place + 1, Shaken())
        shifts = _shifts(model, data, 500, run.seed)
        panel.line(arm, range(10, 10 * len(shifts) + 1, 10), shifts)
        way[arm], reached[arm] = sum(shifts), accuracy(model.eval(), tests)
        run.also(f"{arm}: accuracy", reached[arm])
    run.must("way, none / batch norm", way["none"] / way["batch norm"], at_least=1.0)
    run.must("way, shaken / none", way["shaken"] / way["none"], at_least=1.0)
    lost = reached["batch norm"] - reached["shaken"]
    run.must("accuracy lost by being shaken", lost, at_most=0.02)


def _shifts(model: nn.Sequential, data: Images, steps: int, seed: int) -> list[float]:
    """Train; how far what enters the last activation moves, every 10 steps."""
    found = []

    def look(step):
        if step % 10 == 0:
            found.append(moments(copy.deepcopy(model[:-2]), data[0]))  # to look is not to learn

    descend(model, data, steps, 0.3, 64, seed, look)
    look(steps)
    return [divergence(*new, *old) for old, new in zip(found[:-1], found[1:], strict=True)]
