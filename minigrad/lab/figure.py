"""The figure of a claim, as SVG: the curves of a run, panel below panel.

A curve has a color and a dash, and its name stands at its end: so it can be told in gray. A figure
is drawn from the record of a run, which `protocol.Run.record` gives, or JSON.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .axes import Scale, number_text
from .drawing import Drawing

Point = tuple[float, float]

WIDTH, HEAD, FOOT = 640, 44, 10
HEIGHT = {1: 270, 2: 210}  # of a panel where there are so many; of more than two
LOW = 170
TITLE, TICKS = 62, 60  # above and below the axes of a panel
LETTER = 8.4  # a letter's width where 15 is its size, in a wide font
SAMPLE = 26  # of a curve, before its name
LINES = 19  # from one name to the next
COLORS = ("blue", "orange", "green", "red")
DASHES = ("", "9 4", "2 3", "10 3 2 3")
FIRST = ["batch norm", "none"]  # these look alike in all figures
FEW = 12  # points: each has a mark
NOWHERE = "nowhere"  # a curve none of whose points is finite
CLOSE = 0.5  # pixels that a thinned curve may be off


def svg_figure(record: dict[str, Any]) -> str:
    """The text of an SVG file."""
    panels = record["panels"]
    height = HEIGHT.get(len(panels), LOW)
    bottom = HEAD + len(panels) * (TITLE + height + TICKS)
    picture = Drawing(WIDTH, bottom + FOOT, alt_text(record))
    picture.text(20, 32, f"{record['claim']}. {record['title']}", align="start", bold=True)
    for place, panel in enumerate(panels):
        draw_panel(picture, panel, HEAD + TITLE + place * (TITLE + height + TICKS), height)
    picture.text(20, bottom - 12, f"seed {record['seed']}", "soft", 15, "start")
    return picture.svg()


def alt_text(record: dict[str, Any]) -> str:
    """What the figure shows, for those who cannot see it."""
    told = []
    for panel in record["panels"]:
        told.append(f'The panel "{panel["title"]}" shows {panel["y"]} by {panel["x"]}.')
        for curve in panel["curves"]:
            points = finite_points(curve)
            ends = (
                f"from {number_text(points[0][1])} to {number_text(points[-1][1])}"
                if points
                else NOWHERE
            )
            told.append(f'The curve "{curve["label"]}" goes {ends}.')
    return " ".join(told)


def draw_panel(picture: Drawing, panel: dict[str, Any], top: float, height: float) -> None:
    """Axes with their curves; the upper edge of the axes is at `top`."""
    aside = SAMPLE + 28 + LETTER * max((len(label(each)) for each in panel["curves"]), default=0)
    x, y = scales(panel, 66, WIDTH - aside, top, height)
    draw_axes(picture, panel, x, y, top + height)
    names = []
    alike = sorted(panel["curves"], key=lambda each: (FIRST + [each["label"]]).index(each["label"]))
    for place, curve in enumerate(alike):
        color = COLORS[place % len(COLORS)]
        dash = DASHES[(place + place // len(COLORS)) % len(DASHES)]
        heights = []
        for piece in pieces(curve, panel["log"]):
            points = [(x(a), y(b)) for a, b in piece]
            heights += [b for _, b in points]
            picture.curve(points, color, 2.2, dash)
            if len(points) == 1 or every_point(curve):
                for a, b in points:
                    picture.circle(a, b, 3.5, color=color, line=1.8)
        heights = heights or [top + height]
        names.append((round(heights[-1] / 6), heights[0], heights[-1], label(curve), color, dash))
    names.sort()  # where curves end together, they are told by where they begin
    free = apart([end for _, _, end, *_ in names], top + 4, top + height)
    for at, (*_, name, color, dash) in zip(free, names, strict=True):
        picture.line(x.end + 10, at, x.end + 10 + SAMPLE, at, color, 2.2, dash)
        picture.text(x.end + 16 + SAMPLE, at + 5, name, color, 15, "start")


def draw_axes(
    picture: Drawing, panel: dict[str, Any], x: Scale, y: Scale, bottom: float
) -> None:  # fmt: skip
    top = y.end - 6
    picture.text(20, top - 34, panel["title"], align="start")
    picture.text(20, top - 12, axis_name(panel, "y"), "soft", 15, "start")
    for value in y.ticks(5):
        picture.line(x.start, y(value), x.end, y(value), "faint", 1)
        picture.text(x.start - 8, y(value) + 5, number_text(value), "soft", 15, "end")
    few = all(map(every_point, panel["curves"]))
    at = sorted({point for curve in panel["curves"] for point in curve["x"]})
    for value in x.ticks(6, at if few and len(at) <= FEW else []):
        picture.line(x(value), bottom, x(value), bottom + 5, "soft", 1)
        picture.text(x(value), bottom + 21, number_text(value), "soft", 15)
    picture.line(x.start, bottom, x.end, bottom, "soft", 1)
    picture.text((x.start + x.end) / 2, bottom + 44, axis_name(panel, "x"), "soft", 15)


def every_point(curve: dict[str, Any]) -> bool:
    """Whether all of them are shown: they are few, and not what thinning left of many."""
    return len(curve["x"]) <= FEW and not curve.get("thinned")


def label(curve: dict[str, Any]) -> str:
    return curve["label"] if finite_points(curve) else f"{curve['label']} ({NOWHERE})"


def axis_name(panel: dict[str, Any], axis: str) -> str:
    """What an axis shows."""
    words: str = panel[axis]
    return f"{words} (log scale)" if axis in panel["log"] else words


def scales(
    panel: dict[str, Any], left: float, right: float, top: float, height: float
) -> tuple[Scale, Scale]:
    """Those of x and y, wide enough for every point that can be drawn."""
    drawn = [piece for curve in panel["curves"] for piece in pieces(curve, panel["log"])]
    across, upward = zip(*(sum(drawn, []) or [(1.0, 1.0)]), strict=True)
    return (
        Scale(min(across), max(across), "x" in panel["log"], left + 8, right - 8),
        Scale(min(upward), max(upward), "y" in panel["log"], top + height - 6, top + 6),
    )


def finite_points(curve: dict[str, Any]) -> list[Point]:
    """Its points that are, from left to right; a record has the others as words."""
    return [(x, y) for x, y in from_left(curve) if not isinstance(y, str)]


def from_left(curve: dict[str, Any]) -> list[tuple[float, Any]]:
    return sorted(zip(curve["x"], curve["y"], strict=True), key=lambda point: point[0])


def pieces(curve: dict[str, Any], log: str) -> list[list[Point]]:
    """The runs of points that can be drawn; what is not finite, or has no logarithm, parts them."""
    found: list[list[Point]] = [[]]
    for x, y in from_left(curve):
        if isinstance(y, str) or ("y" in log and y <= 0) or ("x" in log and x <= 0):
            found.append([])
        else:
            found[-1].append((x, y))
    return [piece for piece in found if piece]


def apart(wanted: list[float], top: float, bottom: float) -> list[float]:
    """Heights near those wanted, which rise, with room for a line of words between them."""
    placed: list[float] = []
    for each in wanted:
        placed.append(max(each, placed[-1] + LINES) if placed else max(each, top))
    limit = bottom
    for place in reversed(range(len(placed))):  # back up from the lower edge, where it was passed
        placed[place] = min(placed[place], limit)
        limit = placed[place] - LINES
    return placed


def thinned(panel: dict[str, Any]) -> dict[str, Any]:
    """The panel with the points that a picture needs: without the others no line moves visibly."""
    x, y = scales(panel, 66, WIDTH - 66, 0, HEIGHT[1])
    curves = []
    for curve in panel["curves"]:
        if len(curve["x"]) > 2 * FEW:
            points: list[tuple[float, Any]] = []
            for piece in pieces(curve, panel["log"]):
                places = needed(np.array([(x(a), y(b)) for a, b in piece]))
                gap = [(piece[0][0], "nan")] if points else []
                points += gap + [piece[place] for place in places]
            curve = curve | {"x": [a for a, _ in points], "y": [b for _, b in points]}
            curve["thinned"] = True
        heights = [each if isinstance(each, str) else float(f"{each:.6g}") for each in curve["y"]]
        curves.append(curve | {"y": heights})
    return panel | {"curves": curves}


def needed(points: np.ndarray) -> list[int]:
    """Which points of a polyline keep it within CLOSE pixels (Ramer 1972, Douglas & Peucker)."""
    kept, waiting = {0, len(points) - 1}, [(0, len(points) - 1)]
    while waiting:
        first, last = waiting.pop()
        if last - first < 2:
            continue
        (a, b), (across, upward) = points[first], points[last] - points[first]
        between = points[first + 1 : last]
        off = np.abs(across * (between[:, 1] - b) - upward * (between[:, 0] - a))
        off /= math.hypot(across, upward) or 1.0
        middle = first + 1 + int(off.argmax())
        if off.max() > CLOSE:
            kept.add(middle)
            waiting += [(first, middle), (middle, last)]
    return sorted(kept)
