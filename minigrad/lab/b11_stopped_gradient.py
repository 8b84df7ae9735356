"""The gradient has to pass through μ and σ, or biases drift and accuracy is lost.

Paper: Ioffe & Szegedy 2015, section 2: if the gradient ignores how μ depends on a bias b, "b will
grow indefinitely while the loss remains fixed", and "the model blows up".
Here: 784-100-100-100-10, a bias before each batch norm, batches of 60, 2,000 steps; relu with SGD
of .1 and sigmoid with 1. Exact, and with μ and σ² as constants for the gradient. How much relu
loses depends on the first weights: He's decide here, and N(0, .05²) is reported.
Must show: for both, the largest |b| below 1e-5 where exact, above .5 where not; accuracy lost by at
least 5 points (relu) and 20 points (sigmoid).
"""

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

from .protocol import Run, claim
from .training import accuracy, descend, images, linear_layers, perceptron

# activation, learning rate, what must be lost, standard deviation of the first weights or He's
NETS: dict[str, tuple[type[nn.Module], float, float | None, float | None]] = {
    "relu": (nn.ReLU, 0.1, 0.05, None),
    "sigmoid": (nn.Sigmoid, 1.0, 0.20, None),
    "relu, N(0, .05²)": (nn.ReLU, 0.1, None, 0.05),
}


class Detached(nn.BatchNorm1d):
    """Batch norm whose μ and σ² are constants for the gradient: two of the three roads are cut."""

    def forward(self, input: minigrad.Tensor) -> minigrad.Tensor:
        if not self.training:
            return super().forward(input)
        with minigrad.no_grad():
            super().forward(input)  # for the running statistics
        mean, var = input.detach().mean(0), input.detach().var(0, correction=0)
        return F.batch_norm(input, mean, var, self.weight, self.bias, training=False, eps=self.eps)


@claim(
    "B11", "The gradient has to pass through μ and σ", "Ioffe & Szegedy 2015, section 2", 11,
    mnist=True,
)  # fmt: skip
def stopped_gradient(run: Run) -> None:
    data, tests = images(run)
    for name, (activation, rate, lost, std) in NETS.items():
        panel = run.panel(f"{name}: the largest bias before batch norm", "step", "|b|", "y")
        reached = []
        for norm in (nn.BatchNorm1d, Detached):
            arm = "constants" if norm is Detached else "exact"
            run.arm(f"{name}, {arm}")
            minigrad.manual_seed(run.seed)
            model = perceptron([tests[0].shape[1], *[100] * 3, 10], activation, norm, std, True)
            hidden = linear_layers(model)[:3]
            sizes: list[float] = []

            def each_step(step, hidden=hidden, sizes=sizes):
                if step % 20 == 0:
                    sizes.append(max(layer.bias.detach().abs().max().item() for layer in hidden))

            steps = run.steps(2000, 400)
            descend(model, data, steps, rate, 60, run.seed, each_step)
            each_step(0)
            panel.line(arm, range(20, steps + 1, 20), sizes[1:])
            if lost is None:
                run.also(f"{name}: |b|, {arm}", sizes[-1])
            elif norm is Detached:
                run.must(f"{name}: |b|, constants", sizes[-1], at_least=0.5)
            else:
                run.must(f"{name}: |b|, exact", sizes[-1], at_most=1e-5, published="0, theory")
            reached.append(accuracy(model.eval(), tests))
            run.also(f"{name}: accuracy, {arm}", reached[-1])
        gap = reached[0] - reached[1]
        if lost is None:
            run.also(f"{name}: accuracy lost", gap)
        else:
            run.must(f"{name}: accuracy lost", gap, at_least=lost)
