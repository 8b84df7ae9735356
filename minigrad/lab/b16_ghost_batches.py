"""The noise of a batch's statistics regularizes: some of it helps with new images.

Papers: Luo et al. 2019, "Towards Understanding Regularization in Batch Normalization"; Ioffe &
Szegedy 2015, section 3.4; Hoffer et al. 2017, who normalize "ghost" batches, parts of a batch.
Here: the first 2,000 training images, 784-200-200-10 relu (He), SGD with .1, batches of 128, 1,200
steps. Ghosts of 4, 8, 16, 32 and 128 images; and none. Running statistics are renewed by each ghost
of g images with momentum .1 · g / 128, so that they look back equally far. The training loss is the
mean of the last 100 steps, with the statistics of the ghosts. Error on all test images.
Must show: the training loss falls with each larger ghost, 10 times from 4 to 128; the test error
with ghosts of 16 is half a point below that of none. (Which size is best is reported.)
"""

from functools import partial

import numpy as np

import minigrad
from minigrad import nn

from .protocol import Run, claim
from .training import accuracy, descend, images, perceptron

BATCH = 128
GHOSTS = (4, 8, 16, 32, 128)


class Ghosts(nn.BatchNorm1d):
    """Batch norm of each `size` rows of a batch by themselves."""

    def __init__(self, num_features: int, size: int) -> None:
        super().__init__(num_features, momentum=0.1 * size / BATCH)
        self.size = size

    def forward(self, input: minigrad.Tensor) -> minigrad.Tensor:
        if not self.training:
            return super().forward(input)
        ghost = super().forward
        return minigrad.cat([ghost(rows) for rows in input.split(self.size)])


@claim(
    "B16", "The noise of small batches regularizes", "Luo et al. 2019; Hoffer et al. 2017", 22,
    mnist=True, analogue="2,000 MNIST images and a perceptron stand for larger data and networks",
)  # fmt: skip
def ghost_batches(run: Run) -> None:
    (inputs, labels), tests = images(run)
    data = inputs[:2000], labels[:2000]

    def trained(norm) -> tuple[float, float]:
        """The training loss of the last steps, and the test error."""
        minigrad.manual_seed(run.seed)
        model = perceptron([inputs.shape[1], 200, 200, 10], nn.ReLU, norm)
        losses = descend(model, data, run.steps(1200, 200), 0.1, BATCH, run.seed)
        return float(np.mean(losses[-100:])), 1 - accuracy(model.eval(), tests)

    run.arm("none")
    none = trained(None)[1]
    run.also("none: test error", none)
    losses, errors = [], []
    for size in GHOSTS:
        run.arm(f"ghosts of {size}")
        loss, error = trained(partial(Ghosts, size=size))
        losses.append(loss)
        errors.append(error)
        run.also(f"ghosts of {size}: training loss", loss)
        run.also(f"ghosts of {size}: test error", error)
    falls = [before / after for before, after in zip(losses[:-1], losses[1:], strict=True)]
    run.must("training loss, smallest fall from one size to the next", min(falls), at_least=1.0)
    ratio = losses[0] / losses[-1]
    run.must("training loss, ghosts of 4 / of 128", ratio, at_least=10.0, whole_only=True)
    gained = none - errors[GHOSTS.index(16)]
    run.must("test error, none − ghosts of 16", gained, at_least=0.005, whole_only=True)
    run.panel("Training loss", "images per ghost", "loss", "xy").line("batch norm", GHOSTS, losses)
    panel = run.panel("Test error", "images per ghost", "error", "x")
    panel.line("batch norm", GHOSTS, errors)
    panel.line("none", GHOSTS, [none] * len(GHOSTS))
