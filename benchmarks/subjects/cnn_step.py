"""One training step of a small convolutional network on images of 28 × 28.

Conv 32 3 × 3 - BatchNorm - ReLU - MaxPool 2 - Flatten - Linear 64 - BatchNorm - ReLU - Linear 10,
cross-entropy, Adam, float32.
"""

import kernels_alone
import numpy as np
import peers

import minigrad

TITLE = "training step of the convolutional network, Adam"
SIZE = "batch"
PARTS = {"step": "µs per step", "kernels alone": "µs per step"}


def sizes(part, quick):
    return {str(batch): (batch, not quick) for batch in ([16] if quick else [16, 64, 256])}


def cnn(nn):
    return nn.Sequential(
        nn.Conv2d(1, 32, 3),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 13 * 13, 64),
        nn.BatchNorm1d(64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def problem(batch):
    """Initial weights, even ones as the layers draw them, and a batch of images with labels."""
    rng = np.random.default_rng(0)
    weights = []
    for parameter in cnn(minigrad.nn).parameters():
        bound = (parameter.numel() / len(parameter)) ** -0.5
        weights.append(rng.uniform(-bound, bound, tuple(parameter.shape)))
    for gamma in (2, 6):
        weights[gamma] = rng.uniform(0.5, 1.5, weights[gamma].shape)
    return weights, rng.random((batch, 1, 28, 28), dtype=np.float32), rng.integers(0, 10, batch)


def contestants(part, size):
    batch, compiled = size
    weights, x, y = problem(batch)
    in_single = [w.astype(np.float32) for w in weights]
    if part == "kernels alone":
        step = peers.Modules(minigrad, cnn, in_single, x, y)
        return {"minigrad": step} | kernels_alone.parts(step)
    steps = peers.by_modules(cnn, in_single, x, y, compiled)
    with minigrad.use_kernels("reference"):
        oracle = peers.Modules(minigrad, cnn, weights, x.astype(float), y)
        peers.check_agreement(steps, oracle)
    layers = [(batch * 26 * 26, 9, 32), (batch, 32 * 13 * 13, 64), (batch, 64, 10)]
    steps["matrix products"] = peers.MatrixProducts(layers)
    return steps
