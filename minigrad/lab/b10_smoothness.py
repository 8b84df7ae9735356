"""Along the gradient the loss is smoother with batch norm.

Paper: Santurkar et al. 2018, "How Does Batch Normalization Help Optimization?", Figure 4, on
CIFAR-10, and a linear network of 25 layers: loss and gradient change less along a step.
Here: 784-100 × 8-10 relu (He, SGD with .1) and 784-64 × 25-10 linear (weights N(0, 1/n), SGD with
.01), batches of 128, 800 steps. Every 40 steps the weights move by f · .1 along −∇ of one batch,
f = .5, 1, … 4: the range of its loss, the largest |∇' − ∇|, the largest |∇' − ∇| per distance.
Must show: medians, none over batch norm: range at least 3, gradient 4, gradient per distance 1.5.
Only networks that learn are compared: on a plateau everything is smooth.
"""

import math

import numpy as np

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

from .protocol import Run, claim
from .training import Images, descend, images, linear_layers, perceptron

BOUNDS = {"range of the loss": 3.0, "change of the gradient": 4.0, "change per distance": 1.5}


@claim(
    "B10", "Along the gradient the loss is smoother", "Santurkar et al. 2018, Figure 4", 11,
    mnist=True, analogue="MNIST and perceptrons stand for CIFAR-10 and VGG",
)  # fmt: skip
def smoothness(run: Run) -> None:
    data, _ = images(run)
    nets = {"relu": (nn.ReLU, 100, 8, 0.1), "linear": (nn.Identity, 64, 25, 0.01)}
    for net, (activation, width, depth, rate) in nets.items():
        panel = run.panel(f"{net}, {depth} layers", "step", "range of the loss", "y")
        medians = []
        for norm in (None, nn.BatchNorm1d):
            run.arm(f"{net}, {'batch norm' if norm else 'none'}")
            minigrad.manual_seed(run.seed)
            model = perceptron([data[0].shape[1], *[width] * depth, 10], activation, norm)
            if net == "linear":
                for layer in linear_layers(model):
                    nn.init.normal_(layer.weight, 0.0, layer.in_features**-0.5)
            steps, found = _probed(model, data, run.steps(800, 200), rate, run.seed)
            panel.line("batch norm" if norm else "none", steps, [each[0] for each in found])
            medians.append(np.median(found, axis=0))
        for (name, bound), ratio in zip(BOUNDS.items(), medians[0] / medians[1], strict=True):
            words = f"{net}: {name}, none / batch norm"
            run.must(words, ratio, at_least=bound, whole_only=name == "change per distance")


def _probed(model: nn.Sequential, data: Images, steps: int, rate: float, seed: int):
    """The steps at which the loss was probed, and three numbers for each of them."""
    rng, at, found = np.random.default_rng(seed + 1), [], []

    def each_step(step):
        if step % 40 == 0:
            kept = [each.grad.clone() for each in model.parameters()]
            rows = minigrad.tensor(rng.integers(0, len(data[1]), 128))
            at.append(step)
            found.append(_probe(model, data[0][rows], data[1][rows]))
            for parameter, gradient in zip(model.parameters(), kept, strict=True):
                parameter.grad = gradient

    descend(model, data, steps, rate, 128, seed, each_step)
    return at, found


def _probe(model: nn.Sequential, x, labels) -> tuple[float, float, float]:
    parameters = list(model.parameters())
    start = [each.detach().clone() for each in parameters]
    _, here = _slope(model, x, labels)
    size = math.sqrt(sum((each**2).sum().item() for each in here))
    losses, changes, ratios = [], [], []
    for f in np.arange(0.5, 4.5, 0.5):
        with minigrad.no_grad():
            for parameter, value, gradient in zip(parameters, start, here, strict=True):
                parameter.copy_(value - 0.1 * f * gradient)
        loss, there = _slope(model, x, labels)
        pairs = zip(there, here, strict=True)
        change = math.sqrt(sum(((a - b) ** 2).sum().item() for a, b in pairs))
        losses.append(loss)
        changes.append(change)
        ratios.append(change / (0.1 * f * size))
    with minigrad.no_grad():
        for parameter, value in zip(parameters, start, strict=True):
            parameter.copy_(value)
    return max(losses) - min(losses), max(changes), max(ratios)


def _slope(model: nn.Sequential, x, labels):
    model.zero_grad()
    loss = F.cross_entropy(model(x), labels)
    loss.backward()
    return loss.item(), [each.grad.clone() for each in model.parameters()]
