"""Draws the picture of docs/path/03_two_roads.md: what arrives at every value, in which order."""

from drawing import Drawing, command
from step_01 import PLACES, boxes, graph


def roads():
    picture = Drawing(
        640,
        280,
        "What arrives: 1 at L, 1 at c, 2 at b, 4 + 4 + 4 = 12 at a, 1 + 48 = 49 at x, 6 at w. "
        "The order is L, c, b, a, then x and w",
    )
    graph(picture, "soft")
    boxes(picture)
    arrived = {
        "L": ("① 1", 0, -30),
        "c": ("② 1", 0, -30),
        "b": ("③ 2", 0, -30),
        "a": ("④ 4 + 4 + 4 = 12", 62, 46),
        "x": ("⑤ 1 + 48 = 49", 14, 42),
        "w": ("⑥ 6", 0, -30),
    }
    for name, (words, dx, dy) in arrived.items():
        x, y = PLACES[name]
        picture.text(x + dx, y + dy, words, "blue", 17, bold=True)
    picture.text(320, 264, "in circles: the order in which the values hand on", "soft", 15)
    picture.save("03_roads.svg")


if __name__ == "__main__":
    command(__doc__)
    roads()
