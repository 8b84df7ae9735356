"""Small SVG pictures of lines, curves, boxes and words, for light and for dark pages.

    picture = Drawing(640, 200, "What the picture shows, for those who cannot see it")
    picture.line(20, 100, 200, 100, color="blue")
    picture.text(110, 90, "slope 3", color="blue")
    text = picture.svg()

Coordinates are pixels from the upper left corner. Keep to a width of 640 and letters of 15 or more:
so wide does GitHub show a picture on a page. Colors are the names in COLORS. No fonts are loaded.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

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


def pixels(x: float) -> str:
    """A length as SVG has it, to a tenth of a pixel."""
    return f"{x:.1f}".rstrip("0").rstrip(".")


class Drawing:
    """A picture to be, on paper with a thin frame."""

    def __init__(self, width: int, height: int, title: str) -> None:
        self.width: int = width
        self.height: int = height
        self.title: str = title
        self.parts: list[str] = []
        self.box(0.5, 0.5, width - 1, height - 1, fill="paper", color="faint", round=8)

    def line(
        self, x1: float, y1: float, x2: float, y2: float,
        color: str = "ink", width: float = 2, dashed: bool | str = False,
    ) -> None:  # fmt: skip
        ends = f'x1="{pixels(x1)}" y1="{pixels(y1)}" x2="{pixels(x2)}" y2="{pixels(y2)}"'
        self.add("line", ends, stroke=color, width=width, dashed=dashed)

    def curve(
        self,
        points: Iterable[tuple[float, float]],
        color: str = "ink",
        width: float = 2,
        dashed: bool | str = False,
    ) -> None:
        """A line through the points [(x, y), ...]; `dashed` may say how: "9 4"."""
        path = " ".join(f"{pixels(x)},{pixels(y)}" for x, y in points)
        self.add("polyline", f'points="{path}"', stroke=color, width=width, dashed=dashed)

    def box(
        self, x: float, y: float, width: float, height: float,
        fill: str = "paper", color: str = "ink", round: int = 6, line: float = 1.5,
    ) -> None:  # fmt: skip
        place = f'x="{pixels(x)}" y="{pixels(y)}" rx="{round}"'
        place += f' width="{pixels(width)}" height="{pixels(height)}"'
        self.add("rect", place, stroke=color, fill=fill, width=line)

    def circle(
        self, x: float, y: float, radius: float,
        fill: str = "paper", color: str = "ink", line: float = 1.5,
    ) -> None:  # fmt: skip
        place = f'cx="{pixels(x)}" cy="{pixels(y)}" r="{pixels(radius)}"'
        self.add("circle", place, stroke=color, fill=fill, width=line)

    def text(
        self, x: float, y: float, words: str,
        color: str = "ink", size: int = 16, align: str = "middle",
        bold: bool = False, mono: bool = False,
    ) -> None:  # fmt: skip
        """One line of text; (x, y) is on its baseline. `align`: start, middle or end."""
        style = f'font-size="{size}" text-anchor="{align}"'
        style += ' font-weight="600"' if bold else ""
        style += ' class="mono"' if mono else ""
        place = f'x="{pixels(x)}" y="{pixels(y)}" {style} style="fill:var(--{color})"'
        self.parts.append(f"<text {place}>{escape(words)}</text>")

    def add(
        self, tag: str, place: str,
        stroke: str = "", fill: str = "", width: float = 2, dashed: bool | str = False,
    ) -> None:  # fmt: skip
        """Any element of SVG, in colors of ours."""
        style = f"fill:var(--{fill})" if fill else "fill:none"
        if stroke:
            style += f";stroke:var(--{stroke});stroke-width:{width}"
        if dashed:
            style += f";stroke-dasharray:{'5 5' if dashed is True else dashed}"
        self.parts.append(f'<{tag} {place} style="{style}"/>')

    def svg(self) -> str:
        """The whole picture, as the text of a file."""
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
        return "\n".join(lines) + "\n"
