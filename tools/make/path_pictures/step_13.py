"""Draw docs/path/images/13_memory.svg: forty batch means, and two memories that follow them."""

import numpy as np
from drawing import Drawing, command

BATCHES, TOP = 40, 6.5


def place(batch, value):
    return 50 + 14 * batch, 270 - 230 * value / TOP


def memories(means, share):
    value, found = 0.0, [0.0]
    for mean in means:
        value = (1 - share) * value + share * mean
        found.append(value)
    return found


def memory():
    means = 4 + np.random.default_rng(0).normal(size=BATCHES)
    d = Drawing(
        640, 330,
        "Dots, the means of forty batches, scatter around 4. The memory with a = 0.5 is at 4 after "
        "a few batches and jumps after the dots. The memory with a = 0.1 climbs from 0 in some "
        "thirty batches and then stays near 4.",
    )  # fmt: skip
    for value in (0, 2, 4, 6):
        x, y = place(0, value)
        d.line(x, y, place(BATCHES, value)[0], y, color="faint", width=1)
        d.text(x - 12, y + 5, str(value), color="soft", size=15, align="end")
    for batch in (10, 20, 30, 40):
        d.text(place(batch, 0)[0], 292, str(batch), color="soft", size=15)
    d.text(place(20, 0)[0], 316, "batches", color="soft", size=15)
    d.curve([place(i, v) for i, v in enumerate(memories(means, 0.5))], color="orange", width=2)
    d.curve([place(i, v) for i, v in enumerate(memories(means, 0.1))], color="blue", width=3)
    for batch, mean in enumerate(means, 1):
        d.circle(*place(batch, mean), 3.5, fill="soft", color="soft")
    d.text(112, 240, "a = 0.1", color="blue", align="start", bold=True)
    d.text(62, 80, "a = 0.5", color="orange", align="start", bold=True)
    d.save("13_memory.svg")


if __name__ == "__main__":
    command(__doc__)
    memory()
