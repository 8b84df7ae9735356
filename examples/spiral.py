# %% [markdown]
"""Three spiral arms, and how a network bends its decision boundary until it follows them.

    python examples/spiral.py                   writes spiral.png
    python examples/spiral.py --steps 100

The picture shows the class the network would give to every point of the plane, at four moments.
"""

# %%
import argparse
from typing import Any

import numpy as np
from _common import command_line, keep, picture, whole

import minigrad
from minigrad import Tensor, datasets, nn, optim
from minigrad.utils import History

SIDE = 1.2  # the picture shows the plane from -SIDE to SIDE
PIXELS = 201
COLORS = ["tab:blue", "tab:orange", "tab:green"]


def parse(arguments: list[str] | None) -> argparse.Namespace:
    parser = command_line(__doc__)
    parser.add_argument("--steps", type=whole(3), default=600, help="default: 600")
    parser.add_argument("--seed", type=whole(0), default=0, help="default: 0")
    parser.add_argument(
        "--output", metavar="FILE", default="spiral.png", help="default: spiral.png"
    )
    parser.add_argument("--no-picture", action="store_true", help="print the figures only")
    return parser.parse_args(arguments)


# %% [markdown]
# The network is asked about every pixel of the plane, not about the data alone.


# %%
def classes_of_plane(model: nn.Sequential) -> np.ndarray:
    """The class of each pixel, from top left."""
    line = np.linspace(-SIDE, SIDE, PIXELS, dtype=np.float32)
    points = np.stack(np.meshgrid(line, line[::-1]), axis=-1).reshape(-1, 2)
    with minigrad.no_grad():
        return model(minigrad.from_numpy(points)).argmax(1).numpy().reshape(PIXELS, PIXELS)


def draw(axes: Any, plane: np.ndarray, x: Tensor, y: Tensor, title: str) -> None:
    from matplotlib.colors import ListedColormap

    colors = ListedColormap(COLORS)
    square = (-SIDE, SIDE, -SIDE, SIDE)
    axes.imshow(plane, extent=square, cmap=colors, vmin=0, vmax=2, alpha=0.35)
    axes.scatter(*x.numpy().T, c=y.numpy(), cmap=colors, s=9, edgecolors="white", linewidths=0.3)
    axes.set(title=title, xticks=[], yticks=[])


# %% [markdown]
# The loop: loss, gradients, step. The history keeps two numbers of each step for the last panel.


# %%
def main(arguments: list[str] | None = None) -> float:
    options = parse(arguments)
    figure = None if options.no_picture else picture(options.output, (15, 3.4))
    minigrad.manual_seed(options.seed)
    x, y = datasets.spirals(samples=300, classes=3, noise=0.2).tensors
    model = nn.Sequential(
        nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 3)
    )
    optimizer = optim.Adam(model.parameters(), lr=0.01)
    moments = [0, options.steps // 20, options.steps // 4, options.steps]
    panels = figure.subplots(1, 5) if figure else []
    planes = dict(zip(moments, panels))  # noqa: B905  the last panel is for the curves
    history = History()

    accuracy = 0.0
    print("  step    loss  accuracy")
    for step in range(options.steps + 1):
        logits = model(x)
        loss = nn.functional.cross_entropy(logits, y)
        accuracy = (logits.argmax(1) == y).float().mean().item()
        history.append(step=step, loss=loss, accuracy=accuracy)
        if step in moments:
            print(f"{step:6d}  {loss.item():.4f}  {accuracy:8.1%}")
            if figure:
                title = f"step {step}: {accuracy:.0%}"
                draw(planes[step], classes_of_plane(model), x, y, title)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if figure:
        history.plot("loss", "accuracy", ax=panels[-1])
        keep(figure, options.output, "decision boundary")
    return history[-1]["accuracy"]


# %%
if __name__ == "__main__":
    main()
