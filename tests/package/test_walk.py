"""The walk: contributions add up to what arrived, leaves equal .grad, and the page holds both."""

import json
import os
import runpy
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from helpers import networks

import minigrad as mg
from minigrad import datasets, nn, optim
from minigrad.display import walk as recording
from minigrad.display.rules import cited, formulas_of, page_of
from minigrad.display.walk import BROADCASTING
from minigrad.errors import GraphError
from minigrad.nn import functional as F
from minigrad.tensor import Function


def fifteen_lines():
    mg.manual_seed(0)
    points, arms = datasets.spirals(300).tensors
    model = nn.Sequential(
        nn.Linear(2, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3)
    )
    return model, lambda: F.cross_entropy(model(points), arms)


def grads(model):
    return [p.grad.numpy() for p in model.parameters()]


def test_leaves_equal_grad_to_the_bit():
    model, loss = fifteen_lines()
    loss().backward()
    plain = grads(model)
    model.zero_grad()
    walk = loss().walk(model)
    for a, b in zip(plain, grads(model), strict=True):
        np.testing.assert_array_equal(a, b)
    assert [leaf["title"] for leaf in walk.leaves] == [name for name, _ in model.named_parameters()]
    assert walk.leaves[4]["gradient"]["cells"] == grads(model)[4].astype(float).tolist()


def random_graph(rng):
    """A loss of small tensors that are used more than once, viewed, and written in place."""
    pool = [mg.tensor(rng.normal(size=(2, 3)), requires_grad=True) for _ in range(3)]
    leaves = list(pool)
    for _ in range(rng.integers(4, 12)):
        a, b = (pool[i] for i in rng.integers(0, len(pool), 2))
        kind = rng.integers(6)
        if kind == 0:
            y = a * b
        elif kind == 1:
            y = a + b[0]
        elif kind == 2:
            y = a.t().tanh().t()
        elif kind == 3:
            y = a.reshape(3, 2).view(2, 3) - b
        elif kind == 4:
            y = (a * 2.0).add_(b)
        else:
            y = (a @ b.t()) @ b
        pool.append(y)
    return sum((y * y).sum() for y in pool[-3:]), leaves


@pytest.mark.parametrize(
    "seed", [*range(40), *(pytest.param(n, marks=pytest.mark.slow) for n in range(40, 300))]
)
def test_contributions_add_up_to_what_arrives(seed):
    loss, leaves = random_graph(np.random.default_rng(seed))
    walk = loss.walk()
    sums = {}
    for step in walk.steps:
        if step["node"] in sums:
            assert step["arrived"]["cells"] == sums[step["node"]]
        for row in step["rows"]:
            assert (row["before"] is None) == (row["to"] not in sums)
            if row["before"] is not None:
                assert row["before"]["cells"] == sums[row["to"]]
                total = np.add(row["before"]["cells"], row["contribution"]["cells"])
                assert row["after"]["cells"] == total.tolist()
            sums[row["to"]] = row["after"]["cells"]
    found = {leaf["node"]: leaf["gradient"]["cells"] for leaf in walk.leaves}
    assert all(found[node] == sums[node] for node in found)
    assert sorted(map(str, found.values())) == sorted(
        str(x.grad.numpy().tolist()) for x in leaves if x.grad is not None
    )


@pytest.mark.parametrize("made", [networks.fifteen_lines, networks.cnn_step])
def test_contributions_of_networks_add_up_to_the_bit(made, monkeypatch):
    monkeypatch.setattr(recording, "CELLS", 10**7)  # keep every number
    loss, model = made()
    walk = loss.walk(model)
    sums, steps = {}, {}

    def array(value):
        return np.array(value["cells"], np.float32)

    for step in walk.steps:
        for row in step["rows"]:
            total = array(row["contribution"])
            if row["to"] in sums:
                np.testing.assert_array_equal(array(row["before"]), sums[row["to"]])
                total = sums[row["to"]] + total
            np.testing.assert_array_equal(array(row["after"]), total)
            sums[row["to"]] = total
        steps[step["node"]] = array(step["arrived"])
    assert len(steps) == len(walk.steps) > 4
    for node, arrived in list(steps.items())[1:]:  # what the loss gets is from nowhere
        np.testing.assert_array_equal(arrived, sums[node])
    for leaf, (name, parameter) in zip(walk.leaves, model.named_parameters(), strict=True):
        assert leaf["title"] == name
        np.testing.assert_array_equal(sums[leaf["node"]], parameter.grad.numpy())


def test_batch_norm_shows_its_three_roads():
    x = mg.tensor(np.random.default_rng(0).normal(size=(6, 2)), requires_grad=True)
    bn = nn.BatchNorm1d(2).double()
    dy = mg.tensor(np.random.default_rng(1).normal(size=(6, 2)))
    (row,) = (bn(x) * dy).sum().walk().steps[2]["rows"][:1]
    roads = np.array([road["value"]["cells"] for road in row["roads"]])
    np.testing.assert_allclose(roads.sum(axis=0), x.grad.numpy(), rtol=0, atol=1e-14)
    assert len(roads) == 3 and np.abs(roads[2]).max() > 1e-3
    bn.eval()
    assert (bn(x) * dy).sum().walk().steps[2]["rows"][0]["roads"] == []


def test_the_text_names_rule_equation_and_sum():
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    y = x * x
    text = str((y * x + y).sum().walk())
    assert "was [1, 1], the roads add up to [2, 3]" in text
    assert "db = dy · a  (arithmetic#eq-3)" in text
    assert "\nderivations: python -m minigrad book " in text
    b = mg.zeros(3, requires_grad=True)
    assert "it was repeated, so summed: 4×3 → 3" in str((mg.ones(4, 3) + b).sum().walk())


def test_the_lines_of_the_program_where_detect_anomaly_remembers_them(tmp_path):
    x = mg.tensor([1.0, 2.0], requires_grad=True)
    plain = (x * x).sum().walk()
    how = "run the forward pass within autograd.detect_anomaly()"
    assert how in str(plain) and how in plain._repr_html_()
    program = tmp_path / "long.py"
    line = f"y = x * x  # </code><script>alert(1)</script> {'x' * 10_000} \"'&amp;"
    program.write_text(f"\n{line}\n", encoding="utf-8")
    with mg.autograd.detect_anomaly(check_nan=False):
        y = runpy.run_path(str(program), {"x": x})["y"]
    assert 'class="called"' in y.graph().to_svg() and ">long.py:2<" in y.graph().to_svg()
    walk = y.sum().walk()
    assert [step["line"] for step in walk.steps] == ["", f"long.py:2  {line}"]
    assert how not in str(walk) and how not in walk._repr_html_()
    assert "     called at long.py:2  y = x * x  # </code><script>" in str(walk)
    assert max(map(len, str(walk).splitlines())) < 120
    walk.save(tmp_path / "walk.html")
    assert f"long.py:2  {line}" in Page((tmp_path / "walk.html").read_text(encoding="utf-8")).texts


def every_rule(kind=Function):
    for each in kind.__subclasses__():
        yield from (each, *every_rule(each))


DERIVATIONS = Path(__file__).parents[2] / "docs" / "derivations"


@pytest.mark.skipif(not DERIVATIONS.exists(), reason="the pages are not beside the package here")
def test_every_place_in_the_book_exists():
    ours = {each for each in every_rule() if each.__module__.startswith("minigrad.")}
    places = {formula.place for each in ours for formula in formulas_of(each)} | {BROADCASTING}
    bn = nn.BatchNorm1d(2)(mg.randn(5, 2, requires_grad=True))
    places |= {cited(type(bn.grad_fn), name)[1] for name, _ in bn.grad_fn.roads(bn)[0]}
    assert {"linear#eq-4", "relu#eq-2", "arithmetic#eq-3", "batch_norm#eq-8h"} < places
    for page, _, anchor in (place.partition("#") for place in places - {""}):
        text = (DERIVATIONS / f"{page}.md").read_text(encoding="utf-8")
        assert not anchor or rf"\tag{{{anchor.removeprefix('eq-')}}}" in text, (page, anchor)
    derived = {path.stem for path in DERIVATIONS.glob("*.md")}
    assert {page_of(each) for each in ours} - {""} < derived
    assert page_of(type("Relu", (Function,), {})) == ""


def test_formulas_are_told_apart():
    x = mg.ones(1, requires_grad=True)
    assert formulas_of(type(x.pow(2).grad_fn)) == [
        ("da", "da = dy · b · a^(b−1)", "arithmetic#eq-6"),
        ("db", "db = dy · y · ln a", "arithmetic#eq-7"),
    ]
    assert formulas_of(type(x.sqrt().grad_fn)) == [("dx", "dx = dy / (2y)", "arithmetic#eq-11")]


def test_nothing_listens_afterwards_and_errors_pass():
    model, loss = fifteen_lines()
    with pytest.raises(TypeError, match=r"walk: model must be a Module, got list"):
        loss().walk([])
    with pytest.raises(TypeError, match=r"walk: optimizer must be an optimizer, got Sequential"):
        loss().walk(model, model)
    value = loss()
    walk = value.walk(model, optim.SGD(model.parameters(), lr=0.1))
    assert walk.leaves[0]["update"] > 0
    with pytest.raises(GraphError):
        value.walk()
    before = len(walk.steps)
    loss().backward()
    assert len(walk.steps) == before
    x = mg.ones(1, requires_grad=True)
    y = x
    for _ in range(501):
        y = y + x
    with pytest.raises(GraphError, match=r"walk: the graph has more than 500 operations"):
        y.walk()
    assert x.grad is None


def test_leaves_show_the_step_beside_the_weights():
    w = mg.tensor([3.0, -4.0], requires_grad=True)
    walk = (w * w).sum().walk(None, optim.SGD([w], lr=0.1))
    assert walk.leaves[0]["update"] == pytest.approx(0.1 * 10 / 5)


def test_large_values_are_summed_up():
    x = mg.tensor(np.arange(100.0).reshape(10, 10) - 20, requires_grad=True)
    (row,) = x.relu().sum().walk().steps[-1]["rows"]
    found = row["contribution"]
    assert (found["min"], found["mean"], found["max"], found["zeros"]) == (0, 0.79, 1, 0.21)
    assert found["strip"] == [21, 0, 0, 0, 0, 0, 0, 79] and "cells" not in found
    assert found["corner"] == [[0, 0, 0], [0, 0, 0], [0, 1, 1]]


def test_saving_wants_a_name_in_html(tmp_path):
    walk = mg.ones(1, requires_grad=True).sum().walk()
    with pytest.raises(ValueError, match=r"must end in \.html, got 'walk\.png'"):
        walk.save(tmp_path / "walk.png")
    with pytest.raises(ValueError, match=r"walk\.save: path .* holds a null character"):
        walk.save("a\0.html")
    with pytest.raises(TypeError, match=r"walk\.save: path must be a string or a Path, got int"):
        walk.save(3)
    with pytest.raises(TypeError, match=r"walk\.beside: other must be a Walk, got str"):
        walk.beside("x")
    walk.save(tmp_path / "walk.html")
    assert [path.name for path in tmp_path.iterdir()] == ["walk.html"]


def test_a_page_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    def full(*_):
        raise OSError("no space left")

    path = tmp_path / "walk.html"
    (mg.ones(1, requires_grad=True) * 3.0).sum().walk().save(path)
    before = path.read_bytes()
    for name in ("replace", "fsync"):
        with monkeypatch.context() as patch, pytest.raises(OSError, match="no space left"):
            patch.setattr(os, name, full)
            (mg.ones(1, requires_grad=True) * 4.0).sum().walk().save(path)
        assert path.read_bytes() == before
        assert list(tmp_path.iterdir()) == [path]


class Page(HTMLParser):
    """Whether tags are balanced, and the JSON in the page."""

    VOID = {"meta", "input", "br"}

    def __init__(self, text):
        super().__init__()
        self.stack, self.texts, self.tags, self.json = [], [], [], None
        self.feed(text)
        assert self.stack == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        if tag not in self.VOID and "/" not in self.get_starttag_text()[-2:]:
            self.stack.append((tag, dict(attributes)))

    def handle_startendtag(self, tag, attributes):
        pass

    def handle_endtag(self, tag):
        assert self.stack.pop()[0] == tag

    def handle_data(self, data):
        tag, attributes = self.stack[-1] if self.stack else ("", {})
        if attributes.get("id") == "walk":
            self.json = json.loads(data)
        elif tag not in ("script", "style"):
            self.texts.append(data)


@pytest.mark.parametrize("name", ["<script>alert(1)</script>", "\"'`&amp;", "x" * 10_000])
def test_a_hostile_name_stays_text(name, tmp_path):
    x = mg.ones(2, requires_grad=True)
    model = nn.Module()
    model.register_parameter(name.replace(".", ""), nn.Parameter(mg.ones(2)))
    loss = (x * next(model.parameters())).sum()
    walk = loss.walk(model)
    walk.save(tmp_path / "walk.html")
    page = Page((tmp_path / "walk.html").read_text(encoding="utf-8"))
    assert page.json == [{"steps": walk.steps, "leaves": walk.leaves}]
    assert sum(name in text for text in page.texts) >= 2  # in its row, and among the leaves
    assert page.tags.count("script") == 2  # the JSON and the program
    assert sum("<script" in text for text in walk._repr_html_().split("srcdoc")[:1]) == 0


def test_an_mlp_at_batch_128_fits_into_300_kb(tmp_path):
    model = nn.Sequential(
        nn.Linear(784, 128), nn.ReLU(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10)
    )
    loss = F.cross_entropy(model(mg.rand(128, 784)), mg.zeros(128, dtype=mg.int64))
    loss.walk(model).save(tmp_path / "walk.html")
    assert (tmp_path / "walk.html").stat().st_size <= 300_000
