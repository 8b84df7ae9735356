"""Batch norm gains on clean images, and loses on noisy and on attacked ones.

Paper: Galloway et al. 2019, "Batch Normalization is a Cause of Adversarial Vulnerability": accuracy
lost in double-digit percentages, on five data sets. D. Stutz contests that the cause is batch norm.
Here: 784-100-100-100-10 relu (He), SGD with .1, batches of 128, 2,500 steps, tested with running
statistics. Noise: N(0, .3²) added to each pixel of all test images, not clipped. Attack: projected
gradient ascent from a random start, 10 steps of ε/4 along the sign, at most ε = .05 per pixel,
pixels kept within 0 and 1, on the first 2,000 test images.
Must show: clean, batch norm at most .2 points below; with noise none at least 3 points above batch
norm; attacked none at least 10 points above.
"""

import numpy as np

import minigrad
from minigrad import autograd, nn
from minigrad.nn import functional as F

from .protocol import Run, claim
from .training import Images, accuracy, descend, images, perceptron

STD, EPSILON, ASCENTS = 0.3, 0.05, 10


@claim(
    "B15", "Noise and attacks cost more with it", "Galloway et al. 2019", 9,
    mnist=True, analogue="MNIST and a perceptron stand for five data sets and deep networks",
)  # fmt: skip
def robustness(run: Run) -> None:
    data, (tests, answers) = images(run)
    noise = np.random.default_rng(run.seed + 1).normal(0, STD, tests.shape).astype(np.float32)
    noisy = tests + minigrad.tensor(noise)
    panel = run.panel("Noise on every pixel", "standard deviation", "accuracy")
    few = run.steps(2000, 200)
    found = []
    for arm, norm in (("none", None), ("batch norm", nn.BatchNorm1d)):
        run.arm(arm)
        minigrad.manual_seed(run.seed)
        model = perceptron([tests.shape[1], 100, 100, 100, 10], nn.ReLU, norm)
        descend(model, data, run.steps(2500, 300), 0.1, 128, run.seed)
        model.eval()
        attacked = _attacked(model, (tests[:few], answers[:few]), run.seed)
        found.append(
            {
                "clean": accuracy(model, (tests, answers)),
                "noise": accuracy(model, (noisy, answers)),
                "noise, clipped to pixels": accuracy(model, (noisy.clamp(0, 1), answers)),
                "attacked": accuracy(model, (attacked, answers[:few])),
            }
        )
        stds = (0.0, 0.1, 0.2, STD)
        weaker = [tests + minigrad.tensor(noise * (std / STD)) for std in stds]
        panel.line(arm, stds, [accuracy(model, (each, answers)) for each in weaker])
        for name, value in found[-1].items():
            run.also(f"{arm}, {name}: accuracy", value)
    none, normalized = found
    lost = {name: none[name] - normalized[name] for name in none}
    run.must("clean: accuracy lost", lost["clean"], at_most=0.002, whole_only=True)
    run.must("noise: accuracy lost", lost["noise"], at_least=0.03)
    run.must(
        "attacked: accuracy lost", lost["attacked"], at_least=0.1,
        published="double-digit percentages", whole_only=True,
    )  # fmt: skip


def _attacked(model: nn.Sequential, shown: Images, seed: int) -> minigrad.Tensor:
    """The images, each moved by at most ε per pixel to where the loss is larger."""
    pixels, labels = shown
    start = np.random.default_rng(seed + 2).uniform(-EPSILON, EPSILON, pixels.shape)
    moved = (pixels + minigrad.tensor(start.astype(np.float32))).clamp(0, 1)
    for _ in range(ASCENTS):
        moved.requires_grad_()
        (slope,) = autograd.grad(F.cross_entropy(model(moved), labels), [moved])
        further = moved.detach() + EPSILON / 4 * slope.sign()
        moved = (pixels + (further - pixels).clamp(-EPSILON, EPSILON)).clamp(0, 1)
    return moved
