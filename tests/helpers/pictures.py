"""What a reader would see wrong in a picture of boxes and arrows, from its coordinates."""

import re

import numpy as np

BOX = re.compile(
    r'<g class="box [^"]*" data-node="([^"]*)"[^>]*><rect x="([^"]*)" y="([^"]*)" '
    r'width="([^"]*)" height="([^"]*)"'
)
ARROW = re.compile(r'class="arrow" data-from="([^"]*)" data-to="([^"]*)"[^>]* d="([^"]*)"')


def boxes_of(svg):
    """{number: (left, top, right, bottom)}"""
    found = {}
    for number, *numbers in BOX.findall(svg):
        x, y, width, height = map(float, numbers)
        found[number] = (x, y, x + width, y + height)
    return found


def points_of(path):
    """Points along a path of the letters M, H and C, dense enough that no box fits between."""
    points = []
    for letter, numbers in re.findall(r"([MHC])([^MHC]*)", path):
        values = [float(each) for each in numbers.split()]
        if letter == "M":
            points.append(values)
        elif letter == "H":
            x, y = points[-1]
            points += [[x + (values[0] - x) * t, y] for t in np.linspace(0, 1, 20)]
        else:
            ends = np.array([points[-1], values[0:2], values[2:4], values[4:6]])
            for t in np.linspace(0, 1, 20):
                weights = [(1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t * t * (1 - t), t**3]
                points.append(list(weights @ ends))
    return points


def overlaps(svg):
    """Pairs of boxes that overlap."""
    boxes = list(boxes_of(svg).items())
    return [
        (one, other)
        for i, (one, a) in enumerate(boxes)
        for other, b in boxes[:i]
        if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]
    ]


def crossings(svg):
    """(from, to, box) for each arrow that runs through a box which is not one of its ends."""
    boxes, found = boxes_of(svg), set()
    edges = np.array(list(boxes.values()))
    names = list(boxes)
    arrows = ARROW.findall(svg)
    assert len(arrows) == svg.count('class="arrow"')
    for source, target, path in arrows:
        points = np.array(points_of(path))[:, None]
        x, y = points[..., 0], points[..., 1]
        inside = (edges[:, 0] < x) & (x < edges[:, 2]) & (edges[:, 1] < y) & (y < edges[:, 3])
        found |= {(source, target, names[i]) for i in np.flatnonzero(inside.any(axis=0))}
    return sorted(each for each in found if each[2] not in each[:2])
