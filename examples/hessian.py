# %% [markdown]
"""How curved the loss is along training, with and without batch normalization.

    python examples/hessian.py                  writes hessian.png
    python examples/hessian.py --lr 0.1 --steps 400

The Hessian H of a network with P parameters has P² entries, but its product with a vector v needs
one more backward pass: H v is the gradient of (gradient · v). Power iteration (v ← H v / ‖H v‖)
finds the largest curvature of the loss. Gradient descent with rate lr goes down a direction only
while its curvature is below 2 / lr; where it is above, each step overshoots by more. The network is
trained on all of its digits at once, so chance plays no part after the first weights.
"""

# %%
import argparse
import math
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # matrices this small gain nothing from a second

import numpy as np
from _common import command_line, keep, picture, positive, whole

import minigrad
from minigrad import Tensor, datasets, nn
from minigrad.utils import History

NAMES = {False: "without batch norm", True: "with batch norm"}


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = command_line(__doc__)
    add = parser.add_argument
    add("--steps", type=whole(1), default=200, help="of gradient descent; default: 200")
    add("--lr", type=positive, default=0.5, help="learning rate; default: 0.5")
    add("--samples", type=whole(2), default=500, help="digits to train on; default: 500")
    add("--seed", type=whole(0), default=0, help="default: 0")
    add("--output", metavar="FILE", default="hessian.png", help="default: hessian.png")
    add("--no-picture", action="store_true", help="print the figures only")
    return parser.parse_args(arguments)


# %%
def network(normalized: bool) -> nn.Sequential:
    layers: list[nn.Module] = []
    for inputs, outputs in ((64, 32), (32, 32)):
        # The normalization would take a bias out again.
        layers.append(nn.Linear(inputs, outputs, bias=not normalized))
        layers += [nn.BatchNorm1d(outputs)] * normalized
        layers.append(nn.Tanh())
    return nn.Sequential(*layers, nn.Linear(32, 10)).double()


# %% [markdown]
# Products with the Hessian, and its largest eigenvalue by power iteration.


# %%
def dot(a: Iterable[Tensor], b: Iterable[Tensor]) -> Tensor:
    """The inner product of two lists of tensors."""
    return sum(((x * y).sum() for x, y in zip(a, b, strict=True)), minigrad.tensor(0.0))


def hessian_vector_product(
    gradient: Sequence[Tensor], parameters: Sequence[Tensor], v: Sequence[Tensor]
) -> Sequence[Tensor]:
    """H v from a gradient that was computed with create_graph=True."""
    return minigrad.autograd.grad(gradient, parameters, v, retain_graph=True)


def power_iteration(
    product_of: Callable[[Sequence[Tensor]], Sequence[Tensor]],
    v: Sequence[Tensor],
    iterations: int = 100,
    tolerance: float = 1e-3,
) -> tuple[float, Sequence[Tensor]]:
    """(λ, v): the eigenvalue largest in size and its direction, from v on."""
    eigenvalue = math.inf
    for _ in range(iterations):
        product = product_of(v)
        before, eigenvalue = eigenvalue, dot(v, product).item() / dot(v, v).item()
        length = math.sqrt(dot(product, product).item())
        v = [each / length for each in product]
        if abs(eigenvalue - before) <= tolerance * abs(eigenvalue):
            break
    return eigenvalue, v


def largest_curvature(
    gradient: Sequence[Tensor], parameters: Sequence[Tensor], v: Sequence[Tensor]
) -> tuple[float, Sequence[Tensor]]:
    """(λ, v): the largest eigenvalue of H and its direction, from v on."""

    def product_of(v: Sequence[Tensor]) -> Sequence[Tensor]:
        return hessian_vector_product(gradient, parameters, v)

    # By a negative eigenvalue, so that the largest is also largest in size.
    def shifted(u: Sequence[Tensor]) -> Sequence[Tensor]:
        return [h - lowest * each for h, each in zip(product_of(u), u, strict=True)]

    eigenvalue, found = power_iteration(product_of, v)
    if eigenvalue < 0:
        lowest = eigenvalue
        eigenvalue, found = power_iteration(shifted, v, tolerance=1e-4)
        eigenvalue += lowest
    return eigenvalue, found


# %% [markdown]
# Is H v right? The gradient a little before and a little behind says so, too.


# %%
def check(
    gradient_of: Callable[..., Sequence[Tensor]],
    parameters: Sequence[Tensor],
    v: Sequence[Tensor],
    step: float = 1e-5,
) -> float:
    """How far H v is from the difference of two gradients, relative to ‖H v‖."""
    product = hessian_vector_product(gradient_of(create_graph=True), parameters, v)
    sides = []
    for way in (step, -2 * step, step):  # forwards, backwards, and home
        with minigrad.no_grad():
            for p, each in zip(parameters, v, strict=True):
                p += way * each
        sides.append(gradient_of())
    errors = [h - (a - b) / (2 * step) for h, a, b, _ in zip(product, *sides, strict=True)]
    return math.sqrt(dot(errors, errors).item() / dot(product, product).item())


# %%
def train(normalized: bool, options: argparse.Namespace, x: Tensor, y: Tensor) -> History:
    """A History of step, loss and largest curvature, at the moments that were measured."""
    minigrad.manual_seed(options.seed)
    model = network(normalized)
    parameters = list(model.parameters())

    def loss_of() -> Tensor:
        return nn.functional.cross_entropy(model(x), y)

    def gradient_of(create_graph: bool = False) -> Sequence[Tensor]:
        return minigrad.autograd.grad(loss_of(), parameters, create_graph=create_graph)

    v: Sequence[Tensor] = [minigrad.randn_like(p) for p in parameters]
    error = check(gradient_of, parameters, v)
    print(
        f"{NAMES[normalized]}: {sum(p.numel() for p in parameters):,} parameters; "
        f"H v and differences of gradients are {error:.0e} apart"
    )
    moments = set(np.linspace(0, options.steps, 41).round().astype(int).tolist())
    history = History()
    for step in range(options.steps + 1):
        loss = loss_of()
        if not math.isfinite(loss.item()):
            raise SystemExit(f"The loss is {loss.item()} at step {step}: choose a smaller --lr")
        gradient = minigrad.autograd.grad(loss, parameters, create_graph=step in moments)
        if step in moments:
            curvature, v = largest_curvature(gradient, parameters, v)
            history.append(step=step, loss=loss, curvature=curvature)
        with minigrad.no_grad():
            for p, dp in zip(parameters, gradient, strict=True):
                p -= options.lr * dp
    return history


# %%
def draw(figure: Any, histories: dict[bool, History], options: argparse.Namespace) -> None:
    losses, curvatures = figure.subplots(1, 2)
    for normalized, history in histories.items():
        history.plot("loss", ax=losses, label=NAMES[normalized])
        history.plot("curvature", ax=curvatures, label=NAMES[normalized])
    limit = 2 / options.lr
    curvatures.axhline(limit, color="gray", linestyle=":", label=f"2 / lr = {limit:g}")
    losses.set(ylabel="loss", yscale="log")
    curvatures.set(ylabel="largest curvature", ylim=(0, None))
    curvatures.legend()


def main(arguments: list[str] | None = None) -> dict[bool, History]:
    options = parse(arguments)
    figure = None if options.no_picture else picture(options.output, (10, 4))
    images, labels = datasets.digits(train=True).tensors
    x, y = images[: options.samples].flatten(1).double(), labels[: options.samples]
    histories = {normalized: train(normalized, options, x, y) for normalized in NAMES}

    print(f"\nlargest curvature of the loss (2 / lr = {2 / options.lr:g})")
    print(f"{'step':>6}{'without batch norm':>26}{'with batch norm':>26}")
    print(f"{'':6}{'loss':>13}{'curvature':>13}{'loss':>13}{'curvature':>13}")
    plain, other = histories.values()
    for a, b in list(zip(plain, other, strict=True))[:: max(len(plain) // 10, 1)]:
        print(
            f"{a['step']:6}{a['loss']:13.5f}{a['curvature']:13.2f}"
            f"{b['loss']:13.5f}{b['curvature']:13.2f}"
        )
    for normalized, history in histories.items():
        top = max(history, key=lambda row: row["curvature"])
        most, step = top["curvature"], top["step"]
        where = "above" if most > 2 / options.lr else "below"
        print(f"{NAMES[normalized]}: at most {most:.2f}, at step {step}: {where} 2 / lr")
    if figure:
        draw(figure, histories, options)
        keep(figure, options.output, "curves")
    return histories


# %%
if __name__ == "__main__":
    main()
