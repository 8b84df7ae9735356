"""First weights drawn too narrow or too wide spoil a network, and with batch norm they do not.

Paper: Ioffe & Szegedy 2015, abstract: batch norm allows us "to be less careful about
initialization". (For wide weights the price is in A2: their gradients are smaller.)
Here: the small digits that come with minigrad, 64-64-64-64-10 relu, SGD with .3, batches of 64, 300
steps. Hidden weights N(0, 1/64), as Glorot & Bengio 2010 have it, times 1/25 to 25; biases
U(−1/8, 1/8), which is PyTorch's default. (Of very wide weights B2 has more, on MNIST.)
Must show: times 1 at least .8 without; times 1/5 and times 5 at least 30 points less without, and
at most 5 points less with batch norm. With biases of 0, without batch norm, it is reported.
"""

import minigrad
from minigrad import nn

from .protocol import Run, claim
from .training import accuracy, descend, linear_layers, perceptron, small_digits

FACTORS = (0.04, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 25.0)
ARMS: dict[str, type[nn.BatchNorm1d] | None] = {
    "none": None, "none, biases 0": None, "batch norm": nn.BatchNorm1d,
}  # fmt: skip


@claim("C4", "First weights of any width will do", "Ioffe & Szegedy 2015, abstract", 2)
def first_weights(run: Run) -> None:
    data, tests = small_digits(run)
    factors = (0.2, 1.0, 5.0) if run.quick else FACTORS
    panel = run.panel("After 300 steps", "first weights, times those of Glorot", "accuracy", "x")
    for arm, norm in ARMS.items():
        run.arm(arm)
        reached = {}
        for factor in factors:
            minigrad.manual_seed(run.seed)
            model = perceptron([64, 64, 64, 64, 10], nn.ReLU, norm)
            for layer in linear_layers(model):
                if not arm.endswith("0"):
                    layer.reset_parameters()
            for layer in linear_layers(model)[:-1]:
                nn.init.xavier_normal_(layer.weight, gain=factor)
            descend(model, data, 300, 0.3, 64, run.seed)
            reached[factor] = accuracy(model.eval(), tests)
            run.also(f"{arm}, times {factor:g}: accuracy", reached[factor])
        panel.line(arm, reached, reached.values())
        lost = {factor: reached[1.0] - reached[factor] for factor in (0.2, 5.0)}
        if arm == "none":
            run.must("none, times 1: accuracy", reached[1.0], at_least=0.8)
            for factor, points in lost.items():
                run.must(f"none, times {factor:g}: accuracy lost", points, at_least=0.3)
        elif norm:
            for factor, points in lost.items():
                run.must(f"batch norm, times {factor:g}: accuracy lost", points, at_most=0.05)
