"""Training steps of convolutional networks by the size of their windows and their channels.

Two blocks of Conv - (BatchNorm) - ReLU - MaxPool 2 on images of 28 × 28 and linear layers behind
them; cross-entropy, Adam, float32.
"""

import harness
import numpy as np
import peers

import minigrad

TITLE = "training step by windows and channels, Adam"
SIZE = "network"
PARTS = {"step": "µs per step"}

# Name -> channels, window, padding of each convolution, batch norm or not, hidden layers, batch.
NETWORKS = {
    "5×5 1→16→32": ((1, 16, 32), 5, (2, 2), False, (), 100),
    "5×5 1→16→32, BN": ((1, 16, 32), 5, (2, 2), True, (), 100),
    "LeNet 1→6→16": ((1, 6, 16), 5, (2, 0), False, (120, 84), 64),
    "3×3 1→32→64": ((1, 32, 64), 3, (1, 1), False, (), 64),
}


def sizes(part, quick):
    return {"LeNet 1→6→16": "LeNet 1→6→16"} if quick else {name: name for name in NETWORKS}


def network(nn, name):
    channels, window, paddings, normalized, hidden, _ = NETWORKS[name]
    layers, side = [], 28
    for fan_in, fan_out, padding in zip(channels, channels[1:], paddings, strict=False):
        layers.append(nn.Conv2d(fan_in, fan_out, window, padding=padding))
        layers += [nn.BatchNorm2d(fan_out)] * normalized
        layers += [nn.ReLU(), nn.MaxPool2d(2)]
        side = (side + 2 * padding - window + 1) // 2
    features = [channels[-1] * side * side, *hidden, 10]
    layers.append(nn.Flatten())
    for fan_in, fan_out in zip(features, features[1:], strict=False):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def contestants(part, name):
    batch = NETWORKS[name][-1]
    rng = np.random.default_rng(0)
    weights = []
    for parameter in network(minigrad.nn, name).parameters():
        bound = (parameter.numel() / len(parameter)) ** -0.5
        weights.append(rng.uniform(-bound, bound, tuple(parameter.shape)))
    x, y = rng.random((batch, 1, 28, 28), dtype=np.float32), rng.integers(0, 10, batch)
    in_single = [w.astype(np.float32) for w in weights]

    def made(nn):
        return network(nn, name)

    found = {"minigrad": peers.Modules(minigrad, made, in_single, x, y)}
    if torch := harness.installed("torch"):
        found["torch, fused Adam"] = peers.Modules(torch, made, in_single, x, y, fused=True)
    oracle = peers.Modules(minigrad, made, weights, x.astype(float), y)
    with minigrad.use_kernels("reference"):
        peers.check_agreement(found, oracle)
    return found
