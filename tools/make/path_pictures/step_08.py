"""Draw docs/path/images/08_cross_entropy.svg: probabilities, what was right, and the difference."""

from drawing import Drawing, command

WIDTH = 90  # of the probability 1


def bars(d, left, numbers, color, name):
    d.text(left + (WIDTH / 2 if min(numbers) >= 0 else 0), 36, name, mono=True)
    d.line(left, 50, left, 200, color="soft", width=1)
    for row, number in enumerate(numbers):
        y, width = 60 + 48 * row, WIDTH * abs(number)
        shade = color if number >= 0 else "green"
        d.box(left if number >= 0 else left - width, y, max(width, 1), 28, f"{shade}_wash", shade)
        words = f"{number:g}".replace("-", "−")
        side = ("start", left + width + 6) if number >= 0 else ("end", left - width - 6)
        d.text(side[1], y + 20, words, align=side[0], size=15)


def cross_entropy():
    p, onehot = [0.125, 0.25, 0.625], [0, 1, 0]
    d = Drawing(
        640, 250,
        "Three classes. The probabilities 0.125, 0.25, 0.625 minus the one-hot 0, 1, 0 are the "
        "gradient 0.125, −0.75, 0.625: the right class is pulled up, the others pushed down.",
    )  # fmt: skip
    for row in range(3):
        d.text(16, 80 + 48 * row, f"class {row}", align="start", size=15, color="soft")
    bars(d, 80, p, "blue", "p")
    d.text(222, 128, "−", size=22)
    bars(d, 250, onehot, "blue", "onehot")
    d.text(382, 128, "=", size=22)
    bars(d, 522, [a - b for a, b in zip(p, onehot, strict=True)], "orange", "gradient")
    d.text(320, 232, "what the network said, minus what was right", color="soft")
    d.save("08_cross_entropy.svg")


if __name__ == "__main__":
    command(__doc__)
    cross_entropy()
