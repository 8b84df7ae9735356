"""Losses: values and gradients are torch's; options are held and checked."""

import numpy as np
import pytest
from helpers.grids import for_each

import minigrad
from minigrad import nn

RNG = np.random.default_rng(0)
LOGITS, LABELS = RNG.standard_normal((6, 4)), np.array([0, 3, 1, -100, 2, 3])
SOFT = RNG.dirichlet(np.ones(4), size=6)
VALUES = RNG.standard_normal((6, 4))
WEIGHT = RNG.uniform(0.5, 2, 4)
PROBABILITIES = RNG.random((6, 4))

CASES = [
    ("MSELoss", LOGITS, VALUES, [{}]),
    ("L1Loss", LOGITS, VALUES, [{}]),
    ("SmoothL1Loss", LOGITS, VALUES, [{}, {"beta": 0.4}]),
    ("BCELoss", PROBABILITIES, SOFT, [{}, {"weight": WEIGHT}]),
    ("CrossEntropyLoss", LOGITS, LABELS, [{}, {"weight": WEIGHT}, {"label_smoothing": 0.1},
     {"weight": WEIGHT, "label_smoothing": 0.3}, {"ignore_index": 3}]),
    ("CrossEntropyLoss", LOGITS, SOFT, [{}, {"weight": WEIGHT, "label_smoothing": 0.2}]),
    ("NLLLoss", LOGITS, LABELS, [{}, {"weight": WEIGHT}, {"ignore_index": 3}]),
    ("BCEWithLogitsLoss", LOGITS, PROBABILITIES,
     [{}, {"weight": WEIGHT}, {"pos_weight": WEIGHT}, {"weight": VALUES**2, "pos_weight": WEIGHT}]),
]  # fmt: skip


@for_each("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize(
    ("name", "x", "target", "options"),
    [(name, x, target, each) for name, x, target, options in CASES for each in options],
)
def test_losses_are_torchs(torch, name, x, target, options, reduction):
    if name != "MSELoss" and target is LABELS and options.get("ignore_index") == 3:
        target = np.where(target == -100, 0, target)
    results = []
    for library in (minigrad, torch):
        tensors = {
            key: library.tensor(value) if isinstance(value, np.ndarray) else value
            for key, value in options.items()
        }
        loss = getattr(library.nn, name)(reduction=reduction, **tensors)
        logits = library.tensor(x, requires_grad=True)
        y = loss(logits, library.tensor(target))
        dy = np.random.default_rng(1).standard_normal(tuple(y.shape))
        y.backward(library.tensor(dy))
        results.append((y.detach().numpy(), logits.grad.numpy(), repr(loss), loss.state_dict()))
    for one, other in zip(results[0][:2], results[1][:2], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-10, atol=1e-13)
    assert results[0][2] == results[1][2]
    assert list(results[0][3]) == list(results[1][3])


def test_options_are_checked_at_construction():
    for kind in (nn.MSELoss, nn.NLLLoss, nn.CrossEntropyLoss, nn.BCEWithLogitsLoss):
        name = kind.__name__
        for wrong in ("average", None, 1, ["mean"]):
            with pytest.raises(ValueError, match=f"{name}: reduction must be 'none', 'mean' or"):
                kind(reduction=wrong)
    for kind in (nn.NLLLoss, nn.CrossEntropyLoss, nn.BCEWithLogitsLoss):
        for wrong in ([1.0, 2.0], np.ones(4), 1.0):
            with pytest.raises(TypeError, match=f"{kind.__name__}: weight must be a Tensor or"):
                kind(wrong)
    with pytest.raises(TypeError, match="pos_weight must be a Tensor or None, got float"):
        nn.BCEWithLogitsLoss(pos_weight=2.0)
    for wrong in (-0.1, 1.1, float("nan")):
        with pytest.raises(ValueError, match="CrossEntropyLoss: label_smoothing must be finite"):
            nn.CrossEntropyLoss(label_smoothing=wrong)
    for wrong in (1.0, None, True, "x"):
        with pytest.raises(TypeError, match="ignore_index must be an integer"):
            nn.NLLLoss(ignore_index=wrong)


@pytest.mark.parametrize("name", ["MSELoss", "L1Loss", "CrossEntropyLoss", "BCELoss", "NLLLoss"])
def test_the_older_arguments_are_answered_with_what_to_write(name):
    for options, meant in (
        ({"size_average": False}, "sum"),
        ({"size_average": True}, "mean"),
        ({"reduce": False, "size_average": False}, "none"),
    ):
        with pytest.raises(ValueError, match=f"{name}: .*; write reduction='{meant}'"):
            getattr(nn, name)(**options)


def test_weights_are_buffers():
    loss = nn.CrossEntropyLoss(minigrad.tensor([1.0, 2.0]))
    assert list(loss.state_dict()) == ["weight"] and not list(loss.parameters())
    assert loss.double().weight.dtype is minigrad.float64
