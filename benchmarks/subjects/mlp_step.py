"""One training step of 784 - 128 - BatchNorm - ReLU - 64 - BatchNorm - ReLU - 10, Adam."""

import kernels_alone
import numpy as np
import peers

import minigrad

TITLE = "training step of the MNIST network, 784 - 128 - 64 - 10 with batch norm, Adam"
SIZE = "batch"
PARTS = {"step": "µs per step", "kernels alone": "µs per step"}


def sizes(part, quick):
    batches = [32, 128] if quick else [32, 64, 128, 256, 1024]
    return {str(batch): (batch, not quick) for batch in batches}


def contestants(part, size):
    batch, compiled = size
    rng = np.random.default_rng(0)
    weights = peers.initial_weights(rng)
    x = rng.random((batch, peers.MNIST[0]), dtype=np.float32)
    y = rng.integers(0, peers.MNIST[-1], batch)
    if part == "kernels alone":
        step = peers.Modules(minigrad, peers.mlp, weights, x, y)
        return {"minigrad": step} | kernels_alone.parts(step)
    steps = peers.by_modules(peers.mlp, weights, x, y, compiled)
    steps["NumPy by hand"] = peers.NumPy(weights, x, y)
    in_double = peers.NumPy([w.astype(float) for w in weights], x.astype(float), y)
    peers.check_agreement(steps, in_double)
    steps["matrix products"] = peers.products_of_mlp(batch)
    return steps
