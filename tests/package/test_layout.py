"""No two boxes of a picture overlap, and no arrow runs through a box that it does not end at."""

import numpy as np
import pytest
from helpers.pictures import boxes_of, crossings, overlaps

import minigrad as mg
from minigrad import datasets, nn
from minigrad.display.svg import draw
from minigrad.nn import functional as F


def fifteen_lines():
    points, arms = datasets.spirals(300).tensors
    model = nn.Sequential(
        nn.Linear(2, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3)
    )
    return F.cross_entropy(model(points), arms), model


def cnn_step():
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Flatten(), nn.Linear(72, 10),
    )  # fmt: skip
    return F.cross_entropy(model(mg.rand(2, 1, 12, 12)), mg.tensor([1, 2])), model


class Residual(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        return (self.bn2(self.conv2(self.bn1(self.conv1(x)).relu())) + x).relu()


def residual_blocks():
    model = nn.Sequential(Residual(3), Residual(3))
    return model(mg.rand(2, 3, 5, 5, requires_grad=True)).sum(), model


def random_graph(seed):
    """At most forty operations with fan-out, long roads, constants, and lines of all lengths."""
    rng = np.random.default_rng(seed)
    shapes = [(2, 3), (2, 3), (30, 40), (1, 1)]
    shape = shapes[seed % len(shapes)]
    pool = [mg.tensor(rng.normal(size=shape), requires_grad=True) for _ in range(3)]
    for _ in range(rng.integers(5, 30)):
        i, j = rng.integers(max(0, len(pool) - rng.integers(2, 12)), len(pool), 2)
        kind = rng.integers(5)
        a, b = pool[i], pool[j]
        pool.append([a + b, a * b, a.tanh(), a * 2.0, a.exp() - b][kind])
    loss = pool[-1].sum()
    for each in pool[-4:-1]:
        loss = loss + each.mean()
    return loss


def pictures(loss, model=None):
    """Before the walk, and after it."""
    yield draw(loss.graph(model).boxes, "t")
    walk = loss.walk(model)
    yield draw(walk.graph().boxes, "t")


@pytest.mark.parametrize("made", [fifteen_lines, cnn_step, residual_blocks])
def test_networks_are_drawn_apart(made):
    for svg in pictures(*made()):
        assert len(boxes_of(svg)) > 8
        assert overlaps(svg) == [] and crossings(svg) == []


def test_a_hundred_random_graphs_are_drawn_apart():
    for seed in range(100):
        svg = draw(random_graph(seed).walk().graph().boxes, "t")
        assert overlaps(svg) == [], seed
        assert crossings(svg) == [], seed


def test_the_test_sees_what_is_wrong():
    x = mg.ones(2, requires_grad=True)
    svg = draw(((x + 1.0).exp() * x).graph().boxes, "t")
    assert len(boxes_of(svg)) == 5
    (left, top, right, bottom) = boxes_of(svg)["2"]
    middle = (top + bottom) / 2
    wrong = f'<path class="arrow" data-from="0" data-to="3" d="M0 {middle} H{right + 9:.1f}"/>'
    assert ("0", "3", "2") in crossings(svg + wrong)
    again = svg[svg.index('<g class="box') :].partition("</g>")[0].replace('node="0"', 'node="9"')
    assert ("9", "0") in overlaps(svg + again)
