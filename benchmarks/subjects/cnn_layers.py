"""The layers of the convolutional network one by one, forward and backward, minigrad and torch."""

import harness
import numpy as np

import minigrad
from subjects.cnn_step import cnn, problem

TITLE = "each layer of the convolutional network, batch 64, as an operation of a graph"
SIZE = "layer"
PARTS = {"forward": "µs", "forward and backward": "µs"}


def sizes(part, quick):
    names = [type(layer).__name__ for layer in cnn(minigrad.nn)]
    layers = {f"{i} {name}": (i, 64) for i, name in enumerate(names)}
    return {"0 Conv2d": (0, 4)} if quick else layers


def contestants(part, size):
    number, batch = size
    libraries = {"minigrad": minigrad}
    if torch := harness.installed("torch"):
        libraries["torch"] = torch
    calls, results = {}, {}
    for name, library in libraries.items():
        layer, x, dy = layer_alone(library, number, batch)
        results[name] = run(layer, x, dy)
        if part == "forward":
            calls[name] = lambda layer=layer, x=x: layer(x)
        else:
            calls[name] = lambda layer=layer, x=x, dy=dy: run(layer, x, dy)
    for name, arrays in results.items():
        for got, want in zip(arrays, results["minigrad"], strict=True):
            scale = max(1, np.abs(want).max())
            np.testing.assert_allclose(got, want, rtol=0, atol=1e-4 * scale, err_msg=name)
    return calls


def layer_alone(torch, number, batch):
    """A layer of the network, an input as the network gives it, and a gradient of its output."""
    weights, images, _ = problem(batch)
    model = cnn(torch.nn)
    with torch.no_grad():
        for parameter, value in zip(model.parameters(), weights, strict=True):
            parameter.copy_(torch.from_numpy(value.astype(np.float32)))
        x = torch.from_numpy(images)
        for layer in list(model)[:number]:
            x = layer(x)
        layer = model[number]
        shape = tuple(layer(x).shape)
    x = x.detach().requires_grad_(number > 0)  # as in the network: its images need no gradient
    dy = np.random.default_rng(1).standard_normal(shape).astype(np.float32)
    return layer, x, torch.from_numpy(dy)


def run(layer, x, dy):
    """Forward and backward: the output, and the gradients of input and parameters."""
    leaves = [leaf for leaf in (x, *layer.parameters()) if leaf.requires_grad]
    for leaf in leaves:
        leaf.grad = None
    y = layer(x)
    y.backward(dy)
    return [u.detach().numpy() for u in (y, *(leaf.grad for leaf in leaves))]
