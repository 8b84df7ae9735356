"""No two boxes of a picture overlap, and no arrow runs through a box that it does not end at."""

import numpy as np
import pytest
from helpers.networks import cnn_step, fifteen_lines, residual_blocks
from helpers.pictures import boxes_of, crossings, overlaps

import minigrad as mg
from minigrad.display.modules import interior, overview
from minigrad.display.svg import draw


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
    if walk.groups:
        yield draw(list(overview(walk.boxes, walk.groups)), "t")
        for group in set(walk.groups.values()):
            yield draw(list(interior(group, walk.groups)), "t")


@pytest.mark.parametrize("made", [fifteen_lines, cnn_step, residual_blocks])
def test_networks_are_drawn_apart(made):
    for svg in pictures(*made()):
        assert len(boxes_of(svg)) > 2
        assert overlaps(svg) == [] and crossings(svg) == []


@pytest.mark.parametrize("seeds", [range(15), pytest.param(range(15, 115), marks=pytest.mark.slow)])
def test_random_graphs_are_drawn_apart(seeds):
    for seed in seeds:
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
