"""A moving average lags behind the network; statistics computed anew do not.

Paper: Wu & Johnson 2021, "Rethinking 'Batch' in BatchNorm", compare the moving average with
statistics recomputed over many batches ("PreciseBN"), on ImageNet.
Here: 784-100-100-100-10 relu, SGD with 1, batches of 128; the running statistics keep .9, .99 or
.999 of the old value, so they look back 10, 100 or 1,000 batches. Then `nn.utils.recalibrate` over
10 batches of 1,000. And once more with 100 added to every pixel: what training sees is the same,
for each batch's mean is subtracted.
Must show: with .999 at step 200 recomputing gains at least 4 points; with .9 at step 1,000 the two
are within 1 point; with the added 100 the average gives at most .5, recomputing at least .96.
"""

import copy
from functools import partial

import minigrad
from minigrad import nn
from minigrad.utils.data import DataLoader, TensorDataset

from .protocol import Run, claim
from .training import Images, accuracy, descend, images, perceptron


@claim(
    "B7", "A moving average lags; recomputing does not", "Wu & Johnson 2021", 6.4,
    mnist=True, analogue="MNIST and a perceptron stand for ImageNet and ResNet",
)  # fmt: skip
def moving_average(run: Run) -> None:
    (inputs, labels), (tests, answers) = images(run)

    def both(keeps: float, steps: int, added: float = 0.0) -> tuple[float, float]:
        run.arm(f"keeping {keeps:g}, {steps} steps, {added:g} added to each pixel")
        shifted = (inputs + added, labels), (tests + added, answers)
        return _accuracies(*shifted, keeps, steps, run.seed)

    panel = run.panel("After 200 steps", "batches that the average looks back", "accuracy", "x")
    found = [both(keeps, 200) for keeps in (0.9, 0.99, 0.999)]
    panel.line("moving average", (10, 100, 1000), [average for average, _ in found])
    panel.line("recomputed", (10, 100, 1000), [precise for _, precise in found])
    average, precise = found[-1]
    run.also(".999, step 200: moving average", average)
    run.also(".999, step 200: recomputed", precise)
    run.must(".999, step 200: gain", precise - average, at_least=0.04)
    average, precise = both(0.9, run.steps(1000, 300))
    run.also(".9, step 1000: moving average", average)
    apart = abs(precise - average)
    run.must(".9, step 1000: apart", apart, at_most=0.01)
    for keeps in (0.9, 0.99):
        average, precise = both(keeps, run.steps(1000, 300), added=100.0)
        name = f"100 added, {keeps:g}: moving average"
        run.must(name, average, at_most=0.5, whole_only=keeps == 0.9)
        name = f"100 added, {keeps:g}: recomputed"
        run.must(name, precise, at_least=0.96)


def _accuracies(data: Images, tests: Images, keeps: float, steps: int, seed: int):
    """With the moving average, and with statistics recomputed over 10 batches."""
    minigrad.manual_seed(seed)
    norm = partial(nn.BatchNorm1d, momentum=round(1 - keeps, 9))
    model = perceptron([data[0].shape[1], 100, 100, 100, 10], nn.ReLU, norm)
    descend(model, data, steps, 1.0, 128, seed)
    average = accuracy(model.eval(), tests)
    anew = copy.deepcopy(model)
    nn.utils.recalibrate(anew, DataLoader(TensorDataset(data[0][:10_000]), batch_size=1000))
    return average, accuracy(anew.eval(), tests)
