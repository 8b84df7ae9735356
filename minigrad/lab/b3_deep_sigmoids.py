"""Deep sigmoid networks learn with batch norm, and stay at chance without.

Paper: Ioffe & Szegedy 2015, section 4.2.2: Inception with sigmoids reaches 69.8 % with batch norm
and stays at chance without.
Here: 1, 3, 5, 8 or 12 hidden layers of 100 units, weights N(0, .1²), SGD with .5, batches of 60,
2,000 steps. A sigmoid's slope is at most 1/4, so a layer leaves about a quarter of a gradient, or
less. Before the first step: |∇W₁| / |∇W_out|, the first layer's over the last one's, and how it
falls per layer from depth 3 to 12.
Must show: from depth 5 on at most .15 without and at least .92 with; without it the ratio falls at
least 5 times per layer, with it the ratio lies in [.1, 1].
"""

from functools import partial

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

from .protocol import Run, claim
from .training import Images, accuracy, descend, images, linear_layers, perceptron

DEPTHS = (1, 3, 5, 8, 12)
BATCH_NORM: dict[str, type[nn.BatchNorm1d] | None] = {"none": None, "batch norm": nn.BatchNorm1d}


@claim(
    "B3", "Deep sigmoid networks learn with it, and not without", "Ioffe & Szegedy 2015, 4.2.2", 24,
    mnist=True, analogue="MNIST and perceptrons stand for ImageNet and Inception",
)  # fmt: skip
def deep_sigmoids(run: Run) -> None:
    data, tests = images(run)
    curves = run.panel(
        "Gradient of the first layer, at the start", "depth", "|∇W₁| / |∇W_out|", "y"
    )
    for arm, norm in BATCH_NORM.items():
        ratios = []
        for depth in DEPTHS:
            minigrad.manual_seed(run.seed)
            make = partial(perceptron, activation=nn.Sigmoid, normalized=norm, std=0.1)
            model = make([data[0].shape[1], *[100] * depth, 10])
            ratios.append(_ratio(model, data))
            descend(model, data, run.steps(2000, 400), 0.5, 60, run.seed)
            reached, name = accuracy(model.eval(), tests), f"{arm}, depth {depth}: accuracy"
            if depth < 5:
                run.also(name, reached)
            elif norm:
                run.must(name, reached, at_least=0.92)
            else:
                run.must(name, reached, at_most=0.15, published="chance")
        curves.line(arm, DEPTHS, ratios)
        if norm:
            run.must("batch norm: smallest |∇W₁| / |∇W_out|", min(ratios), at_least=0.1)
            run.must("batch norm: largest |∇W₁| / |∇W_out|", max(ratios), at_most=1.0)
        else:
            per_layer = (ratios[1] / ratios[-1]) ** (1 / (DEPTHS[-1] - DEPTHS[1]))
            run.must("none: the ratio falls per layer", per_layer, at_least=5.0)


def _ratio(model: nn.Sequential, data: Images) -> float:
    F.cross_entropy(model(data[0][:1000]), data[1][:1000]).backward()
    norms = [layer.weight.grad.norm().item() for layer in linear_layers(model)]
    model.zero_grad()
    return norms[0] / norms[-1]
