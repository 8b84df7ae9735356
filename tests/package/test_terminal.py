"""What minigrad prints can be read on every terminal, also one without Greek, arrows or colors."""

import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minigrad as mg
from minigrad import __main__ as command
from minigrad import nn, optim
from minigrad.display.terminal import SPELLED, fitting, print_anywhere, spelled

ROOT = Path(__file__).parents[2]
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


def test_errors_are_in_letters_that_windows_has():
    """What `print(error)` writes into a pipe there; no handler of ours spells it."""
    for path in sorted(Path(mg.__file__).parent.rglob("*.py*")):
        if path.suffix in (".py", ".pyx"):
            text = re.sub(r'""".*?"""|#.*?\n', "\n", path.read_text("utf-8"), flags=re.DOTALL)
            for raised in re.findall(r"raise \w+\(.*?\)\n", text, re.DOTALL):
                assert raised.encode("cp1252", "ignore").decode("cp1252") == raised, path


def test_spellings_are_ascii():
    for character in SPELLED:
        assert spelled(character).isascii() and "?" not in spelled(character)
    assert [spelled(each) for each in "γΓ│é"] == ["gamma", "Gamma", "|", "e"]


# --- programs, as processes of their own ---------------------------------------------------------

PROGRAMS = {
    "xor.py": "",
    "by_hand.py": "",
    "spiral.py": "--steps 20 --no-picture",
    "hessian.py": "--steps 3 --samples 50 --no-picture",
    "mnist_mlp.py": "--epochs 1 --no-picture",
    "mnist_cnn.py": "--epochs 1 --batches 2 --no-picture",
}


def printed_by(words, tmp_path, status=0):
    """What a program prints into a pipe that knows ASCII alone; there is no network."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONIOENCODING"}
    only_ascii = {"LC_ALL": "C", "PYTHONUTF8": "0"}
    environment |= only_ascii if os.name == "posix" else {"PYTHONIOENCODING": "ascii"}
    environment |= {"TERM": "dumb", "PYTHONPATH": str(ROOT)}
    environment |= {"MINIGRAD_HOME": str(tmp_path), "https_proxy": "http://127.0.0.1:9"}
    words = [sys.executable, "-W", "error", *words]
    run = subprocess.run(words, env=environment, cwd=tmp_path, capture_output=True, timeout=100)
    assert (run.returncode, run.stderr) == (status, b"")
    assert b"\x1b" not in run.stdout
    return run.stdout.decode("ascii")


@pytest.mark.slow
@pytest.mark.parametrize("program", PROGRAMS)
def test_examples_on_any_terminal(tmp_path, program):
    path = str(ROOT / "examples" / program)
    out = printed_by([path, *PROGRAMS[program].split()], tmp_path)
    assert len(out.splitlines()) > 3 and "?" not in out


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "status"),
    [
        ("doctor", 0),
        ("lab", 0),
        ("learn", 0),
        ("learn 4 --hint", 0),
        ("learn 11 --solution", 0),
        ("learn 12", 1),  # written now, so its exercises are open
    ],
)
def test_commands_on_any_terminal(tmp_path, words, status):
    printed_by(["-m", "minigrad", *words.split()], tmp_path, status)


def programs():
    """Everything that is run by its path."""
    for folder in ("examples", "tools", "benchmarks", "tests/helpers"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            if re.match("_|step_(?!11)", path.name):
                continue  # what examples share; a picture like that of step 11
            text = path.read_text(encoding="utf-8")
            if "__main__" in text or "command_line(__doc__)" in text:
                yield path.relative_to(ROOT).as_posix()


@pytest.mark.slow
@pytest.mark.parametrize("program", list(programs()))
def test_help_does_not_run_the_program(tmp_path, program):
    if "import resource" in (ROOT / program).read_text(encoding="utf-8"):
        pytest.importorskip("resource")
    out = printed_by([str(ROOT / program), "--help"], tmp_path)
    assert out.startswith(f"usage: {Path(program).name} [-h]")
    assert not list(tmp_path.iterdir())


CLOSED_PIPE = """
import os, runpy, sys
runpy.run_path({terminal!r})["command_line"](None)
{lines}
"""


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("print('x')", ""),  # written when the program ends
        ("print('x', flush=True)", ""),
        ("print('x' * 100_000)", ""),
        ("sys.stdout = sys.stderr; raise BrokenPipeError('another')", "another"),
        ("1 / 0", "ZeroDivisionError"),
    ],
)
def test_a_program_ends_quietly_when_nobody_reads_on(lines, said):
    reading, writing = os.pipe()
    os.close(reading)
    terminal = str(Path(mg.__file__).parent / "display" / "terminal.py")
    program = CLOSED_PIPE.format(terminal=terminal, lines=lines)
    run = subprocess.run(
        [sys.executable, "-c", program], stdout=writing, stderr=subprocess.PIPE, encoding="utf-8"
    )
    os.close(writing)
    assert said in run.stderr if said else not run.stderr, run.stderr
