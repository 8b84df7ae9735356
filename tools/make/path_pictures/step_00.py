"""Draws the picture of docs/path/00_slope.md: chords beside a curve, and how far off they are."""

import math

from drawing import Drawing, command


def loss(x, w=4.0):
    return (w * x) * (w * x) * (w * x) + x


def slopes():
    picture = Drawing(
        640,
        330,
        "Left: at x = 0.5 the chord to one side is too steep, the chord to both sides nearly as "
        "steep as the curve. Right: the error falls with the step h, then rises again",
    )

    def at(x, y):  # a point of the curve on the paper
        return 30 + (x - 0.15) * 400, 280 - y * 8.2

    h = 0.2
    curve = [(x / 200, loss(x / 200)) for x in range(34, 153)]
    picture.curve([at(x, y) for x, y in curve], width=3)
    # each chord is drawn through the point itself, so that the slopes can be compared
    for color, slope in (
        ("red", (loss(0.5 + h) - loss(0.5)) / h),
        ("blue", (loss(0.5 + h) - loss(0.5 - h)) / (2 * h)),
        ("green", 49),
    ):
        reach = 15 / slope
        ends = [at(0.5 + d, loss(0.5) + slope * d) for d in (-0.55 * reach, reach)]
        picture.line(*ends[0], *ends[1], color=color, width=2.5)
    picture.circle(*at(0.5, loss(0.5)), 5, fill="ink")
    for d in (-h, h):
        x, y = at(0.5 + d, loss(0.5 + d))
        picture.line(x, y, x, 284, color="soft", width=1, dashed=True)
        picture.circle(x, y, 4)
    x, y = at(0.5, loss(0.5))
    picture.line(x, y, x, 284, color="soft", width=1, dashed=True)
    for words, d in (("x − h", -h), ("x", 0), ("x + h", h)):
        picture.text(at(0.5 + d, 0)[0], 304, words, size=15)
    for i, (words, color) in enumerate(
        (("one side: 77.9", "red"), ("both sides: 51.6", "blue"), ("the curve: 49", "green"))
    ):
        picture.text(28, 40 + 24 * i, words, color, align="start")

    def place(h, error):  # logarithms of both
        return 380 + (math.log10(h) + 12) * 19, 268 - (math.log10(error) + 10) * 20

    for k in (-12, -8, -4, 0):
        picture.text(place(10.0**k, 1)[0], 304, f"1e{k}" if k else "h = 1", "soft", 15)
    for k in (-9, -5, -1):
        x, y = place(1e-12, 10.0**k)
        picture.line(x, y, x + 230, y, "faint", 1)
        picture.text(x - 6, y + 5, f"1e{k}", "soft", 15, "end")
    steps = [10 ** (-k / 2) for k in range(25)]
    for color, way in (
        ("red", lambda h: (loss(0.5 + h) - loss(0.5)) / h),
        ("blue", lambda h: (loss(0.5 + h) - loss(0.5 - h)) / (2 * h)),
    ):
        errors = [(h, max(abs(way(h) - 49), 1e-10)) for h in steps]
        picture.curve([place(*each) for each in errors], color, 2.5)
    picture.text(465, 40, "how far off, by step h", size=16)
    picture.text(470, 108, "one side", "red", 15)
    picture.text(630, 200, "both sides", "blue", 15, "end")
    picture.save("00_slope.svg")


if __name__ == "__main__":
    command(__doc__)
    slopes()
