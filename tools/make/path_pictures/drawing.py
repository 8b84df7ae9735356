"""The pictures of docs/path: what minigrad draws for pages, and arrows, values, tables beside it.

    picture = Drawing(640, 200, "What the picture shows, for those who cannot see it")
    picture.arrow(20, 100, 200, 100, color="blue")
    picture.text(110, 90, "slope 3", color="blue")
    picture.save("00_example.svg")
"""

import math
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
IMAGES = ROOT / "docs" / "path" / "images"
sys.path.insert(0, str(ROOT))

from minigrad.display.terminal import command_line  # noqa: E402
from minigrad.lab import drawing  # noqa: E402
from minigrad.lab.drawing import pixels  # noqa: E402


def command(description):
    """A picture takes no options: what is left is --help."""
    command_line(description).parse_args()


class Drawing(drawing.Drawing):
    def arrow(self, x1, y1, x2, y2, color="ink", width=2, bend=0, dashed=False):
        """An arrow with its head at (x2, y2); `bend` moves its middle to the left of its way."""
        length = math.hypot(x2 - x1, y2 - y1)
        across = (y2 - y1) / length, -(x2 - x1) / length
        cx = (x1 + x2) / 2 + 2 * bend * across[0]  # the curve reaches half as far as this point
        cy = (y1 + y2) / 2 + 2 * bend * across[1]
        angle = math.atan2(y2 - cy, x2 - cx)
        size = 5 + 2 * width
        left, right = (
            (x2 - size * math.cos(angle + side), y2 - size * math.sin(angle + side))
            for side in (-0.42, 0.42)
        )
        neck = x2 - size * math.cos(angle) * 0.8, y2 - size * math.sin(angle) * 0.8
        points = [x1, y1, cx, cy, *neck]
        way = 'd="M{} {} Q{} {} {} {}"'.format(*map(pixels, points))
        self.add("path", way, stroke=color, width=width, dashed=dashed)
        head = " ".join(f"{pixels(x)},{pixels(y)}" for x, y in [left, (x2, y2), right])
        self.add("polygon", f'points="{head}"', fill=color)

    def node(self, x, y, words, below="", fill="blue_wash", color="blue", width=84, height=40):
        """A box with its center at (x, y): a value of the graph, and a remark under the box."""
        self.box(x - width / 2, y - height / 2, width, height, fill=fill, color=color)
        self.text(x, y + 6, words, mono=True)
        if below:
            self.text(x, y + height / 2 + 18, below, color="soft", size=15)

    def cells(self, x, y, rows, size=46, fills=None, color="ink"):
        """A table of numbers or words (a list of rows); `fills` is a table of color names."""
        for i, row in enumerate(rows):
            for j, cell in enumerate(row):
                fill = fills[i][j] if fills else "paper"
                self.box(x + j * size, y + i * size, size, size, fill, color, round=0, line=1)
                words = cell if isinstance(cell, str) else f"{cell:g}"
                self.text(x + (j + 0.5) * size, y + (i + 0.5) * size + 5, words, size=15)

    def save(self, name):
        """Write docs/path/images/NAME."""
        IMAGES.mkdir(parents=True, exist_ok=True)
        (IMAGES / name).write_text(self.svg(), encoding="utf-8", newline="\n")
