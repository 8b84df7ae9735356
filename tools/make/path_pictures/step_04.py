"""Draws the picture of docs/path/04_learning.md: the network's answers, and its loss."""

import math

from drawing import Drawing, command

EXAMPLES = [(0.0, 0.0, 0.0), (0.0, 1.0, 1.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0)]
START = [0.5, -1.0, 0.0, 0.9, -0.8, 0.0, 1.0, -0.5, 0.0]


def network(p, x1, x2):
    h1 = math.tanh(p[0] * x1 + p[1] * x2 + p[2])
    h2 = math.tanh(p[3] * x1 + p[4] * x2 + p[5])
    return p[6] * h1 + p[7] * h2 + p[8]


def loss(p):
    return sum((network(p, x1, x2) - wanted) ** 2 for x1, x2, wanted in EXAMPLES) / 4


def trained(p, steps, h=1e-6):
    """The parameters and losses; the slopes by central differences, which is enough to draw."""
    p, losses = list(p), []
    for _ in range(steps):
        losses.append(loss(p))
        grads = []
        for i in range(9):
            above, below = list(p), list(p)
            above[i] += h
            below[i] -= h
            grads.append((loss(above) - loss(below)) / (2 * h))
        p = [number - 0.3 * grad for number, grad in zip(p, grads, strict=True)]
    return p, losses


def plane(picture, left, p, words):
    """The answers over the plane as squares, with the four examples on top."""
    size, n = 9, 20
    for i in range(n):
        for j in range(n):
            x1, x2 = (j + 0.5) / n * 1.6 - 0.3, 1.3 - (i + 0.5) / n * 1.6
            fill = "orange_wash" if network(p, x1, x2) > 0.5 else "blue_wash"
            picture.box(left + j * size, 50 + i * size, size, size, fill, fill, round=0, line=1)
    for x1, x2, wanted in EXAMPLES:
        x, y = left + (x1 + 0.3) / 1.6 * size * n, 50 + (1.3 - x2) / 1.6 * size * n
        picture.circle(x, y, 13, color="orange" if wanted else "blue")
        picture.text(x, y + 6, f"{wanted:.0f}", "orange" if wanted else "blue", bold=True)
    picture.text(left + size * n / 2, 36, words)


def xor():
    picture = Drawing(
        640,
        270,
        "At the start every answer is below one half. After 100 steps the zeros lie in a band "
        "below one half, with the ones on both sides. The loss falls from 0.78 to nearly 0",
    )
    end, losses = trained(START, 101)
    plane(picture, 24, START, "the start")
    plane(picture, 224, end, "after 100 steps")
    picture.text(124, 254, "answer above ½", "orange", 15)
    picture.text(314, 254, "answer below ½", "blue", 15)

    def place(t, value):
        return 446 + t * 1.7, 230 - value * 220

    picture.line(*place(0, 0), *place(101, 0), "soft", 1)
    picture.line(*place(0, 0), *place(0, 0.8), "soft", 1)
    picture.curve([place(t, value) for t, value in enumerate(losses)], "green", 3)
    picture.text(530, 36, "the loss")
    picture.text(458, 66, "0.78", "green", 15, "start")
    for t in (0, 50, 100):
        picture.text(place(t, 0)[0], 254, str(t), "soft", 15)
    picture.save("04_xor.svg")


if __name__ == "__main__":
    command(__doc__)
    xor()
