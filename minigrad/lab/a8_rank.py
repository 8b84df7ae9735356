"""Depth takes the rank away from what a network says of its inputs; batch norm keeps it.

Paper: Daneshmand et al. 2020, "Batch Normalization Provably Avoids Rank Collapse". With M the
second moments of a layer's output H (N × d) it measures tr(M)² / |M|_F², a rank that noise does not
fool. It falls to 1 with depth, and stays of the order of √d with batch norm.
Here: d = 32, N = 128, depth 500, float64, random weights (variance 1/d, for relu 2/d), linear and
relu; H is what follows the activation, its mean not removed. With the mean removed it is reported.
Must show: at depth 100 at most 1.1 without batch norm; with it at least 2 (relu), 3.5 (linear).
At depth 100 the rank without it still varies: of the seeds 0 to 39, 11 have more than 1.1 in the
linear network (median 1.04), and one in the relu network.
"""

import math

import numpy as np

import minigrad
from minigrad.nn import functional as F

from .protocol import Run, claim

WIDTH, ROWS, DEPTH, AT = 32, 128, 500, 100


@claim("A8", "Without it depth takes the rank away", "Daneshmand et al. 2020", 0.2)
def rank_collapse(run: Run) -> None:
    panel = run.panel("Rank of a layer's output, d = 32", "layer", "tr(M)² / |M|²", "xy")
    rng, order = np.random.default_rng(run.seed), "of the order of √32 = 5.7"
    for name, relu in (("linear", False), ("relu", True)):
        for normalized in (False, True):
            ranks, centered = _ranks(rng, relu, normalized)
            label = f"{name}, {'batch norm' if normalized else 'none'}"
            panel.line(label, range(1, DEPTH + 1), ranks)
            found = ranks[AT - 1]
            if normalized:
                least = 2.0 if relu else 3.5
                run.must(f"{label}, depth {AT}", found, at_least=least, published=order)
            else:
                run.must(f"{label}, depth {AT}", found, at_most=1.1, published="1")
            run.also(f"{label}, depth {DEPTH}", ranks[-1])
            if relu and normalized:
                run.also(f"{label}, depth {AT}, mean removed", centered[AT - 1])


def _ranks(rng: np.random.Generator, relu: bool, normalized: bool):
    """Of every layer's output, as it is and with its mean removed."""
    h, ranks, centered = minigrad.tensor(rng.normal(size=(ROWS, WIDTH))), [], []
    std = math.sqrt((2 if relu else 1) / WIDTH)
    for _ in range(DEPTH):
        h = h @ minigrad.tensor(rng.normal(0, std, (WIDTH, WIDTH)))
        if normalized:
            h = F.batch_norm(h, None, None, training=True)
        h = minigrad.relu(h) if relu else h
        ranks.append(_rank(h))
        centered.append(_rank(h - h.mean(0)))
    return ranks, centered


def _rank(h: minigrad.Tensor) -> float:
    moments = (h.T @ h) / (h * h).sum()  # with trace 1, however small h has become
    return 1 / (moments * moments).sum().item()
