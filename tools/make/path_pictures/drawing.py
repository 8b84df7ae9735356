"""Small SVG pictures for docs/path: lines, arrows, curves, boxes, cells; for light and dark pages.

    picture = Drawing(640, 200, "What the picture shows, for those who cannot see it")
    picture.arrow(20, 100, 200, 100, color="blue")
    picture.text(110, 90, "slope 3", color="blue")
    picture.save("00_example.svg")

Coordinates are pixels from the upper left corner. Keep to a width of 640 and letters of 15 or more:
so wide does GitHub show a picture on a page. Colors are the names in COLORS. No fonts are loaded.
"""

import math
import sys
from html import escape
from pathlib import Path

IMAGES = Path(__file__).parents[3] / "docs" / "path" / "images"
COLORS = {  # name: on light paper, on dark paper
    "paper": ("#ffffff", "#0d1117"),
    "ink": ("#1f2328", "#e6edf3"),
    "soft": ("#656d76", "#9198a1"),
    "faint": ("#d8dee4", "#343b45"),
    "blue": ("#0a5cc2", "#6cb0ff"),
    "orange": ("#b04a00", "#ff9b50"),
    "green": ("#18702f", "#56d364"),
    "red": ("#c01f2b", "#ff7b72"),
    "blue_wash": ("#ddeeff", "#12304f"),  # behind letters
    "orange_wash": ("#ffe9d6", "#4a2a10"),
    "green_wash": ("#dcf5e2", "#133a20"),
    "red_wash": ("#ffe1e0", "#4f1c1c"),
}


def command(description):
    """A picture takes no options: what is left is --help."""
    sys.path.insert(0, str(Path(__file__).parents[3]))
    from minigrad.display.terminal import command_line

    command_line(description).parse_args()


def _number(x):
    return f"{x:.1f}".rstrip("0").rstrip(".")


class Drawing:
    def __init__(self, width, height, title):
        self.width, self.height, self.title = width, height, title
        self.parts = []
        self.box(0.5, 0.5, width - 1, height - 1, fill="paper", color="faint", round=8)

    def line(self, x1, y1, x2, y2, color="ink", width=2, dashed=False):
        ends = f'x1="{_number(x1)}" y1="{_number(y1)}" x2="{_number(x2)}" y2="{_number(y2)}"'
        self._add("line", ends, stroke=color, width=width, dashed=dashed)

    def curve(self, points, color="ink", width=2, dashed=False):
        """A line through the points [(x, y), ...]."""
        points = " ".join(f"{_number(x)},{_number(y)}" for x, y in points)
        self._add("polyline", f'points="{points}"', stroke=color, width=width, dashed=dashed)

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
        way = 'd="M{} {} Q{} {} {} {}"'.format(*map(_number, points))
        self._add("path", way, stroke=color, width=width, dashed=dashed)
        head = " ".join(f"{_number(x)},{_number(y)}" for x, y in [left, (x2, y2), right])
        self._add("polygon", f'points="{head}"', fill=color)

    def box(self, x, y, width, height, fill="paper", color="ink", round=6, line=1.5):
        place = f'x="{_number(x)}" y="{_number(y)}" rx="{round}"'
        place += f' width="{_number(width)}" height="{_number(height)}"'
        self._add("rect", place, stroke=color, fill=fill, width=line)

    def circle(self, x, y, radius, fill="paper", color="ink", line=1.5):
        place = f'cx="{_number(x)}" cy="{_number(y)}" r="{_number(radius)}"'
        self._add("circle", place, stroke=color, fill=fill, width=line)

    def text(self, x, y, words, color="ink", size=16, align="middle", bold=False, mono=False):
        """One line of text; (x, y) is on its baseline. `align`: start, middle or end."""
        style = f'font-size="{size}" text-anchor="{align}"'
        style += ' font-weight="600"' if bold else ""
        style += ' class="mono"' if mono else ""
        place = f'x="{_number(x)}" y="{_number(y)}" {style} style="fill:var(--{color})"'
        self.parts.append(f"<text {place}>{escape(words)}</text>")

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
        size = f'width="{self.width}" height="{self.height}"'
        size += f' viewBox="0 0 {self.width} {self.height}"'
        light, dark = (";".join(f"--{k}:{v[i]}" for k, v in COLORS.items()) for i in (0, 1))
        lines = [
            f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">',
            f"<title>{escape(self.title)}</title>",
            f"<style>svg{{{light};font-family:system-ui,-apple-system,'Segoe UI',sans-serif}}",
            ".mono{font-family:ui-monospace,Menlo,Consolas,monospace}",
            f"@media(prefers-color-scheme:dark){{svg{{{dark}}}}}</style>",
            *self.parts,
            "</svg>",
        ]
        IMAGES.mkdir(parents=True, exist_ok=True)
        (IMAGES / name).write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")

    def _add(self, tag, place, stroke="", fill="", width=2, dashed=False):
        style = f"fill:var(--{fill})" if fill else "fill:none"
        if stroke:
            style += f";stroke:var(--{stroke});stroke-width:{width}"
        style += ";stroke-dasharray:5 5" if dashed else ""
        self.parts.append(f'<{tag} {place} style="{style}"/>')
