"""Figure 1: batch norm learns faster, and the inputs of a sigmoid stay where they are.

Paper: Ioffe & Szegedy 2015, section 4.1 and Figure 1: binary images, 3 layers of 100 sigmoids,
batches of 60, 50,000 steps. It says neither the learning rate nor how wide the small Gaussian
weights are, and prints no accuracy: about .95 without and .98 with are readings of the plot.
Here: pixels above 1/2 are 1; SGD with .1, weights N(0, .05²), running statistics. Every 1,000 steps
the 15th, 50th and 85th percentile of what enters each unit of layer 3, over the test images;
"first" is step 1,000. Accuracy is looked at every 120 steps until it is .9. Then the control:
weights N(0, .3²), 12,000 steps.
Must show: accuracy at least .972, and .8 points more than without; .9 at least 5 times sooner.
The spread of a unit is its 85th less its 15th percentile. Last over first, median over units: at
most 2.5, without at least 10. How far its 50th wanders, over its mean spread: at most .65 of that
without. The control is reported: there nothing is gained, or something lost, so the figure rests on
what the paper does not state.
"""

import numpy as np

import minigrad
from minigrad import nn

from .protocol import Run, claim
from .training import Images, accuracy, descend, images, perceptron

ARMS: dict[str, type[nn.BatchNorm1d] | None] = {"none": None, "batch norm": nn.BatchNorm1d}


@claim("B1", "Figure 1: faster, and inputs stay", "Ioffe & Szegedy 2015, 4.1", 110, mnist=True)
def figure_one(run: Run) -> None:
    data, tests = (((pixels > 0.5).float(), labels) for pixels, labels in images(run))
    curves = run.panel("Test accuracy", "step", "accuracy")
    reached, first, growth, drift = [], [], [], []
    for arm, norm in ARMS.items():
        run.arm(arm)
        model = _network(run, data, norm, 0.05)
        steps = run.steps(50_000, 1200)
        looks = _followed(model, data, tests, steps, run.steps(1000, 120), run.seed)
        at, accuracies, percentiles, soon = looks
        curves.line(arm, at, accuracies)
        low, middle, high = percentiles.transpose(1, 0, 2)  # each: looks × units
        spread = high - low
        moves = (middle.max(0) - middle.min(0)) / spread.mean(0)
        typical = np.argsort(moves)[len(moves) // 2]
        panel = run.panel(f"{arm}: what enters a typical unit of layer 3", "step", "input")
        for name, each in (("85 %", high), ("50 %", middle), ("15 %", low)):
            panel.line(name, at, each[:, typical])
        reached.append(accuracies[-1])
        first.append(soon)
        growth.append(np.median(spread[-1] / spread[0]))
        drift.append(np.median(moves))
    run.also("none: accuracy", reached[0], published="about .95, in the plot")
    run.must("batch norm: accuracy", reached[1], at_least=0.972, whole_only=True,
             published="about .98, in the plot")  # fmt: skip
    run.must("accuracy gained", reached[1] - reached[0], at_least=0.008)
    for arm, step in zip(ARMS, first, strict=True):
        run.also(f"{arm}: first step with .9, or the last", step)
    run.must("steps to .9, none / batch norm", first[0] / first[1], at_least=5.0)
    run.must("batch norm: spread, last / first", growth[1], at_most=2.5)
    run.must("none: spread, last / first", growth[0], at_least=10.0, whole_only=True)
    for arm, value in zip(ARMS, drift, strict=True):
        run.also(f"{arm}: range of the median / spread", value)
    run.must("range of the median / spread, batch norm / none", drift[1] / drift[0], at_most=0.65)
    for arm, norm in ARMS.items():
        run.arm(f"control, {arm}")
        model = _network(run, data, norm, 0.3)
        descend(model, data, run.steps(12_000, 120), 0.1, 60, run.seed)
        run.also(f"control, weights N(0, .3²): {arm}, accuracy", accuracy(model.eval(), tests))


def _network(run: Run, data: Images, norm, std: float) -> nn.Sequential:
    minigrad.manual_seed(run.seed)
    return perceptron([data[0].shape[1], 100, 100, 100, 10], nn.Sigmoid, norm, std)


def _followed(model: nn.Sequential, data: Images, tests: Images, steps, every, seed):
    """Train; when it was looked at, accuracies, percentiles (looks, 3, units), first step at .9."""
    before_last_sigmoid = nn.Sequential(*list(model)[:-2])
    at, accuracies, percentiles, first = [], [], [], steps

    def look(step):
        nonlocal first
        model.eval()
        if first == steps and step % 120 == 0 and accuracy(model, tests) >= 0.9:
            first = step
        if step and step % every == 0:
            at.append(step)
            accuracies.append(accuracy(model, tests))
            with minigrad.no_grad():
                inputs = before_last_sigmoid(tests[0]).numpy()
            percentiles.append(np.percentile(inputs, (15, 50, 85), axis=0))
        model.train()

    descend(model, data, steps, 0.1, 60, seed, look)
    look(steps)
    return at, accuracies, np.array(percentiles), first
