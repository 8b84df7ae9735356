"""Draw docs/path/images/07_matrix_product.svg: what one input moves, and what one weight moves."""

from drawing import Drawing, command

SIZE = 40


def product(d, left, marked, washes, name):
    """X, W above Y, with cells of some color: washes is {(matrix, row, column): color}."""
    X, W, Y = [[1, 2, 3], [4, 5, 6]], [[1, 0], [2, 1], [0, 3]], [[5, 11], [14, 23]]
    places = {"X": (left, 190, X), "W": (left + 150, 52, W), "Y": (left + 150, 190, Y)}
    for matrix, (x, y, rows) in places.items():
        fills = [
            [washes.get((matrix, i, j), "paper") for j in range(len(row))]
            for i, row in enumerate(rows)
        ]
        d.cells(x, y, rows, size=SIZE, fills=fills)
    d.text(left + 60, 182, "X", mono=True)
    d.text(left + 190, 44, "W", mono=True)
    d.text(left + 245, 235, "Y", mono=True, align="start")
    d.text(left, 30, name, color=marked, align="start", bold=True)


def matrix_product():
    d = Drawing(
        640, 340,
        "Left: the input 6 moves row 1 of Y; its slopes are row 2 of W, 0 and 3. Right: the weight "
        "3 moves column 1 of Y; its slopes are column 2 of X, 3 and 6.",
    )  # fmt: skip
    blue, orange, green = "blue_wash", "orange_wash", "green_wash"
    row = {("X", 1, 2): blue, ("W", 2, 0): green, ("W", 2, 1): green}
    row |= {("Y", 1, 0): orange, ("Y", 1, 1): orange}
    product(d, 30, "blue", row, "one input")
    d.text(30, 300, "moves a row of Y,", color="orange", align="start")
    d.text(30, 322, "with slopes from a row of W", color="green", align="start")
    column = {("W", 2, 1): blue, ("X", 0, 2): green, ("X", 1, 2): green}
    column |= {("Y", 0, 1): orange, ("Y", 1, 1): orange}
    d.line(320, 20, 320, 320, color="faint")
    product(d, 350, "blue", column, "one weight")
    d.text(350, 300, "moves a column of Y,", color="orange", align="start")
    d.text(350, 322, "with slopes from a column of X", color="green", align="start")
    d.save("07_matrix_product.svg")


if __name__ == "__main__":
    command(__doc__)
    matrix_product()
