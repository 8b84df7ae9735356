"""Draw docs/path/images/06_repeat_and_sum.svg: one row is used twice; its gradient is a sum."""

from drawing import Drawing, command


def repeat_and_sum():
    d = Drawing(
        640, 330,
        "The row 10, 20, 30 is repeated into two rows on the way forward. On the way back the two "
        "rows of gradients, 1, 2, 3 and 4, 5, 6, are added up to 5, 7, 9.",
    )  # fmt: skip
    d.text(20, 34, "forward: repeat", color="blue", align="start", bold=True)
    d.text(104, 64, "b", mono=True)
    d.cells(35, 74, [[10, 20, 30]], fills=[["blue_wash", "paper", "paper"]])
    d.text(344, 38, "b, repeated", mono=True)
    d.cells(275, 50, [[10, 20, 30], [10, 20, 30]], fills=[["blue_wash", "paper", "paper"]] * 2)
    d.arrow(178, 92, 268, 74, color="blue")
    d.arrow(178, 102, 268, 120, color="blue")
    d.arrow(420, 97, 470, 97, color="blue")
    d.text(445, 88, "+ a", color="blue", size=15)
    d.text(545, 38, "y", mono=True)
    d.cells(476, 50, [[11, 22, 33], [14, 25, 36]], fills=[["blue_wash", "paper", "paper"]] * 2)
    d.line(20, 172, 620, 172, color="faint")
    d.text(20, 204, "back: sum", color="orange", align="start", bold=True)
    d.text(104, 228, "b.grad", mono=True)
    d.cells(35, 238, [[5, 7, 9]], fills=[["orange_wash", "paper", "paper"]])
    d.text(445, 204, "dy", mono=True)
    d.cells(376, 216, [[1, 2, 3], [4, 5, 6]], fills=[["orange_wash", "paper", "paper"]] * 2)
    d.arrow(368, 240, 180, 256, color="orange")
    d.arrow(368, 286, 180, 268, color="orange")
    d.text(272, 232, "1", color="orange", bold=True)
    d.text(272, 300, "+ 4", color="orange", bold=True)
    d.text(104, 310, "1 + 4 = 5", color="orange")
    d.save("06_repeat_and_sum.svg")


if __name__ == "__main__":
    command(__doc__)
    repeat_and_sum()
