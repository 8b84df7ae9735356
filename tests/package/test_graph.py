"""The picture of the graph: what is in it, and that its drawing is sound."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import nn
from minigrad.display.graph import shown_rows


def expression():
    a = minigrad.tensor(2.0, requires_grad=True)
    b = minigrad.tensor(-3.0, requires_grad=True)
    product = a * b
    total = product + 10.0
    return a, b, product, total


IMAGE = Path(__file__).parents[2] / "docs" / "images" / "graph.svg"


def by_title(graph, title):
    (box,) = [box for box in graph.boxes if box.title == title]
    return box


def test_boxes_have_names_values_and_arrows():
    a, b, product, total = expression()
    graph = total.graph(a=a, b=b, product=product)
    assert [box.title for box in graph.boxes if box.kind == "parameter"] == ["a", "b"]
    multiplied = by_title(graph, "product = mul")
    assert multiplied.inputs == [by_title(graph, "a"), by_title(graph, "b")]
    assert multiplied.value == -6.0
    output = by_title(graph, "add")
    assert output.kind == "output" and output.value == 4.0
    assert [box.kind for box in output.inputs] == ["operation", "input"]
    assert output.inputs[1].value == 10.0


def test_gradients_appear_after_backward():
    a, b, product, total = expression()
    assert all(box.gradient is None for box in total.graph().boxes)
    total.backward()
    graph = total.graph(a=a, b=b, product=product)
    assert by_title(graph, "a").gradient == -3.0
    assert by_title(graph, "b").gradient == 2.0
    assert by_title(graph, "product = mul").gradient == 1.0
    assert "grad −3" in graph.to_svg()


def test_a_value_used_twice_is_one_box():
    x = minigrad.tensor(3.0, requires_grad=True)
    y = x * 2.0
    graph = (y + y).graph(x=x)
    assert len(graph.boxes) == 4
    assert by_title(graph, "add").inputs == [by_title(graph, "mul")] * 2


def test_a_leaf_is_a_graph_of_one_box():
    graph = minigrad.ones(3).graph()
    assert len(graph.boxes) == 1
    ET.fromstring(graph.to_svg())


def test_large_tensors_show_their_shape():
    w = minigrad.randn(30, 20, requires_grad=True)
    graph = (minigrad.ones(10, 30) @ w).graph(w=w)
    assert by_title(graph, "matmul").value is None
    assert ("shape", "10 × 20") in by_title(graph, "matmul").lines
    assert any(role == "value" and "…" in line for role, line in by_title(graph, "w").lines)


def fifteen_lines():
    minigrad.manual_seed(0)
    points, arms = minigrad.datasets.spirals(300).tensors
    model = nn.Sequential(
        nn.Linear(2, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 3)
    )
    return model, nn.functional.cross_entropy(model(points), arms)


def lines_of(graph, title):
    return [line for _, line in by_title(graph, title).lines]


def test_large_activations_show_range_and_zeros_where_a_rule_has_them_saved():
    model, loss = fifteen_lines()
    graph = loss.graph(model)
    minigrad.manual_seed(0)
    points, _ = minigrad.datasets.spirals(300).tensors
    made = model[:3](points).detach().numpy()
    relu = lines_of(graph, "relu")
    assert relu[:2] == ["relu", "300 × 32"] and relu[2:] == shown_rows(made)
    assert relu[3] == f"{100 * (made == 0).mean():.0f} % zeros" == "50 % zeros"
    assert lines_of(graph, "batch_norm") == ["batch_norm", "300 × 32"]  # no rule needs it
    assert all(box.value is None or box.value.size <= 64 for box in graph.boxes)
    loss.backward()
    assert lines_of(loss.graph(model), "relu") == ["relu", "300 × 32"]


def test_a_value_that_was_written_over_is_not_shown():
    x = minigrad.ones(100, requires_grad=True)
    y = x * 2.0
    z = y * y
    assert "all 2" in lines_of(z.graph(y=y), "y = mul")
    with minigrad.no_grad():
        y.add_(1.0)
    assert lines_of(z.graph(y=y), "y = mul") == ["y = mul", "100"]


def test_shares_of_zeros_are_rounded_but_not_away():
    assert shown_rows(np.arange(300.0)) == ["0 … 299", "< 1 % zeros"]
    assert shown_rows(np.zeros(9)) == ["all 0"]
    assert shown_rows(np.arange(1.0, 9.0)) == ["1 … 8"]
    assert shown_rows(np.array([333.4, -4e-5])) == ["333 −4e−5"]


def test_after_a_walk_every_node_has_its_gradient():
    model, loss = fifteen_lines()
    graph = loss.walk(model).graph()
    asked = [box for box in graph.boxes if box.kind != "input"]
    assert len(asked) == 10
    assert all(any(role == "gradient" for role, _ in box.lines) for box in asked)
    assert all(box.gradient is None or box.gradient.size <= 64 for box in asked)
    assert "grad 1" in lines_of(graph, "cross_entropy")
    assert lines_of(graph, "3.bias")[-1:] == shown_rows(model[3].bias.grad.numpy())


def test_the_readme_s_pictures_are_at_most_900_pixels_wide():
    model, loss = fifteen_lines()
    pictures = [IMAGE.read_text(encoding="utf-8"), loss.graph(model).to_svg()]
    for svg in [*pictures, loss.walk(model).graph().to_svg()]:
        assert float(ET.fromstring(svg).attrib["width"]) <= 900
        assert "@media (prefers-color-scheme: dark)" in svg


def random_graph(rng, operations=30):
    tensors = [minigrad.tensor(rng.normal(size=2), requires_grad=True) for _ in range(3)]
    for _ in range(operations):
        i, j = rng.integers(len(tensors), size=2)
        tensors.append(tensors[i] * tensors[j] + tensors[-1])
    return tensors[-1]


def test_boxes_do_not_overlap_and_arrows_lead_to_the_right():
    rng = np.random.default_rng(0)
    for _ in range(5):
        graph = random_graph(rng).graph()
        graph.to_svg()
        boxes = graph.boxes
        for i, one in enumerate(boxes):
            for each in one.inputs:
                assert each.x + each.width < one.x
            for other in boxes[:i]:
                apart_x = one.x + one.width <= other.x or other.x + other.width <= one.x
                apart_y = one.y + one.height <= other.y or other.y + other.height <= one.y
                assert apart_x or apart_y


def test_the_drawing_is_well_formed_and_always_the_same():
    x = minigrad.tensor(1.0, requires_grad=True)
    y = (x + 1.0).exp()
    graph = y.graph(**{"x<&\"'>": x})
    svg = graph.to_svg()
    root = ET.fromstring(svg)
    _, _, width, height = map(float, root.attrib["viewBox"].split())
    for rect in root.iter("{http://www.w3.org/2000/svg}rect"):
        x0, y0, w, h = (float(rect.attrib[key]) for key in ("x", "y", "width", "height"))
        assert 0 <= x0 and x0 + w <= width and 0 <= y0 and y0 + h <= height
    assert svg == y.graph(**{"x<&\"'>": x}).to_svg() == y.graph(**{"x<&\"'>": x})._repr_svg_()
    assert len(re.findall('class="arrow"', svg)) == sum(len(box.inputs) for box in graph.boxes)


def test_matrices_stand_in_columns_because_spaces_are_kept():
    """In browsers that is the work of a style: to Chromium, xml:space says nothing."""
    w = minigrad.tensor([[1.0, -22.5], [333.0, 4.0]], requires_grad=True)
    (w * w).sum().backward()
    for svg in (w.graph(w=w).to_svg(), IMAGE.read_text(encoding="utf-8")):
        rules = re.findall(r"^ *text {([^}]*)}", svg, re.MULTILINE)
        assert "white-space: pre;" in rules[0]
    texts = [each.text for each in ET.fromstring(w.graph(w=w).to_svg()).iter() if each.text]
    assert "  1 −22" in texts and "333   4" in texts
    assert "grad" in texts and "  2 −45" in texts and "666   8" in texts


def test_exports_have_every_box_and_arrow():
    graph = random_graph(np.random.default_rng(1), 5).graph()
    arrows = sum(len(box.inputs) for box in graph.boxes)
    assert graph.to_dot().count("label=") == len(graph.boxes)
    assert graph.to_dot().count(" -> ") == arrows
    assert graph.to_mermaid().count(":::") == len(graph.boxes)
    assert graph.to_mermaid().count(" --> ") == arrows
    assert len(str(graph).splitlines()) == len(graph.boxes)


@pytest.mark.parametrize("suffix", [".svg", ".dot", ".mmd", ".txt"])
def test_save_writes_the_form_that_the_suffix_names(tmp_path, suffix):
    graph = expression()[-1].graph()
    path = tmp_path / f"graph{suffix}"
    graph.save(path)
    text = {
        ".svg": graph.to_svg(),
        ".dot": graph.to_dot(),
        ".mmd": graph.to_mermaid(),
        ".txt": f"{graph}\n",
    }
    assert path.read_text(encoding="utf-8") == text[suffix]
    assert list(tmp_path.iterdir()) == [path]


def test_save_refuses_other_suffixes(tmp_path):
    with pytest.raises(ValueError, match=r"graph\.png"):
        expression()[-1].graph().save(tmp_path / "graph.png")
    with pytest.raises(TypeError, match=r"graph\.save: path must be a string or a Path, got int"):
        expression()[-1].graph().save(3)


def test_bad_names_and_too_large_graphs_are_refused():
    x = minigrad.tensor(1.0, requires_grad=True)
    with pytest.raises(TypeError, match="w must be a Tensor"):
        x.graph(w=3)
    for _ in range(3000):
        x = x + 1.0
    with pytest.raises(ValueError, match="operations"):
        x.graph()


def test_parameters_of_a_model_have_their_names():
    model = minigrad.nn.Sequential(
        minigrad.nn.Linear(3, 4), minigrad.nn.ReLU(), minigrad.nn.Linear(4, 2)
    )
    graph = model(minigrad.ones(5, 3)).sum().graph(model)
    names = {box.title for box in graph.boxes if box.kind == "parameter"}
    assert names == {"0.weight", "0.bias", "2.weight", "2.bias"}
