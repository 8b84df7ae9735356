"""Draws the picture of docs/path/02_one_road.md: a nudge goes forward, a product backward."""

from drawing import Drawing, command


def chain():
    picture = Drawing(
        640,
        250,
        "A nudge of 0.01 at w becomes 0.005 at a and at b and 0.05 at L. Backward, 1 at L becomes "
        "10 at b, 10 at a and 5 at w",
    )
    places = [80, 240, 400, 560]
    nudges = ["0.01", "0.005", "0.005", "0.05"]
    grads = ["5", "10", "10", "1"]
    words = ["w = 4", "a = 2", "b = 5", "L = 50"]
    slopes = ["0.5", "1", "10"]
    picture.text(24, 36, "a nudge travels forward", "orange", align="start")
    picture.text(24, 230, "what arrives, from L backward", "blue", align="start")
    for x, nudge, grad, word in zip(places, nudges, grads, words, strict=True):
        picture.text(x, 76, "+" + nudge, "orange", 17)
        picture.node(x, 120, word, fill="paper", color="ink")
        picture.text(x, 182, grad, "blue", 19, bold=True)
    for x, slope in zip(places, slopes, strict=False):
        picture.arrow(x + 44, 120, x + 116, 120)
        picture.text(x + 80, 110, slope, bold=True)
        picture.arrow(x + 46, 71, x + 112, 71, "orange", 1.5)
        picture.text(x + 80, 62, "× " + slope, "orange", 15)
        picture.arrow(x + 136, 176, x + 26, 176, "blue", 1.5)
        picture.text(x + 80, 200, "× " + slope, "blue", 15)
    picture.save("02_chain.svg")


if __name__ == "__main__":
    command(__doc__)
    chain()
