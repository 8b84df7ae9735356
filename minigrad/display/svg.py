"""Boxes and arrows to SVG: a layered layout from left to right.

Four steps, the usual ones (Sugiyama, Tagawa and Toda 1981): ranks by longest path, invisible boxes
where an arrow spans several ranks, an order within each rank that follows the neighbors, and
positions that pull neighbors together without overlap.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from itertools import groupby
from typing import Any

import numpy as np

CHARACTER, LINE = 6.7, 15  # width and height of text, in pixels
PADDING, GAP, RANK_GAP = 9, 18, 28
MARGIN = 12
LONGEST = 40  # characters of a line; of more, its beginning
HEAD = 8  # length of an arrow's head, which stands on a straight piece
SWEEPS = 12

STYLE = """
  .box rect { stroke-width: 1.2; rx: 8px; }
  text { font: 11px ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; white-space: pre; }
  .title { font-weight: 700; } .shape, .called { opacity: .65; }
  .parameter rect { fill: #e3efff; stroke: #3b73c4; }
  .input rect { fill: #f2f2f2; stroke: #8a8a8a; }
  .operation rect { fill: #fffdf5; stroke: #b58a2e; }
  .module rect { fill: #eef6ee; stroke: #3f8a4f; }
  .output rect { fill: #fff0d6; stroke: #b5621a; stroke-width: 2; }
  text { fill: #1d2430; } .gradient { fill: #a83279; }
  .arrow { fill: none; stroke: #8794a8; stroke-width: 1.4; } .head { fill: #8794a8; }
  @media (prefers-color-scheme: dark) {
    .parameter rect { fill: #16263f; stroke: #6ea0ea; }
    .input rect { fill: #26282c; stroke: #8d929b; }
    .operation rect { fill: #2a2618; stroke: #cfa84e; }
    .module rect { fill: #17291b; stroke: #6fbf80; }
    .output rect { fill: #3a2916; stroke: #e79a4f; }
    text { fill: #e7eaf0; } .gradient { fill: #f08cc4; }
    .arrow { stroke: #7b889d; } .head { fill: #7b889d; }
  }
"""


@dataclass(eq=False)
class Box:
    """One tensor of the graph, and where it is drawn."""

    kind: str  # "parameter", "input", "operation", "output" or "module"
    title: str
    shape: tuple[int, ...]
    value: np.ndarray | None = None
    gradient: np.ndarray | None = None
    called: str = ""  # "spirals.py:12", where the user's program called the operation, if known
    arrives: int = 0  # the step of a walk from which on the gradient is complete
    inputs: list[Box] = field(default_factory=list)
    rank: int = 0
    x: float = 0.0
    y: float = 0.0
    width: float = 0.0
    height: float = 0.0
    column: tuple[float, float] = (0.0, 0.0)  # left and right edge of the boxes of this rank
    left: list[Any] = field(default_factory=list)
    right: list[Any] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)


def draw(boxes: list[Box], name: str | None = None, number: dict[Box, Any] | None = None) -> str:
    """The SVG text for boxes that come inputs first.

    With a name, that of the picture among others on a page, which has STYLE: each box says its
    number (data-node), and each arrow those of its ends (data-from, data-to), for a script. A box
    that stands for several has their numbers.
    """
    for box in boxes:
        box.lines = [(role, cut_off(line, LONGEST)) for role, line in box.lines]
        box.width = CHARACTER * max(len(line) for _, line in box.lines) + 2 * PADDING
        box.height = LINE * len(box.lines) + PADDING
    ranks, paths = rank(boxes)
    order(ranks)
    place_columns(ranks)
    width = max(box.x + box.width for box in boxes) + MARGIN
    height = max(box.y + box.height for box in boxes) + MARGIN
    number = number or {box: i for i, box in enumerate(boxes)} if name else {}
    head = f"{name}-head" if name else "head"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'width="{width:.0f}" height="{height:.0f}" xml:space="preserve" '
        'role="img" aria-label="computation graph">',
        "" if name else f"<style>{STYLE}</style>",
        f'<defs><marker id="{head}" viewBox="0 0 8 8" refX="7" refY="4" '
        'markerWidth="7" markerHeight="7" orient="auto">'
        '<path class="head" d="M0 0 L8 4 L0 8 z"/></marker></defs>',
    ]
    parts += [arrow(path, head, number) for path in paths]
    parts += [drawn(box, number) for box in boxes]
    return "\n".join([*parts, "</svg>", ""])


def cut_off(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def rank(boxes: list[Box]) -> Any:
    """Give each box its column: an operation after its inputs, a leaf just before its first user.

    Returns the columns, with invisible boxes where arrows pass, and each arrow as a list of boxes.
    """
    users: dict[Box, list[Box]] = {box: [] for box in boxes}
    for box in boxes:
        box.left, box.right = [], []
        box.rank = 1 + max((each.rank for each in box.inputs), default=-1)
        for each in box.inputs:
            users[each].append(box)
    for box in boxes:
        if not box.inputs and users[box]:
            box.rank = min(user.rank for user in users[box]) - 1
    columns: list[list[Box]] = [[] for _ in range(1 + max(box.rank for box in boxes))]
    paths = []
    for box in boxes:
        columns[box.rank].append(box)
        for source in box.inputs:
            path = [source]
            for between in range(source.rank + 1, box.rank):
                bend = Box("bend", "", (), rank=between, height=2.0)
                columns[between].append(bend)
                path.append(bend)
            paths.append([*path, box])
    for path in paths:
        for left, right in zip(path, path[1:], strict=False):
            right.left.append(left)
            left.right.append(right)
    return columns, paths


def order(columns: list[list[Box]]) -> None:
    """Sort each column by the middle of its neighbors left, then right, and again."""
    position: dict[Box, float] = {}
    for column in columns:
        position.update((box, i / len(column)) for i, box in enumerate(column))
    for sweep in range(SWEEPS):
        side = sweep % 2
        for column in columns if side == 0 else reversed(columns):

            def middle(box, side=side):
                found = sorted(position[each] for each in (box.left, box.right)[side])
                return (
                    (found[len(found) // 2] + found[(len(found) - 1) // 2]) / 2
                    if found
                    else position[box]
                )

            column.sort(key=middle)
            position.update((box, i / len(column)) for i, box in enumerate(column))
    for column in columns:
        leaves_around(column)


def leaves_around(column: list[Box]) -> None:
    """Put leaves on both sides of the operation that they meet at the next one: straight chains."""
    ordered = []
    for _, run in groupby(column, key=lambda box: box.right):
        boxes = list(run)
        leaves = [box for box in boxes if not box.left]
        half = len(leaves) // 2
        ordered += leaves[:half] + [box for box in boxes if box.left] + leaves[half:]
    column[:] = ordered


def place_columns(columns: list[list[Box]]) -> None:
    """Put the columns side by side, and each box near the mean of its neighbors."""
    x: float = MARGIN
    for column in columns:
        wide = max(box.width for box in column)
        for box in column:
            box.x = x + (wide - box.width) / 2
            box.column = (x, x + wide)
        x += wide + RANK_GAP
    for column in columns:
        stack_boxes(column, [0.0] * len(column))
    for sweep in range(2 * SWEEPS):
        for column in columns if sweep % 2 == 0 else reversed(columns):
            wishes = []
            for box in column:
                found = [center(each) for each in box.left + box.right]
                wishes.append(sum(found) / len(found) if found else center(box))
            stack_boxes(column, wishes)
    top = min(box.y for column in columns for box in column)
    for column in columns:
        for box in column:
            box.y += MARGIN - top


def center(box: Box) -> float:
    return box.y + box.height / 2


def stack_boxes(column: list[Box], wishes: Any) -> None:
    """Put the boxes of a column, in order, as near to the desired centers as their heights allow.

    Boxes that would overlap join a block, which goes to the mean of its members' wishes.
    """
    blocks = []  # [sum of (wish − offset), boxes, height]
    for box, wish in zip(column, wishes, strict=True):
        blocks.append([wish - box.height / 2, [box], box.height + GAP])
        while len(blocks) > 1 and top(blocks[-2]) + blocks[-2][2] > top(blocks[-1]):
            total, boxes, height = blocks.pop()
            blocks[-1][0] += total - len(boxes) * blocks[-1][2]
            blocks[-1][1] += boxes
            blocks[-1][2] += height
    for block in blocks:
        y = top(block)
        for box in block[1]:
            box.y = y
            y += box.height + GAP


def top(block: Any) -> float:
    return block[0] / len(block[1])


def arrow(path: list[Box], head: str, number: dict[Box, Any] | None) -> str:
    """A line from the first box of the path through the invisible ones to the last.

    It is straight within a column, where boxes are, and bends only between columns.
    """
    first, last = path[0], path[-1]
    y = center(first)
    text = f"M{first.x + first.width:.1f} {y:.1f} H{first.column[1]:.1f}"
    for before, box in zip(path, path[1:], strict=False):
        x0, x1 = before.column[1], box.column[0] - HEAD
        y0, y = y, entry(first, last) if box is last else center(box)
        bend = (x0 + x1) / 2
        end = last.x - 1 if box is last else box.column[1]
        text += f" C{bend:.1f} {y0:.1f} {bend:.1f} {y:.1f} {x1:.1f} {y:.1f} H{end:.1f}"
    ends = f'data-from="{number[first]}" data-to="{number[last]}" ' if number else ""
    return f'<path class="arrow" {ends}marker-end="url(#{head})" d="{text}"/>'


def entry(source: Box, box: Box) -> float:
    """Where on the left side of a box the arrow from `source` arrives; no two cross there."""
    arrivals = sorted(box.left, key=center)
    slots = [i for i, each in enumerate(arrivals) if leads_from(each, source)]
    return box.y + box.height * (slots[0] + 1) / (len(arrivals) + 1) if slots else center(box)


def leads_from(box: Box, source: Box) -> Any:
    while box.kind == "bend":
        (box,) = box.left
    return box is source


def drawn(box: Box, number: dict[Box, Any] | None) -> str:
    data = f' data-node="{number[box]}" data-arrives="{box.arrives}"' if number else ""
    rows = [
        f'<g class="box {box.kind}"{data}><rect x="{box.x:.1f}" y="{box.y:.1f}" '
        f'width="{box.width:.1f}" height="{box.height:.1f}"/>'
    ]
    for i, (role, line) in enumerate(box.lines):
        y = box.y + PADDING / 2 + LINE * (i + 0.75)
        rows.append(
            f'<text class="{role}" x="{box.x + PADDING:.1f}" y="{y:.1f}">{escape(line)}</text>'
        )
    return "".join([*rows, "</g>"])
