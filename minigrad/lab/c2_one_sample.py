"""One vector cannot be normalized by its batch; one image or one sequence can.

Papers: lecture notes: with one sample in a batch batch norm makes no sense. Ulyanov et al. 2016,
"Instance Normalization", section 3, normalize every image by itself.
Here: one vector of 4 channels, two, one sequence of 50 vectors, one image of 8 × 8 pixels. And how
much of a vector's value is left if m of them are normalized: the correlation, over 2,000 batches of
random numbers, of the first value before and after.
Must show: one vector is refused, and rightly: (x − μ) / √(σ² + ε) is 0. Of two vectors ±1 is left,
within 1e-4. A sequence and an image come out with a standard deviation within .01 of 1.
"""

import numpy as np

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

from .protocol import Run, claim

COUNTS = (2, 4, 8, 16, 32, 64)


@claim(
    "C2", "One vector cannot be normalized; one image can",
    "lecture notes; Ulyanov et al. 2016, section 3", 0.1,
)  # fmt: skip
def one_sample(run: Run) -> None:
    rng = np.random.default_rng(run.seed)

    def values(*shape: int) -> minigrad.Tensor:
        return minigrad.tensor(rng.normal(3, 2, shape))

    x = values(1, 4)
    try:
        F.batch_norm(x, None, None, training=True)
        refused = False
    except ValueError:
        refused = True
    run.must_be_so("one vector: refused", refused)
    by_hand = (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt()
    run.must("one vector, by hand: largest value", by_hand.abs().max().item(), at_most=0.0)
    two = minigrad.tensor([[0.0, 1.0, 5.0, -3.0], [1.0, -1.0, 7.0, 4.0]]).double()
    from_one = (F.batch_norm(two, None, None, training=True).abs() - 1).abs().max().item()
    run.must("two vectors: from ±1", from_one, at_most=1e-4)
    for name, norm, shape in (
        ("one sequence", nn.BatchNorm1d(4), (1, 4, 50)),
        ("one image", nn.BatchNorm2d(4), (1, 4, 8, 8)),
    ):
        out = norm.double()(values(*shape)).detach().numpy().reshape(4, -1)
        apart = abs(out.std(1) - 1).max()
        run.must(f"{name}: standard deviation of a channel, from 1", apart, at_most=0.01)
    left = [_left(values(count, 2000)) for count in COUNTS]
    for count, each in zip(COUNTS, left, strict=True):
        run.also(f"{count} vectors: correlation of a value before and after", each)
    panel = run.panel("What is left of a value", "vectors normalized together", "correlation", "x")
    panel.line("batch norm", COUNTS, left)


def _left(x: minigrad.Tensor) -> float:
    """Every channel is a batch of its own: how its first value correlates, before and after."""
    y = F.batch_norm(x, None, None, training=True)
    return float(np.corrcoef(x[0].numpy(), y[0].numpy())[0, 1])
