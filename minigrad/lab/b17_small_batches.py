"""Layer norm does not depend on the batch; batch norm loses when it is small.

Paper: Ba, Kiros & Hinton 2016, "Layer Normalization", section 6.6: 784-1000-1000-10, Adam, 55,000
images of MNIST, batches of 128 and of 4, no layer norm on the logits, and for batches of 4 the
unbiased variance in batch norm. It prints no numbers, only curves.
Here: relu (He), Adam with .001; one pass of 430 batches of 128, and 3,000 batches of 4, all drawn
at random; the running statistics keep a share of .1 · batch / 128 of the new value.
Must show: error of batch norm less that of layer norm is at least as large with 4 as with 128.
"""

import minigrad
from minigrad import nn, optim
from minigrad.nn import functional as F

from .protocol import Run, claim
from .training import accuracy, descend, images, perceptron

IMAGES = 55_000
STEPS = {128: 430, 4: 3000}


class Unbiased(nn.BatchNorm1d):
    """Batch norm which divides by √(σ² m / (m − 1) + ε) in training: γ and ε are scaled for it."""

    def forward(self, input: minigrad.Tensor) -> minigrad.Tensor:
        if not self.training:
            return super().forward(input)
        share = 1 - 1 / len(input)
        return F.batch_norm(
            input, self.running_mean, self.running_var, self.weight * share**0.5, self.bias,
            training=True, momentum=self.momentum or 0.0, eps=self.eps * share,
        )  # fmt: skip


@claim(
    "B17", "Small batches cost batch norm more than layer norm", "Ba et al. 2016, section 6.6", 80,
    mnist=True,
)  # fmt: skip
def small_batches(run: Run) -> None:
    (inputs, labels), tests = images(run)
    data, width = (inputs[:IMAGES], labels[:IMAGES]), run.steps(1000, 50)
    gaps = {}
    for batch, steps in STEPS.items():
        layer = nn.BatchNorm1d if batch == 128 else Unbiased
        arms = {
            "batch norm": lambda size, layer=layer, batch=batch: layer(
                size, momentum=0.1 * batch / 128
            ),
            "layer norm": nn.LayerNorm,
        }
        errors = []
        for arm, norm in arms.items():
            run.arm(f"{arm}, batches of {batch}")
            minigrad.manual_seed(run.seed)
            model = perceptron([inputs.shape[1], width, width, 10], nn.ReLU, norm)
            optimizer = optim.Adam(model.parameters(), lr=0.001)
            descend(model, data, run.steps(steps, 10), optimizer, batch, run.seed)
            errors.append(1 - accuracy(model.eval(), tests))
            run.also(f"{arm}, batches of {batch}: error", errors[-1], published="none printed")
        gaps[batch] = errors[0] - errors[1]
        run.also(f"batches of {batch}: batch norm − layer norm", gaps[batch])
    run.must("that of 4 less that of 128", gaps[4] - gaps[128], at_least=0, needs_all_steps=True)
