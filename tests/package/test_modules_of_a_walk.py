"""The boxes of a walk by module: whose they are, that arrows lead one way, and the page."""

import re
import time

import numpy as np
import pytest
from helpers.networks import Residual, cnn_step, residual_blocks

import minigrad as mg
from minigrad import nn
from minigrad.display import modules
from minigrad.display.modules import interior, overview
from minigrad.display.walk_page import page
from minigrad.errors import GraphError


def groups_of(walk):
    return [
        (group.name, [box.title.partition(" ")[0] for box in group.members])
        for group in dict.fromkeys(walk.groups.values())
    ]


def deep(layers):
    return nn.Sequential(*(nn.Sequential(nn.Linear(2, 2), nn.ReLU()) for _ in range(layers)))


def test_an_operation_without_parameters_goes_with_the_layer_before_it():
    loss, model = cnn_step()
    assert groups_of(loss.walk(model)) == [
        ("0", ["convolution"]),
        ("1", ["batch_norm", "relu", "max_pool2d"]),
        ("4", ["convolution"]),
        ("5", ["batch_norm", "relu", "view"]),
        ("8", ["linear"]),
    ]


def test_groups_are_named_by_path_and_their_parents_stand_in_where_there_are_too_many(monkeypatch):
    loss, model = residual_blocks()
    names = [name for name, _ in groups_of(loss.walk(model))]
    assert names[:4] == ["0.conv1", "0.bn1", "0.conv2", "0.bn2"] and len(names) == 8
    monkeypatch.setattr(modules, "MOST_GROUPS", 7)
    loss, model = residual_blocks()
    assert [name for name, _ in groups_of(loss.walk(model))] == ["0", "1"]


def test_without_a_model_there_are_no_groups():
    walk = cnn_step()[0].walk()
    assert walk.groups == {} and "modules" not in re.findall(r'class="graph (\w+)"', page([walk]))


class Shared(nn.Module):
    """Uses one layer twice, with another between, and a parameter of its own."""

    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(2, 2), nn.Linear(2, 2)
        self.scale = nn.Parameter(mg.ones(2))

    def forward(self, x):
        first = self.one(x)
        return self.one(self.two(first).tanh() + first) * self.scale + x.exp()


@pytest.mark.parametrize("seed", range(5))
def test_arrows_between_groups_lead_one_way_and_nothing_is_lost(seed):
    rng = np.random.default_rng(seed)
    parts = [Shared() if rng.integers(2) else nn.Linear(2, 2) for _ in range(4)]
    model = nn.Sequential(*parts)
    walk = (model(mg.randn(3, 2, requires_grad=True)) ** 2).sum().walk(model)
    boxes = overview(walk.boxes, walk.groups)
    place = {box: i for i, box in enumerate(boxes)}
    assert all(place[each] < place[box] for box in boxes for each in box.inputs)
    operations = {box for box in walk.boxes if box.kind in ("operation", "output")}
    shown = [each for meant in boxes.values() for each in meant if each in operations]
    assert len(shown) == len(set(shown)) and set(shown) == operations
    for group in set(walk.groups.values()):
        drawn = [each for meant in interior(group, walk.groups).values() for each in meant]
        assert set(group.members) <= set(drawn)
        assert {each for box in group.members for each in box.inputs} <= set(drawn)


def test_a_model_s_own_parameter_belongs_to_it_by_its_class():
    model = Shared()
    walk = model(mg.randn(3, 2)).sum().walk(model)
    names = [name for name, _ in groups_of(walk)]
    assert names[:3] == ["one", "two", "one"] and "Shared" in names


def test_a_large_graph_starts_as_modules_and_a_small_one_as_a_whole():
    kinds = r'class="graph (\w+)"'
    small, large = deep(2), deep(12)
    text = page([small(mg.ones(1, 2)).sum().walk(small)])
    assert 'data-start="*"' in text and re.findall(kinds, text)[:2] == ["whole", "modules"]
    text = page([large(mg.ones(1, 2)).sum().walk(large)])
    assert 'data-start="-"' in text
    larger = deep(50)
    text = page([larger(mg.ones(1, 2)).sum().walk(larger)])
    assert re.findall(kinds, text) == ["modules"] + ["inside"] * 50


def test_more_than_500_operations_are_refused_at_once_and_500_are_drawn():
    model = deep(251)
    loss = model(mg.ones(1, 2)).sum()
    start = time.perf_counter()
    with pytest.raises(GraphError, match=r"the graph has more than 500 operations; call walk on"):
        loss.walk(model)
    assert time.perf_counter() - start < 2
    model = deep(249)
    walk = model(mg.ones(1, 2)).sum().walk(model)
    assert len(walk.steps) == 499 and page([walk]).count('class="graph inside"') == 249


def test_a_hostile_name_of_a_module_stays_text():
    name = "<script>\"'&" + "x" * 10_000
    model = nn.Module()
    model.register_module(name, Residual(1))
    walk = model.get_submodule(name)(mg.rand(1, 1, 3, 3)).sum().walk(model)
    text = page([walk])
    assert '<script>"' not in text and "&lt;script&gt;&quot;" in text
    assert max(float(width) for width in re.findall(r'<svg [^>]*width="(\d+)"', text)) < 5000
