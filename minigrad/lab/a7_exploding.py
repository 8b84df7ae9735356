"""At the start, batch norm makes gradients explode with depth, by a known factor per layer.

Paper: Yang et al. 2019, "A Mean Field Theory of Batch Normalization". For relu and large batches
the norm of the gradient grows by √(π / (π − 1)) = 1.2112 per layer, from the last to the first.
Beyond about 50 layers nothing can be trained, if no shortcuts lead around layers; that is not tried
here. (Both were read in K. Luther's account of it.)
Here: 30 layers of 512 units, W ~ N(0, 2/512), batches of 8 to 512 random vectors. A random gradient
enters at the end and is followed back; h is what a linear layer gives to batch norm. The growth is
the slope of log |dL/dh| over layers 3 to 28, away from both ends.
Must show: 1.21 ± .03 for batches of 128 and 512; above 1.3 for 8; 1.00 ± .03 without batch norm; at
most 1.02 for a linear network with batch norm and batches of 512. The same for tanh is reported.
"""

import math

import numpy as np

import minigrad
from minigrad import autograd
from minigrad.nn import functional as F

from .protocol import Panel, Run, claim

DEPTH, WIDTH = 30, 512
YANG = "1.2112"


@claim("A7", "Batch norm explodes gradients by 1.21 per relu layer", "Yang et al. 2019", 3.1)
def exploding_gradients(run: Run) -> None:
    panel = run.panel("Gradient of a layer's input", "layer", "|dL/dh|, last layer = 1", "y")
    relu, rng = minigrad.relu, np.random.default_rng(run.seed)

    def growth(label, batch, activation=relu, normalized=True):
        return _growth(rng, batch, activation, normalized, panel, label)

    for batch in (128, 512):
        found = growth(f"relu, batch {batch}", batch)
        run.must(f"growth, batch {batch}", found, at_least=1.18, at_most=1.24, published=YANG)
    run.also("growth, batch 32", growth("relu, batch 32", 32))
    run.must("growth, batch 8", growth("relu, batch 8", 8), at_least=1.3)
    found = growth("relu, no batch norm", 512, normalized=False)
    run.must("growth without batch norm", found, at_least=0.97, at_most=1.03)
    found = growth("linear, batch 512", 512, activation=lambda h: h)
    run.must("growth, linear network", found, at_most=1.02)
    run.also("growth, tanh", growth("tanh, batch 512", 512, activation=minigrad.tanh))


def _growth(
    rng: np.random.Generator, batch: int, activation, normalized: bool, panel: Panel, label: str
) -> float:
    x = minigrad.tensor(rng.normal(size=(batch, WIDTH)).astype(np.float32), requires_grad=True)
    inputs, y = [], x
    for _ in range(DEPTH):
        weight = rng.normal(0, math.sqrt(2 / WIDTH), (WIDTH, WIDTH)).astype(np.float32)
        inputs.append(F.linear(y, minigrad.tensor(weight)))
        y = F.batch_norm(inputs[-1], None, None, training=True) if normalized else inputs[-1]
        y = activation(y)
    dy = minigrad.tensor(rng.normal(size=(batch, WIDTH)).astype(np.float32))
    norms = [each.norm().item() for each in autograd.grad(y, inputs, dy)]
    layers = np.arange(1, DEPTH + 1)
    panel.line(label, layers, np.array(norms) / norms[-1])
    slope = np.polyfit(layers[2:28], np.log(norms[2:28]), 1)[0]
    return math.exp(-slope)
