"""A bias before batch norm does nothing and learns nothing.

Paper: Ioffe & Szegedy 2015, section 3.2: subtracting the mean cancels a bias, so it can be left
out; β takes its place.
Here: float64, 50 rows through Linear(6, 4) and batch norm, with random gradients from above. Then a
number from .1 to 1,000 is added to the bias: in training, and, with the running statistics of
before, in evaluation, where the claim does not hold.
Must show: |∇b| below 1e-12 of |∇W|; 100 added to b moves the output, relative to its largest value,
by less than 1e-10 in training.
"""

import numpy as np

import minigrad
from minigrad import nn

from .protocol import Run, claim

ADDED = (0.1, 1.0, 10.0, 100.0, 1000.0)


@claim("C1", "A bias before it does nothing", "Ioffe & Szegedy 2015, section 3.2", 0.1)
def bias_before(run: Run) -> None:
    rng = np.random.default_rng(run.seed)
    x, dy = (minigrad.tensor(rng.normal(size=(50, columns))) for columns in (6, 4))
    linear, norm = nn.Linear(6, 4).double(), nn.BatchNorm1d(4).double()
    norm(linear(x)).backward(dy)
    of_bias, of_weight = (each.grad.abs().max().item() for each in (linear.bias, linear.weight))
    run.must("|∇b| / |∇W|", of_bias / of_weight, at_most=1e-12, published="0, theory")
    panel = run.panel("A number added to the bias", "number", "largest change of the output", "xy")
    bias = linear.bias.detach().clone()
    norm.momentum = 0.0  # from here on to look is not to learn
    for training in (True, False):
        norm.train(training)
        outputs = [_output(linear, norm, x, bias + added) for added in (0.0, *ADDED)]
        moved = [abs(y - outputs[0]).max() / abs(outputs[0]).max() for y in outputs[1:]]
        mode, by_100 = "training" if training else "evaluation", moved[ADDED.index(100.0)]
        panel.line(f"in {mode}", ADDED, moved)
        if training:
            run.must("100 added, in training: the output moves by", by_100, at_most=1e-10)
        else:
            run.also("100 added, in evaluation: the output moves by", by_100)


def _output(linear: nn.Linear, norm: nn.BatchNorm1d, x: minigrad.Tensor, bias: minigrad.Tensor):
    with minigrad.no_grad():
        linear.bias.copy_(bias)
        return norm(linear(x)).numpy()
