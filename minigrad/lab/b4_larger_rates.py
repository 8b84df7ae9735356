"""Larger learning rates work with batch norm; without, activations explode with depth.

Paper: Bjorck et al. 2018, "Understanding Batch Normalization", train ResNet-110 on CIFAR-10 at
several rates: without batch norm large ones diverge, and activations grow with depth (not checked).
Here: 784-100 × 12-10 relu (He), batches of 128, 300 steps of SGD with .01, .03, .1, … 10; accuracy
of the test images with running statistics. And with a rate of 3, at every step, mean |z| of the
12th layer over that of the first, z before the normalization. Without batch norm it is taken where
training diverges: at the step with the largest finite loss. With batch norm the largest counts.
Where no rate reaches .9, the smallest counts, in favor of that arm.
Must show: the largest rate with an accuracy of .9 is at least 5 times larger with batch norm; the
ratio of the activations is above 100 without, below 5 with.
"""

import numpy as np

import minigrad
from minigrad import nn

from .protocol import Run, claim
from .training import Images, accuracy, descend, images, linear_layers, perceptron

RATES = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
WATCHED = 3.0
ARMS: dict[str, type[nn.BatchNorm1d] | None] = {"none": None, "batch norm": nn.BatchNorm1d}


@claim(
    "B4", "Larger rates work; without, activations explode", "Bjorck et al. 2018", 14,
    mnist=True, analogue="MNIST and a perceptron stand for CIFAR-10 and ResNet-110",
)  # fmt: skip
def larger_rates(run: Run) -> None:
    data, tests = images(run)
    panel = run.panel("After 300 steps", "learning rate", "test accuracy", "x")
    best, explosion = [], []
    for arm, norm in ARMS.items():
        run.arm(arm)
        reached = []
        for rate in RATES:
            minigrad.manual_seed(run.seed)
            model = perceptron([data[0].shape[1], *[100] * 12, 10], nn.ReLU, norm)
            losses, ratios = _watched(model, data, run.steps(300, 75), rate, run.seed)
            reached.append(accuracy(model.eval(), tests))
            if rate == WATCHED:
                explosion.append(max(ratios) if norm else ratios[_divergence(losses)])
        panel.line(arm, RATES, reached)
        enough = [rate for rate, value in zip(RATES, reached, strict=True) if value >= 0.9]
        best.append(max(enough, default=RATES[0]))
        run.also(f"{arm}: best accuracy", max(reached))
        run.also(f"{arm}: largest rate with .9, or the smallest", best[-1])
    run.must("largest rate, batch norm / none", best[1] / best[0], at_least=5.0)
    run.must("none, rate 3: |z₁₂| / |z₁|", explosion[0], at_least=100.0)
    run.must("batch norm, rate 3: |z₁₂| / |z₁|", explosion[1], at_most=5.0)


def _watched(model: nn.Sequential, data: Images, steps: int, rate: float, seed: int):
    """Train; of each step the loss, and mean |z| of layer 12 over that of the first."""
    sizes: dict[int, list[float]] = {0: [], 11: []}
    hooks = [
        linear_layers(model)[layer].register_forward_hook(
            lambda module, args, z, found=found: found.append(z.detach().abs().mean().item())
        )
        for layer, found in sizes.items()
    ]
    losses = descend(model, data, steps, rate, 128, seed)
    for hook in hooks:
        hook.remove()
    return losses, [last / first for first, last in zip(sizes[0], sizes[11], strict=True)]


def _divergence(losses: list[float]) -> int:
    return int(np.argmax([loss if np.isfinite(loss) else -1.0 for loss in losses]))
