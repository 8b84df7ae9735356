"""Weights before batch norm: the gradient is orthogonal to them, so every step makes them longer.

Paper: van Laarhoven 2017, Hoffer et al. 2018, Arora et al. 2019 (not checked); Ioffe & Szegedy
2015, section 3.3. For k > 0 BN(k W u) = BN(W u), so the gradient for u stays, w · ∇w = 0 for the
weights w of a unit, and ∇(k w) = ∇w / k. Each plain step adds to the length:
|w_T|² = |w_0|² + Σ η² |∇w|².
Here: 784-50-50-10 relu, float64, ε = 1e-8, SGD with η = .1, batches of 60, 500 steps; every unit of
both hidden layers. The control is the same network without batch norm.
Must show: |cos(w, ∇w)| below 1e-6 at every step; the sum within 1e-6; lengths that never shrink.
The control breaks all three. And at the start, first weights times 10: output, gradient of the
images, and 10 times that of the weights within 1e-4 of what they were.
"""

from functools import partial

import numpy as np

import minigrad
from minigrad import nn
from minigrad.nn import functional as F

from .protocol import Run, claim
from .training import Images, descend, images, linear_layers, perceptron

RATE = 0.1


@claim(
    "A2", "Steps are orthogonal to the weights, which only grow",
    "van Laarhoven 2017; Hoffer et al. 2018; Arora et al. 2019 (not checked)", 2.1, mnist=True,
)  # fmt: skip
def orthogonal_steps(run: Run) -> None:
    (inputs, labels), _ = images(run)
    data = inputs.double(), labels
    panel = run.panel("Length of the weights of the first layer", "step", "mean |w|² of a unit")
    for normalized in (True, False):
        run.arm("with batch norm" if normalized else "the control, without")
        minigrad.manual_seed(run.seed)
        cosine, apart, monotone, lengths = _train(data, normalized, run.steps(500, 100), run.seed)
        panel.line("batch norm" if normalized else "none", range(len(lengths)), lengths)
        if normalized:
            run.must("largest |cos(w, ∇w)|", cosine, at_most=1e-6, published="0, theory")
            run.must("|w|² from |w₀|² + Σ η²|∇w|²", apart, at_most=1e-6, published="0, theory")
            run.must_be_so("no length ever shrinks", monotone, published="yes, theory")
        else:
            run.must("control: largest |cos(w, ∇w)|", cosine, at_least=1e-6)
            run.must("control: |w|² from the sum", apart, at_least=1e-6)
            run.must_be_so("control: some lengths shrink", not monotone)
    for name, apart in _scaled(data, run.seed, 10.0).items():
        run.must(f"weights times 10: {name}", apart, at_most=1e-4, published="0, theory")


def _network(inputs: int, normalized: bool) -> nn.Sequential:
    norm = partial(nn.BatchNorm1d, eps=1e-8) if normalized else None
    return perceptron([inputs, 50, 50, 10], nn.ReLU, norm).double()


def _train(data: Images, normalized: bool, steps: int, seed: int):
    """The largest cosine, distance from the sum, whether all only grew, the mean |w|² per step."""
    model = _network(data[0].shape[1], normalized)
    hidden = linear_layers(model)[:2]
    squares = [[_square(layer.weight)] for layer in hidden]
    expected = [_square(layer.weight) for layer in hidden]
    cosines = [0.0]

    def each_step(step):
        for number, layer in enumerate(hidden):
            w, g = layer.weight.detach(), layer.weight.grad
            if step:
                squares[number].append(_square(w))
            expected[number] = expected[number] + RATE**2 * _square(g)
            sizes = np.sqrt(_square(w) * _square(g))
            dots = np.abs((w * g).sum(1).numpy())
            cosines.append((dots[sizes > 0] / sizes[sizes > 0]).max())

    descend(model, data, steps, RATE, 60, seed, each_step)
    for number, layer in enumerate(hidden):
        squares[number].append(_square(layer.weight))
    apart = max(
        (abs(of_layer[-1] - sums) / sums).max()
        for of_layer, sums in zip(squares, expected, strict=True)
    )
    monotone = all((np.diff(of_layer, axis=0) >= -1e-12).all() for of_layer in squares)
    return max(cosines), apart, monotone, np.mean(squares[0], axis=1)


def _square(rows):
    return (rows.detach() ** 2).sum(1).numpy()


def _scaled(data: Images, seed: int, k: float) -> dict[str, float]:
    """How far output and gradients with first weights k w are from those with w, relatively."""
    found = []
    for factor in (1.0, k):
        minigrad.manual_seed(seed)
        model = _network(data[0].shape[1], True)
        first = linear_layers(model)[0].weight
        with minigrad.no_grad():
            first *= factor
        pixels = data[0][:60].requires_grad_()
        output = model(pixels)
        F.cross_entropy(output, data[1][:60]).backward()
        found.append([output.detach(), pixels.grad, first.grad * factor])
    names = ("output", "gradient of the images", "10 |∇(10 w)| from |∇w|")
    return {
        name: ((b - a).abs().max() / a.abs().max()).item()
        for name, a, b in zip(names, *found, strict=True)
    }
