"""`python -m minigrad book`, `explain`, and the texts of the package that name a page."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from helpers.book_pages import need_what_builds_the_book

import minigrad
from minigrad import ones
from minigrad.book import commands, opening, shelf
from minigrad.nn import functional as F

need_what_builds_the_book()

from minigrad.book import building  # noqa: E402  it needs these

ROOT = Path(__file__).parents[2]


@pytest.fixture
def found(site, monkeypatch):
    for module in (commands, opening):
        monkeypatch.setattr(module, "find_book", lambda: site)
    return site


def test_the_command_prints_where_a_page_is(found, capsys):
    assert commands.book(["--path", "batch_norm#8"]) == 0
    assert capsys.readouterr().out == f"{found / 'batch_norm.html'}#eq-8\n"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("batchnorm", "is it 'batch_norm'"),
        ("relu#eq-99", "'eq-1'"),
        ("relu#99", "'eq-1'"),
        ("batch_norm#rode-1-directly", "is it 'road-1-directly'?"),
        ("relu#ж", "its sections and equations are relu, symbols, setting"),
        ("../x", "its pages are index, guide, path"),
        ("", "no page ''"),
    ],
)
def test_the_command_says_what_there_is_instead(found, capsys, asked, said):
    assert commands.book(["--path", asked]) == 2
    assert said in capsys.readouterr().err


def test_without_a_browser_the_address_is_said(found, capsys, monkeypatch):
    monkeypatch.setattr("webbrowser.open", lambda address: False)
    assert commands.book(["batch_norm#from-the-loss-to-γ-β-and-x_hat"]) == 0
    said = capsys.readouterr()
    assert said.out.endswith("batch_norm.html#from-the-loss-to-%CE%B3-%CE%B2-and-x_hat\n")
    assert said.err == f"no browser could be opened here; the page is {said.out}"


@pytest.mark.slow
def test_a_terminal_without_the_letters_and_a_home_that_cannot_be_written(tmp_path):
    """In a process of its own: the address is printed in what letters there are."""
    (tmp_path / "a file").write_text("", encoding="utf-8")
    environment = {**os.environ, "PYTHONIOENCODING": "cp1252", "TMPDIR": str(tmp_path)}
    environment |= {"MINIGRAD_HOME": str(tmp_path / "a file"), "PYTHONPATH": str(ROOT)}
    place = "batch_norm#from-the-loss-to-γ-β-and-x_hat"
    command = [sys.executable, "-m", "minigrad", "book", "--path", place]
    run = subprocess.run(command, env=environment, capture_output=True, cwd=tmp_path, timeout=120)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == [
        str(next(tmp_path.glob("minigrad-book*")) / "batch_norm.html").encode()
        + rb"#from-the-loss-to-\u03b3-\u03b2-and-x_hat"
    ]


def test_explain_finds_the_page_of_an_operation(found):
    x = minigrad.randn(4, 3, requires_grad=True)
    pages = {
        "relu": minigrad.relu(x),
        "leaky_relu": minigrad.nn.functional.leaky_relu(x),
        "log_softmax": x.log_softmax(1),
        "softmax": x.softmax(1),
        "arithmetic": x * 2,
        "reductions": x.sum(),
        "minmax": x.amax(),
        "linear": x @ x.T,
        "batch_norm": minigrad.nn.BatchNorm1d(3)(x),
        "layer_norm": minigrad.nn.LayerNorm(3)(x),
        "cross_entropy": minigrad.nn.functional.cross_entropy(x, minigrad.tensor([0, 1, 2, 0])),
    }
    for name, tensor in pages.items():
        assert minigrad.explain(tensor, show=False).endswith(f"/{name}.html"), name
    assert minigrad.explain("batch_norm#eq-8", show=False).endswith("batch_norm.html#eq-8")


def test_explain_refuses_in_words(found):
    with pytest.raises(shelf.BookError, match="no recorded operation made this tensor"):
        minigrad.explain(minigrad.ones(2), show=False)
    with pytest.raises(TypeError, match="explain: expected a function, a layer.*, got int of"):
        minigrad.explain(3, show=False)
    with pytest.raises(shelf.BookError, match=r"no page of the book derives it; minigrad\.source"):
        minigrad.explain(minigrad.save, show=False)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "mine").write_text("", encoding="utf-8")
    with pytest.raises(shelf.BookError, match="holds something else"):
        shelf.build_into(tmp_path)


def test_the_first_call_says_what_takes_so_long(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(building, "write_book", lambda root, folder: None)
    shelf.build_into(tmp_path / "book", ROOT, "stamp")
    said = capsys.readouterr()
    assert said.err == "making the book; this takes a while, and only once\n"
    assert not said.out  # where `--path` prints


def test_a_file_is_no_folder_for_a_book(tmp_path, capsys):
    (tmp_path / "mine").write_text("", encoding="utf-8")
    assert commands.book(["--build", str(tmp_path / "mine")]) == 2
    assert "mine is a file; name a folder\n" in capsys.readouterr().err


# --- where the package names the book ------------------------------------------------------------


def test_every_page_that_a_text_of_the_package_names_is_there(pages):
    """In errors and docstrings, also where they are written over two lines."""
    named = set()
    for path in sorted((ROOT / "minigrad").rglob("*.py*")):
        if path.suffix not in (".py", ".pyx") or path.parent.name == "book":
            continue
        text = re.sub(r'"\s*\n\s*f?"', "", path.read_text(encoding="utf-8"))
        named |= set(re.findall(r"python -m minigrad book ([a-z]\w*(?:#[\w-]+)?)", text))
    assert len(named) > 30
    for place in named:
        page, _, anchor = place.partition("#")
        assert f"{page}.html" in pages, place
        assert not anchor or f'id="{anchor}"' in pages[f"{page}.html"], place


@pytest.mark.parametrize(
    ("call", "place"),
    [
        (lambda: F.cross_entropy(ones(2, 3), ones(2)), "cross_entropy#eq-0a"),
        (lambda: F.cross_entropy(ones(2, 3), ones(2, 3).long()), "cross_entropy#eq-6a"),
        (lambda: minigrad.nn.BatchNorm1d(3)(ones(1, 3)), "batch_norm#degenerate-batches"),
        (lambda: F.softmax(ones(2, 3)), "mistakes#13-log-softmax-over-the-batch"),
        (lambda: ones(2, 3) @ ones(2, 3), "linear#eq-1a"),
        (lambda: minigrad.nn.Linear(2, 3)(ones(4, 3)), "linear#the-linear-layer"),
        (lambda: minigrad.nn.Linear(2, 3)(ones(4, 2).byte()), "mistakes#14-unscaled-pixels"),
        (lambda: ones(2, 3) + ones(2), "broadcasting#any-shapes"),
        (lambda: F.conv2d(ones(1, 2, 5, 5), ones(4, 3, 3, 3)), "conv2d#eq-2a"),
        (lambda: F.conv2d(ones(1, 3, 2, 2), ones(4, 3, 3, 3)), "conv2d#eq-1a"),
        (lambda: ones(2, requires_grad=True).exp().backward(), "chain_rule#where-to-start"),
        (lambda: ones(2, requires_grad=True).add_(1), "autograd_words#no_grad"),
        (lambda: minigrad.optim.SGD([], 0.1), "mistakes#5-layers-in-a-plain-list-or-dictionary"),
    ],
)
def test_an_error_names_its_page(call, place):
    with pytest.raises(Exception) as caught:
        call()
    assert f"python -m minigrad book {place})" in str(caught.value)
    assert "\n" not in str(caught.value)
