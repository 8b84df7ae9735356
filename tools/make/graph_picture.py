"""Draws docs/images/graph.svg, the README's picture: a small network after one backward pass."""

from pathlib import Path

import minigrad as mg
from minigrad import nn
from minigrad.display.terminal import command_line


def main():
    mg.manual_seed(0)
    points = mg.tensor([[0.5, -1.0], [-0.75, 2.0], [-1.0, -0.5]])
    classes = mg.tensor([0, 1, 1])
    hidden = nn.Linear(2, 3, bias=False), nn.BatchNorm1d(3), nn.ReLU()
    model = nn.Sequential(*hidden, nn.Linear(3, 2))
    loss = nn.functional.cross_entropy(model(points), classes)
    loss.backward()
    path = Path(__file__).parents[2] / "docs" / "images" / "graph.svg"
    loss.graph(model, points=points, classes=classes).save(path)
    print(f"{loss.graph(model)!r} in {path.name}")


if __name__ == "__main__":
    command_line(__doc__).parse_args()
    main()
