"""Before batch norm, k times the weights is the same as 1/k² of the learning rate.

Paper: van Laarhoven 2017, Hoffer et al. 2018, Arora et al. 2019 (not checked): η / |w|² counts.
Here: 784-50-50-10 relu, float64, ε = 1e-8, batches of 60, 200 steps. The weights of both hidden
layers start k times as large, and their learning rate is k² · .1; then k as large with .1 itself.
Must show: losses within 1e-4 of those of k = 1, at every step, for k = .1, 10 and 100; with the
learning rate unchanged they differ by more than .3 somewhere.
Beside ε the claim is not exact: at k = .1 the variances are 1/100, and ε counts 100 times as much.
That is enough for a relu to change sides now and then. So k = .1 is also run with ε = 1e-12, and
with tanh, which has no sides.
"""

from functools import partial
from typing import Any

import numpy as np

import minigrad
from minigrad import nn, optim

from .protocol import Run, claim
from .training import Images, descend, images, linear_layers, perceptron

RATE = 0.1
OTHERS: dict[str, dict[str, Any]] = {
    "ε = 1e-12": {"eps": 1e-12}, "tanh for relu": {"activation": nn.Tanh},
}  # fmt: skip


@claim(
    "A3", "k times the weights is 1/k² of the learning rate",
    "van Laarhoven 2017; Hoffer et al. 2018; Arora et al. 2019 (not checked)", 1.7, mnist=True,
)  # fmt: skip
def effective_rate(run: Run) -> None:
    (inputs, labels), _ = images(run)
    data, steps = (inputs.double(), labels), run.steps(200, 50)
    plain = _losses(data, 1.0, RATE, steps, run.seed)
    panel = run.panel("Loss with the weights ten times as large", "step", "cross-entropy")
    panel.line("k = 1", range(steps), plain)
    for k in (0.1, 10.0, 100.0):
        run.arm(f"k = {k:g}")
        adapted = _losses(data, k, k**2 * RATE, steps, run.seed)
        same = _losses(data, k, RATE, steps, run.seed)
        apart = abs(adapted - plain).max()
        run.must(f"k = {k:g}, rate k² η: losses apart", apart, at_most=1e-4, published="0, theory")
        apart = abs(same - plain).max()
        run.must(f"k = {k:g}, rate η: losses apart", apart, at_least=0.3)
        if k == 10:
            panel.line("k = 10, rate 100 η", range(steps), adapted)
            panel.line("k = 10, rate η", range(steps), same)
    for name, other in OTHERS.items():
        apart = _losses(data, 1.0, RATE, steps, run.seed, **other)
        apart -= _losses(data, 0.1, 0.01 * RATE, steps, run.seed, **other)
        run.also(f"k = 0.1, rate k² η, {name}: losses apart", abs(apart).max())


def _losses(
    data: Images, k: float, rate: float, steps: int, seed: int, eps: float = 1e-8,
    activation: type[nn.Module] = nn.ReLU,
):  # fmt: skip
    minigrad.manual_seed(seed)
    norm = partial(nn.BatchNorm1d, eps=eps)
    model = perceptron([data[0].shape[1], 50, 50, 10], activation, norm).double()
    hidden = [layer.weight for layer in linear_layers(model)[:2]]
    with minigrad.no_grad():
        for weight in hidden:
            weight *= k
    others = [each for each in model.parameters() if all(each is not one for one in hidden)]
    groups: list[dict[str, Any]] = [{"params": hidden, "lr": rate}, {"params": others}]
    return np.array(descend(model, data, steps, optim.SGD(groups, lr=RATE), 60, seed))
