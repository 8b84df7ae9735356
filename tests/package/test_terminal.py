"""What minigrad prints can be read on every terminal, also one without Greek, arrows or colors."""

import io
import sys

import pytest

import minigrad as mg
from minigrad import __main__ as command
from minigrad import nn, optim
from minigrad.display.terminal import SPELLED, fitting, print_anywhere, spelled

every_encoding = pytest.mark.parametrize("encoding", ["ascii", "cp437", "cp1252", "utf-8"])


@pytest.fixture
def terminal(monkeypatch):
    """Opens a standard output as Python does: what its encoding lacks is an error."""

    def opened(encoding):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, errors="strict")
        monkeypatch.setattr(sys, "stdout", stream)
        return stream

    return opened


def printed(stream):
    stream.flush()
    return stream.buffer.getvalue().decode(stream.encoding)


def reports():
    """Everything that a learner prints: tensors, models, and what looks at them."""
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 2))
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    x, labels = mg.randn(100, 4), mg.randint(0, 2, (100,))
    loss = nn.functional.cross_entropy(model(x).softmax(1), labels)
    yield from (x, x.dtype, x.shape, loss.grad_fn, model, optimizer, model.state_dict())
    yield nn.summary(model, x.shape)
    yield nn.inspect_batch_norm(model, [x])
    yield nn.inspect_batch_norm(nn.BatchNorm1d.from_keras(3))
    yield loss.graph(model)
    yield nn.lint(model, loss, optimizer)
    with mg.autograd.detect_anomaly():
        loss = nn.functional.cross_entropy(model(-x), labels)
    yield loss.walk(model)


@every_encoding
def test_reports(terminal, encoding):
    stream = terminal(encoding)
    for report in reports():
        print(report, repr(report))
    out = printed(stream)
    assert "\x1b" not in out
    running = "running ← 0.99 · running" if encoding == "utf-8" else "running <- 0.99 "
    assert running in out
    assert "cross_entropy" in out and "bias-before-norm" in out and "book cross_entropy#eq-0" in out


@every_encoding
def test_a_saved_graph_keeps_all_letters(terminal, encoding, tmp_path):
    terminal(encoding)
    x = mg.tensor([[-1.0, 2.0]], requires_grad=True)
    picture = (x * x).sum().graph(γ=x)
    picture.save(tmp_path / "graph.txt")
    assert "γ" in (tmp_path / "graph.txt").read_text(encoding="utf-8")
    assert ("γ" if encoding == "utf-8" else "gamma") in str(picture)


@every_encoding
@pytest.mark.parametrize("words", [["--help"], ["learn", "--help"], ["book", "--help"]], ids=str)
def test_usage(terminal, encoding, words):
    stream = terminal(encoding)
    try:
        assert command.main(words) == 0
    except SystemExit as stop:
        assert stop.code == 0
    assert printed(stream).startswith("usage: python -m minigrad")


@every_encoding
def test_a_program_prints_anywhere(terminal, encoding):
    stream = terminal(encoding)
    print_anywhere()
    print("x̂ = γ·r ≤ ½, W1ᵀ ─┐ é, \N{SNOWMAN}")
    assert (
        printed(stream).split(", ")
        == {
            "ascii": ["x_hat = gamma*r <= 1/2", "W1^T -| e", "?\n"],
            "cp437": ["x_hat = gamma·r ≤ ½", "W1^T ─┐ é", "?\n"],
            "cp1252": ["x_hat = gamma·r <= ½", "W1^T -| é", "?\n"],
            "utf-8": ["x̂ = γ·r ≤ ½", "W1ᵀ ─┐ é", "\N{SNOWMAN}\n"],
        }[encoding]
    )


def test_without_a_standard_output(monkeypatch):
    """Python without a console has none; a stream of text has no encoding."""
    for stream in (None, io.StringIO()):
        monkeypatch.setattr(sys, "stdout", stream)
        assert fitting("x̂ ≤ γ") == "x̂ ≤ γ"
        print_anywhere()


def test_spellings_are_ascii():
    for character in SPELLED:
        assert spelled(character).isascii() and "?" not in spelled(character)
    assert [spelled(each) for each in "γΓ│é"] == ["gamma", "Gamma", "|", "e"]
