"""With small batches layer norm gains on batch norm.

Paper: Ba et al. 2016, "Layer Normalization", section 6.6: 784-1000-1000-10 on MNIST, Adam, 55,000
images, batches of 128 and of 4. There is no layer norm on the logits; for batches of 4 the variance
in batch norm is the unbiased one. It shows curves, in which layer norm suffers less, and prints no
number.
Here: the same with 200 units for 1,000, which one core can afford, and one pass over the images, in
one order for all. Adam with .001; momentum .1; error of the test images with running statistics.
Must show: error of batch norm less that of layer norm, at 4, at least what it is at 128.
"""

import numpy as np

import minigrad
from minigrad import nn, optim
from minigrad.nn import functional as F

from .protocol import Run, claim
from .training import accuracy, descend, images, perceptron

WIDTH, SIZES = 200, (128, 4)


class Unbiased(nn.BatchNorm1d):
    """Batch norm that divides by m − 1 in the variance of a batch, too."""

    def forward(self, input: minigrad.Tensor) -> minigrad.Tensor:
        if not self.training:
            return super().forward(input)
        share = (len(input) - 1) / len(input)  # (x − μ) / √(σ² / share + ε), and σ² is the biased
        return F.batch_norm(
            input, self.running_mean, self.running_var, self.weight * share**0.5, self.bias,
            training=True, momentum=0.1, eps=self.eps * share,
        )  # fmt: skip


NORMS: dict[str, dict[int, type[nn.Module]]] = {
    "batch norm": {128: nn.BatchNorm1d, 4: Unbiased},
    "layer norm": {128: nn.LayerNorm, 4: nn.LayerNorm},
}


@claim(
    "B17", "Small batches: layer norm gains on batch norm", "Ba et al. 2016, section 6.6", 42,
    mnist=True, analogue="200 units and one pass stand for 1,000 units and many passes",
)  # fmt: skip
def layer_norm_gains(run: Run) -> None:
    data, tests = images(run)
    order = np.random.default_rng(run.seed).permutation(len(data[1]))[: run.steps(55_000, 1_440)]
    panel = run.panel("One pass over the images", "images seen", "loss, mean of 1,024 images", "y")
    error = {}
    for arm, norms in NORMS.items():
        for size in SIZES:
            run.arm(f"{arm}, batches of {size}")
            minigrad.manual_seed(run.seed)
            model = perceptron([tests[0].shape[1], WIDTH, WIDTH, 10], nn.ReLU, norms[size])
            batches = order[: len(order) // 128 * 128].reshape(-1, size)
            adam = optim.Adam(model.parameters(), lr=0.001)
            losses = descend(model, data, len(batches), adam, size, run.seed,
                             choose=batches.__getitem__)  # fmt: skip
            error[arm, size] = 1 - accuracy(model.eval(), tests)
            run.also(f"{arm}, batches of {size}: error", error[arm, size])
            per = 1024 // size
            means = np.reshape(losses[: len(losses) // per * per], (-1, per)).mean(1)
            panel.line(f"{arm}, {size}", 1024 * np.arange(1, len(means) + 1), means)
    behind = {size: error["batch norm", size] - error["layer norm", size] for size in SIZES}
    run.also("at 128: batch norm − layer norm", behind[128])
    run.also("at 4: batch norm − layer norm", behind[4])
    run.must("batch norm − layer norm, at 4 more than at 128", behind[4] - behind[128],
             at_least=0.0)  # fmt: skip
