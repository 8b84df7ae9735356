"""Errors whose first advice led astray: they name the mistake that was probably made."""

import pytest

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F

SCORES = mg.randn(4, 3, requires_grad=True)
LABELS = mg.tensor([0, 1, 2, 0])


@pytest.mark.parametrize(
    ("loss", "advice"),
    [
        (lambda: (SCORES.argmax(1) == LABELS).sum(), "it is minigrad.int64: argmax, ==, .*slope"),
        (lambda: (SCORES.argmax(1) == LABELS).any(), "it is minigrad.bool: argmax, =="),
        (lambda: (SCORES.argmax(1) == LABELS).float().mean(), "argmax and == end the history"),
        (
            lambda: mg.tensor(F.cross_entropy(SCORES, LABELS).item()),
            r"\.item\(\).* end the history",
        ),
        (lambda: SCORES.detach().sum(), r"\.detach\(\).*only if these are inputs of your own"),
    ],
)
def test_a_loss_without_history(loss, advice):
    """requires_grad=True on an input, the old advice, would change nothing."""
    with pytest.raises(mg.GraphError, match=f"backward: this tensor does not require .*{advice}"):
        loss().backward()


@pytest.mark.parametrize("loss", [F.cross_entropy, F.nll_loss, nn.CrossEntropyLoss()])
@pytest.mark.parametrize("dtype", [mg.int64, mg.uint8])
def test_labels_and_scores_swapped(loss, dtype):
    with pytest.raises(
        mg.DTypeError, match=r"input is .*int.* look swapped; write \w+\(scores, la"
    ):
        loss(LABELS.to(dtype), SCORES)
    with pytest.raises(mg.DTypeError, match=r"convert it with \.float\(\)$"):
        loss(LABELS, LABELS)


@pytest.mark.parametrize(
    "layer", [nn.Linear(3, 2), lambda x: F.conv2d(x.reshape(1, 1, 4, 3), mg.ones(1, 1, 2, 2))]
)
def test_bytes_want_to_be_scaled(layer):
    pixels = mg.ones(4, 3, dtype=mg.uint8)
    with pytest.raises(mg.DTypeError, match=r"with \.float\(\), and pixels with \.float\(\) / 255"):
        layer(pixels)
    with pytest.raises(mg.DTypeError, match=r"convert it with \.float\(\)$"):
        layer(pixels.long())


def test_a_gradient_that_is_none():
    w = mg.ones(2, requires_grad=True)
    rate = mg.tensor(0.1)
    for wrong in (lambda: rate * w.grad, lambda: w - w.grad, lambda: w.sub_(None)):
        with pytest.raises(
            TypeError, match="got NoneType; if it is a .grad, no backward has writt"
        ):
            wrong()


def test_a_parameter_moved_by_an_assignment():
    w = mg.ones(2, requires_grad=True)
    (w * w).sum().backward()
    moved = w - 0.1 * w.grad
    with pytest.warns(UserWarning, match=r"Was it w = w - lr \* w\.grad\? .* under no_grad\(\)"):
        assert moved.grad is None
    for other in (w - w, w * 2, w.detach() - 2 * w):
        with pytest.warns(UserWarning) as seen:
            assert other.grad is None
        assert "Was it" not in str(seen[0].message)
