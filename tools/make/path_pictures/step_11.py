"""Draw docs/path/images/11_roads.svg and 11_spirals.svg: batch norm's graph, and its use."""

import numpy as np
from drawing import Drawing, command
from programs import ran


def roads():
    d = Drawing(
        640, 300,
        "The graph of batch norm. From x, road 1 leads directly to the difference, road 2 through "
        "the mean, and road 3 through the variance to the scale.",
    )  # fmt: skip
    d.node(50, 170, "x", width=50)
    d.node(190, 60, "mean", fill="orange_wash", color="orange", width=74)
    d.node(190, 170, "−", width=50)
    d.node(330, 60, "mean of ²", fill="green_wash", color="green", width=110)
    d.node(470, 60, "1/√", fill="green_wash", color="green", width=64)
    d.node(470, 170, "×", width=50)
    d.node(575, 170, "γ · + β", width=90)
    d.arrow(76, 170, 164, 170, color="blue")
    d.arrow(66, 149, 154, 72, color="orange")
    d.arrow(190, 81, 190, 149, color="orange")
    d.arrow(216, 170, 444, 170, color="blue")
    d.arrow(212, 150, 288, 84, color="green")
    d.arrow(386, 60, 436, 60, color="green")
    d.arrow(470, 81, 470, 149, color="green")
    d.arrow(496, 170, 529, 170, color="blue")
    d.text(110, 194, "road 1", color="blue")
    d.text(88, 100, "road 2", color="orange")
    d.text(290, 130, "road 3", color="green")
    d.text(330, 192, "x − mean", color="soft", size=15)
    d.text(522, 146, "x̂", mono=True)
    d.text(320, 246, "Each box is an operation with a rule of its own.", color="soft")
    d.text(
        320,
        270,
        "Where arrows leave one box, the gradients that come back are added.",
        color="soft",
    )
    d.save("11_roads.svg")


def answered(p, grid):
    """The class of each row of grid, normalized by the mean and variance of the 300 points."""
    first, norm, second = p.network.first, p.network.norm, p.network.second
    of_points = p.points @ first.weight.data
    x_hat = (grid @ first.weight.data - of_points.mean(axis=0)) / np.sqrt(
        of_points.var(axis=0) + 1e-5
    )
    hidden = np.maximum(x_hat * norm.gamma.data + norm.beta.data, 0)
    return (hidden @ second.weight.data + second.bias.data).argmax(axis=1)


def spirals():
    p = ran(11)
    side, cells = 300, 60
    d = Drawing(
        640, 350,
        "Three spiral arms of 100 points; the plane behind them is colored by what the network "
        "answers, and each arm lies in its own color. Beside it the loss falls from 1.19 to 0.03.",
    )  # fmt: skip
    centers = (np.arange(cells) + 0.5) / cells * 2.6 - 1.3
    grid = np.array([[x, y] for y in centers[::-1] for x in centers])
    answers = answered(p, grid).reshape(cells, cells)
    washes, colors = ("blue_wash", "orange_wash", "green_wash"), ("blue", "orange", "green")
    size = side / cells
    for i, row in enumerate(answers):
        begin = 0
        for j in range(1, cells + 1):  # neighbors of one color are one box
            if j == cells or row[j] != row[begin]:
                fill = washes[row[begin]]
                x, width = 20 + begin * size, (j - begin) * size
                d.box(x, 25 + i * size, width, size, fill, fill, round=0, line=0.6)
                begin = j
    for (x, y), arm in zip(p.points, p.arms, strict=True):
        d.circle(
            20 + (x + 1.3) / 2.6 * side, 25 + (1.3 - y) / 2.6 * side, 2.4, colors[arm], "paper", 0.5
        )
    left, right, top, bottom = 400, 610, 40, 300
    d.line(left, bottom, right, bottom, color="soft", width=1)
    d.line(left, top, left, bottom, color="soft", width=1)
    curve = [
        (left + (right - left) * step / 200, bottom - (bottom - top) * loss / 1.2)
        for step, loss in enumerate(p.losses)
    ]
    d.curve(curve, color="red")
    for step, loss in ((0, "1.19"), (50, "0.25"), (200, "0.03")):
        x, y = curve[step]
        d.text(
            x + 8,
            y - 8 if step else y + 4,
            loss,
            color="red",
            size=15,
            align="start" if step < 200 else "end",
        )
    d.text(left - 8, top + 5, "loss", color="soft", size=15, align="end")
    d.text(left, bottom + 20, "0", color="soft", size=15)
    d.text(right, bottom + 20, "200", color="soft", size=15)
    d.text((left + right) / 2, bottom + 20, "step", color="soft", size=15)
    d.save("11_spirals.svg")


if __name__ == "__main__":
    command(__doc__)
    roads()
    spirals()
