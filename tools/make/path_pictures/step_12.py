"""Draw docs/path/images/12_roads.svg: the slopes of six x̂ in six x, road by road."""

from drawing import Drawing, command

X = [1, 2, 4, 5, 5, 7]
SIZE = 37


def slopes():
    """The three tables and their sum, in 48ths: then all are whole numbers."""
    x_hat = [(x - 4) / 2 for x in X]
    one = [[24 * (i == j) for j in range(6)] for i in range(6)]
    two = [[-4] * 6 for _ in range(6)]
    three = [[round(-4 * a * b) for b in x_hat] for a in x_hat]
    total = [[one[i][j] + two[i][j] + three[i][j] for j in range(6)] for i in range(6)]
    return one, two, three, total


def fill(number):
    if number == 0:
        return "paper"
    return "blue_wash" if number > 0 else "orange_wash"


def roads():
    d = Drawing(
        640, 640,
        "Four tables of the slopes of six x-hat in six x, in 48ths. Road 1: 24 on the diagonal, "
        "else 0. Road 2: -4 everywhere. Road 3: minus 4 times the product of two x-hat, 0 in the "
        "row and the column where x-hat is 0. Their sum: 11, 16, 20, 19, 19 and 11 on the "
        "diagonal.",
    )  # fmt: skip
    titles = [
        ("road 1: only itself", "ink"),
        ("road 2: the same for all", "ink"),
        ("road 3: x̂ times x̂", "ink"),
        ("the sum", "green"),
    ]
    for place, ((title, color), rows) in enumerate(zip(titles, slopes(), strict=True)):
        left, top = 76 + 290 * (place % 2), 62 + 300 * (place // 2)
        d.text(left, top - 14, title, color=color, align="start", bold=True)
        words = [[str(n).replace("-", "−") if n else "" for n in row] for row in rows]
        d.cells(left, top, words, size=SIZE, fills=[[fill(n) for n in row] for row in rows])
        corners = [(0, 0), (SIZE, 0), (SIZE, 6 * SIZE), (0, 6 * SIZE), (0, 0)]
        d.curve([(left + x, top + y) for x, y in corners], color="ink", width=4)
    for x, y, sign in ((331, 178, "+"), (40, 478, "+"), (331, 478, "=")):
        d.text(x, y, sign, size=22)
    d.text(
        320, 626, "slopes in 48ths; framed: the column of the printed table", color="soft", size=15
    )
    d.save("12_roads.svg")


if __name__ == "__main__":
    command(__doc__)
    roads()
