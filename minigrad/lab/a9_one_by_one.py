"""With the statistics of one image every image gets the same answer.

Paper: the Udacity lesson on batch normalization, and lecture notes: tested one by one with batch
statistics, .05 of 200 images are right; with running statistics .97. A batch of one row is its own
mean: x − μ is 0, and only β leaves the layer.
Here: 784-100-100-100-10 relu, weights N(0, .05²), ε = 1e-3, momentum .01, SGD with .01, batches of
60, 2,000 steps. Then the first 200 test images, one by one, each normalized by its own statistics;
1,024 images in batches of 2 to 128; all 10,000 with running statistics. `BatchNorm1d` refuses a
single row in training, rightly; a helper does it by hand.
Must show: all 200 images get the same logits, bit for bit; accuracy at most .15; with running
statistics at least .94.
"""

from functools import partial

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

from .protocol import Run, claim
from .training import accuracy, descend, images, perceptron

SHOWN = 200


@claim("A9", "Batch statistics of one row say nothing", "Udacity lesson", 3.3, mnist=True)
def one_by_one(run: Run) -> None:
    data, (tests, answers) = images(run)
    norm = partial(nn.BatchNorm1d, eps=1e-3, momentum=0.01)
    model = perceptron([tests.shape[1], 100, 100, 100, 10], nn.ReLU, norm, std=0.05)
    descend(model, data, run.steps(2000, 400), 0.01, 60, run.seed)
    model.eval()
    few = tests[:SHOWN], answers[:SHOWN]
    with minigrad.no_grad():
        logits = minigrad.cat([_by_batch(model, few[0][i : i + 1]) for i in range(SHOWN)])
    same = bool((logits == logits[0]).all().item())
    run.must_be_so("one by one: logits equal to the last bit", same)
    alone = (logits.argmax(1) == few[1]).float().mean().item()
    run.must("one by one: accuracy", alone, at_most=0.15, published="0.05")
    run.must(
        "running statistics: accuracy on all test images", accuracy(model, (tests, answers)),
        at_least=0.94, published="0.97, on 200",
    )  # fmt: skip
    run.also("running statistics: accuracy on the 200", accuracy(model, few), published="0.97")
    sizes = [1, 2, 4, 8, 16, 32, 64, 128]
    found = [alone] + [_in_batches(model, tests[:1024], answers[:1024], size) for size in sizes[1:]]
    for size in (2, 8, 32, 128):
        run.also(f"batches of {size}: accuracy", found[sizes.index(size)])
    panel = run.panel("Tested with batch statistics", "images per batch", "accuracy", "x")
    panel.line("batch statistics", sizes, found)
    panel.line("running statistics", sizes, [accuracy(model, (tests, answers))] * len(sizes))


def _by_batch(model: nn.Sequential, x: minigrad.Tensor) -> minigrad.Tensor:
    """The logits with the mean and variance of `x` itself, also if it is a single row."""
    for layer in model:
        if isinstance(layer, nn.BatchNorm1d):
            mean, var = x.mean(0), x.var(0, correction=0)
            x = F.batch_norm(x, mean, var, layer.weight, layer.bias, training=False, eps=layer.eps)
        else:
            x = layer(x)
    return x


def _in_batches(model: nn.Sequential, inputs, labels, size: int) -> float:
    def logits(x):
        return minigrad.cat([_by_batch(model, x[i : i + size]) for i in range(0, len(x), size)])

    return accuracy(logits, (inputs, labels))
