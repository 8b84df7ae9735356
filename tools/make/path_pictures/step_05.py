"""Draws the pictures of docs/path/05_arrays.md: one box for many numbers, and roads inside it."""

from drawing import Drawing, command


def box():
    picture = Drawing(
        640,
        280,
        "Left: four products, each with arrows from its two factors. Right: one product of arrays "
        "a and b, with two arrows that carry the rules dy times b and dy times a",
    )
    picture.text(150, 34, "step 4: twelve Values")
    for i in range(4):
        y = 72 + i * 54
        picture.node(50, y - 12, f"a{i}", width=40, height=22)
        picture.node(50, y + 14, f"b{i}", width=40, height=22)
        picture.node(250, y + 1, f"y{i}", width=40, height=26)
        picture.arrow(72, y - 12, 228, y - 1, "blue", 1.5)
        picture.arrow(72, y + 14, 228, y + 4, "blue", 1.5)
    picture.text(150, 62, "b0", "blue", 15)
    picture.text(150, 98, "a0", "blue", 15)
    picture.line(308, 24, 308, 262, "faint")
    picture.text(474, 34, "step 5: three Tensors")
    for name, x, y in (("a", 360, 80), ("b", 360, 190), ("y", 588, 135)):
        picture.cells(x - 20, y - 28, [[f"{name}{2 * i + j}" for j in (0, 1)] for i in (0, 1)], 28)
        picture.box(x - 24, y - 32, 64, 64, "", "blue", line=2)
    picture.arrow(404, 84, 558, 122, "blue")
    picture.arrow(404, 190, 558, 150, "blue")
    picture.text(486, 86, "dy → dy * b", "blue", mono=True)
    picture.text(486, 206, "dy → dy * a", "blue", mono=True)
    picture.save("05_box.svg")


def running_sum():
    picture = Drawing(
        640,
        290,
        "The table of slopes of y by x: ones on and below the diagonal. Column x1 has ones at y1, "
        "y2 and y3, so dx1 = dy1 + dy2 + dy3",
    )
    size, left, top = 44, 110, 60
    rows = [[1 if j <= i else 0 for j in range(4)] for i in range(4)]
    fills = [
        [("orange_wash" if j == 1 else "blue_wash") if j <= i else "paper" for j in range(4)]
        for i in range(4)
    ]
    picture.cells(left, top, rows, size, fills, color="faint")
    for i in range(4):
        picture.text(left + (i + 0.5) * size, top - 12, f"x{i}", bold=i == 1)
        picture.text(left - 22, top + (i + 0.5) * size + 6, f"y{i}")
    picture.text(left + 2 * size, 274, "slope of each y toward each x", "soft", 15)
    picture.arrow(left + 1.5 * size, top + 4 * size + 4, 364, 204, "orange", bend=-18)
    picture.text(480, 90, "x1 is in y1, y2 and y3:", "orange")
    picture.text(480, 118, "three roads", "orange")
    picture.text(480, 206, "dx1 = dy1 + dy2 + dy3", "orange", 17, bold=True)
    picture.save("05_running_sum.svg")


if __name__ == "__main__":
    command(__doc__)
    box()
    running_sum()
