"""A training step over the time of its matrix products, as the network gets wider and deeper."""

from functools import partial

import numpy as np
import peers

TITLE = "training step of an MLP with batch norm, batch 128, Adam, as it gets wider and deeper"
SIZE = "hidden units, or layers"
PARTS = {"width, 2 hidden layers": "µs per step", "depth, 128 units": "µs per step"}
BATCH, INPUTS, CLASSES = 128, 128, 10


def sizes(part, quick):
    if part.startswith("width"):
        widths = [32, 128] if quick else [2**power for power in range(5, 13)]
        return {str(width): (width, width) for width in widths}
    return {str(2**power): (128,) * 2**power for power in range(1, 3 if quick else 7)}


def contestants(part, size):
    layers = (INPUTS, *size, CLASSES)
    rng = np.random.default_rng(0)
    weights = peers.initial_weights(rng, layers)
    x = rng.random((BATCH, INPUTS), dtype=np.float32)
    y = rng.integers(0, CLASSES, BATCH)
    steps = peers.by_modules(partial(peers.mlp, sizes=layers), weights, x, y, compiled=False)
    steps["NumPy by hand"] = peers.NumPy(weights, x, y)
    in_double = peers.NumPy([w.astype(float) for w in weights], x.astype(float), y)
    # Rounding grows in a deep network, from layer to layer and from step to step.
    peers.check_agreement(steps, in_double, count=1, tolerance=1e-4 * len(size), noisy=0.3)
    steps["matrix products"] = peers.products_of_mlp(BATCH, layers)
    return steps
