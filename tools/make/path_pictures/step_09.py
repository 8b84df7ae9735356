"""Draw docs/path/images/09_starts.svg: the same training from five sets of first weights."""

import math

import numpy as np
from drawing import Drawing, command
from programs import ran

LEFT, RIGHT, TOP, BOTTOM = 60, 470, 30, 270
LOW, HIGH = 0.1, 100.0  # of the losses that are shown


def place(step, loss):
    share = math.log(loss / LOW) / math.log(HIGH / LOW)
    return LEFT + (RIGHT - LEFT) * step / 99, BOTTOM - (BOTTOM - TOP) * min(max(share, 0), 1)


def starts():
    p = ran(9)
    cases = [
        ("30 times", "red", 30 * p.A, 30 * p.B, 7),
        ("all 0", "soft", 0 * p.A, 0 * p.B, -14),
        ("all 0.1", "ink", 0 * p.A + 0.1, 0 * p.B + 0.1, -1),
        ("a hundredth", "orange", 0.01 * p.A, 0.01 * p.B, 5),
        ("within 1/√n", "blue", p.A, p.B, 4),
    ]
    d = Drawing(
        640, 320,
        "Losses of 100 steps from five starts. Only weights within one over the root of n learn at "
        "once; zeros stay at 2.3, equal weights hardly move, small ones wake up late, "
        "large ones begin near 100.",
    )  # fmt: skip
    for loss in (0.1, 1, 10, 100):
        y = place(0, loss)[1]
        d.line(LEFT, y, RIGHT, y, color="faint", width=1)
        d.text(LEFT - 8, y + 5, f"{loss:g}", color="soft", size=15, align="end")
    y = place(0, math.log(10))[1]
    d.line(LEFT, y, RIGHT, y, color="soft", width=1, dashed=True)
    d.text(LEFT - 8, y + 5, "log 10", color="soft", size=15, align="end")
    for name, color, A, B, lift in cases:
        layers = p.Linear(A, np.zeros(32)), p.Linear(B, np.zeros(10))
        losses = p.train(*layers)
        d.curve([place(step, loss) for step, loss in enumerate(losses)], color=color)
        end = place(99, float(np.mean(losses[-8:])))[1]
        d.text(RIGHT + 10, end + 5 + lift, name, color=color, align="start")
    d.text((LEFT + RIGHT) / 2, 304, "100 steps", color="soft", size=15)
    d.text(20, 20, "loss", color="soft", size=15, align="start")
    d.save("09_starts.svg")


if __name__ == "__main__":
    command(__doc__)
    starts()
