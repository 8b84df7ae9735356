"""examples/: each runs, learns what it says, and answers a bad option in words before it trains."""

import importlib
import itertools
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minigrad.datasets import mnist

ROOT = Path(__file__).parents[2]
MINIGRAD_DATA = os.environ.get("MINIGRAD_DATA")
needs_mnist = pytest.mark.skipif(
    not MINIGRAD_DATA, reason="MINIGRAD_DATA names no folder with the MNIST files"
)


@pytest.fixture
def example(monkeypatch):
    """Imports an example, as `python examples/name.py` would."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    return importlib.import_module


@pytest.fixture
def no_mnist(monkeypatch, tmp_path):
    """A machine without MNIST and without network."""
    monkeypatch.delenv("MINIGRAD_DATA", raising=False)
    monkeypatch.setenv("MINIGRAD_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(mnist, "MIRRORS", ())


def is_picture(path):
    from matplotlib.image import imread

    pixels = imread(path)[:, :, :3]
    return pixels.shape[0] > 200 and len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20


def test_as_a_command(tmp_path):
    """`python examples/by_hand.py`, from anywhere."""
    run = subprocess.run(
        [sys.executable, "-W", "error", str(ROOT / "examples" / "by_hand.py")],
        capture_output=True,
        encoding="utf-8",
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONIOENCODING": "utf-8"},
    )
    assert (run.returncode, run.stderr) == (0, "")
    assert run.stdout.count("difference") == 22


def test_by_hand(example, capsys):
    by_hand = example("by_hand")
    before, after = by_hand.main()
    assert after < before - 0.1
    out = capsys.readouterr().out
    names = "z mean var x̂ y h logits p loss dlogits dW2 db2 dh dy dγ dβ dz dW1 dx m v W1"
    for name in names.split():
        assert f"  {by_hand.padded(name, 7)} = " in out


def test_by_hand_can_fail(example):
    by_hand = example("by_hand")
    W1 = by_hand.parameters["W1"]
    value = by_hand.minigrad.tensor(W1)
    by_hand.show("W1", "", W1, value)
    with pytest.raises(SystemExit, match="W1: by hand"):
        by_hand.show("W1", "", W1 + 1e-9, value)


def test_xor(example, capsys):
    assert example("xor").main(starts=1) < 0.05
    table = capsys.readouterr().out.split("wanted\n")[1].splitlines()[:4]
    for line in table:
        a, b, _, _, p, wanted = map(float, line.split())
        assert wanted == (a != b) and abs(p - wanted) < 0.05


def test_mnist_in_forty_lines(example, no_mnist, capsys, monkeypatch):
    assert len((ROOT / "examples" / "mnist.py").read_text(encoding="utf-8").splitlines()) <= 40
    monkeypatch.setattr(sys, "argv", ["mnist.py"])
    example("mnist")
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("epoch 5: 9") and "of 355 test images" in last


def test_spiral(example, capsys, monkeypatch, tmp_path):
    assert example("spiral").main(["--steps", "200", "--no-picture"]) > 0.95
    assert capsys.readouterr().out.count("%") == 4


@pytest.mark.slow
def test_spiral_picture(example, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "spiral.png"
    example("spiral").main(["--steps", "3", "--output", str(path)])
    assert is_picture(path)


@pytest.mark.slow
def test_hessian(example, capsys, tmp_path):
    """The peak of the plain network's curvature, above 2 / lr, and the loss that jumps there."""
    histories = example("hessian").main(["--steps", "60", "--no-picture"])
    plain, normalized = histories[False], histories[True]
    assert max(plain["curvature"]) > 4 and max(plain["curvature"]) > max(normalized["curvature"])
    assert (np.diff(plain["loss"]) > 0).any() and not (np.diff(normalized["loss"]) > 0).any()
    out = capsys.readouterr().out
    assert out.count("differences of gradients") == 2 and out.count("above 2 / lr") == 2


def test_hessian_finds_the_largest_eigenvalue(example):
    """Of x · A x / 2, whose Hessian is A: also where the smallest is larger in size."""
    hessian = example("hessian")
    rng = np.random.default_rng(0)
    rotation = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    for eigenvalues in ([3.0, 1.0, -1.0, 0.5], [3.0, 1.0, -9.0, 0.5]):
        a = hessian.minigrad.tensor(rotation * eigenvalues @ rotation.T)
        x = hessian.minigrad.tensor(rng.standard_normal(4), requires_grad=True)
        gradient = hessian.minigrad.autograd.grad(x @ a @ x / 2, [x], create_graph=True)
        v = [hessian.minigrad.tensor(rng.standard_normal(4))]
        largest, _ = hessian.largest_curvature(gradient, [x], v)
        assert abs(largest - 3) < 0.02


@pytest.mark.slow
def test_hessian_picture(example, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "hessian.png"
    example("hessian").main(["--steps", "3", "--samples", "50", "--output", str(path)])
    assert is_picture(path)


# mnist_mlp


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_small_digits(example, no_mnist, capsys, seed):
    """Without MNIST: one line says so, and the small digits are learnt."""
    (result,) = example("mnist_mlp").main(["--no-picture", "--seed", seed])
    out, err = capsys.readouterr()
    assert result.test_accuracy >= 0.96
    assert len(result.history) == 30
    assert out.splitlines()[0].startswith("MNIST is not here and cannot be downloaded")
    assert "UCI digits: 1,442 training and 355 test images of 8 × 8 pixels" in out
    assert f"{result.test_accuracy:.2%}" in out.splitlines()[-1]
    assert "\r" not in out and err == ""


@pytest.mark.parametrize("terminal", [True, False])
def test_a_bar_on_a_terminal_only(example, capsys, monkeypatch, terminal):
    pytest.importorskip("tqdm")
    progress = example("_common").progress
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    assert list(progress(itertools.count(), 12, "epoch 1")) == list(range(12))
    out, err = capsys.readouterr()
    assert out == "" and ("epoch 1:   0%" in err) == terminal
    assert err.rpartition("\r")[2] == "" and "\x1b" not in err  # gone at the end


def test_no_bar_without_tqdm(example, monkeypatch):
    monkeypatch.setitem(sys.modules, "tqdm", None)
    assert list(example("_common").progress("abc", 2, "")) == ["a", "b"]


@pytest.mark.slow
def test_compare(example, no_mnist, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "curves.png"
    options = ["--compare", "--epochs", "3", "--output", str(path), "--placement", "after"]
    normalized, plain = example("mnist_mlp").main(options)
    assert normalized.name == "BatchNorm after relu" and plain.name == "without BatchNorm"
    assert normalized.history != plain.history
    assert is_picture(path)


@pytest.mark.parametrize(
    "options",
    [
        ["--optimizer", "sgd"],
        ["--optimizer", "adamw", "--lr", "0.01", "--schedule", "constant"],
        ["--hidden", "32", "--activation", "gelu", "--placement", "after"],
        ["--hidden", "32", "16", "8", "--activation", "tanh"],
        ["--batch-size", "131", "--activation", "sigmoid"],  # 1442 = 11 · 131 + 1
        ["--batch-size", "5000", "--activation", "leaky_relu"],
    ],
)
def test_options(example, no_mnist, capsys, options):
    (result,) = example("mnist_mlp").main(["--no-picture", "--epochs", "2", *options])
    assert result.history[1]["train_loss"] < result.history[0]["train_loss"]


def test_same_seed_same_numbers(example, no_mnist, capsys):
    run = example("mnist_mlp").main
    first, again, other = (
        run(["--no-picture", "--epochs", "2", "--seed", seed])[0].history for seed in "001"
    )
    assert first == again != other


@pytest.mark.parametrize(
    "options",
    [
        ["--epochs", "0"],
        ["--epochs", "2.5"],
        ["--batch-size", "1"],
        ["--batch-size", "-3"],
        ["--lr", "nan"],
        ["--lr", "inf"],
        ["--lr", "0"],
        ["--lr", "-0.1"],
        ["--lr", "fast"],
        ["--hidden", "0"],
        ["--hidden"],
        ["--activation", "step"],
        ["--optimizer", "newton"],
        ["--placement", "around"],
        ["--schedule", "random"],
        ["--seed", "-1"],
        ["--seed", str(2**64)],
        ["--batches", "0"],
        ["--data", "no/such/folder"],
    ],
)
def test_bad_options(example, capsys, options):
    with pytest.raises(SystemExit) as stop:
        example("mnist_mlp").main(options)
    assert stop.value.code == 2
    assert f"error: argument {options[0]}" in capsys.readouterr().err


def test_output_is_tried_before_the_training(example, no_mnist, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    main = example("mnist_mlp").main
    with pytest.raises(SystemExit, match="--output curves.txt: the name must end in one of .*png"):
        main(["--output", "curves.txt"])
    with pytest.raises(SystemExit, match="--output .*: cannot be written"):
        main(["--output", str(tmp_path / "no" / "such.png")])
    assert capsys.readouterr().out == ""


def test_missing_pooch(example, no_mnist, capsys, monkeypatch):
    """The small digits, and what would download MNIST."""
    monkeypatch.setitem(sys.modules, "pooch", None)
    example("mnist_mlp").load(None)
    assert "pip install -e '.[examples]'" in capsys.readouterr().out


def test_missing_matplotlib(example, no_mnist, capsys, monkeypatch):
    """Said before the training, with the extra that has it."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    for name in ("mnist_mlp", "mnist_cnn", "spiral"):
        with pytest.raises(SystemExit, match=r"(?s)needs matplotlib .*\[examples\].*--no-picture"):
            example(name).main([])
    assert capsys.readouterr().out == ""


def test_wrong_data(example, no_mnist, capsys, tmp_path):
    """A wrong file in the named folder ends the program by name; no other data takes its place."""
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"not an image")
    with pytest.raises(SystemExit, match="error: MNIST: .*train-images-idx3-ubyte.gz is refused"):
        example("mnist_mlp").main(["--no-picture", "--data", str(tmp_path)])


def test_diverged(example, no_mnist, capsys):
    options = ["--no-picture", "--optimizer", "sgd", "--lr", "1e30", "--epochs", "5"]
    with pytest.raises(SystemExit, match="The loss is (nan|inf) at batch .*--lr"):
        example("mnist_mlp").main(options)


@needs_mnist
def test_mnist_for_a_few_batches(example, capsys):
    (result,) = example("mnist_mlp").main(["--no-picture", "--epochs", "1", "--batches", "60"])
    assert result.test_accuracy > 0.85
    assert "MNIST: 60,000 training and 10,000 test images" in capsys.readouterr().out


@needs_mnist
@pytest.mark.slow
@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_mnist_accuracy(example, capsys, seed):
    """The promise of the README, whatever the seed."""
    (result,) = example("mnist_mlp").main(["--no-picture", "--seed", seed])
    assert result.test_accuracy >= 0.977


# mnist_cnn


@pytest.fixture
def cnn(example):
    return example("mnist_cnn")


def test_cnn_of_small_digits(cnn, no_mnist, capsys):
    (result,) = cnn.main(["--no-picture", "--epochs", "8"])
    out, err = capsys.readouterr()
    assert result.accuracy >= 0.96
    assert result.confusion.sum() == 355 and result.confusion.shape == (10, 10)
    assert out.splitlines()[0].startswith("MNIST is not here and cannot be downloaded")
    assert out.count("%") == 2 * 8 + 10 + 1
    assert "\r" not in out and err == ""


def test_cnn_counts_parameters_as_the_article(cnn):
    assert cnn.count(cnn.printed(28, 28)) == (347_186, 20)
    assert cnn.count(cnn.plain(28, 28)) == (347_146, 0)
    assert cnn.count(cnn.corrected(28, 28)) == (347_434, 192)


def test_cnn_as_printed(cnn, no_mnist, capsys):
    options = ["--as-printed", "--no-picture", "--epochs", "3", "--train-images", "800"]
    printed, plain, corrected = cnn.main(options)
    assert corrected.accuracy > max(plain.accuracy, printed.accuracy)
    assert type(printed.model[-1]).__name__ == "BatchNorm1d" != type(plain.model[-1]).__name__
    out = capsys.readouterr().out
    assert "800 training" in out and "As printed, the normalization" in out


def test_cnn_loss_of_probabilities(cnn):
    answers = np.array([[-1.0, 0.5, 2.0], [0.2, 0.3, 0.5]])
    clipped = np.clip(answers, 1e-7, 1 - 1e-7)
    expected = -np.log(clipped[[0, 1], [1, 2]] / clipped.sum(1)).mean()
    x = cnn.minigrad.tensor(answers, requires_grad=True)
    loss = cnn.loss_of_probabilities(x, cnn.minigrad.tensor([1, 2]))
    assert abs(loss.item() - expected) < 1e-12
    loss.backward()
    np.testing.assert_array_equal(x.grad.numpy()[0, [0, 2]], [0, 0])
    assert x.grad.numpy()[1].all()


class Largest:
    """In place of random numbers, the largest there could be."""

    def uniform(self, low, high, size):
        return np.full(size, high)


def test_cnn_moves_images(cnn):
    images = np.random.default_rng(0).random((3, 1, 7, 7), dtype=np.float32)
    still = cnn.moved(images, Largest(), 0, 0)
    np.testing.assert_allclose(still, images, atol=1e-6)
    assert still.dtype == np.float32
    shifted = cnn.moved(images, Largest(), 2, 0)
    np.testing.assert_allclose(shifted[:, :, 2:, 2:], images[:, :, :-2, :-2], atol=1e-6)
    assert not shifted[:, :, :2].any() and not shifted[..., :2].any()
    half = cnn.moved(images, Largest(), 0.5, 0)
    expected = (
        images[..., 1:, 1:] + images[..., 1:, :-1] + images[..., :-1, 1:] + images[..., :-1, :-1]
    ) / 4
    np.testing.assert_allclose(half[..., 1:, 1:], expected, atol=1e-6)
    turned = cnn.moved(images, Largest(), 0, 90)
    np.testing.assert_allclose(turned, np.rot90(images, -1, (2, 3)), atol=1e-6)
    rng = np.random.default_rng(1)
    a, b = cnn.moved(images[[0, 0]], rng)
    assert np.abs(a - b).max() > 0.1  # each image in its own way


def test_cnn_augments(cnn, no_mnist, capsys):
    run = cnn.main
    first, again, plain = (
        run(["--no-picture", "--epochs", "2", *options])[0].history
        for options in (["--augment"], ["--augment"], [])
    )
    assert first == again != plain


@pytest.mark.slow
def test_cnn_picture(cnn, no_mnist, capsys, tmp_path):
    pytest.importorskip("matplotlib")
    path = tmp_path / "filters.png"
    (result,) = cnn.main(["--epochs", "1", "--batches", "3", "--output", str(path)])
    assert is_picture(path)
    before, after = result.filters
    assert before.shape == after.shape == (32, 1, 3, 3) and np.abs(before - after).max() > 1e-4


@pytest.mark.parametrize(
    "options",
    [["--train-images", "1"], ["--epochs", "0"], ["--batch-size", "1"], ["--lr", "0"],
     ["--data", "no/such/folder"], ["--seed", "-1"], ["--batches", "0"]],
)  # fmt: skip
def test_cnn_bad_options(cnn, capsys, options):
    with pytest.raises(SystemExit) as stop:
        cnn.main(options)
    assert stop.value.code == 2
    assert f"error: argument {options[0]}" in capsys.readouterr().err


@needs_mnist
@pytest.mark.slow
@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_cnn_accuracy(cnn, capsys, seed):
    """The promise of the README, whatever the seed."""
    (result,) = cnn.main(["--no-picture", "--seed", seed])
    assert result.accuracy >= 0.985
