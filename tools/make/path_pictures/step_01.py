"""Draws the picture of docs/path/01_arrows.md: the graph, with the local slope on each arrow."""

from drawing import Drawing, command

PLACES = {
    "w": (60, 70),
    "x": (60, 190),
    "a": (190, 130),
    "b": (330, 60),
    "c": (450, 130),
    "L": (580, 130),
}
WORDS = {"w": "w = 4", "x": "x = 0.5", "a": "a = 2", "b": "b = 4", "c": "c = 8", "L": "L = 8.5"}
ARROWS = [  # begin, end, how far bent; the slope, and where it is written
    ((90, 90), (160, 110), 0, "0.5", (130, 84)),
    ((90, 170), (160, 150), 0, "4", (118, 146)),
    ((180, 110), (288, 56), 14, "2", (216, 62)),
    ((212, 110), (318, 80), -12, "2", (288, 118)),
    ((232, 130), (408, 130), 0, "4", (330, 150)),
    ((360, 80), (420, 110), 0, "2", (404, 84)),
    ((492, 130), (538, 130), 0, "1", (512, 122)),
    ((102, 205), (575, 150), -34, "1", (352, 236)),
]


def graph(picture, color="blue"):
    """The arrows and boxes of the example; also for step 3."""
    for begin, end, bend, slope, place in ARROWS:
        picture.arrow(*begin, *end, color=color, bend=bend)
        picture.text(*place, slope, color, 17, bold=True)


def boxes(picture):
    for name, (x, y) in PLACES.items():
        picture.node(x, y, WORDS[name])


def arrows():
    picture = Drawing(
        640,
        250,
        "w = 4 and x = 0.5 lead to a = 2 with slopes 0.5 and 4; a leads to b = 4 twice with "
        "slope 2, and to c = 8 with slope 4; b leads to c with slope 2; c and x lead to "
        "L = 8.5 with slope 1",
    )
    graph(picture)
    boxes(picture)
    picture.save("01_arrows.svg")


if __name__ == "__main__":
    command(__doc__)
    arrows()
