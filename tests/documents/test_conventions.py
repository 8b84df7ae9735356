"""docs/batch_norm_conventions.md: its code runs, prints what it says, and its tables are true."""

import contextlib
import io
import re
from pathlib import Path

import numpy as np
import pytest

import minigrad
from minigrad import nn, tensor

PAGE = Path(__file__).parents[2] / "docs" / "batch_norm_conventions.md"
TEXT = PAGE.read_text(encoding="utf-8")
C = 3


def blocks(text):
    """(line of its first statement, code, what it prints) of each Python block, in order."""
    found = re.finditer(r"```python\n(.*?)```\n(?:\n```text\n(.*?)```)?", text, re.DOTALL)
    return [(text.count("\n", 0, m.start(1)) + 1, m[1], m[2] or "") for m in found]


def run(text, path="page"):
    """Execute all blocks in one namespace, each as itself; compare what they print."""
    names = {}
    for line, code, printed in blocks(text):
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(compile("\n" * (line - 1) + code, str(path), "exec"), names)
        assert out.getvalue() == printed, f"line {line}: prints\n{out.getvalue()}"


def table(header):
    """The rows of the table whose header begins so, as lists of cells."""
    lines = TEXT.splitlines()
    start = next(k for k, line in enumerate(lines) if line.startswith(f"| {header}"))
    rows = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            return rows
        rows.append([cell.strip() for cell in line.strip("|").split("|")])


def code(cell):
    return re.fullmatch(r"`(.*)`", cell)[1]


def test_every_block_runs_and_prints_what_the_page_says():
    assert len(blocks(TEXT)) == TEXT.count("```python") > 10
    assert sum(bool(printed) for _, _, printed in blocks(TEXT)) == TEXT.count("```text")
    run(TEXT, PAGE)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (("5.02 after", "4.98 after"), AssertionError),
        (("assert moves(model)\nmodel.req", "assert not moves(model)\nmodel.req"), AssertionError),
        (('dense["kernel"].T,', 'dense["kernel"],'), minigrad.ShapeError),
        (("0.95", "0.96"), AssertionError),
    ],
)
def test_a_wrong_page_is_noticed(change, error):
    assert TEXT.count(change[0]) == 1
    with pytest.raises(error):
        run(TEXT.replace(*change))


@pytest.mark.parametrize("row", table("| update of a running statistic |"), ids=lambda row: row[0])
def test_the_libraries(row):
    """Formula, variance, eps and axis of a row, against the layer in its last cell."""
    library, update, variance, eps, axis, here = row
    layer = eval(code(here), {"nn": nn, "C": C}).double()
    old, new = map(float, re.fullmatch(r"([\d.]+) · old \+ ([\d.]+) · new", update).groups())
    assert old + new == 1
    rng = np.random.default_rng(0)
    shape = (6, C, 5) if axis == "1" else (6, 5, C)
    assert layer.axis == int(axis) and layer.eps == float(eps)
    others = tuple({0, 1, 2} - {int(axis) % 3})
    start_mean, start_var = rng.standard_normal(C), rng.uniform(0.5, 2, C)
    layer.running_mean.copy_(tensor(start_mean))
    layer.running_var.copy_(tensor(start_var))
    x = 3 * rng.standard_normal(shape) + 1
    y = layer(tensor(x)).detach().numpy()
    var = x.var(axis=others, keepdims=True)
    expected = (x - x.mean(axis=others, keepdims=True)) / np.sqrt(var + float(eps))
    np.testing.assert_allclose(y, expected, rtol=1e-10, atol=1e-12)
    remembered = x.var(axis=others, ddof={"unbiased": 1, "biased": 0}[variance])
    for running, start, batch in [
        (layer.running_mean, start_mean, x.mean(axis=others)),
        (layer.running_var, start_var, remembered),
    ]:
        np.testing.assert_allclose(running.numpy(), old * start + new * batch, rtol=1e-12)


def test_pytorchs_row(torch):
    """The row that can be compared with the library itself."""
    ours, theirs = nn.BatchNorm1d(C).double(), torch.nn.BatchNorm1d(C).double()
    x = 3 * np.random.default_rng(0).standard_normal((6, C, 5)) + 1
    np.testing.assert_allclose(
        ours(tensor(x)).detach().numpy(), theirs(torch.as_tensor(x)).detach().numpy(), rtol=1e-10
    )
    for name in ("running_mean", "running_var", "num_batches_tracked"):
        np.testing.assert_allclose(
            getattr(ours, name).numpy(), getattr(theirs, name).numpy(), rtol=1e-12
        )


def test_the_names(torch):
    rows = table("minigrad, PyTorch | Keras")
    ours = [code(row[0]) for row in rows]
    assert ours == list(nn.BatchNorm1d(C).state_dict())
    assert ours == list(torch.nn.BatchNorm1d(C).state_dict())
    keras = [code(row[1]) for row in rows[:4]]
    assert keras == ["gamma", "beta", "moving_mean", "moving_variance"]
    for name in keras:  # and the block that moves weights uses these names
        assert f'norm["{name}"]' in TEXT


@pytest.mark.parametrize("row", table("frozen"), ids=lambda row: row[0])
def test_freezing(row):
    """What moves and what is trained, after the cell's code and a step in a model in training."""
    _, moves, trained, here, keras = row
    model = nn.Sequential(nn.Linear(4, C), nn.BatchNorm1d(C), nn.Linear(C, 2)).train()
    layer = model[1]
    eval(code(here), {"layer": layer})
    before = layer.running_mean.numpy().copy(), layer.running_var.numpy().copy()
    x = tensor(np.random.default_rng(0).standard_normal((9, 4)).astype(np.float32))
    (model(x) ** 2).sum().backward()
    moved = [
        not np.array_equal(old, new.numpy())
        for old, new in zip(before, (layer.running_mean, layer.running_var), strict=True)
    ]
    assert moved == [moves == "yes"] * 2
    assert (layer.num_batches_tracked.item() == 1) == (moves == "yes")
    for parameter in (layer.weight, layer.bias):
        assert (parameter.grad is not None) == (trained == "yes")
    assert model[0].weight.grad is not None
    report = nn.inspect_batch_norm(model)["1"]
    assert bool(report.changes) == (moves == "yes")
    assert report.trained == dict.fromkeys(("weight", "bias"), trained == "yes")


def test_freezing_is_as_in_pytorch(torch):
    for row in table("frozen"):
        layer = torch.nn.BatchNorm1d(C)
        eval(code(row[3]), {"layer": layer})
        layer(torch.arange(12.0).reshape(4, C))
        assert (layer.num_batches_tracked.item() == 1) == (row[1] == "yes")
        assert layer.weight.requires_grad == (row[2] == "yes")


def test_the_page_names_versions_and_can_be_found():
    for source in ("PyTorch 2.13", "Keras 3.15", "Flax 0.11", "ONNX", "arXiv:1502.03167"):
        assert source in TEXT.split("## Sources")[1]
    derivation = (PAGE.parent / "derivations" / "batch_norm.md").read_text(encoding="utf-8")
    assert "](../batch_norm_conventions.md)" in derivation
    assert "docs/batch_norm_conventions.md" in nn.BatchNorm1d.__doc__
