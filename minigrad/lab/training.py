"""What several claims share: images, multilayer perceptrons, gradient descent, accuracy."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

import minigrad
from minigrad import datasets, nn, optim
from minigrad.nn import functional as F

from .protocol import Run

Images = tuple[minigrad.Tensor, minigrad.Tensor]


def images(run: Run) -> tuple[Images, Images]:
    """MNIST as rows of pixels from 0 to 1 with their digits: for training, and for testing.

    The short form takes the 8 × 8 digits that come with minigrad, so it is the same everywhere.
    """
    if run.quick:
        found = small_digits(run)
        run.data += " in place of MNIST"
        return found
    run.data = "MNIST"
    return _mnist()


def small_digits(run: Run) -> tuple[Images, Images]:
    """The same of the 8 × 8 digits, which everybody has."""
    run.data = "the embedded digits"
    return _rows(datasets.digits(True)), _rows(datasets.digits(False))


@functools.cache
def _mnist() -> tuple[Images, Images]:
    train, test = (datasets.MNIST(train=train) for train in (True, False))
    return _rows(train), _rows(test)


def _rows(dataset: Any) -> Images:
    pixels, digits = dataset.tensors
    return pixels.flatten(1), digits


def perceptron(
    sizes: list[int],
    activation: Callable[[], nn.Module],
    normalized: Callable[[int], nn.Module] | None = None,
    std: float | None = None,
    bias: bool | None = None,
) -> nn.Sequential:
    """Linear – (normalization) – activation per hidden layer, then Linear.

    Weights are N(0, std²), by default He's √(2 / inputs); biases are 0, and there are none before
    a normalization unless `bias` says so.
    """
    layers: list[nn.Module] = []
    for inputs, outputs in zip(sizes[:-2], sizes[1:-1], strict=True):
        layers.append(nn.Linear(inputs, outputs, bias=normalized is None if bias is None else bias))
        layers += [normalized(outputs)] if normalized else []
        layers.append(activation())
    model = nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))
    for layer in linear_layers(model):
        nn.init.normal_(layer.weight, 0.0, std or (2 / layer.in_features) ** 0.5)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)
    return model


def linear_layers(model: nn.Sequential) -> list[nn.Linear]:
    return [layer for layer in model if isinstance(layer, nn.Linear)]


def descend(
    model: nn.Module,
    data: Images,
    steps: int,
    lr: float | optim.Optimizer,
    batch: int,
    seed: int,
    each_step: Callable[[int], None] = lambda step: None,
    choose: Callable[[int], np.ndarray] | None = None,
) -> list[float]:
    """Train on random batches, by plain SGD with a rate or by an optimizer; the loss of each step.

    `each_step` comes before the update. Each batch is drawn from all images with replacement,
    unless `choose` says which rows it has.
    """
    inputs, labels = data
    rng = np.random.default_rng(seed)
    optimizer = lr if isinstance(lr, optim.Optimizer) else optim.SGD(model.parameters(), lr=lr)
    losses = []
    for step in range(steps):
        chosen = choose(step) if choose else rng.integers(0, len(labels), batch)
        rows = minigrad.tensor(chosen)
        loss = F.cross_entropy(model(inputs[rows]), labels[rows])
        optimizer.zero_grad()
        loss.backward()
        each_step(step)
        optimizer.step()
        losses.append(loss.item())
    return losses


def accuracy(model: Callable[[minigrad.Tensor], minigrad.Tensor], data: Images) -> float:
    """The share of right answers of what `model` computes in its present mode."""
    inputs, labels = data
    with minigrad.no_grad():
        return (model(inputs).argmax(1) == labels).float().mean().item()


def moments(model: Callable[[minigrad.Tensor], minigrad.Tensor], inputs: minigrad.Tensor):
    """Mean and variance per unit of what `model` computes in its present mode."""
    with minigrad.no_grad():
        outputs = model(inputs).numpy().astype(np.float64)
    return outputs.mean(0), outputs.var(0)


def divergence(mean, var, next_mean, next_var) -> float:
    """KL(N(mean, var) ‖ N(next_mean, next_var)), averaged over the units."""
    per_unit = np.log(next_var / var) + (var + (mean - next_mean) ** 2) / next_var - 1
    return float(per_unit.mean() / 2)
