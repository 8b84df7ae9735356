"""Draw docs/path/images/10_correction.svg: how far Adam moves in its first steps."""

import math

from drawing import Drawing, command

LEFT, RIGHT, TOP, BOTTOM = 60, 600, 46, 230
MOST, STEPS = 8, 1000


def place(t, ratio):
    x = LEFT + (RIGHT - LEFT) * math.log10(t) / math.log10(STEPS)
    return x, BOTTOM - (BOTTOM - TOP) * ratio / MOST


def correction():
    d = Drawing(
        640, 280,
        "The ratio of m to the root of v for a gradient that stays the same, over 1,000 steps. "
        "Without the correction it begins at 3.16, climbs to about 6.6 and falls toward 1. "
        "With it, it is 1 from the first step.",
    )  # fmt: skip
    for ratio in (0, 2, 4, 6, 8):
        y = place(1, ratio)[1]
        d.line(LEFT, y, RIGHT, y, color="faint", width=1)
        d.text(LEFT - 8, y + 5, str(ratio), color="soft", size=15, align="end")
    for t in (1, 10, 100, 1000):
        d.text(place(t, 0)[0], BOTTOM + 20, str(t), color="soft", size=15)
    ratios = [(t, (1 - 0.9**t) / math.sqrt(1 - 0.999**t)) for t in range(1, STEPS + 1)]
    d.curve([place(t, ratio) for t, ratio in ratios], color="red")
    d.curve([place(1, 1), place(STEPS, 1)], color="blue", width=3)
    d.text(250, 66, "m / √v, as it is", color="red", align="start")
    d.text(250, place(1, 1)[1] - 8, "corrected", color="blue", align="start")
    d.text((LEFT + RIGHT) / 2, 270, "step", color="soft", size=15)
    d.text(18, 20, "steps in units of lr", color="soft", size=15, align="start")
    d.save("10_correction.svg")


if __name__ == "__main__":
    command(__doc__)
    correction()
